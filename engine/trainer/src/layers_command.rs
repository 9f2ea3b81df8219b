//! `wattage-trainer layers`: WASM layers on a pretrained base, from the states that `states` kept.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use clap::Args;
use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;
use serde_json::json;
use wattage_engine::wasm_layers::config::LayersConfig;
use wattage_engine::wasm_layers::{self, to_bytes};
use wattage_engine::{DType, Source};
use wattage_trainer::export;
use wattage_trainer::plot::plot;
use wattage_trainer::skeleton::hash;
use wattage_trainer::train::{
    Index, Material, Nets, Options, Sequence, Shapes, Standard, States, Stored, run as train, score,
};
use wattage_trainer::{Error, Result, shape};

use crate::metrics::reporter;
use crate::provenance::before;

/// Sequences whose states say how taps are standardised.
const STANDARD: usize = 4000;

#[derive(Args)]
pub(crate) struct Layers {
    /// The folders that `states` was given as --out
    #[arg(long, required = true)]
    states: Vec<PathBuf>,
    /// The decoder layers to train on, where the states are of more of them
    #[arg(long, value_delimiter = ',')]
    taps: Option<Vec<usize>>,
    /// A folder with layers of the same base to go on with, in place of new weights
    #[arg(long)]
    start: Option<PathBuf>,
    /// Where checkpoints and metrics go
    #[arg(long)]
    out: PathBuf,
    /// Where wasm_layers.safetensors goes
    #[arg(long)]
    model: PathBuf,
    /// Optimisation steps
    #[arg(long, default_value_t = 6000)]
    steps: usize,
    /// The same seed gives the same weights
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Highest learning rate
    #[arg(long, default_value_t = 1e-3)]
    rate: f64,
    /// Padded tokens a batch
    #[arg(long, default_value_t = 1024)]
    tokens: usize,
    /// Threads, each with a batch of its own
    #[arg(long, default_value_t = 2)]
    workers: usize,
    /// Share of the taps' channels that each pass leaves out
    #[arg(long, default_value_t = 0.1)]
    drop_taps: f64,
    /// Share of what blocks add that each pass leaves out
    #[arg(long, default_value_t = 0.1)]
    drop_blocks: f64,
    /// Share of an example that trains only the layer that does best on it (0: layers are trained independently)
    #[arg(long, default_value_t = 0.0)]
    choice: f64,
    /// Share of the batches in which each layer also reads another's tap, and learns that it is not its own
    #[arg(long, default_value_t = 0.0)]
    foreign: f64,
    /// Train on so many of the questions only, for a curve of accuracy over examples
    #[arg(long)]
    first: Option<usize>,
    /// Steps between evaluations, each of which leaves a checkpoint
    #[arg(long, default_value_t = 500)]
    evaluation: usize,
    /// A step to stop at before training is over; asked again, it goes on
    #[arg(long)]
    until: Option<usize>,
    /// Evaluations without a better score after which training ends
    #[arg(long, default_value_t = 8)]
    patience: usize,
}

