//! Gates, logits, scores and candidates against tests/golden/make_layers.py.

use safetensors::SafeTensors;
use serde::Deserialize;
use wattage_engine::Device;
use wattage_engine::wasm_layers::{BEAMS, Candidate, Question};

use super::{Loaded, devices, floats, program, read};

/// Largest difference of a logit, a gate or a log-probability.
const TOLERANCE: f64 = 1e-4;

#[derive(Deserialize)]
struct Expected {
    beams: usize,
    questions: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    ranges: Vec<(usize, usize)>,
    numbers: Vec<usize>,
    previous: Option<usize>,
    programs: Vec<Forced>,
    candidates: Vec<Vec<Found>>,
    greedy: Vec<Found>,
}

impl Case {
    fn question(&self) -> Question {
        Question { ranges: self.ranges.clone(), numbers: self.numbers.clone(), previous: self.previous }
    }
}

#[derive(Deserialize)]
struct Forced {
    outputs: Vec<usize>,
    logprob: Vec<f64>,
    min_logprob: Vec<f64>,
}

#[derive(Deserialize)]
struct Found {
    outputs: Vec<usize>,
    logprob: f64,
    min_logprob: f64,
}

fn expected() -> Expected {
    serde_json::from_slice(&read("layers.expected.json")).unwrap()
}

fn near(what: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(f64::from((found - expected).abs()) < TOLERANCE, "{what}: {found} where {expected} is right");
    }
}

fn close(found: f64, expected: f64) -> bool {
    (found - expected).abs() < TOLERANCE
}

async fn gates_and_logits(device: Device) {
    let mut loaded = Loaded::new(device).await;
    let tensors = read("layers.expected.safetensors");
    let tensors = SafeTensors::deserialize(&tensors).unwrap();
    let tensor = |name: String| floats(tensors.tensor(&name).unwrap().data());
    for case in expected().questions {
        let gates = loaded.encode(&case.question()).await.unwrap();
        near(&case.name, &gates, &tensor(format!("gates.{}", case.name)));
        let mut programs = Vec::new();
        for (i, forced) in case.programs.iter().enumerate() {
            let program = program(loaded.layers.config(), &forced.outputs);
            let logits = loaded.layers.logits(&mut loaded.device, &program).await.unwrap().unwrap();
            let name = format!("logits.{}.{i}", case.name);
            near(&name, &logits, &tensor(name.clone()));
            programs.push(program);
        }
        // Where they looked, all programs at once.
        let focus = loaded.layers.focus(&mut loaded.device, &programs).await.unwrap();
        for (i, focus) in focus.iter().enumerate() {
            let name = format!("focus.{}.{i}", case.name);
            near(&name, focus.as_ref().unwrap(), &tensor(name.clone()));
        }
        // All at once, twice over, which is how programs of several layers are scored.
        programs.extend(programs.clone());
        let scores = loaded.layers.rescore(&mut loaded.device, &programs).await.unwrap();
        assert_eq!(scores.len(), programs.len());
        for (scores, forced) in scores.iter().zip(case.programs.iter().chain(&case.programs)) {
            let scores = scores.as_ref().unwrap();
            assert_eq!(scores.len(), 3);
            for (layer, score) in scores.iter().enumerate() {
                let right =
                    close(score.logprob, forced.logprob[layer]) && close(score.min_logprob, forced.min_logprob[layer]);
                assert!(right, "{}, layer {layer}: {score:?} of {:?}", case.name, forced.outputs);
            }
        }
    }
}

async fn candidates(device: Device) {
    let mut loaded = Loaded::new(device).await;
    let expected = expected();
    assert_eq!(expected.beams, BEAMS);
    for case in expected.questions {
        loaded.encode(&case.question()).await.unwrap();
        let all = loaded.layers.candidates(&mut loaded.device, BEAMS).await.unwrap();
        assert_eq!(all.len(), case.candidates.len());
        for (found, expected) in all.iter().zip(&case.candidates) {
            agree(&loaded, &case.name, found, expected);
        }
        let greedy = loaded.layers.candidates(&mut loaded.device, 1).await.unwrap();
        for (found, expected) in greedy.iter().zip(case.greedy) {
            agree(&loaded, &case.name, found, &[expected]);
        }
        // What a layer writes, it scores the same.
        for (layer, found) in all.iter().enumerate() {
            let programs: Vec<_> = found.iter().map(|candidate| candidate.program.clone()).collect();
            let scores = loaded.layers.rescore(&mut loaded.device, &programs).await.unwrap();
            for (candidate, scores) in found.iter().zip(scores) {
                let score = scores.unwrap()[layer];
                assert!(close(candidate.logprob, score.logprob) && close(candidate.min_logprob, score.min_logprob));
            }
        }
    }
}

fn agree(loaded: &Loaded, name: &str, found: &[Candidate], expected: &[Found]) {
    assert_eq!(found.len(), expected.len(), "{name}");
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found.program, program(loaded.layers.config(), &expected.outputs), "{name}");
        assert!(close(found.logprob, expected.logprob), "{name}: {} not {}", found.logprob, expected.logprob);
        assert!(close(found.min_logprob, expected.min_logprob), "{name}");
        assert_eq!(found.tokens, expected.outputs.len() + 1, "{name}");
    }
}

#[test]
fn gates_logits_and_scores_are_those_of_numpy() {
    pollster::block_on(async {
        for device in devices().await {
            gates_and_logits(device).await;
        }
    });
}

#[test]
fn candidates_are_those_of_numpy() {
    pollster::block_on(async {
        for device in devices().await {
            candidates(device).await;
        }
    });
}

/// Kernels that run only for the layers pass the check that a base's load does for its own.
#[test]
fn the_layers_kernels_pass_their_check() {
    pollster::block_on(async {
        let mut device = Device::gpu().await.unwrap();
        let used = wattage_engine::check::used_by_layers(&device).unwrap();
        assert_eq!(used.len(), 5);
        for variant in used {
            let report = wattage_engine::check::variant(&mut device, variant, wattage_engine::check::Size::Small).await;
            assert!(report.unwrap().passed());
        }
    });
}
