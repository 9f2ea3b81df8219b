//! A headless Chromium with software WebGPU, driven through chromedriver.
//!
//! Every call blocks until it is done, so that a test reads like what a person does. What goes wrong panics with what
//! was being waited for, the page's text and its console: a missing browser is a failure, never a skip.
#![allow(clippy::panic, reason = "a harness that cannot do its work fails the test, and says why")]

mod commands;
mod driver;
mod tasks;

use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;
use std::future::Future;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

pub use fantoccini::key::Key;

use self::commands::{Computed, DevTools, ReadLog};
use self::driver::{Driver, program};

/// What Chromium needs for WebGPU without a graphics card, and to leave the network alone.
const CHROMIUM_FLAGS: &[&str] = &[
    "--headless",
    "--no-sandbox",
    "--enable-unsafe-webgpu",
    "--use-webgpu-adapter=swiftshader",
    "--enable-features=Vulkan",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
];

/// How long chromedriver may take to answer one command.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(120);
/// How long the driver and the browser may take to start.
const START_TIMEOUT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);

/// Software WebGPU takes every core, so one browser runs at a time and timeouts mean the same on any machine.
static TURN: Mutex<()> = Mutex::new(());

/// One line of the page's console, or an error the browser itself reported (a failed request, an uncaught exception).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsoleLine {
    /// `SEVERE`, `WARNING`, `INFO` or `DEBUG`.
    pub level: String,
    /// What was written, with where it came from.
    pub message: String,
}

impl fmt::Display for ConsoleLine {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.level, self.message)
    }
}

/// A browser with one window and an empty profile. Dropping it ends the browser and its driver.
pub struct Browser {
    // Dropped in this order: the session first, then the driver, the profile, and the turn.
    client: Option<Client>,
    runtime: Runtime,
    driver: Driver,
    console: RefCell<Vec<ConsoleLine>>,
    /// The main threads of pages, by process and number, as far as a traced browser has named them.
    mains: RefCell<HashSet<(u64, u64)>>,
    _profile: TempDir,
    _turn: MutexGuard<'static, ()>,
}

impl Browser {
    /// Starts a browser, waiting for one that another test runs to end.
    ///
    /// # Panics
    /// If Chromium or chromedriver is missing or does not start.
    #[must_use]
    #[track_caller]
    pub fn start() -> Self {
        Self::start_with(json!({ "browser": "ALL" }), json!({}))
    }

    #[track_caller]
    fn start_with(logs: Value, mut options: Value) -> Self {
        // A test that failed with the turn in its hands says nothing about this one.
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let chromium = program(
            "CHROMIUM",
            &[
                "chromium",
                "chromium-browser",
                "google-chrome",
                "google-chrome-stable",
                "/Applications/Chromium.app/Contents/MacOS/Chromium",
                "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
            ],
        );
        let profile = or_panic("making the browser's profile folder", TempDir::new());
        let driver = Driver::start();
        let runtime = or_panic(
            "starting the WebDriver client",
            tokio::runtime::Builder::new_current_thread().enable_all().build(),
        );
        let mut flags: Vec<String> = CHROMIUM_FLAGS.iter().map(ToString::to_string).collect();
        flags.push(format!("--user-data-dir={}", profile.path().display()));
        options["binary"] = json!(chromium);
        options["args"] = json!(flags);
        let capabilities = json!({
            "browserName": "chrome",
            "goog:chromeOptions": options,
            "goog:loggingPrefs": logs,
            "timeouts": { "script": 100_000, "pageLoad": 60_000 },
        });
        let Value::Object(capabilities) = capabilities else { panic!("capabilities are an object") };
        let capabilities: Capabilities = capabilities.into_iter().collect();
        let connected = runtime.block_on(async {
            let mut builder = ClientBuilder::new(HttpConnector::new());
            builder.capabilities(capabilities);
            tokio::time::timeout(START_TIMEOUT, builder.connect(&driver.address)).await
        });
        let client = match connected {
            Ok(Ok(client)) => client,
            Ok(Err(error)) => panic!("Chromium ({}) did not start: {error}", chromium.display()),
            Err(_) => panic!("Chromium ({}) did not start within {START_TIMEOUT:?}", chromium.display()),
        };
        Self {
            client: Some(client),
            runtime,
            driver,
            console: RefCell::default(),
            mains: RefCell::default(),
            _profile: profile,
            _turn: turn,
        }
    }

