//! The page's state, and how the worker's messages fold into it.

use std::collections::{HashMap, VecDeque};

use leptos::prelude::*;
use wattage_engine::wasm_layers::display;
use wattage_engine::{AdapterInfo, CheckRow, Completion, Event, Progress, Stage, StopReason};

pub use crate::turn::{Phase, Turn};
use crate::{
    actions::LoadSpec,
    client::Client,
    experiment::Experiment,
    history::History,
    language::{t, told},
    library::Shelf,
    offline::Offline,
    preferences::{Settings, Theme},
    protocol::{Failure, FailureKind, FromWorker, JobId, Loaded, Reply},
};

/// All that the page knows. Copied freely: each part is a handle.
#[derive(Clone, Copy)]
pub struct Store {
    /// Whether the worker runs.
    pub engine: RwSignal<Engine>,
    /// The model in use.
    pub loaded: RwSignal<Option<Loaded>>,
    /// What WebGPU offers; `None` until it is known.
    pub adapter: RwSignal<Option<Result<AdapterInfo, Failure>>>,
    /// The load under way.
    pub loading: RwSignal<Option<Loading>>,
    /// The last failure of a load, until it is dismissed.
    pub notice: RwSignal<Option<Failure>>,
    /// The conversation.
    pub turns: RwSignal<Vec<Turn>>,
    /// The message that is written, or was written last.
    pub written: StoredValue<Option<Turn>>,
    /// The answer under way.
    pub answering: RwSignal<Option<JobId>>,
    /// Counts what changes the conversation's height.
    pub pulse: RwSignal<u32>,
    /// Decoding speed of the last or running answer, tokens a second.
    pub speed: RwSignal<Option<f64>>,
    /// Tokens in the context.
    pub context_used: RwSignal<usize>,
    /// The kernel check.
    pub check: RwSignal<KernelCheck>,
    /// What the user has set.
    pub settings: RwSignal<Settings>,
    /// Settings of the link that the page was opened with, until they are used or not.
    pub offered: RwSignal<Option<Settings>>,
    /// The settings that the model in use was loaded with.
    pub loaded_with: RwSignal<Settings>,
    /// A suite of questions put to the model.
    pub experiment: Experiment,
    /// Right answers that the visitor knows, by the message that answers.
    pub known_answers: RwSignal<HashMap<u32, f64>>,
    /// The conversations that are kept.
    pub history: History,
    /// The library of kept models.
    pub shelf: Shelf,
    /// Whether the page works without a network.
    pub offline: RwSignal<Offline>,
    /// The colours.
    pub theme: RwSignal<Theme>,
    /// The open panel.
    pub panel: RwSignal<Option<Panel>>,
    /// The message being written.
    pub draft: RwSignal<String>,
    /// The address of a model being written.
    pub address: RwSignal<String>,
    /// The last event, for screen readers.
    pub said: RwSignal<String>,
    pub(crate) client: StoredValue<Option<Client>, LocalStorage>,
    /// The load that was asked for last, whatever became of it.
    pub(crate) last_load: StoredValue<Option<LoadSpec>, LocalStorage>,
    /// The last load that gave a model.
    pub(crate) good_load: StoredValue<Option<LoadSpec>, LocalStorage>,
    pub(crate) next_id: StoredValue<u32>,
}

/// The worker's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Engine {
    /// It has not answered yet.
    Starting,
    /// It listens.
    Running,
    /// It broke down, and why.
    Crashed(String),
}

/// The panels beside the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Panel {
    /// The model in use, and choosing another.
    Model,
    /// Sampling and load settings.
    Settings,
    /// The device and its checks.
    Device,
    /// The conversations that are kept.
    History,
    /// What the layers scored.
    Scores,
}

/// A load under way.
#[derive(Debug, Clone, PartialEq)]
pub struct Loading {
    /// The command.
    pub job: JobId,
    /// What is loaded, for the user.
    pub label: String,
    /// How far it is.
    pub progress: Progress,
    /// How fast weights come in.
    pub rate: Rate,
    /// Whether its end was asked for.
    pub cancelling: bool,
}

/// The speed of the last seconds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rate(VecDeque<(f64, u64)>);

impl Rate {
    const WINDOW_MS: f64 = 4000.0;

    /// Notes that `done` was reached at `now`, in milliseconds.
    pub fn note(&mut self, now: f64, done: u64) {
        self.0.push_back((now, done));
        while self.0.len() > 2 && self.0.front().is_some_and(|(when, _)| now - when > Self::WINDOW_MS) {
            self.0.pop_front();
        }
    }

