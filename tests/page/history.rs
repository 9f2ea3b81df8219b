//! Conversations that are kept: over reloads, crashes and files.

use std::fs;

use serde_json::Value;

use super::{Browser, PATIENCE, Page, Ranges, Server, dist, golden};

/// The titles in the history, the latest first.
fn titles(page: &Page<'_>) -> Vec<String> {
    let titles = page.browser.script(
        "return Array.from(document.querySelectorAll('[aria-label=Conversations] .title'), title => title.innerText);",
        vec![],
    );
    serde_json::from_value(titles).unwrap()
}

fn wait_titles(page: &Page<'_>, wanted: &[&str]) {
    page.browser
        .wait_for(&format!("the conversations {wanted:?}"), PATIENCE, || (titles(page) == wanted).then_some(()));
}

/// Presses a button that saves a file, and gives what is saved.
fn saved(page: &Page<'_>, button: &str) -> String {
    page.browser.script(
        "window.saved = null;
         const make = URL.createObjectURL.bind(URL);
         URL.createObjectURL = blob => { window.saved = blob; return make(blob); };",
        vec![],
    );
    page.press(button);
    page.browser.wait_for("the file", PATIENCE, || {
        let text = page.browser.script("return window.saved && await window.saved.text();", vec![]);
        text.as_str().map(str::to_owned)
    })
}

#[test]
fn a_conversation_survives_a_reload_and_is_searched_renamed_exported_imported_and_deleted() {
    let (server, browser) = (Server::start(&dist(), Ranges::On), Browser::start());
    let page = Page::open_as_it_is(&browser, &server);
    page.wait_loaded(PATIENCE);
    page.send("What is 605 * 1213?");
    page.wait_answer(PATIENCE);
    let rows = page.layer_rows();
    page.press("New chat");
    page.send("Hello");
    page.wait_answer(PATIENCE);

    // Another visit: the tab opens what it had open, and the rest is in the history with all that belonged to it.
    let page = Page::open_as_it_is(&browser, &server);
    page.wait_loaded(PATIENCE);
    browser.wait_for("the open conversation", PATIENCE, || page.log().contains("Hello").then_some(()));
    page.press("History");
    wait_titles(&page, &["Hello", "What is 605 * 1213?"]);
    page.press("What is 605 * 1213?");
    browser.wait_for("the other one", PATIENCE, || (page.computed().as_deref() == Some("733865")).then_some(()));
    assert_eq!(page.layer_rows(), rows);
    // It goes on where it was.
    page.send("now add 10 to that");
    page.wait_answer(PATIENCE);
    assert_eq!(page.computed().as_deref(), Some("733875"));
    wait_titles(&page, &["What is 605 * 1213?", "Hello"]);

    page.fill("Search", "733875");
    wait_titles(&page, &["What is 605 * 1213?"]);
    page.press("Rename: What is 605 * 1213?");
    page.fill("Title", "A product");
    page.press("Save");
    wait_titles(&page, &["A product"]);
    page.fill("Search", "no such words");
    wait_titles(&page, &[]);
    page.fill("Search", "PRODUCT");
    wait_titles(&page, &["A product"]);

    let markdown = saved(&page, "Export as Markdown: A product");
    assert!(markdown.starts_with("# A product\n\n> What is 605 * 1213?\n\nComputed by layer"), "{markdown}");
    assert!(markdown.contains("`733865`") && markdown.contains("f64.mul"), "{markdown}");
    let json = saved(&page, "Export as JSON: A product");
    let read: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(read["conversations"][0]["messages"].as_array().unwrap().len(), 4);

    // Somebody else's browser would read it so.
    page.press("Delete: A product");
    page.press("Delete for good: A product");
    page.fill("Search", " ");
    wait_titles(&page, &["Hello"]);
    let file = tempfile::NamedTempFile::with_suffix(".json").unwrap();
    fs::write(file.path(), json).unwrap();
    browser.type_into("#history-file", file.path().to_str().unwrap());
    wait_titles(&page, &["A product", "Hello"]);
    page.press("A product");
    browser.wait_for("the imported one", PATIENCE, || (page.computed().as_deref() == Some("733875")).then_some(()));
    assert!(browser.text(".imported").unwrap().contains("came from a file"));
    fs::write(file.path(), "{}").unwrap();
    browser.type_into("#history-file", file.path().to_str().unwrap());
    browser.wait_for("the refusal", PATIENCE, || {
        browser.text("#panel").filter(|text| text.contains("not a file of conversations"))
    });
    browser.assert_no_console_errors();
}

