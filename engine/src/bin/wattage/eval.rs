//! `eval`: a file of questions and answers, and how many are right, by layer and as chosen.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::time::Instant;

use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;
use serde_json::{Value, json};
use wattage_engine::wasm_layers::display;
use wattage_engine::wasm_layers::program::{Instruction, Op, Program};
use wattage_engine::{
    Cancel, ChatOptions, Completion, Error, Message, Prompt, Result, Role, Sampling, Session, Voice, splice,
};

use crate::cli;
use crate::tally::Tally;

/// A line of the file.
#[derive(Deserialize)]
struct Item {
    question: String,
    /// None where no computation is asked.
    answer: Option<f64>,
    /// What was computed in the turn before, if there was one.
    #[serde(default)]
    previous: Option<f64>,
    /// What kind of question it is, where the file says so.
    #[serde(default)]
    category: String,
    /// What is to be computed, where the file says so: nothing here goes by it.
    #[serde(default)]
    equation: String,
}

pub(crate) async fn run(args: cli::Eval) -> Result<()> {
    let items = sample(read(&args.data)?, args.sample, args.seed);
    let mut tally = Tally::default();
    // 1. What an evaluation that was cut off has answered already.
    let mut out = match &args.out {
        Some(path) if args.resume => Some(resume(path, (&items, args.suffix.as_deref()), &mut tally)?),
        Some(path) => Some(std::fs::File::create(path).map_err(|why| unusable(path, &why))?),
        None => None,
    };
    // 2. The rest.
    let mut session = cli::load(&args.load, &[], args.text_voice).await?;
    let voices = crate::ask::voices(session.model());
    let bar = indicatif::ProgressBar::new(items.len() as u64);
    bar.set_position(tally.n() as u64);
    let rest = &items[tally.n()..];
    let mut take = |line: &Value| {
        tally.add(line);
        if let (Some(file), Some(path)) = (&mut out, &args.out) {
            writeln!(file, "{line}").map_err(|why| unusable(path, &why))?;
        }
        bar.inc(1);
        Ok(())
    };
    match args.together {
        Some(lanes) => together(&mut session, rest, (&args, lanes, &voices), &mut take).await?,
        None => {
            for item in rest {
                take(&one(&mut session, item, &args, &voices).await?)?;
            }
        }
    }
    bar.finish_and_clear();
    let report = tally.report(if args.no_layers { &[] } else { &voices });
    if args.json {
        println!("{report}");
    } else {
        println!("{report:#}");
    }
    Ok(())
}

/// So many of the items, drawn by a seed, in their order; all of them where no number is given.
fn sample(mut items: Vec<Item>, count: Option<usize>, seed: u64) -> Vec<Item> {
    let Some(count) = count else { return items };
    let mut places: Vec<usize> = (0..items.len()).collect();
    places.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    places.truncate(count);
    let mut place = 0..;
    items.retain(|_| place.next().is_some_and(|place| places.contains(&place)));
    items
}

/// Opens the file of answers, and counts those that it has. A last line that was cut off goes.
fn resume(path: &Path, (items, suffix): (&[Item], Option<&str>), tally: &mut Tally) -> Result<std::fs::File> {
    let fail = |why: std::io::Error| unusable(path, &why);
    let mut file =
        std::fs::File::options().read(true).write(true).create(true).truncate(false).open(path).map_err(fail)?;
    let mut reader = BufReader::new(&mut file);
    let (mut line, mut whole) = (Vec::new(), 0);
    loop {
        line.clear();
        let length = reader.read_until(b'\n', &mut line).map_err(fail)? as u64;
        if !line.ends_with(b"\n") {
            break;
        }
        let known: Value = serde_json::from_slice(&line).map_err(|why| unusable(path, &why))?;
        let same = |item: &Item| {
            known["question"] == item.question.as_str()
                && known["answer"] == json!(item.answer)
                && known["suffix"] == json!(suffix)
        };
        if !items.get(tally.n()).is_some_and(same) {
            return Err(unusable(path, &"it has answers to other questions; give another file, or remove it"));
        }
        tally.add(&known);
        whole += length;
    }
    file.set_len(whole).and_then(|()| file.seek(SeekFrom::End(0))).map_err(fail)?;
    Ok(file)
}

