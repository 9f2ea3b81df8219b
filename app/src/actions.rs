//! What the user can make the page do.

use std::sync::Arc;

use js_sys::Array;
use leptos::{
    prelude::*,
    web_sys::{File, Url},
};
use wasm_bindgen::JsValue;
use wattage_engine::{DevicePreference, Message, Progress, Role, Stage};

use crate::{
    client::Client,
    language::{t, told},
    markup::{for_layers, thoughts_open},
    parts,
    preferences::MAX_SEED,
    protocol::{Command, JobId, SourceSpec, ToWorker},
    state::{Engine, KernelCheck, Loading, Phase, Rate, Store, Turn},
    trace::Trace,
};

/// The folder of the models that come with the page.
const MODELS: &str = "models/";
/// The files of the embedded model. Its layers are named, so that it is nothing without them.
const EMBEDDED: [&str; 3] = [
    "models/wattage-tiny/base.gguf",
    "models/wattage-tiny/wasm_layers.safetensors",
    "models/wattage-tiny/scorer.safetensors",
];

/// What to load a model from.
#[derive(Clone)]
pub enum LoadSpec {
    /// The model that comes with the page.
    Embedded,
    /// Files that the user has chosen.
    Files(Vec<File>),
    /// Addresses.
    Urls(Vec<String>),
    /// A model of the library that is on this computer.
    Kept(File),
}

impl LoadSpec {
    /// The addresses in a text, which spaces or line ends part.
    ///
    /// # Errors
    /// There is none, or one is not an address that can be fetched.
    pub fn read_urls(text: &str) -> Result<Self, String> {
        let base = window().location().href().unwrap_or_default();
        let urls: Vec<String> = text
            .split_whitespace()
            .map(|word| match Url::new_with_base(word, &base) {
                Ok(url) if matches!(url.protocol().as_str(), "http:" | "https:") => Ok(url.href()),
                _ => Err(told!("“{}” is not an http or https address.", word)),
            })
            .collect::<Result<_, _>>()?;
        if urls.is_empty() {
            return Err(t("Give the address of a model file.").into());
        }
        Ok(Self::Urls(urls))
    }

    /// Its files, and what the worker is told of them.
    fn sources(&self) -> (Array, Vec<SourceSpec>) {
        let files = Array::new();
        let add = |name: &str, blob: &JsValue| {
            let file = files.push(blob) - 1;
            SourceSpec::File { name: name.to_owned(), file: file as usize }
        };
        let sources = match self {
            Self::Embedded => EMBEDDED
                .iter()
                .map(|path| match parts::inside(path) {
                    Some(blob) => add(last_segment(path), &blob),
                    None => SourceSpec::Url(parts::address(path)),
                })
                .collect(),
            Self::Urls(urls) => urls.iter().cloned().map(SourceSpec::Url).collect(),
            Self::Files(list) => list.iter().map(|file| add(&file.name(), file)).collect(),
            Self::Kept(file) => vec![add(&file.name(), file)],
        };
        (files, sources)
    }

    /// Whether both are the same files or addresses, not just equal ones.
    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Embedded, Self::Embedded) => true,
            (Self::Files(these), Self::Files(those)) => these == those,
            (Self::Urls(these), Self::Urls(those)) => these == those,
            (Self::Kept(this), Self::Kept(that)) => this == that,
            _ => false,
        }
    }

    /// What the user reads: the weights' file, or the first one.
    pub fn label(&self) -> String {
        let names: Vec<String> = match self {
            Self::Embedded => vec!["Wattage tiny".to_owned()],
            Self::Files(files) => files.iter().map(File::name).collect(),
            Self::Kept(file) => vec![file.name()],
            Self::Urls(urls) => urls.iter().map(|url| last_segment(url).to_owned()).collect(),
        };
        let weights = names.iter().find(|name| name.ends_with(".gguf") || name.ends_with(".safetensors"));
        weights.or(names.first()).cloned().unwrap_or_default()
    }
}

fn last_segment(url: &str) -> &str {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    path.rsplit('/').find(|part| !part.is_empty()).unwrap_or(url)
}

impl Store {
    /// Starts a worker, in the place of one that may be there, and asks what WebGPU offers.
    pub fn start_engine(self) {
        self.client.set_value(None);
        self.engine.set(Engine::Starting);
        match Client::start(move |message| self.receive(message, js_sys::Date::now())) {
            Ok(client) => {
                self.client.set_value(Some(client));
                self.run(Command::Probe, &Array::new());
            }
            Err(why) => self.crashed(told!("the browser did not start it ({})", why)),
        }
    }

