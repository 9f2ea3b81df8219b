//! The typed messages between the page and the worker.
//!
//! A message travels as a JavaScript array of two: the serialised message and the list of files that it refers to by
//! index. Files are cloned by the browser as handles, so a model's bytes are never copied from the page to the worker.

use js_sys::Array;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use wasm_bindgen::{JsCast, JsValue};
use wattage_engine::{
    AdapterInfo, ChatOptions, CheckRow, Completion, DeviceInfo, Error, Event, LoadOptions, Message, ModelInfo, Progress,
};

use crate::{language::t, library::Target};

/// Names a command from its start to its last reply; chosen by the page, never used twice.
pub type JobId = u32;

/// What the page says to the worker.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum ToWorker {
    /// Starts a command, after the ones that were sent before it.
    Run {
        /// Its name.
        job: JobId,
        /// What to do.
        command: Command,
    },
    /// Asks a command to end early, whether it runs or waits. It takes effect while the command runs.
    Cancel {
        /// The command to end.
        job: JobId,
    },
}

/// What the worker can be asked to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Command {
    /// Asks what WebGPU offers.
    Probe,
    /// Loads a model; one that was loaded before is freed first.
    Load {
        /// The model's files.
        sources: Vec<SourceSpec>,
        /// The address of the folder with the models that come with the page, with a slash at its end.
        models: String,
        /// Where to run it, and how.
        options: LoadOptions,
    },
    /// Answers a conversation.
    Chat {
        /// The conversation, oldest first.
        messages: Vec<Message>,
        /// Sampling and limits.
        options: ChatOptions,
    },
    /// Runs every kernel variant of the adapter against the CPU.
    Check,
    /// Keeps a model's file on this computer, or goes on with that.
    Keep {
        /// The file.
        target: Target,
        /// Where it comes from.
        source: SourceSpec,
    },
}

/// One file of a model.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum SourceSpec {
    /// A file that comes with the message.
    File {
        /// Its name, by which the parts of a checkpoint are told apart.
        name: String,
        /// Index into the message's files.
        file: usize,
    },
    /// An address that answers range requests.
    Url(String),
}

/// What the worker says to the page.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum FromWorker {
    /// The worker listens.
    Ready,
    /// Something about a command.
    Reply {
        /// The command.
        job: JobId,
        /// What there is to say.
        reply: Box<Reply>,
    },
    /// The engine broke down; the worker must be replaced.
    Crashed(String),
}

/// What comes back from a command: any number of reports, then one end.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Reply {
    /// End of [`Command::Probe`]: the adapter, or why there is none.
    Adapter(Result<AdapterInfo, Failure>),
    /// Report of a load.
    Progress(Progress),
    /// End of [`Command::Load`].
    Loaded(Box<Loaded>),
    /// Report of a chat.
    Event(Event),
    /// End of [`Command::Chat`].
    Answered(Completion),
    /// Report of a kernel check.
    Row(CheckRow),
    /// End of [`Command::Check`].
    Checked,
    /// Report of a file that is being kept.
    Keeping(Keeping),
    /// End of [`Command::Keep`]: the file is whole.
    Kept,
    /// End of any command that did not succeed.
    Failed(Failure),
}

/// How far the keeping of a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keeping {
    /// What is being done.
    pub stage: KeepingStage,
    /// Bytes done.
    pub done: u64,
    /// Bytes in all.
    pub total: u64,
}

/// What is done to keep a file, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeepingStage {
    /// Another tab keeps the same file.
    OtherTab,
    /// Its missing pieces are fetched and written.
    Fetching,
    /// All of it is read and compared with its SHA-256.
    Comparing,
}

/// A model in use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Loaded {
    /// The model.
    pub model: ModelInfo,
    /// What it runs on.
    pub device: DeviceInfo,
    /// Why WASM layers that there are for it are not used.
    pub without_layers: Option<String>,
    /// Bytes of the engine's WebAssembly memory, which never shrinks: the most that it needed so far.
    pub heap_bytes: u64,
}

/// An error, as it travels to the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What kind of error, for what the page can offer to do.
    pub kind: FailureKind,
    /// What happened and what to do about it.
    pub message: String,
}

/// The kinds of errors that the page tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailureKind {
    /// The files cannot be read or used: other files are needed.
    Files,
    /// No adapter, or one that cannot hold or run the model.
    Adapter,
    /// The device was lost or computes wrongly: the model must be loaded again.
    Device,
    /// The conversation does not fit.
    ContextFull,
    /// The user asked for the end.
    Cancelled,
    /// The engine broke down and must be started again.
    Crashed,
    /// Anything else.
    Other,
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        let kind = match error {
            Error::Source { .. } | Error::Format(_) | Error::Unsupported(_) | Error::Tokenizer(_) => FailureKind::Files,
            Error::Adapter(_) => FailureKind::Adapter,
            Error::DeviceLost(_) | Error::SelfCheck(_) => FailureKind::Device,
            Error::ContextFull { .. } => FailureKind::ContextFull,
            Error::Cancelled => FailureKind::Cancelled,
            _ => FailureKind::Other,
        };
        Self { kind, message: error.to_string() }
    }
}

/// Makes the value that is posted.
///
/// # Errors
/// The message cannot be serialised.
pub fn pack<T: Serialize>(message: &T, files: &Array) -> Result<JsValue, String> {
    // Numbers of 64 bits travel as BigInt: as plain numbers the larger ones would be refused.
    let serializer = serde_wasm_bindgen::Serializer::new().serialize_large_number_types_as_bigints(true);
    let value = message.serialize(&serializer).map_err(|error| error.to_string())?;
    Ok(Array::of2(&value, files).into())
}

/// Reads a posted value.
///
/// # Errors
/// The value is not such a message.
pub fn unpack<T: DeserializeOwned>(value: JsValue) -> Result<(T, Array), String> {
    let pair: Array = value.dyn_into().map_err(|_| t("a message is not an array").to_owned())?;
    let message = serde_wasm_bindgen::from_value(pair.get(0)).map_err(|error| error.to_string())?;
    let files = pair.get(1).dyn_into().map_err(|_| t("a message has no list of files").to_owned())?;
    Ok((message, files))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_keep_their_text_and_get_a_kind() {
        let failure = Failure::from(&Error::ContextFull { needed: 5, limit: 4 });
        assert_eq!(failure.kind, FailureKind::ContextFull);
        assert!(failure.message.contains("5 tokens"));
        assert_eq!(Failure::from(&Error::Format("x".into())).kind, FailureKind::Files);
        assert_eq!(Failure::from(&Error::DeviceLost("x".into())).kind, FailureKind::Device);
    }
}
