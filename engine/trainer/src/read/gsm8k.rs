//! GSM8K's training set: questions with solutions whose steps are annotated as `<<48/2=24>>`.

use serde::Deserialize;

use super::Loaded;
use super::compose::{Step, compose};
use crate::evaluate::close;
use crate::example::Example;
use crate::formula::Formula;
use crate::think;
use crate::{Error, Result};

#[derive(Deserialize)]
struct Entry {
    question: String,
    answer: String,
}

/// Reads `train.jsonl`. Solutions that are no program of the layers become examples with an answer only.
pub fn gsm8k(text: &str) -> Result<Loaded> {
    let mut loaded = Loaded::default();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let fail = |why: String| Error::Set { set: "GSM8K", entry: index + 1, why };
        let entry: Entry = serde_json::from_str(line).map_err(|why| fail(why.to_string()))?;
        let answer = final_answer(&entry.answer).ok_or_else(|| fail("no answer after '####'".into()))?;
        let program = steps(&entry.answer).and_then(|steps| compose(&entry.question, &steps, answer));
        loaded.add(Example {
            think: program.as_ref().map_or(String::new(), |program| think::positive("", program)),
            reply: "The answer is {v}.".into(),
            question: entry.question,
            program,
            answer: Some(answer),
            category: "gsm8k".into(),
            previous: None,
        });
    }
    Ok(loaded)
}

/// The number after `####`.
pub(super) fn final_answer(solution: &str) -> Option<f64> {
    let (_, answer) = solution.rsplit_once("####")?;
    clean(answer).trim().parse().ok()
}

/// Without currency signs and separators, which formulas do not have.
fn clean(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, '$' | ',' | '€' | '£')).collect()
}

fn steps(solution: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let mut rest = solution;
    while let Some((_, after)) = rest.split_once("<<") {
        let (annotation, after) = after.split_once(">>")?;
        rest = after;
        let (formula, value) = annotation.rsplit_once('=')?;
        let formula = Formula::read(&clean(formula))?;
        let value: f64 = match Formula::read(&clean(value))? {
            Formula::Literal(value) => value,
            _ => clean(value).trim().parse().ok()?,
        };
        // Steps that only repeat a number say nothing.
        if matches!(&formula, Formula::Literal(literal) if close(*literal, value)) {
            continue;
        }
        steps.push(Step { formula, value });
    }
    Some(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = concat!(
        r#"{"question": "A cook buys 3 bags of 20 onions. He uses 25% of them. How many are left?", "answer": "He has 3*20=<<3*20=60>>60 onions.\nHe uses 60*25/100=<<60*25/100=15>>15.\nSo 60-15=<<60-15=45>>45 are left.\n#### 45"}"#,
        "\n",
        r#"{"question": "A lamp costs $1,200. How much are three lamps?", "answer": "They cost 3*$1,200=$<<3*1200=3600>>3,600.\n#### 3,600"}"#,
        "\n",
        r#"{"question": "What is the number of days in the first 3 months?", "answer": "31+28+31=<<31+28+31=90>>90\n#### 90"}"#,
        "\n",
    );

    #[test]
    fn solutions_become_programs() {
        let loaded = gsm8k(SAMPLE).unwrap();
        assert_eq!((loaded.programs, loaded.examples.len()), (2, 3));
        let words = |k: usize| {
            let program = loaded.examples[k].program.as_ref().unwrap();
            program.instructions().iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(words(1), "local.get 0 local.get 1 f64.mul");
        assert!(words(0).ends_with("local.get 2 f64.mul f64.sub"), "{}", words(0));
        // 31 and 28 are nowhere in the question: kept with the answer, not trained on.
        let last = &loaded.examples[2];
        assert_eq!((last.answer, last.trainable()), (Some(90.0), false));
    }

    #[test]
    fn malformed_files_say_where() {
        for text in ["{}\n", "not json\n", "{\"question\": \"?\", \"answer\": \"no mark\"}\n"] {
            match gsm8k(text) {
                Err(Error::Set { entry: 1, .. }) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}
