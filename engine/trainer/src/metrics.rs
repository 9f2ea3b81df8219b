//! A training run's lines of metrics.

use std::io::Write as _;
use std::path::Path;

use serde_json::Value;
use wattage_trainer::{Error, Result};

/// Tells lines on the terminal and adds them to a file.
pub(crate) fn reporter(path: &Path) -> Result<impl FnMut(Value)> {
    let file = std::fs::File::options().create(true).append(true).open(path);
    let mut file = file.map_err(|why| Error::file(path, why))?;
    Ok(move |line: Value| {
        eprintln!("{line}");
        // A line that could not be written is on the terminal at least.
        let _ = writeln!(file, "{line}");
    })
}
