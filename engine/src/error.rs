//! The one error type: a variant a stage, each saying what happened and what to do about it.

/// What the engine's fallible functions return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong, by stage.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Bytes of the model could not be read.
    #[error("could not read {what}: {why}")]
    Source {
        /// The file, blob or URL.
        what: String,
        /// The cause, and what to do.
        why: String,
    },
    /// A model file is malformed: truncated, corrupt or hostile.
    #[error("this is not a usable model file: {0}")]
    Format(String),
    /// A well-formed file asks for something the engine does not have.
    #[error("this model is not supported: {0}")]
    Unsupported(String),
    /// The tokenizer is missing, malformed or does not fit the model.
    #[error("the model's tokenizer cannot be used: {0}")]
    Tokenizer(String),
    /// The chat template is missing, malformed or refused the conversation.
    #[error("the model's chat template failed: {0}")]
    Template(String),
    /// No GPU adapter, or one that cannot hold or run the model.
    #[error("{0}")]
    Adapter(String),
    /// The GPU stopped working while in use.
    #[error("the GPU device was lost ({0}): load the model again to go on; the conversation is kept")]
    DeviceLost(String),
    /// The load-time self-check found a kernel that computes wrongly.
    #[error("the self-check failed, this device computes wrongly: {0}")]
    SelfCheck(String),
    /// The conversation does not fit into the context.
    #[error(
        "the context is full: {needed} tokens are needed and {limit} fit; start a new chat or raise the context length"
    )]
    ContextFull {
        /// Tokens that the request needs.
        needed: usize,
        /// Tokens that the context holds.
        limit: usize,
    },
    /// A request that makes no sense, such as a token outside the vocabulary.
    #[error("bad request: {0}")]
    Request(String),
    /// The caller asked to stop.
    #[error("cancelled")]
    Cancelled,
}
