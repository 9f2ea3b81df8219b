//! A link with a question and settings.

use super::{Browser, PATIENCE, Page, Ranges, Server, dist};

#[test]
fn a_link_brings_a_question_and_offers_settings() {
    let (server, browser) = (Server::start(&dist(), Ranges::On), Browser::start());
    let page = Page::open(&browser, &server);
    page.press("Settings");
    page.fill("System prompt", "Answer like a pirate.");
    page.write("What is 2 + 3? & \"more\"");
    let link = browser.script(
        "const copied = new Promise(done => Object.defineProperty(navigator.clipboard, 'writeText',
             { configurable: true, value: text => { done(text); return Promise.resolve(); } }));
         Array.from(document.querySelectorAll('#panel button')).find(button => button.innerText === 'Copy').click();
         return await copied;",
        vec![],
    );
    // Backspace.
    page.fill("System prompt", "\u{e003}");
    browser.open("about:blank");
    browser.open(link.as_str().unwrap());
    browser.wait_find("textbox", "Message", PATIENCE);
    let draft = || browser.script("return document.getElementById('message').value;", vec![]);
    browser.wait_for("the question", PATIENCE, || (draft() == "What is 2 + 3? & \"more\"").then_some(()));
    // Somebody else's settings are used when they are taken, and not before.
    let prompt =
        || browser.script("return JSON.parse(localStorage.getItem('wattage.settings') ?? '{}').system ?? '';", vec![]);
    assert_eq!(prompt(), "");
    page.press("Use its settings");
    browser.wait_for("the settings", PATIENCE, || (prompt() == "Answer like a pirate.").then_some(()));
    let address = browser.script("return location.href;", vec![]);
    assert!(!address.as_str().unwrap().contains('#'), "{address}");

    // The same link in a tab that has the page open already.
    page.fill("Message", "Something else");
    let fragment = link.as_str().unwrap().split_once('#').unwrap().1;
    browser.script("location.hash = arguments[0];", vec![fragment.into()]);
    browser.wait_for("the question", PATIENCE, || (draft() == "What is 2 + 3? & \"more\"").then_some(()));

    // A question that no link holds.
    browser.script(
        "const box = document.getElementById('message');
         box.value = 'why '.repeat(20000);
         box.dispatchEvent(new Event('input', { bubbles: true }));",
        vec![],
    );
    page.press("Settings");
    browser.wait_for("what is said of it", PATIENCE, || {
        browser.text("#panel").filter(|text| text.contains("The question is too long for a link."))
    });
    browser.assert_no_console_errors();
}
