//! Arguments, and what they stand for.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use wattage_engine::{
    Cancel, DevicePreference, Error, KvType, LoadOptions, ModelFile, Progress, Result, Sampling, Session, Source,
    Stage, TextVoice, scorer, wasm_layers,
};

use crate::{ask, bench, commands, eval};

#[derive(Parser)]
#[command(name = "wattage", version, about = "Runs Qwen models with WGSL kernels on a GPU, or on the CPU")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Answers a prompt
    Generate(Generate),
    /// Answers one question, and tells what the WASM layers made of it
    Ask(Ask),
    /// Answers a file of questions, and counts what is right
    Eval(Eval),
    /// Writes the logits and the residual stream of chosen layers for given tokens
    Logits(Logits),
    /// Measures speed; the model may be `shape:qwen3-0.6b`, which has random weights of that shape
    Bench(Bench),
    /// Compares every kernel that this device can run with its CPU twin, and times it
    Check(Check),
}

/// Where and how to load a model.
#[derive(Args)]
pub(crate) struct Load {
    /// `tiny` for the embedded model, or a .gguf file, or a folder with one or with .safetensors, config.json and tokenizer.json; WASM layers and their scorer are
    /// taken from the folder too
    #[arg(long)]
    pub(crate) model: String,
    /// A folder with the WASM layers and the scorer that were trained on the model, where they are not beside it
    #[arg(long)]
    pub(crate) layers: Option<PathBuf>,
    /// Where to run it
    #[arg(long, value_enum, default_value_t = Where::Auto)]
    pub(crate) device: Where,
    /// Positions of the context; 0: the model's own, 4096 at most
    #[arg(long, default_value_t = 0)]
    pub(crate) context: usize,
    /// How keys and values are kept
    #[arg(long, value_enum, default_value_t = Kv::F16)]
    pub(crate) kv: Kv,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub(crate) enum Where {
    /// The GPU, or the faster executor where the GPU is a software one
    Auto,
    Gpu,
    Cpu,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Kv {
    F16,
    F32,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Text {
    /// Never
    Off,
    /// Where the model has no WASM layers
    Alone,
    /// Beside the WASM layers
    On,
}

#[derive(Args)]
pub(crate) struct Generate {
    #[command(flatten)]
    pub(crate) load: Load,
    /// The question, or with --raw the text to continue
    #[arg(long)]
    pub(crate) prompt: String,
    /// A system message
    #[arg(long, conflicts_with = "raw")]
    pub(crate) system: Option<String>,
    /// Continue the text as it stands, without the chat template
    #[arg(long)]
    pub(crate) raw: bool,
    /// Always the most likely token
    #[arg(long)]
    pub(crate) greedy: bool,
    #[arg(long, default_value_t = Sampling::default().temperature)]
    pub(crate) temperature: f32,
    /// 0 keeps all
    #[arg(long, default_value_t = Sampling::default().top_k)]
    pub(crate) top_k: usize,
    #[arg(long, default_value_t = Sampling::default().top_p)]
    pub(crate) top_p: f32,
    #[arg(long, default_value_t = Sampling::default().min_p)]
    pub(crate) min_p: f32,
    #[arg(long, default_value_t = Sampling::default().repetition_penalty)]
    pub(crate) repetition_penalty: f32,
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
    pub(crate) frequency_penalty: f32,
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
    pub(crate) presence_penalty: f32,
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// A text that ends the answer; may be given several times
    #[arg(long)]
    pub(crate) stop: Vec<String>,
    #[arg(long, default_value_t = 512)]
    pub(crate) max_tokens: usize,
    /// Do not let a model that can think do so
    #[arg(long)]
    pub(crate) no_think: bool,
    /// One JSON object on stdout
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct Ask {
    #[command(flatten)]
    pub(crate) load: Load,
    /// The question
    pub(crate) text: String,
    /// A line for each WASM layer, behind the answer
    #[arg(long)]
    pub(crate) trace: bool,
    /// Answer without computing anything
    #[arg(long)]
    pub(crate) no_layers: bool,
    /// When the model's own stream of text writes functions too
    #[arg(long, value_enum, default_value_t = Text::Alone)]
    pub(crate) text_voice: Text,
    #[arg(long, default_value_t = 512)]
    pub(crate) max_tokens: usize,
    /// One JSON object on stdout
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct Eval {
    #[command(flatten)]
    pub(crate) load: Load,
    /// Lines of {"question", "answer"}; the answer is null where no computation is asked
    #[arg(long)]
    pub(crate) data: PathBuf,
    /// Answer without computing anything
    #[arg(long)]
    pub(crate) no_layers: bool,
    /// Answer so many questions side by side: sooner done with all, without times for each
    #[arg(long, requires = "no_layers")]
    pub(crate) together: Option<usize>,
    /// When the model's own stream of text writes functions too
    #[arg(long, value_enum, default_value_t = Text::Alone)]
    pub(crate) text_voice: Text,
    #[arg(long, default_value_t = 512)]
    pub(crate) max_tokens: usize,
    /// Write a line a question here
    #[arg(long)]
    pub(crate) out: Option<PathBuf>,
    /// Go on from the lines that are there already, which the same model wrote
    #[arg(long, requires = "out")]
    pub(crate) resume: bool,
    /// Only so many of the questions, drawn by the seed
    #[arg(long)]
    pub(crate) sample: Option<usize>,
    /// The seed of a sample
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// A line to put behind each question, such as an order to think step by step
    #[arg(long)]
    pub(crate) suffix: Option<String>,
    /// One JSON object on one line of stdout
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct Logits {
    #[command(flatten)]
    pub(crate) load: Load,
    /// Token ids, separated by commas
    #[arg(long, value_delimiter = ',', required = true)]
    pub(crate) tokens: Vec<u32>,
    /// Layers, from 0, after which the residual stream is kept
    #[arg(long, value_delimiter = ',', default_value = "3,7,11")]
    pub(crate) taps: Vec<usize>,
    /// The safetensors file to write
    #[arg(long)]
    pub(crate) out: PathBuf,
}

#[derive(Args)]
pub(crate) struct Bench {
    #[command(flatten)]
    pub(crate) load: Load,
    #[arg(long, default_value_t = 128)]
    pub(crate) prompt_tokens: usize,
    #[arg(long, default_value_t = 32)]
    pub(crate) gen_tokens: usize,
    /// Runs; speeds are their median
    #[arg(long, default_value_t = 5)]
    pub(crate) runs: usize,
    /// One JSON object on stdout
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct Check {
    /// Where to run the kernels
    #[arg(long, value_enum, default_value_t = Where::Gpu)]
    pub(crate) device: Where,
    /// Only kernels whose name begins so
    #[arg(long, default_value = "")]
    pub(crate) only: String,
    /// One JSON object on stdout
    #[arg(long)]
    pub(crate) json: bool,
}

pub(crate) async fn run() -> Result<()> {
    match Cli::parse().command {
        Command::Generate(args) => commands::generate(args).await,
        Command::Ask(args) => ask::run(args).await,
        Command::Eval(args) => eval::run(args).await,
        Command::Logits(args) => commands::logits(args).await,
        Command::Bench(args) => bench::run(args).await,
        Command::Check(args) => commands::check(args).await,
    }
}

impl Where {
    pub(crate) fn preference(self) -> DevicePreference {
        match self {
            Self::Auto => DevicePreference::Auto,
            Self::Gpu => DevicePreference::Gpu,
            Self::Cpu => DevicePreference::Cpu,
        }
    }
}

/// Loads the model that the arguments name, with a progress bar on stderr.
pub(crate) async fn load(args: &Load, taps: &[usize], text: Text) -> Result<Session> {
    let options = LoadOptions {
        device: args.device.preference(),
        context: args.context,
        kv: match args.kv {
            Kv::F16 => KvType::F16,
            Kv::F32 => KvType::F32,
        },
        taps: taps.to_vec(),
        text_voice: match text {
            Text::Off => TextVoice::Off,
            Text::Alone => TextVoice::Alone,
            Text::On => TextVoice::On,
        },
    };
    let bar = ProgressBar::new(0);
    let style = ProgressStyle::with_template("{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let mut on_progress = |progress: Progress| {
        if progress.stage == Stage::Weights {
            bar.set_message("weights");
            bar.set_length(progress.total);
            bar.set_position(progress.done);
        }
    };
    let session = match args.model.strip_prefix("shape:") {
        Some(shape) => {
            let file = ModelFile::random(shape)?;
            Session::load_file(file, None, &options, &Cancel::new(), &mut on_progress).await
        }
        None => Session::load(sources(args)?, &options, &Cancel::new(), &mut on_progress).await,
    };
    bar.finish_and_clear();
    if let Some(note) = session.as_ref().ok().and_then(|session| session.device().note.as_ref()) {
        eprintln!("{note}");
    }
    session
}

/// The embedded model: the page's files, built in.
const TINY: [(&str, &[u8]); 3] = [
    ("base.gguf", include_bytes!("../../../../public/models/wattage-tiny/base.gguf")),
    (wasm_layers::FILE, include_bytes!("../../../../public/models/wattage-tiny/wasm_layers.safetensors")),
    (scorer::FILE, include_bytes!("../../../../public/models/wattage-tiny/scorer.safetensors")),
];

/// The model's files, and those of its layers.
fn sources(args: &Load) -> Result<Vec<Source>> {
    let mut sources = model(&args.model)?;
    for name in args.layers.iter().flat_map(|folder| [wasm_layers::FILE, scorer::FILE].map(|n| folder.join(n))) {
        sources.push(Source::file(&name)?);
    }
    Ok(sources)
}

/// The embedded model, a file, or all that matters in a folder.
fn model(model: &str) -> Result<Vec<Source>> {
    if model == "tiny" {
        return Ok(TINY.iter().map(|(name, bytes)| Source::bytes(*name, bytes.to_vec())).collect());
    }
    let path = PathBuf::from(model);
    if !path.is_dir() {
        return Ok(vec![Source::file(&path)?]);
    }
    let unreadable = |why: std::io::Error| Error::Source { what: model.to_owned(), why: why.to_string() };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(&path).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let wanted = ["config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json"];
        if name.ends_with(".safetensors")
            || name.ends_with(".gguf")
            || name.ends_with(".safetensors.index.json")
            || name == "chat_template.jinja"
            || wanted.contains(&name.as_str())
        {
            found.push(Source::file(&path)?);
        }
    }
    Ok(found)
}
