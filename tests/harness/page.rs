//! What a visitor does on Wattage's page, through what assistive technology sees of it.
#![allow(clippy::panic, reason = "a harness that cannot do its work fails the test, and says why")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::browser::{Browser, Key};
use crate::server::Server;

/// How long a single reaction of the page may take.
const REACTION: Duration = Duration::from_secs(30);

/// The folder that holds the built page. `make page` fills it; `WATTAGE_DIST` may name another.
///
/// # Panics
/// If the page was not built.
#[must_use]
#[track_caller]
pub fn dist() -> PathBuf {
    let folder = std::env::var_os("WATTAGE_DIST")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../dist"), PathBuf::from);
    assert!(
        folder.join("index.html").is_file(),
        "the page is not built: there is no {}. Run `make page`",
        folder.join("index.html").display()
    );
    folder
}

/// A row of the table of candidates.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerRow {
    /// The decoder layer.
    pub layer: usize,
    /// The operations, in words.
    pub op: String,
    /// The number, as it is shown.
    pub result: Option<String>,
    /// The logit that the candidate is right.
    pub score: Option<f64>,
    /// `written`, `skipped`, `executed`, `failed` or `chosen`.
    pub status: String,
}

/// Wattage's page, open in a browser.
pub struct Page<'a> {
    /// The browser it is open in.
    pub browser: &'a Browser,
}

impl<'a> Page<'a> {
    /// Opens the page without its embedded model and waits until it can be used.
    #[track_caller]
    pub fn open(browser: &'a Browser, server: &Server) -> Self {
        // As if a visitor had switched it off before: settings are kept by origin, which other files have too.
        browser.open(&server.url("icon.svg"));
        browser.script("localStorage.setItem('wattage.settings', '{\"open_embedded\":false}');", vec![]);
        Self::open_as_it_is(browser, server)
    }

    /// Opens the page as a visitor finds it, with the embedded model under way.
    #[track_caller]
    pub fn open_as_it_is(browser: &'a Browser, server: &Server) -> Self {
        browser.open(&server.url(""));
        browser.wait_find("textbox", "Message", REACTION);
        Self { browser }
    }

    /// Gives a model's files to the page's file input, without waiting for them to be loaded.
    #[track_caller]
    pub fn choose_files(&self, files: &[&Path]) {
        let paths: Vec<String> = files
            .iter()
            .map(|file| match file.canonicalize() {
                Ok(path) => path.display().to_string(),
                Err(error) => panic!("{}: {error}", file.display()),
            })
            .collect();
        // WebDriver takes several files as lines.
        self.browser.type_into("input[type=file]", &paths.join("\n"));
    }

    /// Loads a model from files and waits until a message can be sent to it.
    ///
    /// # Panics
    /// If the page refuses the files, with what it says.
    #[track_caller]
    pub fn load_model(&self, files: &[&Path], timeout: Duration) {
        self.choose_files(files);
        self.wait_loaded(timeout);
    }

    /// Waits until a model is loaded, however it was chosen.
    ///
    /// # Panics
    /// If the page raises an alert, with its text.
    #[track_caller]
    pub fn wait_loaded(&self, timeout: Duration) {
        self.browser.wait_for("the model to be loaded", timeout, || {
            if let Some(alert) = self.alert() {
                panic!("the model was refused: {alert}");
            }
            // The message box says how to send once there is something to send to; a narrow or touch screen does not show
            // it, so this asks for what is there rather than for what is seen.
            let ready = self.browser.script(
                "return !document.querySelector('progress')
                     && document.getElementById('composer-hint').textContent.includes('Enter sends');",
                vec![],
            );
            (ready == true).then_some(())
        });
    }

    /// Chooses where models run, before one is loaded: `auto`, `gpu` or `cpu`.
    #[track_caller]
    pub fn run_on(&self, device: &str) {
        self.browser.select("Run on", device, REACTION);
    }

    /// The text of the page's alert, if it shows one.
    #[track_caller]
    #[must_use]
    pub fn alert(&self) -> Option<String> {
        self.browser.text("[role=alert]").filter(|text| !text.is_empty())
    }

    /// Waits until the page shows an alert and gives its text.
    #[track_caller]
    #[must_use]
    pub fn wait_alert(&self, timeout: Duration) -> String {
        self.browser.wait_for("an alert", timeout, || self.alert())
    }

    /// Writes a message and sends it with the button.
    #[track_caller]
    pub fn send(&self, message: &str) {
        self.write(message);
        self.browser.click("button", "Send", REACTION);
    }

    /// Writes into the message box, without sending.
    #[track_caller]
    pub fn write(&self, message: &str) {
        self.browser.click("textbox", "Message", REACTION);
        self.browser.press(message);
    }

    /// Replaces what a text field of a panel holds.
    #[track_caller]
    pub fn fill(&self, name: &str, text: &str) {
        self.browser.click("textbox", name, REACTION);
        // Control+A, then typing over it, as a person would.
        self.browser.press(&format!("{}a{}{text}", Key::Control, Key::Null));
    }

    /// Presses a button.
    #[track_caller]
    pub fn press(&self, name: &str) {
        self.browser.click("button", name, REACTION);
    }

