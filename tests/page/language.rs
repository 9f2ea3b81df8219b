//! The interface in another language.

use super::{Browser, PATIENCE, Page, Ranges, Server, dist};

#[test]
fn the_interface_changes_its_language_and_loses_nothing() {
    let (server, browser) = (Server::start(&dist(), Ranges::On), Browser::start());
    let page = Page::open_as_it_is(&browser, &server);
    page.wait_loaded(PATIENCE);
    let ask = |script: &str| browser.script(script, vec![]);
    let lang = || ask("return document.documentElement.lang;");
    let wait_value = |value: &str| {
        browser.wait_for(&format!("{value} to be computed"), PATIENCE, || {
            let last = ask("return [...document.querySelectorAll('[data-field=value]')].at(-1)?.textContent ?? '';");
            (last == value).then_some(())
        });
        browser.wait_for("the answer to end", PATIENCE, || {
            (ask("return document.querySelector('[role=log]').ariaBusy;") == "false").then_some(())
        });
    };
    assert_eq!(lang(), "en");
    page.send("12 * 11");
    wait_value("132");
    page.write("now add 10 to that");
    page.press("Edit");
    page.fill("The message in other words", "12 * 11 * 10");
    page.press("Model");
    page.fill("Model address", "https://example.org/half");
    page.press("Settings");
    browser.select("Language of the interface", "de", PATIENCE);
    browser.wait_find("button", "Senden", PATIENCE);
    assert_eq!(lang(), "de");
    assert_eq!(browser.text("#panel-title").as_deref(), Some("Einstellungen"));
    // The keyboard is where it was.
    browser.wait_for("the keyboard", PATIENCE, || {
        (ask("return document.activeElement?.id ?? '';") == "language").then_some(())
    });
    // The draft and the model are there: the one is sent to the other.
    assert_eq!(ask("return document.getElementById('message').value;"), "now add 10 to that");
    // So is what else was being written.
    assert_eq!(ask("return document.querySelector('form.edit textarea').value;"), "12 * 11 * 10");
    page.press("Modell");
    let address = ask("return document.querySelector('.pick-url input').value;");
    assert_eq!(address, "https://example.org/half");
    assert!(browser.text(".model-state").is_some_and(|text| text.contains("Wattage Tiny")));
    page.press("Senden");
    wait_value("142");
    assert!(page.log().contains("12 * 11"), "the conversation is gone: {}", page.log());
    let log = page.log();
    assert!(log.contains("Berechnung verlangt (Gate ") && log.contains("gewählt"), "{log}");
    // By this name programs know the table, and by these classes the style sheet its rows.
    let rows = ask("return [...document.querySelectorAll('table')].filter(table => table.caption?.innerText === 'Layer candidates')
         .map(table => table.querySelectorAll('tbody tr.chosen').length);");
    assert_eq!(rows, serde_json::json!([1, 1]));

    browser.open(&server.url(""));
    browser.wait_find("textbox", "Nachricht", PATIENCE);
    assert_eq!(lang(), "de");
    page.press("Einstellungen");
    browser.select("Sprache der Oberfläche", "en", PATIENCE);
    browser.wait_find("button", "Send", PATIENCE);
    assert_eq!(lang(), "en");
    page.wait_loaded(PATIENCE);
    browser.assert_no_console_errors();
}