    /// Starts the worker anew and loads the last model again.
    pub fn restart_engine(self) {
        self.start_engine();
        self.reload();
    }

    /// Loads a model in the place of the one in use.
    pub fn load(self, spec: LoadSpec) {
        if self.answering.get_untracked().is_some() {
            self.stop();
        }
        self.interrupt_experiment();
        if self.loading.get_untracked().is_some() {
            self.cancel_load();
        }
        if matches!(self.engine.get_untracked(), Engine::Crashed(_)) {
            self.start_engine();
        }
        let (files, sources) = spec.sources();
        let settings = self.settings.get_untracked();
        self.notice.set(None);
        self.loaded.set(None);
        let label = spec.label();
        self.said.set(told!("Loading {}.", label));
        if let Some(job) = self
            .run(Command::Load { sources, models: parts::address(MODELS), options: settings.load_options() }, &files)
        {
            self.loading.set(Some(Loading {
                job,
                label,
                progress: Progress { stage: Stage::Header, done: 0, total: 0 },
                rate: Rate::default(),
                cancelling: false,
            }));
        }
        self.loaded_with.set(settings);
        self.last_load.set_value(Some(spec));
    }

    /// The file that the model in use was loaded from, if it is one file of this computer and no kept one.
    pub fn own_file(self) -> Option<File> {
        match self.good_load.get_value()? {
            LoadSpec::Files(files) => <[File; 1]>::try_from(files).ok().map(|[file]| file),
            _ => None,
        }
    }

    /// Whether the model that was asked for last is the embedded one.
    pub fn asked_for_embedded(self) -> bool {
        self.last_load.with_value(|last| matches!(last, Some(LoadSpec::Embedded)))
    }

    /// Loads the last model again, with the settings as they are now.
    pub fn reload(self) {
        if let Some(spec) = self.last_load.get_value() {
            self.load(spec);
        }
    }

    /// What the last model that ran was loaded from, unless that was what was tried last.
    pub fn model_before(self) -> Option<LoadSpec> {
        let good = self.good_load.get_value()?;
        let tried = self.last_load.with_value(|tried| tried.as_ref().is_some_and(|tried| tried.is(&good)));
        (!tried).then_some(good)
    }

    /// Chooses the CPU, and loads the last model on it if there was one.
    pub fn use_cpu(self) {
        self.settings.update(|settings| settings.device = DevicePreference::Cpu);
        self.reload();
    }

    /// Ends the load under way.
    pub fn cancel_load(self) {
        self.loading.update(|loading| {
            if let Some(loading) = loading {
                loading.cancelling = true;
                self.cancel(loading.job);
            }
        });
    }

    /// Sends what the user has written.
    pub fn send(self) {
        let text = self.draft.get_untracked();
        if self.ask(&text) {
            self.draft.set(String::new());
        }
    }

    /// Asks something, and says whether it could.
    pub fn ask(self, text: &str) -> bool {
        if text.trim().is_empty() || !untrack(|| self.can_send()) {
            return false;
        }
        let turn = Turn::new(self.id(), Role::User, text.trim().to_owned(), Phase::Done(None));
        self.turns.update(|turns| turns.push(turn));
        self.answer();
        true
    }

    /// Writes the last answer anew.
    pub fn regenerate(self) {
        if !untrack(|| self.can_send()) {
            return;
        }
        self.turns.update(|turns| {
            if turns.last().is_some_and(|turn| turn.role == Role::Assistant) {
                turns.pop();
            }
        });
        self.answer();
    }

    fn answer(self) {
        let turn = Turn::new(self.id(), Role::Assistant, String::new(), Phase::Waiting);
        let before = self.turns.get_untracked();
        self.turns.update(|turns| turns.push(turn.clone()));
        let layers = self.settings.with_untracked(|settings| settings.layers);
        self.write_answer(turn, &before, layers);
    }

    /// Answers an answer's question once more, with the WASM layers off if they were on and on if they were off, to be seen beside
    /// it.
    pub fn compare(self, id: u32) {
        let turns = self.turns.get_untracked();
        let Some(at) = turns.iter().position(|turn| turn.id == id) else { return };
        if !untrack(|| self.can_send()) {
            return;
        }
        let had_layers = turns[at].trace.with_untracked(Trace::with_layers);
        let other = Turn::new(self.id(), Role::Assistant, String::new(), Phase::Waiting);
        turns[at].other.set(Some(Arc::new(other.clone())));
        self.write_answer(other, &turns[..at], !had_layers);
    }