    /// Goes to an address and waits until the page has loaded.
    #[track_caller]
    pub fn open(&self, url: &str) {
        self.expect(&format!("opening {url}"), self.client().goto(url));
    }

    /// Runs the body of an async JavaScript function in the page (`arguments` holds `arguments_`) and gives what it
    /// returns.
    ///
    /// # Panics
    /// If the script throws.
    #[track_caller]
    pub fn script(&self, body: &str, arguments: Vec<Value>) -> Value {
        let wrapped = format!(
            "const done = arguments[arguments.length - 1];
             (async function () {{ {body} }}).apply(null, Array.from(arguments).slice(0, -1))
                 .then(value => done({{ value: value === undefined ? null : value }}),
                       error => done({{ error: String((error && error.stack) || error) }}));"
        );
        let mut answer = self.expect("running a script", self.client().execute_async(&wrapped, arguments));
        if let Some(error) = answer.get("error") {
            panic!("the script failed: {error}\n{body}");
        }
        answer["value"].take()
    }

    /// The first visible element that assistive technology sees with this role and name.
    #[track_caller]
    pub fn find(&self, role: &str, name: &str) -> Option<Element> {
        self.expect(&format!("looking for the {role} '{name}'"), async {
            match self.find_by_role(role, Some(name)).await {
                // The page may redraw between two commands; the next look sees the new elements.
                Err(error) if error.is_stale_element_reference() => Ok(None),
                found => found,
            }
        })
    }

    /// Waits for an element by role and name.
    #[track_caller]
    pub fn wait_find(&self, role: &str, name: &str, timeout: Duration) -> Element {
        self.wait_for(&format!("the {role} '{name}'"), timeout, || self.find(role, name))
    }

    /// Clicks the element with this role and name once it is there.
    #[track_caller]
    pub fn click(&self, role: &str, name: &str, timeout: Duration) {
        let element = self.wait_find(role, name, timeout);
        self.expect(&format!("clicking the {role} '{name}'"), element.click());
    }

    /// Chooses an option by its value in the list with this name.
    #[track_caller]
    pub fn select(&self, name: &str, value: &str, timeout: Duration) {
        let list = self.wait_find("combobox", name, timeout);
        self.expect(&format!("choosing {value} in '{name}'"), list.select_by_value(value));
    }

    /// Types into the element that a CSS selector finds. A file input takes the path of a file.
    #[track_caller]
    pub fn type_into(&self, selector: &str, text: &str) {
        self.expect(&format!("typing into {selector}"), async {
            self.client().find(Locator::Css(selector)).await?.send_keys(text).await
        });
    }

    /// Presses keys in the focused element; special keys are the characters of [`Key`].
    #[track_caller]
    pub fn press(&self, keys: &str) {
        self.expect("pressing keys", async { self.client().active_element().await?.send_keys(keys).await });
    }

    /// The visible text of the first element that a CSS selector finds, if there is one.
    #[track_caller]
    pub fn text(&self, selector: &str) -> Option<String> {
        self.expect(&format!("reading {selector}"), async {
            match self.client().find(Locator::Css(selector)).await {
                Ok(element) => match element.text().await {
                    Err(error) if error.is_stale_element_reference() => Ok(None),
                    text => text.map(Some),
                },
                Err(error) if error.is_no_such_element() => Ok(None),
                Err(error) => Err(error),
            }
        })
    }

