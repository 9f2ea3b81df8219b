//! The compute step of a model without WASM layers: its own stream of text is the only voice. It writes an expression, which is
//! compiled and run as any candidate is; there is no scorer, and the score is how likely the model finds what it wrote.

use web_time::Instant;

use crate::candidates::{Parameters, finished, row, run};
use crate::computation::{Computation, Gate, Status, Voice};
use crate::judge::Judge;
use crate::runner::Runner;
use crate::sandbox::Limits;
use crate::splice::NoResult;
use crate::{Event, Result};

/// Asks the model about a question that it judges, and computes what it writes. Where it finds that nothing is to be computed
/// there is a gate and no computation, unless it is to compute `even_so`. None for a question without numbers, or one that
/// is too long.
///
/// # Errors
/// The device's trouble.
pub(crate) async fn ask(
    (runner, judge): (&mut Runner, &mut Judge),
    parameters: &Parameters,
    even_so: bool,
    on_event: &mut dyn FnMut(Event),
) -> Result<Option<(Gate, Option<Computation>)>> {
    let began = Instant::now();
    if parameters.bound.is_empty() || parameters.judged.is_empty() {
        return Ok(None);
    }
    let arguments = parameters.values();
    // Numbers beyond those that functions take make it refuse below; the question is the same.
    let Some(wrote) = judge.write(runner, &parameters.judged, (&arguments, even_so)).await? else { return Ok(None) };
    let gate = Gate { open: wrote.gate > 0.0, logit: wrote.gate, layers: Vec::new() };
    on_event(Event::Gate(gate.clone()));
    if !gate.open && !even_so {
        return Ok(Some((gate, None)));
    }
    on_event(Event::Numbers(parameters.bound.clone()));
    let previous = parameters.bound.iter().filter(|number| number.previous).count();
    if parameters.found + previous > parameters.bound.len() {
        let why = NoResult::Numbers { found: parameters.found };
        let none = finished(parameters, (Vec::new(), Vec::new()), Err((None, why)), began, on_event);
        return Ok(Some((gate, Some(none))));
    }
    let Some((program, score)) = wrote.program else {
        let none = finished(parameters, (Vec::new(), Vec::new()), Err((None, NoResult::Nothing)), began, on_event);
        return Ok(Some((gate, Some(none))));
    };
    let taken = arguments.len();
    let mut row = row((0, Voice::Text, 0), &program, score.logprob, (taken, &arguments));
    on_event(Event::Candidate(row.clone()));
    // The logit of the probability that the model gives it.
    let logprob = score.logprob.min(-1e-9);
    row.score = (logprob - (-logprob.exp_m1()).ln()) as f32;
    on_event(Event::Score(row.clone()));
    let outcome = run(&mut row, &program, (parameters, &Limits::default()), on_event);
    on_event(Event::Run(row.clone()));
    let wat = program.wat_alone(taken);
    let chosen = match row.result {
        Some(value) => {
            row.status = Status::Chosen;
            on_event(Event::Score(row.clone()));
            Ok((0, wat, value))
        }
        None => Err((Some(wat), NoResult::Failed(outcome))),
    };
    let computation = finished(parameters, (vec![row], Vec::new()), chosen, began, on_event);
    Ok(Some((gate, Some(computation))))
}