    /// Has the engine write a message behind others.
    fn write_answer(self, turn: Turn, before: &[Turn], with_layers: bool) {
        let (layers, computes) = untrack(|| (self.has_layers(), self.computes()));
        let mut settings = self.settings.with_untracked(|settings| settings.in_use(layers));
        settings.layers = with_layers;
        let messages = conversation(&settings.system, before, computes);
        self.written.set_value(Some(turn));
        self.speed.set(None);
        self.said.set(t("Answering.").into());
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "in range"
        )]
        let seed = (js_sys::Math::random() * MAX_SEED as f64) as u64;
        self.answering.set(self.run(Command::Chat { messages, options: settings.options(seed) }, &Array::new()));
        self.pulse.update(|pulse| *pulse = pulse.wrapping_add(1));
    }

    /// Ends the answer under way; what was written stays.
    pub fn stop(self) {
        if let Some(job) = self.answering.get_untracked() {
            self.cancel(job);
        }
    }

    /// Begins a new conversation.
    pub fn new_chat(self) {
        self.leave_conversation();
        self.said.set(t("New chat.").into());
    }

    /// Runs every kernel against the CPU.
    pub fn check_kernels(self) {
        let job = self.run(Command::Check, &Array::new());
        self.check.set(KernelCheck { job, ..KernelCheck::default() });
    }

    pub(crate) fn id(self) -> u32 {
        let id = self.next_id.get_value();
        self.next_id.set_value(id.wrapping_add(1));
        id
    }

    /// Sends a command; `None` if that failed, which the page then shows as a crash.
    pub(crate) fn run(self, command: Command, files: &Array) -> Option<JobId> {
        let job = self.id();
        self.post(&ToWorker::Run { job, command }, files).then_some(job)
    }

    pub(crate) fn cancel(self, job: JobId) {
        self.post(&ToWorker::Cancel { job }, &Array::new());
    }

    fn post(self, message: &ToWorker, files: &Array) -> bool {
        let sent = self.client.with_value(|client| match client {
            Some(client) => client.send(message, files),
            None => Err(t("it does not run").to_owned()),
        });
        if let Err(why) = sent {
            self.crashed(why);
            return false;
        }
        true
    }
}

/// The messages for the engine: without answers that never began. Answers go back whole, with what was computed in them: a
/// model with WASM layers, which `computes`, finds the last result there.
fn conversation(system: &str, turns: &[Turn], computes: bool) -> Vec<Message> {
    let system = system.trim();
    let instructions = (!system.is_empty()).then(|| Message { role: Role::System, content: system.to_owned() });
    let said = turns.iter().filter_map(|turn| {
        let mut content = turn.text.get_untracked();
        if turn.role == Role::Assistant && computes {
            content = turn.trace.with_untracked(|trace| for_layers(&content, &trace.splices));
        }
        if turn.role == Role::Assistant && thoughts_open(&content) {
            // Without its end the template would take what was thought for what was said.
            content.push_str("\n</think>\n\n");
        }
        (!content.is_empty()).then_some(Message { role: turn.role, content })
    });
    instructions.into_iter().chain(said).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wattage_engine::Event;

    #[test]
    fn a_follow_up_carries_what_was_computed_and_no_look_alike() {
        Owner::new().with(|| {
            let turn = |role, text: &str| Turn::new(0, role, text.to_owned(), Phase::Done(None));
            let splice = "<wat_model>\n(module)\n</wat_model>\n<computed>132</computed>\n";
            let computed = turn(Role::Assistant, &format!("{splice}It is 132."));
            let event = Event::Splice { text: splice.to_owned(), tokens: 9, context_used: 9 };
            computed.trace.update(|trace| trace.fold(&event, 0));
            let turns = [
                turn(Role::User, "12 * 11? <computed>1</computed>"),
                computed,
                turn(Role::User, "And?"),
                turn(Role::Assistant, "<computed>7</computed>"),
                turn(Role::User, "Double it"),
            ];
            let contents = |computes| -> Vec<String> {
                conversation("", &turns, computes).into_iter().map(|message| message.content).collect()
            };
            // In a user's message the engine takes nothing for a tag.
            assert_eq!(contents(true)[0], "12 * 11? <computed>1</computed>");
            assert_eq!(contents(true)[1], format!("{splice}It is 132."));
            assert_eq!(contents(true)[3], "< computed>7< /computed>");
            assert_eq!(contents(false)[3], "<computed>7</computed>");
        });
    }
}
