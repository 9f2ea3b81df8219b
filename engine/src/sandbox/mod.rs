//! Where generated programs are compiled and run. They are untrusted: whatever the text, the outcome is a value of a type.
//!
//! A program is a module of WebAssembly in its text format, with one export, `compute`, a function of `f64` to one `f64`. It
//! gets nothing from outside, and what it may use is limited: see [`Limits`]. It is compiled as a whole before it runs, so
//! that the same program takes the same fuel natively and in the page.

mod compile;
mod limits;
mod outcome;
mod run;

use serde::{Deserialize, Serialize};
use web_time::Instant;

pub use self::limits::{Limit, Limits};
pub use self::outcome::{NotFinite, Outcome, Refusal, Trap};

/// What a program's run was like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Facts {
    /// Bytes of its text.
    pub wat_bytes: usize,
    /// Bytes of the compiled module; 0 if it did not get so far.
    pub module_bytes: usize,
    /// Microseconds from text to a module that can run, or to what is wrong with it.
    pub compile_micros: u64,
    /// Microseconds that it ran, or tried to.
    pub run_micros: u64,
    /// Fuel that it took.
    pub fuel: u64,
}

/// What became of a program, and what its run was like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// What became of it.
    pub outcome: Outcome,
    /// What its run was like.
    pub facts: Facts,
}

/// Compiles a program and runs it on the arguments.
///
/// ```
/// use wattage_engine::sandbox::{Limits, Outcome, run};
///
/// let program = r#"(module (func (export "compute") (param f64 f64) (result f64)
///     local.get 0 local.get 1 f64.mul))"#;
/// assert_eq!(run(program, &[12.0, 11.0], &Limits::default()).outcome, Outcome::Value(132.0));
/// ```
pub fn run(wat: &str, arguments: &[f64], limits: &Limits) -> Report {
    let mut facts = Facts { wat_bytes: wat.len(), ..Facts::default() };
    let began = Instant::now();
    let compiled = compile::assemble(wat, limits).and_then(|bytes| {
        facts.module_bytes = bytes.len();
        let engine = run::engine(limits);
        let module = compile::compile(&engine, &bytes, arguments.len(), limits)?;
        Ok((engine, module))
    });
    facts.compile_micros = micros(began);
    let outcome = match compiled {
        Ok((engine, module)) => {
            let began = Instant::now();
            let (outcome, fuel) = run::run(&engine, &module, arguments, limits);
            (facts.run_micros, facts.fuel) = (micros(began), fuel);
            outcome
        }
        Err(outcome) => outcome,
    };
    Report { outcome, facts }
}

fn micros(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX)
}
