//! `wattage-trainer questions`: a set that models are measured on, as lines that `wattage eval` reads.

use std::collections::HashSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::json;
use wattage_trainer::direct::direct;
use wattage_trainer::expression::Expression;
use wattage_trainer::generate::{Counts, Generator, HELD_OUT};
use wattage_trainer::numbers::bound_values;
use wattage_trainer::read::{EvalItem, EvalSet, mawps};
use wattage_trainer::skeleton::skeleton;
use wattage_trainer::{Error, Result};

/// Held-out numbers of the generator from here on are for this; those before are for the trainings.
const FIRST: u64 = HELD_OUT + 1_000_000;

#[derive(Args)]
pub(crate) struct Questions {
    #[arg(long, value_enum)]
    set: Set,
    /// The set's file, as its authors publish it; not for those that are made here
    #[arg(long)]
    from: Option<PathBuf>,
    /// Leave out questions that repeat one of this MAWPS training set but for their numbers
    #[arg(long)]
    unlike: Option<PathBuf>,
    /// Only ASDiv's problems with the IDs in these files, such as its authors' folds of ASDiv-A
    #[arg(long, num_args = 1..)]
    ids: Option<Vec<PathBuf>>,
    /// How many to generate; of direct arithmetic for each operation and number of digits
    #[arg(long, default_value_t = 1000)]
    count: u64,
    /// Only generated questions of these categories, separated by commas
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// No generated questions of these categories, separated by commas
    #[arg(long, value_delimiter = ',', conflicts_with = "only")]
    without: Vec<String>,
    /// The generator's seed
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Where they go, one JSON object a line
    #[arg(long)]
    out: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Set {
    Generated,
    Phrasings,
    Asked,
    Direct,
    Mawps,
    Svamp,
    Asdiv,
    Gsm8k,
}

pub(crate) fn run(args: &Questions) -> Result<()> {
    let mut items = match args.set {
        Set::Generated => generated(args)?,
        Set::Phrasings => EvalSet::phrasings()?.items,
        Set::Asked => EvalSet::asked()?.items,
        Set::Direct => direct(args.count, args.seed),
        Set::Mawps => EvalSet::mawps(&text(args)?)?.items,
        Set::Svamp => EvalSet::svamp(&text(args)?)?.items,
        Set::Asdiv => {
            let only = args.ids.as_ref().map(|paths| paths.iter().map(|path| read(path)).collect::<Result<Vec<_>>>());
            let only = only.transpose()?;
            let only: Option<HashSet<&str>> =
                only.as_ref().map(|files| files.iter().flat_map(|file| file.split_whitespace()).collect());
            EvalSet::asdiv(&text(args)?, only.as_ref())?.items
        }
        Set::Gsm8k => EvalSet::gsm8k(&text(args)?)?.items,
    };
    let all = items.len();
    if let Some(path) = &args.unlike {
        let known: HashSet<String> =
            mawps(&read(path)?)?.examples.iter().map(|example| skeleton(&example.question)).collect();
        items.retain(|item| !known.contains(&skeleton(&item.question)));
    }
    let fail = |why| Error::file(&args.out, why);
    let mut file = std::io::BufWriter::new(std::fs::File::create(&args.out).map_err(fail)?);
    for item in &items {
        let line = json!({
            "question": item.question, "answer": item.answer, "category": item.category, "previous": item.previous,
            "equation": item.equation,
        });
        writeln!(file, "{line}").map_err(fail)?;
    }
    file.flush().map_err(fail)?;
    eprintln!("{} of {all} questions", items.len());
    Ok(())
}

fn generated(args: &Questions) -> Result<Vec<EvalItem>> {
    let generator = Generator::new(args.seed)?;
    let mut counts = Counts::new();
    let mut items = Vec::new();
    for number in FIRST..FIRST + args.count {
        let example = generator.example(number, &mut counts)?;
        let wanted = args.only.is_empty() || args.only.contains(&example.category);
        if wanted && !args.without.contains(&example.category) {
            let mut numbers = bound_values(&example.question);
            numbers.extend(example.previous);
            let tree = example.program.as_ref().and_then(Expression::of);
            items.push(EvalItem {
                equation: tree.and_then(|tree| tree.written(&numbers)).unwrap_or_default(),
                question: example.question,
                answer: example.answer,
                category: example.category,
                previous: example.previous,
            });
        }
    }
    Ok(items)
}

fn text(args: &Questions) -> Result<String> {
    let path = args.from.as_deref().unwrap_or(Path::new(""));
    read(path)
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|why| Error::file(path, why))
}
