//! `wattage-trainer tiny`: the embedded model, from examples to weights.

use std::path::PathBuf;

use clap::Args;
use rayon::prelude::*;
use wattage_engine::wasm_layers::config::LayersConfig;
use wattage_engine::{ChatTemplate, ModelFile, Source, wasm_layers};
use wattage_trainer::example::Example;
use wattage_trainer::export::{Files, reopen};
use wattage_trainer::model::BaseConfig;
use wattage_trainer::plot::plot;
use wattage_trainer::skeleton::hash;
use wattage_trainer::train::{Material, Nets, Options, Reader, Sequence, Shapes, run as train};
use wattage_trainer::{Error, Result, shape, vocabulary};

use crate::examples::{Examples, Gathered, chats};
use crate::metrics::reporter;

/// Examples that the vocabulary is learned from.
const TEXTS: usize = 20_000;

#[derive(Args)]
pub(crate) struct Tiny {
    /// Where checkpoints, metrics and the model go
    #[arg(long)]
    out: PathBuf,
    #[command(flatten)]
    examples: Examples,
    /// A folder with base.gguf and wasm_layers.safetensors whose weights and vocabulary training begins with, instead of new ones;
    /// given more than once, it begins with the means of their weights
    #[arg(long)]
    start: Vec<PathBuf>,
    /// Optimisation steps
    #[arg(long, default_value_t = 10_000)]
    steps: usize,
    /// Tokens of the vocabulary
    #[arg(long, default_value_t = 2048)]
    vocab: usize,
    /// Highest learning rate
    #[arg(long, default_value_t = 1.5e-3)]
    rate: f64,
    /// Padded tokens a batch
    #[arg(long, default_value_t = 768)]
    tokens: usize,
    /// Threads, each with a batch of its own
    #[arg(long, default_value_t = 2)]
    workers: usize,
    /// Share of the pools of examples from which the base learns to write answers, in the first half of the steps
    #[arg(long, default_value_t = 0.2)]
    answers: f64,
    /// The same in the second half
    #[arg(long, default_value_t = 0.5)]
    answers_late: f64,
    /// Share of an example that trains only the layer that does best on it (0: layers are trained independently)
    #[arg(long, default_value_t = 0.0)]
    choice: f64,
    /// Share of the batches in which each layer also reads another's tap, and learns that it is not its own
    #[arg(long, default_value_t = 0.0)]
    foreign: f64,
    /// Steps between evaluations, each of which leaves a checkpoint
    #[arg(long, default_value_t = 1000)]
    evaluation: usize,
    /// A step to stop at before training is over; asked again, it goes on
    #[arg(long)]
    until: Option<usize>,
    /// Evaluations without a better score after which training ends
    #[arg(long, default_value_t = 5)]
    patience: usize,
}

pub(crate) fn run(args: &Tiny) -> Result<()> {
    std::fs::create_dir_all(&args.out).map_err(|why| Error::file(&args.out, why))?;
    let base = shape::base(args.vocab);
    let layers = shape::layers(&base);
    layers.check()?;
    let Gathered { generated: mut examples, mut published, held: held_examples } = args.examples.gather()?;
    let begun = (!args.start.is_empty()).then(|| begin(&args.start, &base, &layers)).transpose()?;
    let json = match &begun {
        Some(begun) => begun.vocabulary.clone(),
        None => {
            let texts = examples.iter().take(TEXTS).chain(published.iter().take(TEXTS));
            let texts: Vec<String> = texts
                .flat_map(|example| [example.question.clone(), example.think.clone(), example.reply.clone()])
                .collect();
            vocabulary::learn(&texts, args.vocab)?
        }
    };
    let write = |name: &str, json: &serde_json::Value| {
        let path = args.out.join(name);
        std::fs::write(&path, json.to_string()).map_err(|why| Error::file(&path, why))
    };
    write("tokenizer.json", &json)?;
    if let Some(begun) = &begun {
        write("start.json", &begun.provenance)?;
    }
    let tokenizer = vocabulary::open(&json)?;
    let template = ChatTemplate::new(vocabulary::TEMPLATE)?;
    examples.append(&mut published);
    let chats = chats(&examples);
    let reader = Reader { tokenizer: &tokenizer, template: &template, config: &layers, chats: &chats };
    let sequences = |examples: &[Example]| -> Result<Vec<Sequence>> {
        let read: Result<Vec<_>> = examples.par_iter().map(|example| reader.sequence(example)).collect();
        Ok(read?.into_iter().flatten().collect())
    };
    let train_set = sequences(&examples)?;
    let mut held = Vec::new();
    for (name, examples) in &held_examples {
        held.push((*name, sequences(examples)?));
    }
    let held: Vec<(&str, &[Sequence])> = held.iter().map(|(name, set)| (*name, set.as_slice())).collect();
    let mean = |f: &dyn Fn(&Sequence) -> usize| train_set.iter().map(f).sum::<usize>() as f64 / train_set.len() as f64;
    eprintln!(
        "{} sequences, prompts of {:.0} tokens, answers of {:.0}",
        train_set.len(),
        mean(&|s| s.prompt.len()),
        mean(&|s| s.answer.len())
    );
    let path = args.out.join("metrics.jsonl");
    let mut report = reporter(&path)?;
    let options = Options {
        steps: args.steps,
        seed: args.examples.seed,
        rate: args.rate,
        tokens: args.tokens,
        answers: [args.answers, args.answers_late],
        choice: args.choice,
        foreign: args.foreign,
        evaluation: args.evaluation.max(1),
        patience: args.patience,
        workers: args.workers,
        start: begun.as_ref().map_or_else(String::new, |begun| begun.name.clone()),
        dropout: [0.0; 2],
        until: args.until,
        out: args.out.clone(),
    };
    let shapes = Shapes { base: Some(&base), layers: &layers };
    let nets = begun.map_or_else(|| Nets::seeded(args.examples.seed, shapes), |begun| begun.nets);
    let material = Material { train: &train_set, held: &held, states: None };
    train(nets, shapes, material, &options, &mut report)?;
    plot(&path, &args.out.join("plot.svg"))?;
    Ok(())
}

/// What training goes on with.
struct Begun {
    name: String,
    nets: Nets,
    provenance: serde_json::Value,
    vocabulary: serde_json::Value,
}

fn begin(folders: &[PathBuf], base: &BaseConfig, layers: &LayersConfig) -> Result<Begun> {
    let mut name = String::new();
    let mut models = Vec::new();
    for folder in folders {
        let files = Files::read(folder)?;
        name.push_str(&format!("{:016x}{:016x}", hash(&files.base), hash(&files.layers)));
        let file = pollster::block_on(ModelFile::open(vec![Source::bytes("base.gguf", files.base)]))?;
        models.push((file, Source::bytes(wasm_layers::FILE, files.layers)));
    }
    let mut vocabularies =
        models.iter().map(|(file, _)| vocabulary::of(&file.tokenizer)).collect::<Result<Vec<_>>>()?;
    if vocabularies.windows(2).any(|two| two[0] != two[1]) {
        return Err(Error::Export("the models to begin with have different vocabularies".into()));
    }
    let models: Vec<_> = models.iter().map(|(file, layers)| (file, layers)).collect();
    let (nets, provenance) = reopen(&models, (base, layers))?;
    Ok(Begun { name, nets, provenance, vocabulary: vocabularies.remove(0) })
}
