//! `wattage-trainer scorer`: the scorer of an exported model, from questions that its layers were not trained on.

use std::path::PathBuf;

use clap::Args;
use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;
use wattage_engine::scorer::{self, Scorer as Weights, Store};
use wattage_engine::{Source, wasm_layers};
use wattage_trainer::distract::Sentences;
use wattage_trainer::example::Example;
use wattage_trainer::generate::{APART, Counts, Generator, HELD_OUT};
use wattage_trainer::judge::{Kept, Settings, Surveyed, Surveyor, fit, study};
use wattage_trainer::read::{Loaded, gsm8k, mawps};
use wattage_trainer::skeleton::{hash, held_out};
use wattage_trainer::{Error, Result};

/// Questions between lines of progress.
const REPORT: usize = 500;
/// The generator's held-out numbers from here on are the scorer's; those before measure the layers while they train.
const FIRST: u64 = HELD_OUT + 10_000;
/// Those among which stories that the layers were not trained on are looked for.
const UNSEEN: std::ops::Range<u64> = HELD_OUT + 1_000_000..HELD_OUT + 2_000_000;

#[derive(Args)]
pub(crate) struct Scorer {
    /// The folder with base.gguf and wasm_layers.safetensors; scorer.safetensors goes there too
    #[arg(long)]
    model: PathBuf,
    /// The base, where it is not in that folder
    #[arg(long)]
    base: Option<PathBuf>,
    /// GSM8K's train.jsonl
    #[arg(long)]
    gsm8k: Option<PathBuf>,
    /// MAWPS's trainset.json
    #[arg(long)]
    mawps: Option<PathBuf>,
    /// Generated questions to learn from
    #[arg(long, default_value_t = 12_000)]
    generated: u64,
    /// Generated questions of stories that the layers were not trained on, beside those
    #[arg(long, default_value_t = 0)]
    apart: usize,
    /// How often each held-out question of a data set is taken, after the first time with other numbers and names
    #[arg(long, default_value_t = 4)]
    copies: usize,
    /// Share of those that get a sentence of another question, whose numbers are of no use
    #[arg(long, default_value_t = 0.0)]
    distracted: f64,
    /// Examples to remember
    #[arg(long, default_value_t = 1500)]
    store: usize,
    /// Let the base judge candidates too, by how likely it finds them
    #[arg(long)]
    ask_base: bool,
    /// Where what the layers wrote for each question is kept, to be used again by the same layers
    #[arg(long)]
    surveys: Option<PathBuf>,
    /// A file for what each thing that the scorer goes by is worth (JSON): choosers that go by less, and the reliability of its score
    #[arg(long)]
    study: Option<PathBuf>,
    /// Units of the verifier's networks
    #[arg(long, default_value_t = Settings::default().units)]
    units: usize,
    /// Passes over the questions
    #[arg(long, default_value_t = Settings::default().epochs)]
    epochs: usize,
    /// Share of what the verifier goes by that a step does without: more of it for questions unlike those that it learns from
    #[arg(long, default_value_t = Settings::default().dropout)]
    dropout: f64,
    /// The same seed gives the same scorer
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

pub(crate) fn run(args: &Scorer) -> Result<()> {
    let base = args.base.clone().unwrap_or_else(|| args.model.join("base.gguf"));
    let layers = args.model.join(wasm_layers::FILE);
    // Keys need no more of the base than its taps.
    let mut reader = Surveyor::new(Source::file(&base)?, Source::file(&layers)?, false)?;
    let config = reader.config().clone();
    let mut kept = match &args.surveys {
        Some(path) => {
            let bytes = std::fs::read(&layers).map_err(|why| Error::file(&layers, why))?;
            let model = format!("{} {:016x} {}", config.base, hash(&bytes), args.ask_base);
            Some(Kept::open(path, &model)?)
        }
        None => None,
    };
    let generator = Generator::new(args.seed)?;
    let mut random = ChaCha8Rng::seed_from_u64(args.seed);
    let mut counts = Counts::new();
    // A question with its copies, which stay side by side: where what learns ends and what measures begins, few are parted.
    let mut learn: Vec<Vec<Example>> = (FIRST..FIRST + args.generated)
        .map(|number| Ok(vec![generator.example(number, &mut counts)?]))
        .collect::<Result<_>>()?;
    let apart = UNSEEN.map(|number| generator.example(number, &mut Counts::new()));
    let apart = apart.filter(|made| made.as_ref().map_or(true, |example| example.category == APART)).take(args.apart);
    learn.append(&mut apart.map(|example| Ok(vec![example?])).collect::<Result<_>>()?);
    // What is remembered is what the layers were trained on.
    let mut known: Vec<Example> =
        (0..args.store as u64 / 2).map(|number| generator.example(number, &mut counts)).collect::<Result<_>>()?;
    for (path, read, copies) in
        [(&args.mawps, mawps as fn(&str) -> Result<Loaded>, args.copies), (&args.gsm8k, gsm8k, 1)]
    {
        let Some(path) = path else { continue };
        let text = std::fs::read_to_string(path).map_err(|why| Error::file(path, why))?;
        let all = read(&text)?.examples.into_iter().filter(|example| example.program.is_some());
        let (out, of): (Vec<Example>, Vec<Example>) = all.partition(|example| held_out(&example.question));
        let sentences = Sentences::of(of.iter().map(|example| example.question.as_str()));
        let mut groups: Vec<Vec<Example>> = out.iter().map(|example| vec![example.clone()]).collect();
        for _ in 1..copies {
            for (group, example) in groups.iter_mut().zip(&out) {
                let other = generator.vary(example, &mut random);
                group.push(sentences.among(other, args.distracted, &mut random));
            }
        }
        learn.append(&mut groups);
        if copies > 1 {
            known.extend(of);
        }
    }
    known.retain(|example| example.program.is_some() && example.previous.is_none() && example.category != APART);
    known.shuffle(&mut random);
    known.truncate(args.store);
    learn.shuffle(&mut random);
    let learn: Vec<Example> = learn.concat();

    // 1. The store: keys of known questions, less what all of them have in common.
    let mut scorer = Weights { asks_base: args.ask_base, ..Weights::blank(config.hidden) };
    let (mut keys, mut examples) = (Vec::new(), Vec::new());
    for example in &known {
        let (Some(key), Some(program)) = (reader.key(example)?, &example.program) else { continue };
        keys.push(key);
        examples.push((remembered(example), program.clone()));
    }
    let hidden = config.hidden;
    let count = keys.len().max(1) as f32;
    scorer.mean = (0..hidden).map(|at| keys.iter().map(|key| key[at]).sum::<f32>() / count).collect();
    let centred: Vec<f32> =
        keys.iter().flat_map(|key| key.iter().zip(&scorer.mean).map(|(value, mean)| value - mean)).collect();
    scorer.store = Store::new(&centred, examples, hidden)?;
    drop(reader);
    eprintln!("{} examples are remembered", scorer.store.len());

    // 2. Surveys, and the verifier that learns from them.
    let mut judge = None;
    let mut make = |example: &Example| {
        let whole = match judge.take() {
            Some(whole) => whole,
            None => Surveyor::new(Source::file(&base)?, Source::file(&layers)?, args.ask_base)?,
        };
        judge.insert(whole).survey(example)
    };
    let mut survey = |example: &Example| match &mut kept {
        Some(kept) => kept.get(example, || make(example)),
        None => make(example),
    };
    let mut surveyed: Vec<Surveyed> = Vec::new();
    for (at, example) in learn.iter().enumerate() {
        surveyed.extend(survey(example)?);
        if (at + 1).is_multiple_of(REPORT) {
            eprintln!("{} of {} questions", at + 1, learn.len());
        }
    }
    if let Some(kept) = &mut kept {
        kept.flush()?;
    }
    let settings = Settings {
        units: args.units,
        epochs: args.epochs,
        dropout: args.dropout,
        seed: args.seed,
        ..Settings::default()
    };
    if let Some(path) = &args.study {
        let found = study(&scorer, &surveyed, config.taps.len(), settings);
        let json = serde_json::to_string_pretty(&found).map_err(|why| Error::file(path, std::io::Error::from(why)))?;
        std::fs::write(path, json).map_err(|why| Error::file(path, why))?;
    }
    let fitted = fit(&mut scorer, &surveyed, config.taps.len(), settings)?;
    let provenance = serde_json::json!({
        "questions": surveyed.len(), "remembered": scorer.store.len(), "units": args.units, "epochs": args.epochs,
        "dropout": args.dropout, "seed": args.seed, "held_out": fitted,
    });
    println!("{provenance}");
    let bytes = scorer.to_bytes(&config, &provenance)?;
    let path = args.model.join(scorer::FILE);
    std::fs::write(&path, bytes).map_err(|why| Error::file(&path, why))
}

/// What is said of an example that is near a question. The questions of data sets are not handed on with a model.
fn remembered(example: &Example) -> String {
    match example.category.as_str() {
        "mawps" => "(a question of the MAWPS training set)".to_owned(),
        "gsm8k" => "(a question of the GSM8K training set)".to_owned(),
        _ => example.question.clone(),
    }
}
