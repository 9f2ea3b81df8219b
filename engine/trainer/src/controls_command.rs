//! `wattage-trainer controls`: layers as trained, and with something taken from them, on the same questions.

use std::path::PathBuf;

use clap::Args;
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use wattage_engine::Source;
use wattage_engine::wasm_layers::FILE;
use wattage_trainer::controls::{Count, firsts, renamed, shuffled, swapped};
use wattage_trainer::judge::Surveyor;
use wattage_trainer::{Error, Result};

use crate::mistakes_command::answers;

#[derive(Args)]
pub(crate) struct Controls {
    /// The pretrained model (GGUF)
    #[arg(long)]
    base: PathBuf,
    /// The folder with its WASM layers
    #[arg(long)]
    layers: PathBuf,
    /// Lines of {"question", "answer"}
    #[arg(long)]
    data: PathBuf,
    /// Questions, from the first on
    #[arg(long, default_value_t = 100)]
    count: usize,
}

pub(crate) fn run(args: &Controls) -> Result<()> {
    let asked: Vec<(String, f64)> = answers(&args.data)?
        .iter()
        .filter_map(|line| Some((line["question"].as_str()?.to_owned(), line["answer"].as_f64()?)))
        .take(args.count)
        .collect();
    let path = args.layers.join(FILE);
    let file = std::fs::read(&path).map_err(|why| Error::file(&path, why))?;
    let surveyor = |file: Vec<u8>| {
        let base = Source::file(&args.base).map_err(Error::from)?;
        Surveyor::new(base, Source::bytes(FILE, file), false)
    };

    // 1. As trained; the taps are kept for the next question.
    let mut trained = surveyor(file.clone())?;
    let layers = trained.config().taps.len();
    let (mut own, mut zeroed, mut foreign) = (Count::default(), Count::default(), Count::default());
    let (mut same, mut renamings) = (vec![0; layers], 0);
    let mut random = ChaCha8Rng::seed_from_u64(0);
    let mut before: Option<Vec<Vec<f32>>> = None;
    for (question, answer) in &asked {
        let hidden = trained.config().hidden;
        let mut kept = Vec::new();
        let survey = trained.survey_changed(question, &mut |rows, taps| {
            kept = taps.iter().map(|tap| tap[rows.start * hidden..rows.end * hidden].to_vec()).collect();
        })?;
        own.add(survey.as_ref(), *answer, layers);
        // 2. Nothing in the taps.
        let nothing = trained.survey_changed(question, &mut |_, taps| taps.iter_mut().for_each(|tap| tap.fill(0.0)))?;
        zeroed.add(nothing.as_ref(), *answer, layers);
        // 3. The states of the question before, over and over where it was shorter.
        if let Some(before) = before.replace(kept) {
            let other = trained.survey_changed(question, &mut |rows, taps| {
                for (tap, other) in taps.iter_mut().zip(&before) {
                    let rows = &mut tap[rows.start * hidden..rows.end * hidden];
                    rows.iter_mut().zip(other.iter().cycle()).for_each(|(row, other)| *row = *other);
                }
            })?;
            foreign.add(other.as_ref(), *answer, layers);
        }
        // 4. Other numbers: the programs should stay.
        if let (Some(survey), Some(new)) = (&survey, renamed(question, &mut random)) {
            let other = trained.survey_changed(&new, &mut |_, _| {})?;
            renamings += 1;
            let others = other.as_ref().map(firsts).unwrap_or_default();
            for (place, program) in firsts(survey) {
                same[place] += usize::from(others.contains(&(place, program)));
            }
        }
    }
    drop(before);

    // 5. Other weights.
    let of = |file: Vec<u8>| -> Result<Count> {
        let mut surveyor = surveyor(file)?;
        let mut count = Count::default();
        for (question, answer) in &asked {
            count.add(surveyor.survey_changed(question, &mut |_, _| {})?.as_ref(), *answer, layers);
        }
        Ok(count)
    };
    let turned = of(swapped(&file, &trained.config().taps)?)?;
    let mixed = of(shuffled(&file, 0)?)?;

    let told = [
        ("as trained", own),
        ("zeroed taps", zeroed),
        ("taps of the question before", foreign),
        ("each layer with the weights of the next", turned),
        ("each tensor's weights shuffled", mixed),
    ];
    for (name, count) in told {
        let Count { n, open, layers, oracle } = count;
        println!("{}", serde_json::json!({ "control": name, "n": n, "gate": open, "right": layers, "oracle": oracle }));
    }
    println!(
        "{}",
        Value::from_iter([("control", Value::from("other numbers")), ("n", renamings.into()), ("same", same.into())])
    );
    Ok(())
}
