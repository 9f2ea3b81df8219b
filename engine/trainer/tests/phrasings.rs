//! The hand-written sets: each answer of the phrasings can be reached from the numbers that the engine binds, and the other set
//! does not repeat them.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::HashSet;

use serde::Deserialize;
use wattage_engine::wasm_layers::numbers::bind;
use wattage_trainer::evaluate::{close, evaluate};
use wattage_trainer::formula::Formula;
use wattage_trainer::read::{EvalItem, EvalSet, Step, compose_over};

#[derive(Deserialize)]
struct Phrasing {
    question: String,
    answer: Option<f64>,
    #[serde(default)]
    working: String,
    #[serde(default)]
    previous: Option<f64>,
}

fn phrasings() -> Vec<Phrasing> {
    let text = include_str!("../eval/phrasings.jsonl");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn there_are_enough_of_every_kind() {
    let set = EvalSet::phrasings().unwrap();
    assert!(set.items.len() >= 400);
    let none = set.items.iter().filter(|item| item.answer.is_none()).count();
    assert!((80..=200).contains(&none), "{none}");
    assert!(set.items.iter().filter(|item| item.previous.is_some()).count() >= 20);
}

#[test]
fn the_other_set_shares_no_question_with_them() {
    let (one, other) = (EvalSet::phrasings().unwrap(), EvalSet::asked().unwrap());
    assert!(other.items.len() >= 400 && other.items.iter().filter(|item| item.answer.is_none()).count() >= 50);
    let form = |item: &EvalItem| item.question.to_lowercase();
    let known: HashSet<String> = one.items.iter().map(form).collect();
    let twice: Vec<String> = other.items.iter().map(form).filter(|form| known.contains(form)).collect();
    assert!(twice.len() <= 1, "{twice:?}");
}

#[test]
fn every_answer_can_be_reached() {
    let mut missed = Vec::new();
    for phrasing in phrasings() {
        let Some(answer) = phrasing.answer else { continue };
        let formula = Formula::read(&phrasing.working).unwrap_or_else(|| panic!("{}", phrasing.working));
        let numbers: Vec<f64> = bind(&phrasing.question).numbers.iter().map(|number| number.value).collect();
        let steps = [Step { formula, value: answer }];
        let program = compose_over(&numbers, phrasing.previous, &steps, answer);
        let all: Vec<f64> = numbers.iter().copied().chain(phrasing.previous).collect();
        match program.and_then(|program| evaluate(&program, &all)) {
            Some(value) if close(value, answer) => {}
            other => missed.push(format!("{}: {numbers:?}, {other:?}, {answer}", phrasing.question)),
        }
    }
    assert!(missed.is_empty(), "{} missed:\n{}", missed.len(), missed.join("\n"));
}