    /// Units a second; `None` until it can be told.
    pub fn per_second(&self) -> Option<f64> {
        let ((start, from), (end, to)) = (self.0.front()?, self.0.back()?);
        #[allow(clippy::cast_precision_loss, reason = "a speed for display")]
        let done = to.checked_sub(*from)? as f64;
        (end - start > 200.0 && done > 0.0).then(|| done * 1000.0 / (end - start))
    }
}

/// The kernel check's rows.
#[derive(Debug, Clone, Default)]
pub struct KernelCheck {
    /// The command, while it runs.
    pub job: Option<JobId>,
    /// Rows so far.
    pub rows: Vec<CheckRow>,
    /// Whether all rows are there.
    pub complete: bool,
    /// Why it ended early.
    pub failure: Option<Failure>,
}

impl Store {
    /// The state of a page that has just been opened.
    pub fn new(settings: Settings, theme: Theme) -> Self {
        Self {
            engine: RwSignal::new(Engine::Starting),
            loaded: RwSignal::new(None),
            adapter: RwSignal::new(None),
            loading: RwSignal::new(None),
            notice: RwSignal::new(None),
            turns: RwSignal::new(Vec::new()),
            written: StoredValue::new(None),
            answering: RwSignal::new(None),
            pulse: RwSignal::new(0),
            speed: RwSignal::new(None),
            context_used: RwSignal::new(0),
            check: RwSignal::new(KernelCheck::default()),
            offered: RwSignal::new(None),
            loaded_with: RwSignal::new(settings.clone()),
            settings: RwSignal::new(settings),
            experiment: Experiment::new(),
            known_answers: RwSignal::new(HashMap::new()),
            history: History::new(),
            shelf: Shelf::new(),
            offline: RwSignal::new(Offline::default()),
            theme: RwSignal::new(theme),
            panel: RwSignal::new(None),
            draft: RwSignal::new(String::new()),
            address: RwSignal::new(String::new()),
            said: RwSignal::new(String::new()),
            client: StoredValue::new_local(None),
            last_load: StoredValue::new_local(None),
            good_load: StoredValue::new_local(None),
            next_id: StoredValue::new(1),
        }
    }

    /// Folds in a message that arrived at `now`, in milliseconds.
    pub fn receive(self, message: FromWorker, now: f64) {
        match message {
            FromWorker::Ready => self.engine.set(Engine::Running),
            FromWorker::Crashed(why) => self.crashed(why),
            FromWorker::Reply { job, reply } => self.reply(job, *reply, now),
        }
    }

    /// Everything that was under way has failed. The conversation stays.
    pub(crate) fn crashed(self, why: String) {
        // A panic is reported twice, by its hook and by the browser: the first report says more.
        if matches!(self.engine.get_untracked(), Engine::Crashed(_)) {
            return;
        }
        let failure = Failure { kind: FailureKind::Crashed, message: told!("the engine stopped: {}", why) };
        if self.answering.get_untracked().is_some() {
            self.end_answer(Phase::Failed(failure.clone()));
        }
        self.check.update(|check| {
            if check.job.take().is_some() {
                check.failure = Some(failure);
            }
        });
        self.experiment.job.set(None);
        self.experiment.going.set(false);
        self.loading.set(None);
        self.loaded.set(None);
        self.speed.set(None);
        self.engine.set(Engine::Crashed(why));
    }

    fn reply(self, job: JobId, reply: Reply, now: f64) {
        let answers = self.answering.get_untracked() == Some(job);
        let loads = self.loading.with_untracked(|loading| loading.as_ref().is_some_and(|loading| loading.job == job));
        let tries = self.experiment.job.get_untracked() == Some(job);
        let checks = self.check.with_untracked(|check| check.job == Some(job));
        match reply {
            Reply::Adapter(adapter) => self.adapter.set(Some(adapter)),
            Reply::Progress(progress) if loads => self.progress(progress, now),
            Reply::Loaded(loaded) if loads => {
                self.said.set(told!("{} is ready.", loaded.model.name));
                self.good_load.set_value(self.last_load.get_value());
                self.loading.set(None);
                self.notice.set(None);
                self.context_used.set(0);
                self.speed.set(None);
                self.check.set(KernelCheck::default());
                self.loaded.set(Some(*loaded));
            }
            Reply::Event(event) if answers => self.event(event),
            Reply::Answered(completion) if answers => self.answered(completion),
            Reply::Answered(completion) if tries => self.experiment_answered(Ok(&completion)),
            Reply::Failed(failure) if tries => self.experiment_answered(Err(failure)),
            Reply::Row(row) if checks => self.check.update(|check| check.rows.push(row)),
            Reply::Checked if checks => self.check.update(|check| {
                check.job = None;
                check.complete = true;
            }),
            // Stopped before the engine got to it.
            Reply::Failed(failure) if answers && failure.kind == FailureKind::Cancelled => {
                self.said.set(t("Answer stopped.").into());
                self.end_answer(Phase::Done(None));
            }
            Reply::Failed(failure) if answers => self.end_answer(Phase::Failed(failure)),
            Reply::Failed(failure) if checks => self.check.update(|check| {
                check.job = None;
                check.failure = Some(failure);
            }),
            Reply::Failed(failure) if loads => {
                self.loading.set(None);
                if failure.kind == FailureKind::Cancelled {
                    self.said.set(t("Loading cancelled.").into());
                } else {
                    self.notice.set(Some(failure));
                }
            }
            // Late words about something that the page has given up.
            _ => {}
        }
    }

