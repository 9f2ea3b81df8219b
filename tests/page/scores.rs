//! What the layers scored, in a conversation and in an experiment.

use std::fs;

use super::{Browser, PATIENCE, Page, Ranges, Server, dist, golden};

fn panel(page: &Page<'_>) -> String {
    page.browser.text("#panel").unwrap_or_default()
}

fn wait_panel(page: &Page<'_>, what: &str) -> String {
    page.browser.wait_for(&format!("the panel to say “{what}”"), PATIENCE, || {
        Some(panel(page)).filter(|text| text.contains(what))
    })
}

/// Questions of the page's suite that the panel says are done.
fn done(text: &str) -> Option<usize> {
    text.split(" of 420").next()?.split_whitespace().next_back()?.parse().ok()
}

#[test]
fn a_session_and_a_suite_are_counted_by_layer() {
    let (server, browser) = (Server::start(&dist(), Ranges::On), Browser::start());
    let page = Page::open_as_it_is(&browser, &server);
    page.wait_loaded(PATIENCE);
    page.send("What is 605 * 1213?");
    page.wait_answer(PATIENCE);
    page.press("Scores");
    let told = wait_panel(&page, "733865 by");
    assert!(told.contains("1 of 1") && told.contains("–"), "{told}");
    page.fill("The right answer to: What is 605 * 1213?", "733,865\n");
    browser.press("\u{e004}");
    let told = wait_panel(&page, "· right");
    assert!(told.contains("100.0 % ["), "{told}");

    // The page's own suite rests midway, and goes on where it was.
    page.press("Run the page's suite");
    page.press("Pause");
    browser.wait_find("button", "Resume", PATIENCE);
    let rested = done(&panel(&page)).unwrap();
    assert!((1..420).contains(&rested), "{rested}");
    page.press("Resume");
    browser.wait_for("more answers", PATIENCE, || done(&panel(&page)).filter(|done| *done > rested));
    page.press("Pause");
    browser.wait_find("button", "Resume", PATIENCE);

    // A suite with a question that no layer has right, and one that asks for nothing.
    let suite = tempfile::NamedTempFile::with_suffix(".jsonl").unwrap();
    let questions = "{\"question\":\"What is 12 times 11?\",\"answer\":132}\n{\"question\":\"Hello\",\"answer\":null}\n\
                     {\"question\":\"What is 2 + 2?\",\"answer\":5}\n{\"question\":\"81 / 9\",\"answer\":9}\n";
    fs::write(suite.path(), questions).unwrap();
    browser.type_into("#suite-file", suite.path().to_str().unwrap());
    let told = wait_panel(&page, "4 of 4");
    assert!(told.contains("Met rightly, the gate counted: 75.0 %"), "{told}");
    assert!(told.contains("1 not met rightly") && told.contains("66.7 %"), "{told}");
    // The same once more, without layers: compared with what was before.
    page.press("Settings");
    browser.script("document.getElementById('layers').click();", vec![]);
    page.press("Scores");
    browser.type_into("#suite-file", suite.path().to_str().unwrap());
    wait_panel(&page, "without WASM layers");
    let told = wait_panel(&page, "4 of 4");
    assert!(told.contains("Compared with Wattage Tiny, with WASM layers"), "{told}");
    assert!(told.contains("answers differ"), "{told}");

    fs::write(suite.path(), "{\"question\": 1}").unwrap();
    browser.type_into("#suite-file", suite.path().to_str().unwrap());
    wait_panel(&page, "line 1 is not");
    browser.assert_no_console_errors();
}

#[test]
fn an_experiment_does_not_go_on_with_another_model() {
    let (server, browser) = (Server::start(&dist(), Ranges::On), Browser::start());
    let page = Page::open_as_it_is(&browser, &server);
    page.wait_loaded(PATIENCE);
    page.press("Scores");
    page.press("Run the page's suite");
    wait_panel(&page, "2 of 420");
    page.choose_files(&[&golden("qwen2-tiny.gguf")]);
    browser.wait_for("the other model", PATIENCE, || {
        let ready = browser.script(
            "return document.querySelector('header').innerText.includes('qwen2 tiny')
                 && document.getElementById('composer-hint').textContent.includes('Enter sends');",
            vec![],
        );
        (ready == true).then_some(())
    });
    page.press("Resume");
    let told = wait_panel(&page, "This run was begun with");
    let rested = done(&told).unwrap();
    assert!((2..100).contains(&rested), "{rested}");
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert_eq!(done(&panel(&page)), Some(rested));
}