    /// Asks again and again until there is an answer.
    ///
    /// # Panics
    /// After `timeout`, with `what`, the page's text and its console.
    #[track_caller]
    pub fn wait_for<T>(&self, what: &str, timeout: Duration, mut look: impl FnMut() -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            if let Some(found) = look() {
                return found;
            }
            if start.elapsed() > timeout {
                panic!("waited {timeout:?} for {what}\n{}", self.situation());
            }
            std::thread::sleep(POLL);
        }
    }

    /// Writes a PNG picture of the window.
    #[track_caller]
    pub fn screenshot(&self, file: &Path) {
        let png = self.expect("taking a screenshot", self.client().screenshot());
        or_panic(&format!("writing {}", file.display()), std::fs::write(file, png));
    }

    /// Sets the window's size in CSS pixels.
    #[track_caller]
    pub fn resize(&self, width: u32, height: u32) {
        self.expect("resizing the window", self.client().set_window_size(width, height));
    }

    /// Opens another tab, to which all that follows goes.
    #[track_caller]
    pub fn open_tab(&self, url: &str) {
        self.expect("opening a tab", async {
            let tab = self.client().new_window(true).await?;
            self.client().switch_to_window(tab.handle).await?;
            self.client().goto(url).await
        });
    }

    /// Goes to a tab, counted from the first.
    #[track_caller]
    pub fn switch_tab(&self, number: usize) {
        self.expect("going to another tab", async {
            let tabs = self.client().windows().await?;
            let Some(tab) = tabs.get(number) else { panic!("there is no tab {number}") };
            self.client().switch_to_window(tab.clone()).await
        });
    }

    /// Lets an origin have so many bytes of storage and no more.
    #[track_caller]
    pub fn limit_storage(&self, origin: &str, bytes: u64) {
        let command = DevTools {
            name: "Storage.overrideQuotaForOrigin",
            parameters: json!({ "origin": origin, "quotaSize": bytes }),
        };
        self.expect("limiting the storage", self.client().issue_cmd(command));
    }

    /// Everything that the console has shown so far.
    #[track_caller]
    pub fn console(&self) -> Vec<ConsoleLine> {
        // The driver hands out each line once.
        let lines = self.expect("reading the console", self.client().issue_cmd(ReadLog("browser")));
        let new = lines.as_array().into_iter().flatten().map(|line| ConsoleLine {
            level: line["level"].as_str().unwrap_or_default().to_owned(),
            message: line["message"].as_str().unwrap_or_default().to_owned(),
        });
        self.console.borrow_mut().extend(new);
        self.console.borrow().clone()
    }

    /// Fails if the console shows an error: an uncaught exception, a failed request, `console.error`.
    #[track_caller]
    pub fn assert_no_console_errors(&self) {
        let errors: Vec<String> =
            self.console().iter().filter(|line| line.level == "SEVERE").map(ToString::to_string).collect();
        assert!(errors.is_empty(), "the console shows errors:\n{}", errors.join("\n"));
    }

    /// The page's text and console, for messages.
    fn situation(&self) -> String {
        let text = self.text("body").unwrap_or_default();
        let console: Vec<String> = self.console().iter().map(ToString::to_string).collect();
        format!("--- the page shows\n{text}\n--- the console shows\n{}", console.join("\n"))
    }

    fn client(&self) -> &Client {
        match &self.client {
            Some(client) => client,
            None => panic!("the browser was closed"),
        }
    }

    /// Runs one exchange with the driver to its end.
    #[track_caller]
    fn expect<T>(&self, what: &str, exchange: impl Future<Output = Result<T, CmdError>>) -> T {
        // Made inside the runtime, which the timer needs.
        match self.runtime.block_on(async { tokio::time::timeout(COMMAND_TIMEOUT, exchange).await }) {
            Ok(Ok(value)) => value,
            Ok(Err(error)) => panic!("{what}: {error}"),
            Err(_) => panic!("{what}: the browser did not answer within {COMMAND_TIMEOUT:?}"),
        }
    }

    async fn find_by_role(&self, role: &str, name: Option<&str>) -> Result<Option<Element>, CmdError> {
        let candidates = match role {
            "textbox" => "textarea, input, [contenteditable], [role=textbox]",
            "button" => "button, input[type=button], input[type=submit], summary, [role=button]",
            _ => "input, select, textarea, button, a, summary, dialog, main, nav, section, [role]",
        };
        for element in self.client().find_all(Locator::Css(candidates)).await? {
            let wanted = self.computed(&element, "computedrole").await? == role
                && match name {
                    Some(name) => self.computed(&element, "computedlabel").await? == name,
                    None => true,
                };
            if wanted && element.is_displayed().await? {
                return Ok(Some(element));
            }
        }
        Ok(None)
    }

    /// What the browser computed for assistive technology: `computedrole` or `computedlabel`.
    async fn computed(&self, element: &Element, what: &'static str) -> Result<String, CmdError> {
        let command = Computed { element: element.element_id().to_string(), what };
        let value = self.client().issue_cmd(command).await?;
        Ok(value.as_str().unwrap_or_default().to_owned())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if let Some(client) = self.client.take() {
            // Ends Chromium in order; what is left after that is killed with the driver.
            let close = async { tokio::time::timeout(Duration::from_secs(10), client.close()).await };
            let _ = self.runtime.block_on(close);
        }
        self.driver.stop();
    }
}

#[track_caller]
fn or_panic<T, E: fmt::Display>(what: &str, result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| panic!("{what}: {error}"))
}
