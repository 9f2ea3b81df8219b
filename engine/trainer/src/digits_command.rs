//! `wattage-trainer digits`: right answers to direct arithmetic by number of digits, as a picture and as numbers.

use std::path::PathBuf;

use clap::Args;
use wattage_trainer::digits::{count, plot};
use wattage_trainer::{Error, Result};

use crate::mistakes_command::answers;

#[derive(Args)]
pub(crate) struct Digits {
    /// Names and files that `wattage eval` was given as --out for the set `direct`: NAME=FILE
    #[arg(long, required = true, num_args = 1..)]
    answers: Vec<String>,
    /// The picture (SVG)
    #[arg(long)]
    out: PathBuf,
}

pub(crate) fn run(args: &Digits) -> Result<()> {
    let mut ways = Vec::new();
    for named in &args.answers {
        let (name, path) = named
            .split_once('=')
            .ok_or_else(|| Error::Training(format!("{named:?} is no name and file: write NAME=FILE")))?;
        let counts = count(&answers(path.as_ref())?);
        for (digits, (all, right)) in &counts {
            println!("{name}: {digits} digits, {right} of {all}");
        }
        ways.push((name.to_owned(), counts));
    }
    plot(&ways, &args.out)
}
