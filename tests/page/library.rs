//! The library: a model is kept, and what may go wrong on its way.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::{Browser, Line, PATIENCE, Page, Ranges, Server, dist, golden};

/// Bytes that the page asks for together.
const PIECE: u64 = 4 << 20;
/// How many pieces the model has.
const PIECES: u64 = 10;
const NAME: &str = "kept.gguf";

/// A model of [`PIECES`] pieces: a tiny one, and bytes behind its end that no reader of the format looks at.
struct Model {
    folder: tempfile::TempDir,
    sha256: String,
}

impl Model {
    fn new() -> Self {
        let mut bytes = fs::read(golden("qwen2-tiny.gguf")).unwrap();
        let length = usize::try_from(PIECES * PIECE - 1000).unwrap();
        bytes.extend((bytes.len()..length).map(|at| ((at * 31) >> 7) as u8));
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(NAME), &bytes).unwrap();
        let sha256 = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        Self { folder, sha256 }
    }

    fn serve(&self) -> Server {
        Server::start(self.folder.path(), Ranges::On)
    }

    fn address(&self, url: &str) -> String {
        format!("{url}#sha256={}", self.sha256)
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join(NAME)
    }
}

/// What the library says of the model.
fn state(page: &Page<'_>) -> String {
    let state = page.browser.script(
        "const row = Array.from(document.querySelectorAll('.library > li')).find(row => row.innerText.includes(arguments[0]));
         return row?.innerText ?? '';",
        vec![NAME.into()],
    );
    state.as_str().unwrap_or_default().to_owned()
}

fn wait_state(page: &Page<'_>, what: &str) -> String {
    page.browser.wait_for(&format!("the library to say “{what}”"), PATIENCE, || {
        Some(state(page)).filter(|state| state.contains(what))
    })
}

fn begin(page: &Page<'_>, address: &str) {
    page.fill("Model address", address);
    page.press("Download");
}

/// Bytes of the model that are noted as written.
fn kept(page: &Page<'_>) -> u64 {
    let kept = page.browser.script(
        "return navigator.storage.getDirectory().then(root => root.getDirectoryHandle('models')).then(async models => {
             for await (const folder of models.values()) {
                 const record = await (await folder.getFileHandle('record.json')).getFile();
                 return JSON.parse(await record.text()).pieces.reduce((sum, bytes) => sum + bytes, 0);
             }
         });",
        vec![],
    );
    kept.as_u64().unwrap()
}

/// Waits until so many pieces' worth is kept.
fn wait_begun(page: &Page<'_>, pieces: u64) {
    page.browser.wait_for("the first pieces", PATIENCE, || {
        let percent = page.browser.script("return document.querySelector('.library progress')?.value ?? 0;", vec![]);
        percent.as_f64().filter(|percent| *percent >= (pieces * 100 / PIECES) as f64)
    });
}

#[test]
fn a_download_goes_on_after_a_closed_tab_and_the_model_then_needs_no_network() {
    let (model, site, browser) = (Model::new(), Server::start(&dist(), Ranges::On), Browser::start());
    let host = model.serve();
    let page = Page::open(&browser, &site);
    host.parts().pace.store(50, Relaxed);
    begin(&page, &model.address(&host.url(NAME)));
    // The tab ends in the middle of it, twice, and in the middle of pieces, of which it may meet the end once by chance.
    let (mut had, mut within) = (0, 0);
    for pieces in [2, 5] {
        wait_begun(&page, pieces);
        browser.open("about:blank");
        // The server notices.
        std::thread::sleep(Duration::from_millis(500));
        let page = Page::open(&browser, &site);
        wait_state(&page, "MB of 42 MB are on this computer");
        had = kept(&page);
        assert!(had >= pieces * PIECE / 2, "{had} bytes");
        within += usize::from(!had.is_multiple_of(PIECE));
        host.parts().sent.store(0, Relaxed);
        page.press(&format!("Resume {NAME}"));
    }
    assert!(within > 0, "{had} bytes, and whole pieces before");
    host.parts().pace.store(0, Relaxed);
    wait_state(&Page { browser: &browser }, "On this computer");
    // Not a byte that had come was fetched again.
    assert_eq!(host.parts().sent.load(Relaxed), PIECES * PIECE - 1000 - had);
    drop(host);

    let page = Page::open(&browser, &site);
    wait_state(&page, "On this computer");
    page.press(&format!("Load: {NAME}"));
    page.wait_loaded(PATIENCE);
    page.send("Hello");
    assert!(!page.wait_answer(PATIENCE).is_empty());

    page.press("Model");
    page.press(&format!("Delete {NAME}"));
    page.press("Delete 42 MB for good");
    browser.wait_for("the model to be gone", PATIENCE, || state(&page).is_empty().then_some(()));
}

