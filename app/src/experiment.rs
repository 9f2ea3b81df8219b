//! A suite of questions put to the model in use, one after the other.

use std::collections::HashMap;

use js_sys::Array;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use wattage_engine::{ChatOptions, Completion, Message, Role};

use crate::{
    language::{key, t, told},
    ledger::Entry,
    preferences::Settings,
    protocol::{Command, Failure, FailureKind, JobId},
    state::Store,
};

/// The suite that comes with the page: questions that somebody wrote who had seen nothing of what the model was trained on.
const OWN: &str = include_str!("../../engine/trainer/eval/fresh.jsonl");
/// What it is called.
pub const OWN_NAME: &str = key("420 questions that come with the page");
/// The most questions that a suite may have.
const MOST: usize = 20_000;

/// A question of a suite.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// The question.
    pub question: String,
    /// The right answer; `null` where it asks for no computation. It must be there: a suite that calls it otherwise is none.
    #[serde(deserialize_with = "Option::deserialize")]
    pub answer: Option<f64>,
}

/// A suite put to a model, as far as it has come.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// What the suite is called.
    pub suite: String,
    /// The model.
    pub model: String,
    /// Whether its WASM layers were on.
    pub layers: bool,
    /// What came of each question so far.
    pub entries: Vec<Entry>,
}

/// The experiment's state. Copied freely: each part is a handle.
#[derive(Clone, Copy)]
pub struct Experiment {
    /// The run under way, or the last.
    pub run: RwSignal<Option<Run>>,
    /// An earlier run that it is compared with.
    pub earlier: RwSignal<Option<Run>>,
    /// Questions of the suite.
    pub items: RwSignal<Vec<Item>>,
    /// How they are asked: the settings as they were when the experiment began.
    settings: StoredValue<Settings>,
    /// The question that the engine answers.
    pub job: RwSignal<Option<JobId>>,
    /// Whether it goes on by itself.
    pub going: RwSignal<bool>,
    /// What went wrong.
    pub failure: RwSignal<Option<String>>,
}

impl Experiment {
    /// None yet.
    pub fn new() -> Self {
        Self {
            run: RwSignal::new(None),
            earlier: RwSignal::new(None),
            items: RwSignal::new(Vec::new()),
            settings: StoredValue::new(Settings::default()),
            job: RwSignal::new(None),
            going: RwSignal::new(false),
            failure: RwSignal::new(None),
        }
    }
}

impl Default for Experiment {
    fn default() -> Self {
        Self::new()
    }
}

/// The questions of a suite: a JSON object a line.
///
/// # Errors
/// A line is none, there are none, or too many.
pub fn read_suite(text: &str) -> Result<Vec<Item>, String> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let items = lines.map(|(at, line)| {
        serde_json::from_str::<Item>(line)
            .map_err(|why| told!("line {} is not {\"question\": …, \"answer\": …} ({})", at + 1, why))
    });
    let items: Vec<Item> = items.collect::<Result<_, _>>()?;
    match items.len() {
        0 => Err(t("there is no question in it").into()),
        n if n > MOST => Err(told!("it has {} questions, more than {}", n, MOST)),
        _ => Ok(items),
    }
}

impl Store {
    /// Begins an experiment with the suite of the page.
    pub fn begin_own_experiment(self) {
        self.begin_experiment(OWN_NAME, OWN);
    }

    /// Begins an experiment with a suite of the visitor's.
    pub fn begin_experiment(self, name: &str, suite: &str) {
        let experiment = self.experiment;
        let items = match read_suite(suite) {
            Ok(items) => items,
            Err(why) => return experiment.failure.set(Some(told!("{} cannot be used: {}.", name, why))),
        };
        let Some(model) = self.loaded.with_untracked(|loaded| Some(loaded.as_ref()?.model.name.clone())) else {
            return;
        };
        if let Some(last) = experiment.run.get_untracked().filter(|run| !run.entries.is_empty()) {
            experiment.earlier.set(Some(last));
        }
        let has_layers = untrack(|| self.has_layers());
        let settings = self.settings.with_untracked(|settings| settings.in_use(has_layers));
        let layers = untrack(|| self.computes()) && settings.layers;
        experiment.settings.set_value(settings);
        experiment.failure.set(None);
        experiment.items.set(items);
        experiment.run.set(Some(Run { suite: name.to_owned(), model, layers, entries: Vec::new() }));
        self.resume_experiment();
    }

