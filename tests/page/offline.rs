//! Flight mode: what the service worker keeps, and how a newer build takes the place of an old one.

use std::fs;
use std::path::Path;

use super::{Browser, PATIENCE, Page, Ranges, Server, dist};

/// The question whose answer is known, and its answer.
const ASKED: (&str, &str) = ("What is 605 * 1213?", "733865");

fn wait_kept(browser: &Browser) {
    browser.wait_for("the page to be kept", PATIENCE, || {
        let state = browser.script(
            "const all = await navigator.serviceWorker.getRegistrations();
             return all[0]?.active?.state === 'activated' && !all[0].installing;",
            vec![],
        );
        (state == true).then_some(())
    });
}

#[test]
fn the_second_visit_needs_no_network() {
    let server = Server::start(&dist(), Ranges::On);
    let browser = Browser::start();
    let address = server.url("");
    Page::open_as_it_is(&browser, &server).wait_loaded(PATIENCE);
    wait_kept(&browser);
    drop(server);

    browser.open(&address);
    let page = Page { browser: &browser };
    page.wait_loaded(PATIENCE);
    page.send(ASKED.0);
    page.wait_answer(PATIENCE);
    assert_eq!(page.computed().as_deref(), Some(ASKED.1));
    page.press("Device");
    let told = browser.wait_for("the page to tell of it", PATIENCE, || {
        browser.text("#offline").filter(|text| !text.is_empty() && !text.contains("being kept"))
    });
    assert!(told.contains("work without a network"), "{told}");
    // Ranges of a kept file: its beginning, its end, one outside it, and what is none.
    let ranges = browser.script(
        "const asked = async range => {
             const got = await fetch('models/wattage-tiny/base.gguf', { headers: { range } });
             return [got.status, got.headers.get('content-range')?.split('/')[0], (await got.text()).slice(0, 9)];
         };
         const size = (await (await fetch('models/wattage-tiny/base.gguf')).blob()).size;
         const [status, range, text] = await asked('bytes=-2');
         return [await asked('bytes=0-3'), await asked('bytes=999999999-'), [status, range === `bytes ${size - 2}-${size - 1}`],
             (await asked('lines=1-2'))[0]];",
        vec![],
    );
    assert_eq!(ranges, serde_json::json!([[206, "bytes 0-3", "GGUF"], [416, "bytes *", ""], [206, true], 200]));
}

#[test]
fn a_newer_build_takes_over_when_asked_and_a_broken_one_does_not() {
    let folder = tempfile::tempdir().unwrap();
    copy(&dist(), folder.path());
    let server = Server::start(folder.path(), Ranges::On);
    let browser = Browser::start();
    let page = Page::open(&browser, &server);
    wait_kept(&browser);
    let title = || browser.script("return document.title;", vec![]);
    let look_for_newer = || {
        browser.script(
            "const [registration] = await navigator.serviceWorker.getRegistrations();
             await registration.update().catch(() => {});
             while (registration.installing) await new Promise(done => setTimeout(done, 50));
             return registration.waiting !== null;",
            vec![],
        ) == true
    };

    // A build whose page does not have the bytes that its list promises, as one that is being copied to the server.
    let index = folder.path().join("index.html");
    let old = fs::read_to_string(&index).unwrap();
    let worker = folder.path().join("service_worker.js");
    let list = fs::read_to_string(&worker).unwrap();
    fs::write(&worker, list.replace("\"index.html\": \"sha256-", "\"index.html\": \"sha256-AAAA")).unwrap();
    assert!(!look_for_newer(), "a broken build was taken");
    browser.open(&server.url(""));
    assert_eq!(title(), "Wattage");

    // A whole one: it waits, is offered, and is what the page then is.
    fs::write(&index, old.replace("<title>Wattage</title>", "<title>Wattage, newer</title>")).unwrap();
    let hash = |name: &str| {
        let hash = browser.script(
            "const bytes = await (await fetch('copy-of-' + arguments[0])).arrayBuffer();
             const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
             return 'sha256-' + btoa(String.fromCharCode(...digest));",
            vec![name.into()],
        );
        hash.as_str().unwrap().to_owned()
    };
    fs::copy(&index, folder.path().join("copy-of-index.html")).unwrap();
    let start = list.find("\"index.html\": \"").unwrap() + "\"index.html\": \"".len();
    let end = start + list[start..].find('"').unwrap();
    fs::write(&worker, format!("{}{}{}", &list[..start], hash("index.html"), &list[end..])).unwrap();
    assert!(look_for_newer(), "the newer build was not taken");
    browser.wait_find("button", "Use it now", PATIENCE);
    assert_eq!(title(), "Wattage");
    page.press("Use it now");
    browser.wait_for("the newer page", PATIENCE, || (title() == "Wattage, newer").then_some(()));
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
