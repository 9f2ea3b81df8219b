//! What nets are trained on, and what measures them meanwhile: generated examples and data sets.

use std::path::PathBuf;

use clap::Args;
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use wattage_trainer::distract::Sentences;
use wattage_trainer::example::Example;
use wattage_trainer::generate::{APART, Counts, Generator, HELD_OUT};
use wattage_trainer::read::{gsm8k, mawps};
use wattage_trainer::skeleton::held_out;
use wattage_trainer::{Error, Result};

/// Most held-out examples of a data set that each evaluation looks at.
const HELD_PUBLISHED: usize = 128;
/// Held-out generated examples.
const HELD_GENERATED: u64 = 400;
/// Generated numbers among which stories unlike those to train on are looked for, and most of these.
const HELD_APART: (u64, usize) = (20_000, 256);

#[derive(Args)]
pub(crate) struct Examples {
    /// GSM8K's train.jsonl
    #[arg(long)]
    gsm8k: Option<PathBuf>,
    /// MAWPS's trainset.json
    #[arg(long)]
    mawps: Option<PathBuf>,
    /// The first example to generate
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// Examples to generate
    #[arg(long, default_value_t = 100_000)]
    count: u64,
    /// Of those only these kinds (categories)
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// How often each example of GSM8K is taken, after the first time with other numbers and names; a base as small as the
    /// embedded one hardly learns from them
    #[arg(long, default_value_t = 0)]
    gsm8k_copies: usize,
    /// The same for MAWPS
    #[arg(long, default_value_t = 40)]
    mawps_copies: usize,
    /// Share of those copies that get a sentence of another question, whose numbers are of no use
    #[arg(long, default_value_t = 0.0)]
    distracted: f64,
    /// The same seed gives the same examples and the same weights
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
}

/// Examples apart.
pub(crate) struct Gathered {
    /// Generated ones to train on.
    pub(crate) generated: Vec<Example>,
    /// Those of data sets.
    pub(crate) published: Vec<Example>,
    /// What only measures, by set.
    pub(crate) held: Vec<(&'static str, Vec<Example>)>,
}

impl Examples {
    /// Generates, and reads data sets.
    pub(crate) fn gather(&self) -> Result<Gathered> {
        let generator = Generator::new(self.seed)?;
        let make = |range: std::ops::Range<u64>, wanted: &(dyn Fn(&str) -> bool + Sync)| -> Result<Vec<Example>> {
            let made = range.into_par_iter().map(|number| generator.example(number, &mut Counts::new()));
            made.filter(|made| made.as_ref().map_or(true, |example| wanted(&example.category))).collect()
        };
        let wanted = |category: &str| {
            category != APART && (self.only.is_empty() || self.only.iter().any(|only| only == category))
        };
        let generated = make(self.first..self.first + self.count, &wanted)?;
        let mut held = vec![("generated", make(HELD_OUT..HELD_OUT + HELD_GENERATED, &wanted)?)];
        let (among, most) = HELD_APART;
        let mut apart = make(HELD_OUT..HELD_OUT + among, &|category| category == APART)?;
        apart.truncate(most);
        held.push(("apart", apart));
        let mut published = Vec::new();
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        for (name, path, read, copies) in [
            ("GSM8K", &self.gsm8k, gsm8k as fn(&str) -> Result<_>, self.gsm8k_copies),
            ("MAWPS", &self.mawps, mawps, self.mawps_copies),
        ] {
            let Some(path) = path.as_ref().filter(|_| copies > 0) else { continue };
            let text = std::fs::read_to_string(path).map_err(|why| Error::file(path, why))?;
            let (out, of): (Vec<Example>, Vec<Example>) = read(&text)?
                .examples
                .into_iter()
                .filter(Example::trainable)
                .partition(|example| held_out(&example.question));
            let sentences = Sentences::of(of.iter().map(|example| example.question.as_str()));
            published.extend(of.iter().cloned());
            for _ in 1..copies {
                published.extend(of.iter().map(|example| {
                    let other = generator.vary(example, &mut random);
                    sentences.among(other, self.distracted, &mut random)
                }));
            }
            held.push((name, out.into_iter().take(HELD_PUBLISHED).collect()));
        }
        Ok(Gathered { generated, published, held })
    }
}

/// Messages that ask for no computation, with their answers: what some questions come after.
pub(crate) fn chats(examples: &[Example]) -> Vec<(String, String)> {
    examples
        .iter()
        .filter(|example| example.program.is_none() && example.category.starts_with("none"))
        .take(2000)
        .map(|example| (example.question.clone(), example.reply.clone()))
        .collect()
}
