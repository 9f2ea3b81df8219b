//! The verifier's fit, on candidates made up so that what tells right from wrong is known.
#![allow(clippy::unwrap_used, reason = "a failure here fails the test that called")]

use rand::prelude::*;
use rand_chacha::ChaCha8Rng;
use wattage_engine::scorer::{Judged, Scorer, Survey};
use wattage_engine::wasm_layers::Score;
use wattage_engine::wasm_layers::program::{Instruction, Op, Program};
use wattage_trainer::judge::{Settings, Surveyed, fit, study};

const LAYERS: usize = 3;

/// A question whose right program the other two layers find likelier than the one that wrote the wrong one does; that one is
/// surer of its own than anybody is of the right one.
fn question(random: &mut ChaCha8Rng) -> Surveyed {
    let (a, b) = (f64::from(random.random_range(2..50)), f64::from(random.random_range(60..99)));
    let program =
        |op| Program::new(vec![Instruction::Local(0), Instruction::Local(1), Instruction::Op(op)], 2).unwrap();
    let liar = random.random_range(0..LAYERS);
    let score = |value: f64| Score { logprob: value, min_logprob: value };
    let mut candidates = Vec::new();
    let mut results = Vec::new();
    let mut right = Vec::new();
    for place in 0..LAYERS {
        let honest = place != liar;
        let decoders = (0..LAYERS)
            .map(|layer| {
                let jitter = random.random_range(-0.2..0.2);
                match (honest, layer == liar) {
                    (true, false) => score(-0.8 + jitter),
                    (true, true) => score(-3.0 + jitter),
                    (false, true) => score(-0.1),
                    (false, false) => score(-4.0 + jitter),
                }
            })
            .collect();
        candidates.push(Judged {
            program: program(if honest { Op::Add } else { Op::Mul }),
            place,
            rank: 0,
            decoders,
            base: None,
        });
        results.push(Some(if honest { a + b } else { a * b }));
        right.push(honest);
    }
    // One that fails, and is never right.
    let decoders = vec![score(-6.0); LAYERS];
    candidates.push(Judged { program: program(Op::Div), place: 0, rank: 1, decoders, base: None });
    results.push(None);
    right.push(false);
    let survey = Survey { gate: 2.0, candidates, results, numbers: vec![a, b], key: vec![0.0; 4] };
    Surveyed { survey, right, set: "made up".into() }
}

fn surveyed(count: usize, seed: u64) -> Vec<Surveyed> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    (0..count).map(|_| question(&mut random)).collect()
}

#[test]
fn the_verifier_learns_what_a_layers_own_certainty_hides() {
    let questions = surveyed(600, 1);
    let own = questions
        .iter()
        .filter(|one| {
            let best = (0..3)
                .max_by(|a, b| one.survey.candidates[*a].logprob().total_cmp(&one.survey.candidates[*b].logprob()));
            one.right[best.unwrap()]
        })
        .count();
    assert_eq!(own, 0, "the questions are such that the surest layer is wrong");
    let mut scorer = Scorer::blank(4);
    let fitted = fit(&mut scorer, &questions, LAYERS, Settings::default()).unwrap();
    assert_eq!(fitted.n, 100);
    let by_set = &fitted.by_set["made up"];
    assert!(by_set.n == 100 && (by_set.chosen - fitted.chosen).abs() < 1e-9, "{fitted:?}");
    assert!(fitted.chosen > 0.98, "{fitted:?}");
    assert!(fitted.oracle > 0.99 && fitted.over_zero > 0.95, "{fitted:?}");
    assert!(fitted.lost < 0.02 && scorer.threshold <= -3.0, "{fitted:?}");

    // The same seed gives the same weights, another gives others.
    let again = |seed| {
        let mut scorer = Scorer::blank(4);
        fit(&mut scorer, &questions, LAYERS, Settings { seed, ..Settings::default() }).unwrap();
        scorer.verifier
    };
    assert!(again(0) == scorer.verifier, "the same seed gave other weights");
    assert!(again(1) != scorer.verifier, "another seed gave the same weights");
}

#[test]
fn nothing_can_be_learned_from_chance() {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let mut questions = surveyed(600, 2);
    for one in &mut questions {
        let lucky = random.random_range(0..3);
        one.right = (0..4).map(|at| at == lucky).collect();
    }
    let mut scorer = Scorer::blank(4);
    let fitted = fit(&mut scorer, &questions, LAYERS, Settings::default()).unwrap();
    assert!((0.1..0.6).contains(&fitted.chosen), "what is right by chance was predicted: {fitted:?}");
}

/// Choosers that see less do worse, where what they do not see is what tells right from wrong.
#[test]
fn a_study_tells_what_each_group_is_worth() {
    let questions = surveyed(300, 4);
    let settings = Settings { epochs: 8, ..Settings::default() };
    let found = study(&Scorer::blank(4), &questions, LAYERS, settings);
    let of = |by: &str| {
        let chooser = found.choosers.iter().find(|chooser| chooser.by == by);
        chooser.unwrap_or_else(|| panic!("{by}: {:?}", found.choosers)).fitted.clone()
    };
    assert!(of("own log-probability, nothing learned").chosen < 0.01);
    assert!(of("mean log-probability of all decoders, nothing learned").chosen > 0.98);
    assert!(of("all").chosen > 0.97 && of("log-probabilities of all decoders").chosen > 0.97);
    // What never varies, or is not there, makes no chooser of its own.
    assert!(!found.choosers.iter().any(|chooser| chooser.by.contains("judge") || chooser.by.contains("base")));
    assert!(found.choosers.iter().all(|chooser| chooser.fitted.n == 300));
    let counted: usize = found.reliability.iter().map(|bar| bar.n).sum();
    assert!(counted == 300 && found.calibration_error < 0.3, "{:?}", found.reliability);
}
