//! What a visitor does on Wattage's page, through what assistive technology sees of it.
#![allow(clippy::panic, reason = "a harness that cannot do its work fails the test, and says why")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::browser::Browser;
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

/// Wattage's page, open in a browser.
pub struct Page<'a> {
    /// The browser it is open in.
    pub browser: &'a Browser,
}

impl<'a> Page<'a> {
    /// Opens the page and waits until it can be used.
    #[track_caller]
    pub fn open(browser: &'a Browser, server: &Server) -> Self {
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

    /// Loads a model and waits until a message can be sent to it.
    #[track_caller]
    pub fn load_model(&self, files: &[&Path], timeout: Duration) {
        self.choose_files(files);
        self.wait_ready("the model to be loaded", timeout);
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

    /// Presses the button that ends an answer midway.
    #[track_caller]
    pub fn stop(&self) {
        self.browser.click("button", "Stop", REACTION);
    }

    /// Whether an answer is being written: it can be stopped.
    #[track_caller]
    #[must_use]
    pub fn is_answering(&self) -> bool {
        self.browser.find("button", "Stop").is_some()
    }

    /// The text of the whole conversation.
    #[track_caller]
    #[must_use]
    pub fn log(&self) -> String {
        self.browser.text("[role=log]").unwrap_or_default()
    }

    /// Waits until the conversation shows something that `wanted` accepts, and gives its text.
    #[track_caller]
    pub fn wait_log(&self, what: &str, timeout: Duration, wanted: impl Fn(&str) -> bool) -> String {
        self.browser.wait_for(what, timeout, || Some(self.log()).filter(|text| wanted(text)))
    }

    /// Waits until an answer that was asked for is complete, and gives the conversation's text.
    #[track_caller]
    pub fn wait_answer(&self, timeout: Duration) -> String {
        self.wait_ready("the answer to end", timeout);
        self.log()
    }

    /// Waits until nothing is going on and the message box takes a message.
    #[track_caller]
    fn wait_ready(&self, what: &str, timeout: Duration) {
        self.browser.wait_for(what, timeout, || {
            let idle = !self.is_answering() && self.browser.find("button", "Send").is_some();
            (idle && self.is_enabled()).then_some(())
        });
    }

    /// Whether the message box takes a message: it does once a model is loaded.
    fn is_enabled(&self) -> bool {
        let state = self.browser.script(
            "const box = document.querySelector('textarea, input[type=text]');
             return !!box && !box.disabled && !box.readOnly && box.getAttribute('aria-disabled') !== 'true';",
            vec![],
        );
        state == serde_json::Value::Bool(true)
    }
}