fn options(args: &cli::Eval) -> ChatOptions {
    ChatOptions {
        sampling: Sampling::greedy(),
        max_tokens: args.max_tokens,
        layers: !args.no_layers,
        ..ChatOptions::default()
    }
}

async fn one(session: &mut Session, item: &Item, args: &cli::Eval, voices: &[Voice]) -> Result<Value> {
    let messages = conversation(item, args);
    let began = Instant::now();
    let answer = session.complete(Prompt::Chat(&messages), &options(args), &Cancel::new(), &mut |_| {}).await?;
    let seconds = began.elapsed().as_secs_f64();
    Ok(line(item, args, crate::ask::as_json(&answer, voices, seconds)))
}

/// Answers items side by side, and gives their lines in order.
async fn together(
    session: &mut Session,
    items: &[Item],
    (args, lanes, voices): (&cli::Eval, usize, &[Voice]),
    take: &mut dyn FnMut(&Value) -> Result<()>,
) -> Result<()> {
    let conversations: Vec<Vec<Message>> = items.iter().map(|item| conversation(item, args)).collect();
    let mut early = BTreeMap::new();
    let mut next = 0;
    let mut on_answer = |at: usize, answer: Completion| {
        let mut value = crate::ask::as_json(&answer, voices, 0.0);
        // Times of answers that waited for each other would tell nothing.
        if let Some(fields) = value.as_object_mut() {
            fields.remove("timings");
        }
        early.insert(at, line(&items[at], args, value));
        while let Some(line) = early.remove(&next) {
            take(&line)?;
            next += 1;
        }
        Ok(())
    };
    session.complete_together(&conversations, (lanes, &options(args)), &Cancel::new(), &mut on_answer).await
}

/// What is asked.
fn conversation(item: &Item, args: &cli::Eval) -> Vec<Message> {
    let mut messages = Vec::new();
    if let Some(value) = item.previous {
        let said = |role, content: String| Message { role, content };
        let (a, b, sum) = (display(value - 1.0), "1", display(value));
        let program = Program::new(vec![Instruction::Local(0), Instruction::Local(1), Instruction::Op(Op::Add)], 2);
        let wat = program.map(|program| program.wat_alone(2)).unwrap_or_default();
        messages.push(said(Role::User, format!("What is {a} + {b}?")));
        let spliced = splice::computed(&wat, value);
        messages.push(said(Role::Assistant, format!("{}{spliced}{a} + {b} = {sum}.", splice::OPEN)));
    }
    let question = match &args.suffix {
        Some(suffix) => format!("{}\n{suffix}", item.question),
        None => item.question.clone(),
    };
    messages.push(Message { role: Role::User, content: question });
    messages
}

/// What is told of an answer.
fn line(item: &Item, args: &cli::Eval, mut line: Value) -> Value {
    line["question"] = json!(item.question);
    line["answer"] = json!(item.answer);
    if !item.category.is_empty() {
        line["category"] = json!(item.category);
    }
    if !item.equation.is_empty() {
        line["equation"] = json!(item.equation);
    }
    if args.suffix.is_some() {
        line["suffix"] = json!(args.suffix);
    }
    line["correct"] = json!(crate::tally::is_correct(&line));
    line
}

fn unusable(path: &Path, why: &dyn std::fmt::Display) -> Error {
    Error::Source { what: path.display().to_string(), why: why.to_string() }
}

fn read(path: &Path) -> Result<Vec<Item>> {
    let text = std::fs::read_to_string(path).map_err(|why| unusable(path, &why))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(at, line)| serde_json::from_str(line).map_err(|why| unusable(path, &format!("line {}: {why}", at + 1))))
        .collect()
}