#[test]
fn a_question_asked_in_other_words_branches_off() {
    let (server, browser) = (Server::start(&dist(), Ranges::On), Browser::start());
    let page = Page::open_as_it_is(&browser, &server);
    page.wait_loaded(PATIENCE);
    page.send("12 * 11");
    page.wait_answer(PATIENCE);
    page.send("now add 10 to that");
    page.wait_answer(PATIENCE);
    browser.script("Array.from(document.querySelectorAll('.message.user button.edit')).at(-1).click();", vec![]);
    page.fill("The message in other words", "now add 20 to that");
    page.press("Ask in a new branch");
    page.wait_answer(PATIENCE);
    assert_eq!(page.computed().as_deref(), Some("152"));
    assert_eq!(page.answers().len(), 2);
    page.press("History");
    wait_titles(&page, &["12 * 11", "12 * 11"]);
    browser.script("document.querySelectorAll('[aria-label=Conversations] .title')[1].click();", vec![]);
    browser.wait_for("the old one", PATIENCE, || (page.computed().as_deref() == Some("142")).then_some(()));
}

#[test]
fn two_tabs_with_one_conversation_do_not_write_over_each_other() {
    let (server, browser) = (Server::start(&dist(), Ranges::On), Browser::start());
    let page = Page::open_as_it_is(&browser, &server);
    page.wait_loaded(PATIENCE);
    page.send("12 * 11");
    page.wait_answer(PATIENCE);
    browser.open_tab(&server.url(""));
    browser.wait_find("textbox", "Message", PATIENCE);
    page.wait_loaded(PATIENCE);
    page.press("History");
    wait_titles(&page, &["12 * 11"]);
    page.press("12 * 11");
    browser
        .wait_for("the copy", PATIENCE, || browser.text("#panel").filter(|text| text.contains("this is a copy of it")));
    page.send("now add 10 to that");
    page.wait_answer(PATIENCE);
    assert_eq!(page.computed().as_deref(), Some("142"));
    wait_titles(&page, &["12 * 11", "12 * 11"]);
    browser.switch_tab(0);
    page.send("now add 20 to that");
    page.wait_answer(PATIENCE);
    // Both are there, each as its tab left it.
    let page = Page::open_as_it_is(&browser, &server);
    browser.wait_for("this tab's own", PATIENCE, || (page.computed().as_deref() == Some("152")).then_some(()));
    page.press("History");
    browser.script("document.querySelectorAll('[aria-label=Conversations] .title')[1].click();", vec![]);
    // The other tab has it open.
    browser.wait_for("the other tab's", PATIENCE, || (page.computed().as_deref() == Some("142")).then_some(()));
}

#[test]
fn what_was_shown_of_an_answer_is_there_after_a_crash() {
    let (server, browser) = (Server::start(&dist(), Ranges::On), Browser::start());
    let page = Page::open(&browser, &server);
    page.run_on("cpu");
    page.load_model(&[&golden("qwen2-tiny.gguf")], PATIENCE);
    page.answer_exactly(2000);
    page.send("Hello there");
    // The page is gone in the middle of an answer, with no time to say goodbye.
    let shown = browser.wait_for("an answer that grows", PATIENCE, || {
        let shown = browser.script(
            "const text = Array.from(document.querySelectorAll('[role=log] [aria-label=Answer]')).at(-1)?.textContent ?? '';
             const busy = document.querySelector('[role=log]').ariaBusy === 'true';
             if (!busy || text.length < 1200) return null;
             location.reload();
             return text.length;",
            vec![],
        );
        shown.as_u64()
    });
    browser.wait_find("textbox", "Message", PATIENCE);
    let kept = browser.wait_for("the answer", PATIENCE, || page.answers().pop());
    assert!(kept.contains("before this answer was complete"), "{kept}");
    let kept = kept.chars().count() as u64;
    // A write that was under way may be lost: on a busy machine some hundred letters.
    assert!(2 * kept >= shown, "{kept} of {shown} letters");
}
