//! `wattage-trainer export`: a training run's weights as the files that the engine reads.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use wattage_trainer::export::{self, Files, Opened, Storage};
use wattage_trainer::generate::{Counts, Generator, HELD_OUT};
use wattage_trainer::model::BaseConfig;
use wattage_trainer::train::{Nets, Place, Reader, Shapes, average, score};
use wattage_trainer::{Error, Result, shape};

use crate::provenance::before;

#[derive(Args)]
pub(crate) struct Export {
    /// The folder that `tiny` was given as --out
    #[arg(long)]
    from: PathBuf,
    /// Where base.gguf and wasm_layers.safetensors go
    #[arg(long)]
    out: PathBuf,
    /// How the base's matrices are stored
    #[arg(long, value_enum, default_value_t = Format::Q8_0)]
    format: Format,
    /// What the base calls itself
    #[arg(long, default_value = "Wattage Tiny")]
    name: String,
    /// Held-out generated questions that the engine answers with the written files, and so do the nets in the trainer
    #[arg(long, default_value_t = 0)]
    check: u64,
    /// The training's seed, which is also that of the questions
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    #[value(name = "f32")]
    F32,
    #[value(name = "q8_0")]
    Q8_0,
}

pub(crate) fn run(args: &Export) -> Result<()> {
    let path = args.from.join("tokenizer.json");
    let text = read(&path)?;
    let tokenizer: Value = serde_json::from_str(&text).map_err(|why| Error::Vocabulary(why.to_string()))?;
    let base = shape::base(wattage_trainer::vocabulary::open(&tokenizer)?.size());
    let layers = shape::layers(&base);
    let (nets, place) = average(&args.from, Shapes { base: Some(&base), layers: &layers })?;
    let provenance = provenance(args, &place);
    let export = export::Export {
        nets: &nets,
        base: &base,
        layers: &layers,
        tokenizer: &tokenizer,
        name: &args.name,
        provenance: &provenance,
    };
    let files = export.files(match args.format {
        Format::F32 => Storage::F32,
        Format::Q8_0 => Storage::Q8_0,
    })?;
    std::fs::create_dir_all(&args.out).map_err(|why| Error::file(&args.out, why))?;
    for (name, bytes) in [("base.gguf", &files.base), (wattage_engine::wasm_layers::FILE, &files.layers)] {
        let path = args.out.join(name);
        std::fs::write(&path, bytes).map_err(|why| Error::file(&path, why))?;
        eprintln!("{name}: {} bytes", bytes.len());
    }
    eprintln!("{}, {} steps", files.config.base, place.step);
    if args.check > 0 { check(args, &files, &nets, &base) } else { Ok(()) }
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|why| Error::file(path, why))
}

/// How the weights were made: from which sets, how long the run was at its checkpoint, and how well it did what it held out of
/// each set.
fn provenance(args: &Export, place: &Place) -> Value {
    let metrics = read(&args.from.join("metrics.jsonl")).unwrap_or_default();
    let lines = metrics.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let scores = lines.filter(|line| line["step"] == place.step && line["held_out"].is_object());
    let scores: serde_json::Map<String, Value> =
        scores.filter_map(|line| Some((line["set"].as_str()?.to_owned(), line["held_out"].clone()))).collect();
    // What the run went on with, if it did not begin with new weights.
    let start = read(&args.from.join("start.json")).ok().and_then(|text| serde_json::from_str::<Value>(&text).ok());
    json!({
        "before": start.map(before).unwrap_or_default(), "data": scores.keys().collect::<Vec<_>>(), "seed": args.seed, "steps": place.step, "epochs": place.epoch + 1,
        "tokens": place.tokens, "seconds": place.seconds.round(), "held_out": scores,
    })
}

/// Counts what the engine does rightly with the files, and what the nets do in the trainer, for the same held-out questions.
fn check(args: &Export, files: &Files, nets: &Nets, base: &BaseConfig) -> Result<()> {
    let mut opened = Opened::new(files)?;
    let generator = Generator::new(args.seed)?;
    let mut counts = Counts::new();
    let mut sequences = Vec::new();
    for number in HELD_OUT..HELD_OUT + args.check {
        let example = generator.example(number, &mut counts)?;
        let file = opened.session().file();
        let (tokenizer, template) = (&file.tokenizer, &file.template);
        sequences.extend(Reader { tokenizer, template, config: &files.config, chats: &[] }.sequence(&example)?);
    }
    let mut exact = vec![0; files.config.taps.len()];
    let (mut any, mut gates) = (0, 0);
    for sequence in &sequences {
        let computes: f32 = opened.read(sequence)?.gates.iter().sum();
        gates += usize::from((computes > 0.0) == sequence.program.is_some());
        let Some(wanted) = &sequence.program else { continue };
        let mut found = false;
        for (exact, written) in exact.iter_mut().zip(opened.greedy()?) {
            let ids = written.map(|program| program.instructions().iter().map(|i| files.config.id(*i)).collect());
            let same = ids == Some(wanted.iter().map(|id| Some(*id)).collect::<Vec<_>>());
            *exact += usize::from(same);
            found |= same;
        }
        any += usize::from(found);
    }
    let programs = sequences.iter().filter(|sequence| sequence.program.is_some()).count();
    let share = |count: usize, of: usize| count as f64 / of.max(1) as f64;
    let engine = json!({
        "n": programs, "exact": exact.into_iter().map(|count| share(count, programs)).collect::<Vec<_>>(),
        "any": share(any, programs), "gate": share(gates, sequences.len()),
    });
    let trainer = score(nets, Shapes { base: Some(base), layers: &files.config }, &sequences, None)?;
    println!("{}", json!({"engine": engine, "trainer": trainer}));
    Ok(())
}
