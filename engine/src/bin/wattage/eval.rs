//! `eval`: a file of questions and answers, and how many are right, by layer and as chosen.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use serde::Deserialize;
use serde_json::{Value, json};
use wattage_engine::wasm_layers::numbers::bind;
use wattage_engine::wasm_layers::program::{Instruction, Op, Program};
use wattage_engine::wasm_layers::{display, near};
use wattage_engine::{
    Cancel, ChatOptions, Completion, Error, Message, Prompt, Result, Role, Sampling, Session, splice,
};

use crate::cli;

/// Correct means as near as this.
const MILLIONTH: f64 = 1e-6;

/// A line of the file.
#[derive(Deserialize)]
struct Item {
    question: String,
    /// None where no computation is asked.
    answer: Option<f64>,
    /// What was computed in the turn before, if there was one.
    #[serde(default)]
    previous: Option<f64>,
}

/// How many of what.
#[derive(Default)]
struct Tally {
    n: usize,
    asked: usize,
    correct: usize,
    chosen: usize,
    oracle: usize,
    oracle_beams: usize,
    skipped: usize,
    stated: usize,
    faithful: usize,
    computed: usize,
    gate: [usize; 4],
    per_layer: BTreeMap<usize, usize>,
    operations: BTreeMap<usize, BTreeMap<String, usize>>,
    micros: u64,
    computations: u64,
    seconds: f64,
}

pub(crate) async fn run(args: cli::Eval) -> Result<()> {
    let items = read(&args.data)?;
    let mut session = cli::load(&args.load, &[]).await?;
    let layers = session.model().wasm_layers.clone();
    let mut out = match &args.out {
        Some(path) => Some(std::fs::File::create(path).map_err(|why| unusable(path, &why))?),
        None => None,
    };
    let bar = indicatif::ProgressBar::new(items.len() as u64);
    let mut tally = Tally::default();
    for item in &items {
        let line = one(&mut session, item, &args, &layers, &mut tally).await?;
        if let (Some(file), Some(path)) = (&mut out, &args.out) {
            writeln!(file, "{line}").map_err(|why| unusable(path, &why))?;
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    let report = tally.report(!args.no_layers && !layers.is_empty());
    if args.json {
        println!("{report}");
    } else {
        println!("{report:#}");
    }
    Ok(())
}

async fn one(
    session: &mut Session,
    item: &Item,
    args: &cli::Eval,
    layers: &[usize],
    tally: &mut Tally,
) -> Result<Value> {
    let options = ChatOptions {
        sampling: Sampling::greedy(),
        max_tokens: args.max_tokens,
        layers: !args.no_layers,
        ..ChatOptions::default()
    };
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
    messages.push(Message { role: Role::User, content: item.question.clone() });
    let began = Instant::now();
    let answer = session.complete(Prompt::Chat(&messages), &options, &Cancel::new(), &mut |_| {}).await?;
    let seconds = began.elapsed().as_secs_f64();
    let correct = tally.add(item, &answer, layers, seconds);
    let mut line = crate::ask::as_json(&answer, layers, seconds);
    line["question"] = json!(item.question);
    line["answer"] = json!(item.answer);
    line["correct"] = json!(correct);
    Ok(line)
}

impl Tally {
    fn add(&mut self, item: &Item, answer: &Completion, layers: &[usize], seconds: f64) -> bool {
        self.n += 1;
        self.seconds += seconds;
        if let Some(gate) = &answer.gate {
            let at = match (item.answer.is_some(), gate.open) {
                (true, true) => 0,
                (false, true) => 1,
                (false, false) => 2,
                (true, false) => 3,
            };
            self.gate[at] += 1;
        }
        let computation = answer.computation.as_ref();
        let Some(right) = item.answer else {
            let correct = computation.is_none();
            self.correct += usize::from(correct);
            return correct;
        };
        self.asked += 1;
        let is_right = |value: Option<f64>| value.is_some_and(|value| near(value, right, MILLIONTH));
        let correct = match (&answer.gate, computation) {
            (_, Some(computation)) => is_right(computation.value),
            // Without the layers the model's own last number counts.
            (None, None) => is_right(bind(&answer.text).numbers.last().map(|number| number.value)),
            (Some(_), None) => false,
        };
        self.correct += usize::from(correct);
        let Some(computation) = computation else { return correct };
        self.chosen += usize::from(correct);
        self.micros += computation.micros;
        self.computations += 1;
        if let Some(value) = computation.value {
            self.computed += 1;
            let behind = answer.text.rsplit(splice::VALUE.1).next().unwrap_or_default();
            let said = bind(behind).numbers;
            let is = |number: f64, other: f64| near(number.abs(), other.abs(), MILLIONTH);
            self.stated += usize::from(said.iter().any(|number| near(number.value, value, MILLIONTH)));
            // Nothing else is said than the question's numbers and the result; of percentages either form, and one of a unit.
            let asked = bind(&item.question).numbers;
            self.faithful += usize::from(said.iter().all(|number| {
                is(number.value, value)
                    || is(number.value, 1.0)
                    || asked.iter().any(|own| {
                        is(number.value, own.value)
                            || is(number.value, 100.0 * own.value)
                            || is(number.value * 100.0, own.value)
                    })
            }));
        }
        let mut any = false;
        for layer in layers {
            let best = computation.candidates.iter().find(|row| row.layer == *layer && row.rank == 0);
            let right = best.is_some_and(|row| is_right(row.result));
            *self.per_layer.entry(*layer).or_default() += usize::from(right);
            any |= right;
            if let Some(row) = best {
                *self.operations.entry(*layer).or_default().entry(row.op.clone()).or_default() += 1;
                self.skipped += usize::from(row.status == wattage_engine::Status::Skipped);
            }
        }
        self.oracle += usize::from(any);
        self.oracle_beams += usize::from(computation.candidates.iter().any(|row| is_right(row.result)));
        correct
    }

    fn report(&self, layers: bool) -> Value {
        let share = |count: usize, of: usize| if of == 0 { Value::Null } else { json!(count as f64 / of as f64) };
        let [true_pos, false_pos, true_neg, false_neg] = self.gate;
        let mut report = json!({
            "n": self.n,
            "correct": self.correct,
            "accuracy": share(self.correct, self.n),
            "mean_ms": self.seconds * 1e3 / self.n.max(1) as f64,
        });
        if layers {
            let per_layer: BTreeMap<String, Value> =
                self.per_layer.iter().map(|(layer, count)| (layer.to_string(), share(*count, self.asked))).collect();
            report["gate"] = json!({
                "true_pos": true_pos, "false_pos": false_pos, "true_neg": true_neg, "false_neg": false_neg,
                "accuracy": share(true_pos + true_neg, self.n),
            });
            report["asked"] = json!(self.asked);
            report["per_layer"] = json!(per_layer);
            report["oracle"] = share(self.oracle, self.asked);
            report["oracle_beams"] = share(self.oracle_beams, self.asked);
            report["chosen"] = share(self.chosen, self.asked);
            report["skipped"] = json!(self.skipped);
            report["stated"] = share(self.stated, self.computed);
            report["faithful"] = share(self.faithful, self.computed);
            report["mean_compute_ms"] = json!(self.micros as f64 / 1e3 / self.computations.max(1) as f64);
            report["operations"] = json!(self.operations);
        }
        report
    }
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