    fn progress(self, progress: Progress, now: f64) {
        self.loading.update(|loading| {
            let Some(loading) = loading else { return };
            if progress.stage == Stage::Weights {
                loading.rate.note(now, progress.done);
            }
            loading.progress = progress;
        });
    }

    fn event(self, event: Event) {
        match event {
            Event::Prefill { done, total, .. } => self.set_phase(Phase::Reading(done, total)),
            Event::Token { text, context_used, tokens_per_second, .. } => {
                self.with_answer(|turn| {
                    if *turn.phase.read_untracked() != Phase::Writing {
                        turn.phase.set(Phase::Writing);
                    }
                    if !text.is_empty() {
                        turn.text.update(|all| all.push_str(&text));
                    }
                });
                self.context_used.set(context_used);
                self.speed.set(Some(tokens_per_second));
                self.pulse.update(|pulse| *pulse = pulse.wrapping_add(1));
            }
            event => self.computation(&event),
        }
    }

    fn computation(self, event: &Event) {
        self.with_answer(|turn| {
            let length = turn.text.read_untracked().len();
            turn.trace.update(|trace| trace.fold(event, length));
            match event {
                Event::Splice { text, .. } => turn.text.update(|all| all.push_str(text)),
                Event::Numbers(_) => turn.phase.set(Phase::Computing),
                _ => {}
            }
        });
        match event {
            Event::Choice { value: Some(value), .. } => self.said.set(told!("Computed {}.", display(*value))),
            Event::Splice { context_used, .. } => self.context_used.set(*context_used),
            _ => {}
        }
        self.pulse.update(|pulse| *pulse = pulse.wrapping_add(1));
    }

    fn answered(self, completion: Completion) {
        self.context_used.set(completion.context_used);
        self.speed.set(Some(completion.decode_tps));
        self.said.set(match completion.stop {
            StopReason::Cancelled => t("Answer stopped.").into(),
            _ => told!("Answer complete, {} tokens.", completion.tokens.len()),
        });
        self.with_answer(|turn| {
            if *turn.text.read_untracked() != completion.text {
                let same = {
                    let told = turn.text.read_untracked();
                    told.bytes().zip(completion.text.bytes()).take_while(|(told, complete)| told == complete).count()
                };
                turn.trace.update(|trace| trace.replaced(same));
                turn.text.set(completion.text.clone());
            }
        });
        self.end_answer(Phase::Done(Some(Box::new(completion))));
    }

    fn set_phase(self, phase: Phase) {
        self.with_answer(|turn| turn.phase.set(phase));
    }

    fn end_answer(self, phase: Phase) {
        self.set_phase(phase);
        self.answering.set(None);
        self.pulse.update(|pulse| *pulse = pulse.wrapping_add(1));
    }

    fn with_answer(self, change: impl FnOnce(&Turn)) {
        // Out of the store first: what changes may look into it.
        if let Some(turn) = self.written.get_value() {
            change(&turn);
        }
    }

    /// Whether the model in use has WASM layers.
    pub fn has_layers(self) -> bool {
        self.loaded.read().as_ref().is_some_and(|loaded| !loaded.model.wasm_layers.is_empty())
    }

    /// Whether the model in use computes, with WASM layers or with functions that its own text has.
    pub fn computes(self) -> bool {
        self.has_layers() || self.loaded.read().as_ref().is_some_and(|loaded| loaded.model.text_voice)
    }

    /// Whether a message can be sent now.
    pub fn can_send(self) -> bool {
        self.loaded.read().is_some()
            && self.answering.get().is_none()
            && self.experiment.job.get().is_none()
            && self.check.read().job.is_none()
    }
}