pub(crate) fn run(args: &Layers) -> Result<()> {
    for folder in [&args.out, &args.model] {
        std::fs::create_dir_all(folder).map_err(|why| Error::file(folder, why))?;
    }
    // 1. Questions with their states.
    let read = |folder: &PathBuf| Index::read(&folder.join("index.jsonl"));
    let indices: Vec<Index> = args.states.iter().map(read).collect::<Result<_>>()?;
    let [Index { head, .. }, ..] = &indices[..] else {
        return Err(Error::Training("there are no states to train on".into()));
    };
    if let Some(other) = indices.iter().find(|other| other.head != *head) {
        return Err(Error::Training(format!("the states are of two bases or taps: {head:?} and {:?}", other.head)));
    }
    let taps = args.taps.as_ref().unwrap_or(&head.taps);
    let place = |tap: &usize| head.taps.iter().position(|kept| kept == tap);
    let places = taps.iter().map(place).collect::<Option<Vec<usize>>>();
    let places =
        places.ok_or_else(|| Error::Training(format!("the states are of the layers {:?}, not {taps:?}", head.taps)))?;
    let config = shape::layers_on(&head.base, head.hidden, taps);
    if config.constants != head.constants {
        return Err(Error::Training("the states were made for programs with other constants; make them again".into()));
    }
    let mut train_set: Vec<Sequence> = Vec::new();
    let mut held: Vec<(&str, Vec<Sequence>)> = Vec::new();
    let mut files = Vec::new();
    let mut first = 0;
    let (mut all, mut measured) = (Vec::new(), HashSet::new());
    for (folder, index) in args.states.iter().zip(&indices) {
        all.extend(index.sequences(first, &mut measured));
        files.push((folder.join("states.f16"), index.tokens()));
        first += index.tokens();
    }
    for (set, sequence) in all {
        match (set, held.iter_mut().find(|(name, _)| Some(*name) == set)) {
            (None, _) => train_set.push(sequence),
            (Some(_), Some((_, all))) => all.push(sequence),
            (Some(name), None) => held.push((name, vec![sequence])),
        }
    }
    train_set.shuffle(&mut ChaCha8Rng::seed_from_u64(args.seed));
    train_set.truncate(args.first.unwrap_or(usize::MAX));
    let mut states = States::open(&files, head.taps.len(), head.hidden, config.bound)?.only(places)?;
    let shapes = Shapes { base: None, layers: &config };
    let Begun { nets, name, before } = match &args.start {
        Some(folder) => {
            let (begun, standards) = begin(folder, &config)?;
            states.standards = standards;
            begun
        }
        None => {
            let stored: Vec<Stored> = train_set.iter().take(STANDARD).filter_map(|sequence| sequence.stored).collect();
            states.standardise(stored.into_iter())?;
            Begun { nets: Nets::seeded(args.seed, shapes), name: String::new(), before: Vec::new() }
        }
    };
    let held: Vec<(&str, &[Sequence])> = held.iter().map(|(name, set)| (*name, set.as_slice())).collect();
    eprintln!("{} sequences of {}", train_set.len(), head.base);

    // 2. Training.
    let path = args.out.join("metrics.jsonl");
    let mut report = reporter(&path)?;
    let options = Options {
        steps: args.steps,
        seed: args.seed,
        rate: args.rate,
        tokens: args.tokens,
        answers: [0.0; 2],
        choice: args.choice,
        foreign: args.foreign,
        dropout: [args.drop_taps, args.drop_blocks],
        evaluation: args.evaluation.max(1),
        patience: args.patience,
        workers: args.workers,
        start: name,
        until: args.until,
        out: args.out.clone(),
    };
    let material = Material { train: &train_set, held: &held, states: Some(&states) };
    let nets = train(nets, shapes, material, &options, &mut report)?;
    plot(&path, &args.out.join("plot.svg"))?;

    // 3. The layers' file.
    let mut held_out = serde_json::Map::new();
    for (name, set) in held {
        held_out.insert(name.to_owned(), json!(score(&nets, shapes, set, Some(&states))?));
    }
    let provenance = json!({
        "before": before, "questions": train_set.len(), "seed": args.seed, "steps": args.steps, "held_out": held_out,
    });
    let values = export::layers(&nets.layers, &config, &states.standards)?;
    let bytes = to_bytes(&config, &provenance, DType::F16, &values)?;
    let path = args.model.join(wasm_layers::FILE);
    eprintln!("{}: {} bytes", path.display(), bytes.len());
    std::fs::write(&path, bytes).map_err(|why| Error::file(&path, why))
}

/// What training goes on with.
struct Begun {
    nets: Nets,
    /// Tells these weights from others, for the checkpoint.
    name: String,
    /// The runs that they come from.
    before: Vec<serde_json::Value>,
}

/// The layers in a folder, and how their taps are standardised.
fn begin(folder: &Path, config: &LayersConfig) -> Result<(Begun, Vec<Standard>)> {
    let path = folder.join(wasm_layers::FILE);
    let bytes = std::fs::read(&path).map_err(|why| Error::file(&path, why))?;
    let name = format!("{:016x}", hash(&bytes));
    let source = Source::bytes(wasm_layers::FILE, bytes);
    let (layers, standards, provenance) = export::reopen_layers(&source, config)?;
    Ok((Begun { nets: Nets { base: None, layers }, name, before: before(provenance) }, standards))
}
