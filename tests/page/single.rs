//! The page as one file: opened from disk, with no server and no network.

use super::{Browser, PATIENCE, Page, dist};

#[test]
fn one_file_loads_chats_and_computes() {
    let file = dist().join("wattage-offline.html").canonicalize().expect("the single file; `make offline` makes it");
    let browser = Browser::start();
    browser.open(&format!("file://{}", file.display()));
    browser.wait_find("textbox", "Message", PATIENCE);
    let page = Page { browser: &browser };
    page.wait_loaded(PATIENCE);
    page.send("What is 605 * 1213?");
    page.wait_answer(PATIENCE);
    assert_eq!(page.computed().as_deref(), Some("733865"));
    let rows = page.layer_rows();
    assert!(rows.len() >= 3 && rows.iter().any(|row| row.status == "chosen"), "{rows:?}");
    page.send("now add 10 to that");
    page.wait_answer(PATIENCE);
    assert_eq!(page.computed().as_deref(), Some("733875"));
    page.press("Device");
    let told = browser
        .wait_for("the page to tell of it", PATIENCE, || browser.text("#offline").filter(|text| !text.is_empty()));
    assert!(told.contains("needs no network"), "{told}");
    let fetched = browser.script("return performance.getEntriesByType('resource').map(entry => entry.name);", vec![]);
    let outside = |name: &&serde_json::Value| {
        !name.as_str().is_some_and(|name| name.starts_with("blob:") || name.starts_with("data:"))
    };
    assert_eq!(fetched.as_array().unwrap().iter().find(outside), None);
    browser.assert_no_console_errors();
}
