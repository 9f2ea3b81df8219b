//! How long a page's main thread is busy at a stretch.

use serde_json::{Value, json};

use super::Browser;
use super::commands::ReadLog;

impl Browser {
    /// As [`Self::start`]; the browser notes what its threads do.
    ///
    /// # Panics
    /// As [`Self::start`].
    #[must_use]
    #[track_caller]
    pub fn start_traced() -> Self {
        Self::start_with(
            json!({ "browser": "ALL", "performance": "ALL" }),
            json!({ "perfLoggingPrefs": { "enableNetwork": false, "enablePage": false, "traceCategories": "toplevel" } }),
        )
    }

    /// How long each task of pages' main threads took since this was asked last, of a browser that was started traced: milliseconds by
    /// the processor, so that what other programs took meanwhile is not in it.
    #[track_caller]
    pub fn tasks(&self) -> Vec<f64> {
        // The driver asks the browser for what is new and answers with what it had: the second time it has all.
        let lines = || self.expect("reading what the browser did", self.client().issue_cmd(ReadLog("performance")));
        let events: Vec<Value> = [lines(), lines()].iter().flat_map(events).collect();
        let thread = |event: &Value| Some((event["pid"].as_u64()?, event["tid"].as_u64()?));
        let named = events.iter().filter(|event| event["args"]["name"] == "CrRendererMain");
        self.mains.borrow_mut().extend(named.filter_map(thread));
        let mains = self.mains.borrow();
        events
            .iter()
            .filter(|event| event["name"] == "ThreadControllerImpl::RunTask")
            .filter(|event| thread(event).is_some_and(|thread| mains.contains(&thread)))
            .filter_map(|event| Some(event["tdur"].as_f64()? / 1000.0))
            .collect()
    }
}

/// The events of the log's lines.
fn events(lines: &Value) -> Vec<Value> {
    let lines = lines.as_array().into_iter().flatten();
    let read = |line: &Value| serde_json::from_str::<Value>(line["message"].as_str()?).ok();
    lines
        .filter_map(read)
        .filter(|line| line["message"]["method"] == "Tracing.dataCollected")
        .map(|mut line| line["message"]["params"].take())
        .collect()
}
