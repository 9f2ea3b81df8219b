//! What can go wrong, and what to do about it.

use std::path::Path;

/// What the trainer's fallible functions return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read or written.
    #[error("could not use '{file}': {why}")]
    File {
        /// Its path.
        file: String,
        /// The cause.
        why: std::io::Error,
    },
    /// A line of the generator's grammar is malformed.
    #[error("{file}, line {line}: {why}")]
    Grammar {
        /// The grammar file's name.
        file: String,
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
    /// A data set is not in the format that its reader knows.
    #[error("{set}, entry {entry}: {why}; is this the file that the set's authors publish?")]
    Set {
        /// The data set's name.
        set: &'static str,
        /// Counted from 1.
        entry: usize,
        /// What is wrong with it.
        why: String,
    },
    /// No vocabulary could be learned.
    #[error("no vocabulary could be learned: {0}; give it more texts, or ask for fewer tokens")]
    Vocabulary(String),
    /// The engine could not do its part.
    #[error(transparent)]
    Engine(#[from] wattage_engine::Error),
    /// Training cannot go on.
    #[error("training cannot go on: {0}")]
    Training(String),
    /// Nets cannot be written as files.
    #[error("the model cannot be exported: {0}")]
    Export(String),
    /// The generator could not make what was asked for.
    #[error("the generator cannot go on: {0}")]
    Generator(String),
}

impl Error {
    /// An input or output error, with the file that it is about.
    pub fn file(path: &Path, why: std::io::Error) -> Self {
        Self::File { file: path.display().to_string(), why }
    }
}
