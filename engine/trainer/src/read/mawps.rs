//! MAWPS: questions with one linear equation in one unknown.

use serde::{Deserialize, Deserializer};
use wattage_engine::wasm_layers::program::Op;

use super::Loaded;
use super::compose::{Step, compose};
use crate::evaluate::evaluate;
use crate::example::Example;
use crate::expression::Expression;
use crate::formula::Formula;
use crate::think;
use crate::{Error, Result};

#[derive(Deserialize)]
pub(super) struct Entry {
    #[serde(rename = "sQuestion")]
    pub(super) question: String,
    #[serde(rename = "lEquations")]
    equations: Vec<String>,
    #[serde(rename = "lSolutions", deserialize_with = "numbers")]
    pub(super) solutions: Vec<f64>,
}

/// Numbers, some of which the set has as text.
fn numbers<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<f64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Solution {
        Number(f64),
        Text(String),
    }
    let all = Vec::<Solution>::deserialize(from)?;
    let number = |solution| match solution {
        Solution::Number(value) => Ok(value),
        Solution::Text(text) => text.trim().parse().map_err(serde::de::Error::custom),
    };
    all.into_iter().map(number).collect()
}

/// Reads `trainset.json`. Equations that are no program of the layers become examples with an answer only.
pub fn mawps(text: &str) -> Result<Loaded> {
    let mut loaded = Loaded::default();
    for (index, entry) in entries(text)?.into_iter().enumerate() {
        let [answer] = entry.solutions[..] else {
            return Err(Error::Set { set: "MAWPS", entry: index + 1, why: "not one solution".into() });
        };
        let question = entry.question.split_whitespace().collect::<Vec<_>>().join(" ");
        let formula = match &entry.equations[..] {
            [equation] => solved(equation),
            _ => None,
        };
        let program = formula.and_then(|formula| {
            let value = value(&formula)?;
            compose(&question, &[Step { formula, value }], answer)
        });
        loaded.add(Example {
            think: program.as_ref().map_or(String::new(), |program| think::positive("", program)),
            reply: "The answer is {v}.".into(),
            question,
            program,
            answer: Some(answer),
            category: "mawps".into(),
            previous: None,
        });
    }
    Ok(loaded)
}

pub(super) fn entries(text: &str) -> Result<Vec<Entry>> {
    serde_json::from_str(text).map_err(|why| Error::Set { set: "MAWPS", entry: why.line(), why: why.to_string() })
}

fn value(formula: &Formula) -> Option<f64> {
    let program = Expression::from_formula(formula, &|_| Vec::new())?.program(0)?;
    evaluate(&program, &[])
}

/// What the unknown is, by undoing one operation after the other on the side that it stands on.
fn solved(equation: &str) -> Option<Formula> {
    let equation = equation.to_ascii_lowercase();
    // Some entries have the unknown's side only.
    let Some((left, right)) = equation.split_once('=') else {
        return Formula::read(&equation).filter(|formula| formula.count("x") == 0);
    };
    let (left, right) = (Formula::read(left)?, Formula::read(right)?);
    let (mut with, mut without) = match (left.count("x"), right.count("x")) {
        (1, 0) => (left, right),
        (0, 1) => (right, left),
        _ => return None,
    };
    loop {
        (with, without) = match with {
            Formula::Name(_) => return Some(without),
            Formula::Unary(Op::Neg, of) => (*of, Formula::Unary(Op::Neg, Box::new(without))),
            Formula::Binary(op, left, right) => {
                let on_the_left = left.count("x") == 1;
                let (with, other) = if on_the_left { (*left, *right) } else { (*right, *left) };
                let undone = match (op, on_the_left) {
                    (Op::Add, _) => Formula::binary(Op::Sub, without, other),
                    (Op::Mul, _) => Formula::binary(Op::Div, without, other),
                    (Op::Sub, true) => Formula::binary(Op::Add, without, other),
                    (Op::Sub, false) => Formula::binary(Op::Sub, other, without),
                    (Op::Div, true) => Formula::binary(Op::Mul, without, other),
                    (Op::Div, false) => Formula::binary(Op::Div, other, without),
                    _ => return None,
                };
                (with, undone)
            }
            _ => return None,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equations_are_solved() {
        for (equation, formula) in [
            ("X=((27.0-6.0)/7.0)", "(27-6)/7"),
            ("37*8=x", "37*8"),
            ("x+5=12", "12-5"),
            ("5+x=12", "12-5"),
            ("5+12", "5+12"),
            ("12-x=5", "12-5"),
            ("x-5=12", "12+5"),
            ("x/4=3", "3*4"),
            ("20/x=5", "20/5"),
            ("(2*x)+3=11", "(11-3)/2"),
        ] {
            assert_eq!(solved(equation), Formula::read(formula), "{equation}");
        }
        for equation in ["x*x=4", "x=x+1", "2+3=5", "x", "x+2", "x^2=4"] {
            assert_eq!(solved(equation), None, "{equation}");
        }
    }

    #[test]
    fn entries_become_examples() {
        let text = r#"[
            {"iIndex": 1, "sQuestion": " A shop had 27 hats and sold 6  of them. It put 7 on each shelf. How many shelves? ",
             "lEquations": ["X=((27.0-6.0)/7.0)"], "lSolutions": [3.0]},
            {"iIndex": 2, "sQuestion": "Ann gave Bob some of her 9 pens and has 4. How many did she give?",
             "lEquations": ["9-x=4"], "lSolutions": ["5"]},
            {"iIndex": 3, "sQuestion": "How many are there?", "lEquations": ["x=55+1"], "lSolutions": [56.0]}
        ]"#;
        let loaded = mawps(text).unwrap();
        assert_eq!((loaded.programs, loaded.examples.len()), (2, 3));
        assert!(loaded.examples[0].question.starts_with("A shop had 27 hats and sold 6 of"));
        let program = loaded.examples[1].program.as_ref().unwrap();
        assert_eq!(evaluate(program, &[9.0, 4.0]), Some(5.0));
        assert!(!loaded.examples[2].trainable());
        assert!(mawps("[{}]").is_err());
        assert!(mawps(r#"[{"sQuestion": "", "lEquations": [], "lSolutions": []}]"#).is_err());
    }
}