    /// Presses the button that ends an answer midway.
    #[track_caller]
    pub fn stop(&self) {
        self.press("Stop");
    }

    /// Makes answers repeatable, and at most so many tokens long.
    #[track_caller]
    pub fn answer_exactly(&self, max_tokens: u32) {
        self.press("Settings");
        self.press("Exact");
        self.fill("Longest answer", &max_tokens.to_string());
        self.press("Settings");
    }

    /// The text of the whole conversation.
    #[track_caller]
    #[must_use]
    pub fn log(&self) -> String {
        self.browser.text("[role=log]").unwrap_or_default()
    }

    /// What the page shows of each answer, the last of which may still be growing.
    #[track_caller]
    #[must_use]
    pub fn answers(&self) -> Vec<String> {
        let texts = self.browser.script(
            "return Array.from(document.querySelectorAll('[role=log] [aria-label=Answer]'), node => node.innerText);",
            vec![],
        );
        texts.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// Begins to note the lengths that the last answer has while it is written; [`Page::noted_lengths`] gives them.
    #[track_caller]
    pub fn note_lengths(&self) {
        self.browser.script(
            "const log = document.querySelector('[role=log]');
             window.notedLengths = [];
             new MutationObserver(() => {
                 const answer = Array.from(log.querySelectorAll('[aria-label=Answer]')).at(-1);
                 if (log.ariaBusy === 'true' && answer) window.notedLengths.push(answer.textContent.length);
             }).observe(log, { subtree: true, childList: true, characterData: true });",
            vec![],
        );
    }

    /// The lengths that the last answer had one after the other, in the page's own view of it.
    #[track_caller]
    #[must_use]
    pub fn noted_lengths(&self) -> Vec<u64> {
        let lengths = self.browser.script("return window.notedLengths;", vec![]);
        let mut lengths: Vec<u64> = lengths.as_array().into_iter().flatten().filter_map(Value::as_u64).collect();
        lengths.dedup();
        lengths
    }

    /// The last answer's text as the model wrote it, taken with the page's own "Copy" button.
    #[track_caller]
    #[must_use]
    pub fn copy_last_answer(&self) -> String {
        // A headless browser has no clipboard to read back, so what is put there is caught on its way.
        let text = self.browser.script(
            "const copied = new Promise(done => {
                 Object.defineProperty(navigator.clipboard, 'writeText',
                     { configurable: true, value: text => { done(text); return Promise.resolve(); } });
             });
             const answer = Array.from(document.querySelectorAll('[role=log] [aria-label=Answer]')).at(-1);
             // For a moment after it was pressed the button says that it did its work.
             Array.from(answer.querySelectorAll('button')).filter(node => /^Cop(y|ied)/.test(node.innerText)).at(-1)
                 .click();
             return await copied;",
            vec![],
        );
        text.as_str().unwrap_or_default().to_owned()
    }

    /// The rows of the last answer's table of candidates, one a layer.
    #[track_caller]
    #[must_use]
    pub fn layer_rows(&self) -> Vec<LayerRow> {
        let rows = self.browser.script(
            "const answer = Array.from(document.querySelectorAll('[role=log] [aria-label=Answer]')).at(-1);
             const tables = Array.from(answer?.querySelectorAll('table') ?? []);
             const table = tables.find(table => table.caption?.innerText === 'Layer candidates');
             const text = (row, name) => row.querySelector(`[data-field=${name}]`)?.textContent.trim() ?? '';
             return Array.from(table?.querySelectorAll('tbody tr') ?? [], row => [
                 row.dataset.layer, text(row, 'op'), text(row, 'result'), text(row, 'score'), text(row, 'status'),
             ]);",
            vec![],
        );
        let rows: Vec<[String; 5]> = match serde_json::from_value(rows) {
            Ok(rows) => rows,
            Err(error) => panic!("the table of candidates: {error}"),
        };
        let row = |[layer, op, result, score, status]: [String; 5]| LayerRow {
            layer: layer.parse().unwrap_or(usize::MAX),
            op,
            result: (!result.is_empty()).then_some(result),
            score: score.parse().ok(),
            status,
        };
        rows.into_iter().map(row).collect()
    }

    /// The number that the last answer shows as computed, if it shows one.
    #[track_caller]
    #[must_use]
    pub fn computed(&self) -> Option<String> {
        let value = self.browser.script(
            "const answer = Array.from(document.querySelectorAll('[role=log] [aria-label=Answer]')).at(-1);
             return answer?.querySelector('[aria-label=Computation] [data-field=value]')?.textContent.trim() ?? null;",
            vec![],
        );
        value.as_str().map(str::to_owned)
    }

    /// Whether an answer is being written.
    #[track_caller]
    #[must_use]
    pub fn is_answering(&self) -> bool {
        self.browser.script("return document.querySelector('[role=log]').ariaBusy === 'true';", vec![]) == true
            || self.browser.find("button", "Stop").is_some()
    }

    /// Waits until the answer that was asked for is complete, and gives what the page shows of it.
    #[track_caller]
    pub fn wait_answer(&self, timeout: Duration) -> String {
        self.browser.wait_for("the answer to end", timeout, || (!self.is_answering()).then_some(()));
        self.answers().pop().unwrap_or_default()
    }
}
