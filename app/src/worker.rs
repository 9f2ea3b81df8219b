//! The worker: owns the [`Session`], runs one command at a time and hears a request to stop while one runs.

use std::{cell::RefCell, rc::Rc};

use futures::{StreamExt, channel::mpsc};
use js_sys::Array;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::spawn_local;
use wattage_engine::{Cancel, Error, Event, ModelFile, Progress, Session, Source, Stage};

use crate::protocol::{Command, Failure, FromWorker, JobId, Loaded, Reply, SourceSpec, ToWorker, pack, unpack};
use crate::{known, library};

/// Reports of a load closer together than this are left out.
const REPORT_EVERY_MS: f64 = 80.0;

/// A command that waits its turn.
struct Job {
    id: JobId,
    command: Command,
    files: Array,
    cancel: Cancel,
}

/// The flags of the commands that run or wait.
type Flags = Rc<RefCell<Vec<(JobId, Cancel)>>>;

/// Listens to the page for as long as the worker lives.
pub fn start() {
    std::panic::set_hook(Box::new(|panic| {
        web_sys::console::error_1(&panic.to_string().into());
        post(&FromWorker::Crashed(panic.to_string()));
    }));
    let flags = Flags::default();
    let (queue, jobs) = mpsc::unbounded();
    let listener = {
        let flags = flags.clone();
        Closure::<dyn FnMut(web_sys::MessageEvent)>::new(move |event: web_sys::MessageEvent| {
            match unpack(event.data()) {
                Ok((ToWorker::Run { job, command }, files)) => {
                    let cancel = Cancel::new();
                    flags.borrow_mut().push((job, cancel.clone()));
                    if queue.unbounded_send(Job { id: job, command, files, cancel }).is_err() {
                        post(&FromWorker::Crashed("the engine's queue is closed".into()));
                    }
                }
                Ok((ToWorker::Cancel { job }, _)) => {
                    if let Some((_, cancel)) = flags.borrow().iter().find(|(id, _)| *id == job) {
                        cancel.cancel();
                    }
                }
                Err(why) => post(&FromWorker::Crashed(format!("the page and the engine do not fit together: {why}"))),
            }
        })
    };
    scope().set_onmessage(Some(listener.as_ref().unchecked_ref()));
    listener.forget();
    spawn_local(run(jobs, flags));
    post(&FromWorker::Ready);
}

async fn run(mut jobs: mpsc::UnboundedReceiver<Job>, flags: Flags) {
    let mut session = None;
    while let Some(job) = jobs.next().await {
        let id = job.id;
        let end = if job.cancel.is_cancelled() { Err(Error::Cancelled) } else { perform(job, &mut session).await };
        flags.borrow_mut().retain(|(other, _)| *other != id);
        reply(id, end.unwrap_or_else(|error| Reply::Failed(Failure::from(&error))));
    }
}

/// Runs one command and gives its last reply.
async fn perform(job: Job, session: &mut Option<Session>) -> Result<Reply, Error> {
    let Job { id, command, files, cancel } = job;
    match command {
        Command::Probe => Ok(Reply::Adapter(wattage_engine::probe().await.map_err(|error| Failure::from(&error)))),
        Command::Load { sources, models, options } => {
            // Two models at once may not fit.
            *session = None;
            let sources = open(sources, &files).await?;
            let mut throttle = Throttle::default();
            let mut report = |progress: Progress| {
                if throttle.passes(&progress) {
                    reply(id, Reply::Progress(progress));
                }
            };
            report(Progress { stage: Stage::Header, done: 0, total: 1 });
            let (given, sources) = Session::layers_among(sources)?;
            let file = ModelFile::open(sources).await?;
            let (layers, without_layers) = match given {
                Some(given) => (Some(given), None),
                None => known::layers_for(&file, &models).await,
            };
            let loaded = Session::load_file(file, layers, &options, &cancel, &mut report).await?;
            let end = Reply::Loaded(Box::new(Loaded {
                model: loaded.model().clone(),
                device: loaded.device().clone(),
                without_layers,
                heap_bytes: heap_bytes(),
            }));
            *session = Some(loaded);
            Ok(end)
        }
        Command::Chat { messages, options } => {
            let session = session.as_mut().ok_or_else(no_model)?;
            let mut report = |event: Event| reply(id, Reply::Event(event));
            Ok(Reply::Answered(session.chat(&messages, &options, &cancel, &mut report).await?))
        }
        Command::Check => {
            let session = session.as_mut().ok_or_else(no_model)?;
            session.check(&mut |row| reply(id, Reply::Row(row))).await?;
            Ok(Reply::Checked)
        }
        Command::Keep { target, source } => {
            let open = async || open_one(source, &files).await;
            library::download(&target, open, &cancel, &mut |keeping| reply(id, Reply::Keeping(keeping))).await?;
            Ok(Reply::Kept)
        }
    }
}

async fn open(specs: Vec<SourceSpec>, files: &Array) -> Result<Vec<Source>, Error> {
    let mut sources = Vec::with_capacity(specs.len());
    for spec in specs {
        sources.push(open_one(spec, files).await?);
    }
    Ok(sources)
}

async fn open_one(spec: SourceSpec, files: &Array) -> Result<Source, Error> {
    match spec {
        SourceSpec::Url(url) => Source::url(&url).await,
        SourceSpec::File { name, file } => {
            let file = u32::try_from(file).map_or(JsValue::UNDEFINED, |index| files.get(index));
            let blob = file.dyn_into().map_err(|_| Error::Source {
                what: name.clone(),
                why: "the browser did not pass it on; choose it again".into(),
            })?;
            Ok(Source::blob(name, blob))
        }
    }
}

/// Lets through a load's first report, changes of stage, the end, and otherwise one report every so often.
#[derive(Default)]
struct Throttle(Option<(Stage, f64)>);

impl Throttle {
    fn passes(&mut self, progress: &Progress) -> bool {
        let now = js_sys::Date::now();
        let passes = self.0.is_none_or(|(last, when)| {
            last != progress.stage || progress.done >= progress.total || now - when >= REPORT_EVERY_MS
        });
        if passes {
            self.0 = Some((progress.stage, now));
        }
        passes
    }
}

fn heap_bytes() -> u64 {
    let memory: js_sys::WebAssembly::Memory = wasm_bindgen::memory().unchecked_into();
    u64::from(memory.buffer().unchecked_into::<js_sys::ArrayBuffer>().byte_length())
}

fn no_model() -> Error {
    Error::Request("no model is loaded; load one first".into())
}

fn scope() -> web_sys::DedicatedWorkerGlobalScope {
    js_sys::global().unchecked_into()
}

fn reply(job: JobId, reply: Reply) {
    post(&FromWorker::Reply { job, reply: Box::new(reply) });
}

/// Tells the page; what cannot be told is at least written to the console.
fn post(message: &FromWorker) {
    let posted = pack(message, &Array::new())
        .and_then(|value| scope().post_message(&value).map_err(|error| format!("{error:?}")));
    if let Err(why) = posted {
        web_sys::console::error_2(&"the worker could not tell the page:".into(), &why.into());
    }
}