/// The keyboard stays in the row of the model when what was pressed goes away.
#[test]
fn a_download_stops_when_asked_and_goes_on() {
    let (model, site, browser) = (Model::new(), Server::start(&dist(), Ranges::On), Browser::start());
    let host = model.serve();
    let page = Page::open(&browser, &site);
    let keyboard_at = |what: &str| {
        browser.wait_for(&format!("the keyboard to be at “{what}”"), PATIENCE, || {
            let at = browser.script("return document.activeElement?.innerText ?? '';", vec![]);
            at.as_str().filter(|at| at.contains(what)).map(|_| ())
        });
    };
    host.parts().wait.store(300, Relaxed);
    begin(&page, &model.address(&host.url(NAME)));
    wait_begun(&page, 1);
    page.press(&format!("Stop the download of {NAME}"));
    wait_state(&page, "are on this computer");
    keyboard_at("Load without keeping");
    // What was asked for before is answered to nobody.
    std::thread::sleep(Duration::from_millis(1000));
    let sent = host.parts().sent.load(Relaxed);
    std::thread::sleep(Duration::from_millis(1200));
    assert_eq!(host.parts().sent.load(Relaxed), sent, "it went on");
    assert!(sent < PIECES * PIECE, "it was over before it was stopped");

    page.press(&format!("Delete {NAME}"));
    keyboard_at("MB for good");
    page.press("Keep it");
    keyboard_at("Load without keeping");
    host.parts().wait.store(0, Relaxed);
    page.press(&format!("Resume {NAME}"));
    wait_state(&page, "On this computer");
    browser.assert_no_console_errors();
}

#[test]
fn a_network_that_fails_loses_nothing_and_a_spoilt_piece_is_never_used() {
    let (model, site, browser) = (Model::new(), Server::start(&dist(), Ranges::On), Browser::start());
    let host = model.serve();
    let page = Page::open(&browser, &site);
    host.parts().wait.store(300, Relaxed);
    begin(&page, &model.address(&host.url(NAME)));
    wait_begun(&page, 1);
    host.parts().refuse.store(true, Relaxed);
    wait_state(&page, "503");
    wait_state(&page, "are on this computer");
    host.parts().refuse.store(false, Relaxed);
    host.parts().spoil.store(true, Relaxed);
    page.press("Try again");
    let told = wait_state(&page, "SHA-256 is");
    assert!(told.contains(&model.sha256) && told.contains("deleted"), "{told}");
    host.parts().spoil.store(false, Relaxed);
    page.press("Try again");
    wait_state(&page, "On this computer");
}

/// What breaks off in the middle of an answer goes on there, by itself while the network is soon back, else when asked.
#[test]
fn a_network_that_is_lost_in_the_middle_costs_nothing() {
    let (model, site, browser) = (Model::new(), Server::start(&dist(), Ranges::On), Browser::start());
    let host = model.serve();
    let line = Line::to(&host);
    let page = Page::open(&browser, &site);
    host.parts().pace.store(40, Relaxed);
    begin(&page, &model.address(&line.url(NAME)));
    wait_begun(&page, 1);
    line.cut();
    line.mend();
    wait_begun(&page, 3);
    line.cut();
    wait_state(&page, "check the");
    wait_state(&page, "are on this computer");
    let had = kept(&page);
    assert!(had > PIECE && !had.is_multiple_of(PIECE), "{had} bytes");
    // What was on its way to nobody.
    std::thread::sleep(Duration::from_millis(500));
    host.parts().sent.store(0, Relaxed);
    host.parts().pace.store(0, Relaxed);
    line.mend();
    page.press("Try again");
    wait_state(&page, "On this computer");
    assert_eq!(host.parts().sent.load(Relaxed), PIECES * PIECE - 1000 - had);
}

#[test]
fn two_tabs_fetch_a_model_once() {
    let (model, site, browser) = (Model::new(), Server::start(&dist(), Ranges::On), Browser::start());
    let host = model.serve();
    let page = Page::open(&browser, &site);
    host.parts().wait.store(400, Relaxed);
    begin(&page, &model.address(&host.url(NAME)));
    wait_begun(&page, 1);
    browser.open_tab(&site.url(""));
    browser.wait_find("textbox", "Message", PATIENCE);
    begin(&page, &model.address(&host.url(NAME)));
    wait_state(&page, "Another tab");
    host.parts().wait.store(0, Relaxed);
    wait_state(&page, "On this computer");
    browser.switch_tab(0);
    wait_state(&page, "On this computer");
    let sent = host.parts().sent.load(Relaxed);
    assert_eq!(sent, PIECES * PIECE - 1000);
}

#[test]
fn a_full_disk_is_told_and_a_file_of_this_computer_is_kept_when_asked() {
    let (model, site, browser) = (Model::new(), Server::start(&dist(), Ranges::On), Browser::start());
    let host = model.serve();
    let page = Page::open(&browser, &site);
    browser.limit_storage(site.url("").trim_end_matches('/'), 10_000_000);
    begin(&page, &model.address(&host.url(NAME)));
    wait_state(&page, "there is no room left");
    wait_state(&page, "of 42 MB are on this computer");
    browser.limit_storage(site.url("").trim_end_matches('/'), 1_000_000_000);
    page.press("Try again");
    wait_state(&page, "On this computer");

    page.press(&format!("Delete {NAME}"));
    page.press("Delete 42 MB for good");
    browser.wait_for("the model to be gone", PATIENCE, || state(&page).is_empty().then_some(()));
    page.load_model(&[&model.path()], PATIENCE);
    page.press("Model");
    page.press("Keep a copy in this browser");
    wait_state(&page, "On this computer");
    std::thread::sleep(Duration::from_millis(100));
    browser.assert_no_console_errors();
}
