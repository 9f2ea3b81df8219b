//! `wattage-trainer states`: a pretrained base runs over questions once, and what its WASM layers will read is kept.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use wattage_engine::{Cancel, DevicePreference, KvType, LoadOptions, ModelFile, Session, Source};
use wattage_trainer::example::Example;
use wattage_trainer::skeleton::hash;
use wattage_trainer::train::{Head, Index, Line, Reader, StatesWriter};
use wattage_trainer::{Error, Result, shape};

use crate::examples::{Examples, Gathered, chats};

/// Longest prompt.
const CONTEXT: usize = 1024;
/// Generated examples among which messages that ask for nothing are looked for, to come before follow-ups.
const CHATS: usize = 3000;
/// Questions between writes to the disk.
const FLUSH: usize = 200;

#[derive(Args)]
pub(crate) struct States {
    /// The base: a GGUF file
    #[arg(long)]
    base: PathBuf,
    /// Where the states and their index go
    #[arg(long)]
    out: PathBuf,
    /// The decoder layers to tap, from 0
    #[arg(long, value_delimiter = ',', default_values_t = [3, 7, 11])]
    taps: Vec<usize>,
    /// Run the base on the GPU
    #[arg(long)]
    gpu: bool,
    #[command(flatten)]
    examples: Examples,
}

pub(crate) fn run(args: &States) -> Result<()> {
    std::fs::create_dir_all(&args.out).map_err(|why| Error::file(&args.out, why))?;
    // 1. The base, no further than its last tap.
    let open = || pollster::block_on(ModelFile::open(vec![Source::file(&args.base)?]));
    let file = open()?;
    let config = shape::layers_on(&pollster::block_on(file.fingerprint())?, file.config.hidden, &args.taps);
    config.check()?;
    let last = args.taps.last().copied().unwrap_or_default();
    if last >= file.config.layers {
        let layers = file.config.layers;
        return Err(Error::Training(format!("layer {last} is to be tapped, and the base has {layers}")));
    }
    let options = LoadOptions {
        device: if args.gpu { DevicePreference::Gpu } else { DevicePreference::Cpu },
        kv: KvType::F16,
        taps: args.taps.clone(),
        context: CONTEXT.min(file.config.context),
        ..LoadOptions::default()
    };
    let first = open()?.first_layers(last + 1);
    let mut session = pollster::block_on(Session::load_file(first, None, &options, &Cancel::new(), &mut |_| {}))?;

    // 2. The questions, those that measure first.
    let Gathered { generated, published, held } = args.examples.gather()?;
    let chats = chats(&generated[..generated.len().min(CHATS)]);
    let held = held.into_iter().flat_map(|(name, all)| all.into_iter().map(move |example| (Some(name), example)));
    // Generated ones last, so that asking for more of them goes on where fewer ended.
    let train = published.into_iter().chain(generated).map(|example| (None, example));
    let all: Vec<(Option<&str>, Example)> = held.chain(train).collect();

    // 3. What is there already, and the rest.
    let head = Head {
        base: config.base.clone(),
        hidden: config.hidden,
        taps: config.taps.clone(),
        constants: config.constants.clone(),
    };
    let mut index = Index::open(&args.out.join("index.jsonl"), &head)?;
    let size = (config.taps.len(), config.hidden);
    let mut writer = StatesWriter::open(&args.out.join("states.f16"), size, index.tokens())?;
    let reader = Reader { tokenizer: &file.tokenizer, template: &file.template, config: &config, chats: &chats };
    let began = Instant::now();
    let mut tokens = 0;
    for (number, (set, example)) in all.iter().enumerate() {
        let hash = hash(format!("{} {:?}", example.question, example.previous).as_bytes());
        if let Some(line) = index.lines.get(number) {
            if line.hash != hash {
                return Err(Error::Training(format!(
                    "{} is of other questions; ask for the same ones, or give another folder",
                    args.out.display()
                )));
            }
            continue;
        }
        let mut line = Line {
            held: set.map(str::to_owned),
            hash,
            tokens: 0,
            lasts: Vec::new(),
            pointers: Vec::new(),
            program: None,
        };
        if let Some(sequence) = reader.sequence(example)? {
            // What follows the question does not change what the layers read of it.
            let end = sequence.rows.iter().max().map_or(0, |row| row + 1);
            if end <= options.context {
                let taps = pollster::block_on(session.states(&sequence.prompt[..end], &sequence.rows))?;
                tokens += end;
                let stored = writer.add(&taps, config.eps)?;
                line = Line {
                    tokens: stored.count,
                    lasts: sequence.lasts,
                    pointers: sequence.pointers,
                    program: sequence.program,
                    ..line
                };
            }
        }
        index.add(line)?;
        if (number + 1) % FLUSH == 0 || number + 1 == all.len() {
            writer.flush()?;
            index.flush()?;
            let rate = tokens as f64 / began.elapsed().as_secs_f64();
            eprintln!("{} of {} questions, {rate:.0} tokens a second", number + 1, all.len());
        }
    }
    Ok(())
}
