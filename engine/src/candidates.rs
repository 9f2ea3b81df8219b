//! The candidates' table: a row a candidate, from what is known when it is written to what became of it.

use web_time::Instant;

use crate::Event;
use crate::computation::{BoundNumber, CandidateRow, Computation, Similar, Status, Voice};
use crate::sandbox::{self, Limits, Outcome};
use crate::splice::{self, NoResult};
use crate::wasm_layers::program::Program;
use crate::wasm_layers::{BigRational, display, exactness};

/// The numbers that functions can take.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parameters {
    /// As they are shown.
    pub(crate) bound: Vec<BoundNumber>,
    /// Their exact values.
    pub(crate) exact: Vec<BigRational>,
    /// Numbers that the question has, those among them that functions cannot take.
    pub(crate) found: usize,
    /// The question as the base reads it that judges.
    pub(crate) judged: Vec<u32>,
}

impl Parameters {
    /// Their values.
    pub(crate) fn values(&self) -> Vec<f64> {
        self.bound.iter().map(|number| number.value).collect()
    }
}

/// A program's operations, in words.
pub(crate) fn operations(program: &Program) -> String {
    let mut words: Vec<&str> = program.operations().map(|op| op.word()).collect();
    words.dedup();
    if words.is_empty() { "a number".to_owned() } else { words.join(", ") }
}

/// Compiles and runs a candidate, and gives what became of it.
pub(crate) fn run(
    row: &mut CandidateRow,
    program: &Program,
    (parameters, limits): (&Parameters, &Limits),
    on_event: &mut dyn FnMut(Event),
) -> Outcome {
    let report = sandbox::run(&row.wat, &row.args, limits);
    row.module_bytes = report.facts.module_bytes;
    row.compile_us = report.facts.compile_micros;
    on_event(Event::Compile(row.clone()));
    row.run_us = report.facts.run_micros;
    row.fuel = report.facts.fuel;
    match report.outcome.value() {
        Some(value) => {
            row.status = Status::Executed;
            row.result = Some(value);
            row.shown = Some(display(value));
            row.exactness = Some(exactness(program, &parameters.exact, value));
        }
        None => {
            row.status = Status::Failed;
            row.error = Some(report.outcome.to_string());
        }
    }
    report.outcome
}

/// A candidate as it is told of first: `parameters` are all that the question has, with or without a value.
pub(crate) fn row(
    (id, voice, rank): (usize, Voice, usize),
    program: &Program,
    logprob: f64,
    (parameters, arguments): (usize, &[f64]),
) -> CandidateRow {
    CandidateRow {
        id,
        voice,
        rank,
        wat: program.wat(parameters),
        op: operations(program),
        args: arguments.to_vec(),
        status: Status::Written,
        result: None,
        shown: None,
        exactness: None,
        error: None,
        score: 0.0,
        parts: None,
        logprob,
        module_bytes: 0,
        fuel: 0,
        compile_us: 0,
        run_us: 0,
    }
}

/// The chosen candidate with its text and number, or why there is none, with the text of the one that stands for it.
pub(crate) type Chosen = std::result::Result<(usize, String, f64), (Option<String>, NoResult)>;

/// What a computation came to; it is told of, too.
pub(crate) fn finished(
    parameters: &Parameters,
    (candidates, similar): (Vec<CandidateRow>, Vec<Similar>),
    outcome: Chosen,
    began: Instant,
    on_event: &mut dyn FnMut(Event),
) -> Computation {
    let (chosen, value, error, splice) = match outcome {
        Ok((id, wat, value)) => (Some(id), Some(value), None, splice::computed(&wat, value)),
        Err((wat, why)) => (None, None, Some(why.to_string()), splice::failed(wat.as_deref(), &why)),
    };
    let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
    on_event(Event::Choice { chosen, value, error: error.clone(), micros });
    Computation { numbers: parameters.bound.clone(), candidates, similar, chosen, value, error, splice, micros }
}
