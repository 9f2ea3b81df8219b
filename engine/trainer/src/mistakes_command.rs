//! `wattage-trainer mistakes`: the kinds of mistakes in a file of answers, as a table.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::Value;
use wattage_trainer::mistakes::count;
use wattage_trainer::{Error, Result};

#[derive(Args)]
pub(crate) struct Mistakes {
    /// The files that `wattage eval` was given as --out
    #[arg(long, required = true, num_args = 1..)]
    answers: Vec<PathBuf>,
    /// Questions to print of each kind
    #[arg(long, default_value_t = 0)]
    examples: usize,
}

pub(crate) fn run(args: &Mistakes) -> Result<()> {
    for path in &args.answers {
        let lines = answers(path)?;
        let wrong = lines.iter().filter(|line| line["correct"] == false).count();
        let told = lines.iter().filter(|line| line["equation"].as_str().is_some_and(|text| !text.is_empty())).count();
        println!("{}: {wrong} of {} wrong; of {told} it is known what is to be computed", path.display(), lines.len());
        for (kind, (count, examples)) in count(&lines, args.examples) {
            println!("{count:5}  {}", kind.name());
            for line in examples {
                println!("       {} wanted {}, computed {}", line["question"], line["equation"], line["computed"]);
            }
        }
    }
    Ok(())
}

/// The lines of a file of answers.
pub(crate) fn answers(path: &Path) -> Result<Vec<Value>> {
    let text = std::fs::read_to_string(path).map_err(|why| Error::file(path, why))?;
    let lines = text.lines().map(serde_json::from_str).collect::<Result<_, _>>();
    lines.map_err(|why| Error::file(path, std::io::Error::from(why)))
}
