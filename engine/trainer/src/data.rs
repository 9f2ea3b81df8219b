//! `wattage-trainer data`: examples from the generator and from data sets, as JSON lines.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use wattage_trainer::example::{Example, write_jsonl};
use wattage_trainer::generate::{Counts, Generator};
use wattage_trainer::read::{EvalSet, Loaded, gsm8k, mawps};
use wattage_trainer::skeleton::skeleton;
use wattage_trainer::{Error, Result};

#[derive(Args)]
pub(crate) struct Data {
    /// The same seed gives the same examples
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// How many examples to generate
    #[arg(long, default_value_t = 10_000)]
    count: u64,
    /// Where to write them, one JSON object a line; not written without it
    #[arg(long)]
    out: Option<PathBuf>,
    /// GSM8K's train.jsonl, to be added
    #[arg(long)]
    gsm8k: Option<PathBuf>,
    /// MAWPS's trainset.json, to be added
    #[arg(long)]
    mawps: Option<PathBuf>,
    /// How often to add each entry of the data sets again, with other numbers and names
    #[arg(long, default_value_t = 0)]
    copies: u64,
    /// Print what became of each category's attempts
    #[arg(long)]
    stats: bool,
    /// Print how many of the held-out phrasings have a form that is among the examples
    #[arg(long)]
    overlap: bool,
}

pub(crate) fn run(data: &Data) -> Result<()> {
    let mut examples: Vec<Example> = Vec::new();
    for (name, path, read) in [
        ("GSM8K", &data.gsm8k, gsm8k as fn(&str) -> Result<Loaded>),
        ("MAWPS", &data.mawps, mawps as fn(&str) -> Result<Loaded>),
    ] {
        let Some(path) = path else { continue };
        let loaded = read(&text(path)?)?;
        eprintln!("{name}: {} of {} entries have a program", loaded.programs, loaded.examples.len());
        examples.extend(loaded.examples.into_iter().filter(Example::trainable));
    }
    let generator = Generator::new(data.seed)?;
    let mut random = ChaCha8Rng::seed_from_u64(data.seed);
    let originals = examples.len();
    for _ in 0..data.copies {
        for index in 0..originals {
            let copy = generator.vary(&examples[index], &mut random);
            if copy.question != examples[index].question {
                examples.push(copy);
            }
        }
    }
    if data.copies > 0 {
        eprintln!("{} copies with other numbers or names", examples.len() - originals);
    }
    let mut counts = Counts::new();
    let began = Instant::now();
    for number in 0..data.count {
        examples.push(generator.example(number, &mut counts)?);
    }
    let seconds = began.elapsed().as_secs_f64();
    eprintln!("generated {} examples, {:.0} a second", data.count, data.count as f64 / seconds.max(1e-9));
    if data.stats {
        print(&counts);
    }
    if data.overlap {
        let forms: HashSet<String> = examples.iter().map(|example| skeleton(&example.question)).collect();
        let set = EvalSet::phrasings()?;
        let seen = set.seen(&forms).into_iter().filter(|seen| *seen).count();
        println!("{seen} of {} held-out phrasings have a form that is among the examples", set.items.len());
    }
    match &data.out {
        Some(path) => write_jsonl(path, &examples),
        None => Ok(()),
    }
}

fn text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|why| Error::file(path, why))
}

fn print(counts: &Counts) {
    println!("{:<20} {:>8} {:>7}  thrown away", "category", "made", "lost");
    for (category, count) in counts {
        let reasons: Vec<String> =
            count.discarded.iter().map(|(reason, count)| format!("{reason:?} {count}")).collect();
        println!("{category:<20} {:>8} {:>6.1}%  {}", count.made, count.lost() * 100.0, reasons.join(", "));
    }
}