    /// Goes on with an experiment.
    pub fn resume_experiment(self) {
        let experiment = self.experiment;
        if experiment.job.get_untracked().is_some() || !untrack(|| self.can_send()) {
            return;
        }
        let asked = experiment.run.with_untracked(|run| run.as_ref().map(|run| run.model.clone()));
        let loaded = self.loaded.with_untracked(|loaded| loaded.as_ref().map(|loaded| loaded.model.name.clone()));
        if asked != loaded {
            let asked = asked.unwrap_or_default();
            return experiment.failure.set(Some(told!("This run was begun with {}: load that, or begin anew.", asked)));
        }
        experiment.failure.set(None);
        experiment.going.set(true);
        self.ask_next();
    }

    /// Ends the question that is being answered: what it would have been is asked again when the experiment goes on.
    pub fn interrupt_experiment(self) {
        self.experiment.going.set(false);
        if let Some(job) = self.experiment.job.get_untracked() {
            self.cancel(job);
            self.experiment.job.set(None);
        }
    }

    /// Lets an experiment rest after the question that is being answered.
    pub fn pause_experiment(self) {
        self.experiment.going.set(false);
    }

    fn ask_next(self) {
        let experiment = self.experiment;
        let next = experiment.run.with_untracked(|run| run.as_ref().map_or(0, |run| run.entries.len()));
        let item = experiment.items.with_untracked(|items| items.get(next).cloned());
        let Some(item) = item.filter(|_| experiment.going.get_untracked()) else {
            experiment.going.set(false);
            return;
        };
        let settings = experiment.settings.get_value();
        let system = settings.system.trim().to_owned();
        let system = (!system.is_empty()).then_some(Message { role: Role::System, content: system });
        let asked = Message { role: Role::User, content: item.question };
        let messages = system.into_iter().chain([asked]).collect();
        // The same answer each time, so that two runs can be compared.
        let options = ChatOptions { attention: false, ..settings.options(0) };
        let command = Command::Chat { messages, options };
        experiment.job.set(self.run(command, &Array::new()));
    }

    /// Takes up what the engine says of the question that it was asked.
    pub(crate) fn experiment_answered(self, completion: Result<&Completion, Failure>) {
        let experiment = self.experiment;
        experiment.job.set(None);
        match completion {
            Ok(completion) => {
                experiment.run.update(|run| {
                    let Some(run) = run else { return };
                    let item = experiment.items.with_untracked(|items| items.get(run.entries.len()).cloned());
                    if let Some(item) = item {
                        run.entries.push(Entry::of_completion(&item.question, item.answer, completion));
                    }
                });
                self.ask_next();
                if !experiment.going.get_untracked() {
                    self.said.set(t("The experiment rests.").into());
                }
            }
            // A question that the engine cannot take is not met, and the next one may be.
            Err(failure) if matches!(failure.kind, FailureKind::ContextFull | FailureKind::Other) => {
                experiment.run.update(|run| {
                    let Some(run) = run else { return };
                    let item = experiment.items.with_untracked(|items| items.get(run.entries.len()).cloned());
                    if let Some(item) = item {
                        run.entries.push(Entry::refused(&item.question, item.answer, failure.message));
                    }
                });
                self.ask_next();
            }
            Err(failure) => {
                experiment.going.set(false);
                if failure.kind != FailureKind::Cancelled {
                    experiment.failure.set(Some(crate::format::sentence(&failure.message)));
                }
            }
        }
    }
}

/// A run that was saved.
///
/// # Errors
/// It is none, or too large a one.
pub fn read_run(text: &str) -> Result<Run, String> {
    let run: Run = serde_json::from_str(text).map_err(|why| told!("it is not a run of this page ({})", why))?;
    match run.entries.len() {
        n if n > MOST => Err(told!("it has {} questions, more than {}", n, MOST)),
        _ => Ok(run),
    }
}

/// Questions that two runs met differently, with what came of them in each.
pub fn differences(run: &Run, earlier: &Run) -> Vec<(Entry, Entry)> {
    let before: HashMap<&str, &Entry> = earlier.entries.iter().map(|entry| (entry.question.as_str(), entry)).collect();
    let pairs = run.entries.iter().filter_map(|entry| Some((entry, *before.get(entry.question.as_str())?)));
    let differ = |(now, before): &(&Entry, &Entry)| now.passed() != before.passed() || now.answer != before.answer;
    pairs.filter(differ).map(|(now, before)| (now.clone(), before.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_are_read_line_by_line() {
        assert_eq!(read_suite(OWN).unwrap().len(), 420);
        let suite =
            "{\"question\": \"1+1\", \"answer\": 2, \"category\": \"x\"}\n\n{\"question\": \"hi\", \"answer\": null}\n";
        let items = read_suite(suite).unwrap();
        assert_eq!((items[0].answer, items[1].answer), (Some(2.0), None));
        assert!(read_suite("").is_err());
        assert!(read_suite("{\"question\": 1}").unwrap_err().contains("line 1"));
        assert!(read_suite("{\"question\": \"1+1\", \"expected\": 2}").is_err());
    }
}
