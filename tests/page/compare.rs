//! An answer beside the one without the WASM layers, and what each number in it is.

use super::{Browser, PATIENCE, Page, Ranges, Server, dist};

#[test]
fn an_answer_is_compared_with_the_one_without_layers() {
    let (server, browser) = (Server::start(&dist(), Ranges::On), Browser::start());
    let page = Page::open_as_it_is(&browser, &server);
    page.wait_loaded(PATIENCE);
    page.send("What is 605 * 1213?");
    page.wait_answer(PATIENCE);
    let figures = |side: usize| {
        let figures = browser.script(
            "const side = document.querySelectorAll('.side')[arguments[0]];
             return Array.from(side.querySelectorAll('.paragraph > .figure, .paragraph strong .figure'), figure =>
                 [figure.innerText, figure.className.replace('figure is-', '')]).filter(figure => figure[1]);",
            vec![side.into()],
        );
        serde_json::from_value::<Vec<(String, String)>>(figures).unwrap()
    };
    let with = figures(0);
    assert!(with.contains(&("733865".into(), "computed".into())), "{with:?}");
    assert!(with.contains(&("605".into(), "given".into())), "{with:?}");

    page.press("Compare without layers");
    let titles = browser.wait_for("two answers", PATIENCE, || {
        let titles = browser
            .script("return Array.from(document.querySelectorAll('.side > h3'), title => title.innerText);", vec![]);
        Some(titles).filter(|titles| titles.as_array().is_some_and(|titles| titles.len() == 2))
    });
    assert_eq!(titles, serde_json::json!(["With WASM layers", "Without WASM layers"]));
    page.wait_answer(PATIENCE);
    // The embedded model alone does not even try.
    let other = browser.text("[aria-label='The other answer']").unwrap();
    assert!(!other.contains("733865") && other.contains("tokens at"), "{other}");
    assert!(figures(1).iter().all(|(_, origin)| origin != "computed"), "{other}");
    // The first answer is as it was.
    assert_eq!(figures(0), with);

    // Both are there after a reload.
    std::thread::sleep(std::time::Duration::from_millis(1500));
    browser.open(&server.url(""));
    page.wait_loaded(PATIENCE);
    page.press("History");
    page.press("What is 605 * 1213?");
    let again = browser.wait_for("both answers", PATIENCE, || browser.text("[aria-label='The other answer']"));
    assert!(again.contains("Without WASM layers") && !again.contains("733865"), "{again}");
    assert_eq!(figures(0), with);
    browser.assert_no_console_errors();
}
