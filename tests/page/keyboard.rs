//! Where the keyboard goes when what it was at goes away.

use std::time::Duration;

use super::{Browser, PATIENCE, Page, Ranges, Server, dist};

/// Longer than the page takes to look for a place.
const MOMENT: Duration = Duration::from_millis(400);

#[test]
fn closing_a_panel_moves_nothing_and_reading_is_left_alone() {
    let (server, browser) = (Server::start(&dist(), Ranges::On), Browser::start());
    let page = Page::open_as_it_is(&browser, &server);
    page.wait_loaded(PATIENCE);
    for question in ["What is 605 * 1213?", "What is 15% of 80?", "12 + 30"] {
        page.send(question);
        page.wait_answer(PATIENCE);
    }
    let scrolled =
        || browser.script("return document.querySelector('.scroll').scrollTop;", vec![]).as_f64().unwrap_or_default();
    let keyboard = || {
        std::thread::sleep(MOMENT);
        let at = browser.script("return document.activeElement.id || document.activeElement.innerText;", vec![]);
        at.as_str().unwrap_or_default().to_owned()
    };
    let before = scrolled();
    assert!(before > 0.0, "the conversation fits the window");
    for escape in [false, true] {
        page.press("Settings");
        page.fill("System prompt", "Be brief.");
        if escape {
            browser.press("\u{e00c}");
        } else {
            page.press("Close");
        }
        assert_eq!(keyboard(), "open-settings");
        assert!((scrolled() - before).abs() < 2.0, "the conversation moved from {before} to {}", scrolled());
    }

    // Somebody who has pressed on plain text reads; a row that goes away then takes the keyboard nowhere.
    page.press("History");
    page.press("Rename: What is 605 * 1213?");
    let at_nothing = |gone: &str| {
        browser.script(gone, vec![]);
        std::thread::sleep(MOMENT);
        browser.script("return document.activeElement === document.body;", vec![]) == true
    };
    let pressed =
        "document.querySelector('#panel .hint').dispatchEvent(new PointerEvent('pointerdown', { bubbles: true }));
                   document.activeElement.blur();";
    assert!(at_nothing(&format!("{pressed} document.querySelector('#panel li').remove();")));
    // Without that, the keyboard stays in the panel.
    assert!(!at_nothing("document.querySelector('#panel .row button').focus(); document.activeElement.remove();"));
}
