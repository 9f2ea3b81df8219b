//! A training run on a very small scale: it learns, and the same seed gives the same weights.
#![allow(clippy::unwrap_used, reason = "a failure here fails the test that called")]

mod common;

use burn::module::Module;
use common::{Bits, VOCAB, base, examples, layers, options, sequences};
use wattage_engine::ChatTemplate;
use wattage_trainer::example::Example;
use wattage_trainer::train::{Material, Nets, Options, Reader, Sequence, Shapes, run};
use wattage_trainer::vocabulary;

/// Trains with these options, and gives the layers' losses that were told, and the weights.
fn train(sequences: &[Sequence], options: &Options) -> (Vec<f64>, Vec<u32>) {
    let mut losses = Vec::new();
    let mut report = |line: serde_json::Value| losses.extend(line["layers"].as_f64());
    let (base, layers) = (base(), layers());
    let shapes = Shapes { base: Some(&base), layers: &layers };
    let held: [(&str, &[Sequence]); 1] = [("same", &sequences[..20])];
    let material = Material { train: sequences, held: &held, states: None };
    let nets = run(Nets::seeded(options.seed, shapes), shapes, material, options, &mut report).unwrap();
    let mut bits = Bits(Vec::new());
    nets.visit(&mut bits);
    (losses, bits.0)
}

#[test]
fn training_learns_and_repeats_itself() {
    let sequences = sequences(&examples());
    let folders: Vec<_> = (0..4).map(|_| tempfile::tempdir().unwrap()).collect();
    let (losses, weights) = train(&sequences, &options(folders[0].path()));
    assert_eq!(losses.len(), 1);
    // Three layers; an untrained one is at about the logarithm of its outputs, over 4.
    assert!(losses[0] < 7.5, "the layers' loss is {} after 50 steps", losses[0]);
    let (again, same) = train(&sequences, &options(folders[1].path()));
    assert_eq!(losses, again);
    assert!(weights == same, "the same seed gave other weights");
    assert!(weights.len() > 10_000, "only {} weights were seen", weights.len());

    // A run that stops on its way goes on from its last checkpoint, 20 steps in, and ends with the same weights.
    let out = folders[2].path();
    let stopped = train(&sequences, &Options { until: Some(31), ..options(out) }).1;
    assert!(weights != stopped);
    let (_, resumed) = train(&sequences, &options(out));
    assert!(weights == resumed, "a run that was stopped ended with other weights");
    // Its checkpoint is for nothing else.
    let other = Options { rate: 1e-3, ..options(out) };
    let (base, layers) = (base(), layers());
    let shapes = Shapes { base: Some(&base), layers: &layers };
    let material = Material { train: &sequences, held: &[], states: None };
    let refused = run(Nets::seeded(other.seed, shapes), shapes, material, &other, &mut |_| {});
    assert!(refused.unwrap_err().to_string().contains("other options"));
    let other = Options { foreign: 1.5, ..options(out) };
    let refused = run(Nets::seeded(other.seed, shapes), shapes, material, &other, &mut |_| {});
    assert!(refused.unwrap_err().to_string().contains("between 0 and 1"));

    // Layers that also read another's tap, to know their own, get less sure of what they say of it.
    let sure = |steps: usize| {
        let mut told = Vec::new();
        let mut report = |line: serde_json::Value| told.extend(line["foreign"].as_f64());
        let folder = tempfile::tempdir().unwrap();
        let options = Options { foreign: 1.0, steps, ..options(folder.path()) };
        let nets = Nets::seeded(options.seed, shapes);
        let material = Material { train: &sequences, held: &[], states: None };
        run(nets, shapes, material, &options, &mut report).unwrap();
        told.pop().unwrap()
    };
    let (early, late) = (sure(50), sure(100));
    assert!(late < early, "{early} from uniform after 50 steps, {late} after 100");

    // With multiple-choice learning the layers learn other things.
    let chosen = train(&sequences, &Options { choice: 1.0, ..options(folders[3].path()) }).1;
    assert!(weights != chosen);
}

#[test]
fn sequences_point_at_the_numbers_and_hide_what_is_spliced() {
    let examples = examples();
    let texts: Vec<String> = examples.iter().map(|example| example.question.clone()).collect();
    let tokenizer = vocabulary::open(&vocabulary::learn(&texts, VOCAB).unwrap()).unwrap();
    let template = ChatTemplate::new(vocabulary::TEMPLATE).unwrap();
    let config = layers();
    let reader = Reader { tokenizer: &tokenizer, template: &template, config: &config, chats: &[] };
    let example = Example {
        question: "What is 12 * 345?".into(),
        program: Some(
            wattage_engine::wasm_layers::program::Program::new(
                ["local.get 0", "local.get 1", "f64.mul"]
                    .map(|word| wattage_trainer::example::instruction(word).unwrap())
                    .to_vec(),
                2,
            )
            .unwrap(),
        ),
        answer: Some(4140.0),
        category: "test".into(),
        think: "Multiply.".into(),
        reply: "12 × 345 = {v}.".into(),
        previous: None,
    };
    let sequence = reader.sequence(&example).unwrap().unwrap();
    // The layers would have nothing to read.
    assert_eq!(reader.sequence(&Example { question: String::new(), ..example.clone() }).unwrap(), None);
    let text = |ids: &[u32]| tokenizer.decode(ids, true);
    assert_eq!(
        text(&sequence.prompt),
        "<|im_start|>user\nWhat is <|n0|>12 * <|n1|>345?<|im_end|>\n<|im_start|>assistant\n"
    );
    let rows: Vec<u32> = sequence.rows.iter().map(|row| sequence.prompt[*row]).collect();
    assert_eq!(text(&rows), "What is <|n0|>12 * <|n1|>345?");
    assert_eq!(sequence.lasts.iter().map(|last| text(&rows[*last..=*last])).collect::<Vec<_>>(), ["2", "5"]);
    let own: Vec<u32> =
        sequence.answer.iter().zip(&sequence.own).filter(|(_, own)| **own > 0.0).map(|(id, _)| *id).collect();
    assert_eq!(text(&own), "<think>\nMultiply.\n</think>\n<wat_model>12 × 345 = 4140.<|im_end|>");
    // Digits that it has to copy weigh more.
    let heavy: Vec<u32> =
        sequence.answer.iter().zip(&sequence.own).filter(|(_, own)| **own > 1.0).map(|(id, _)| *id).collect();
    assert_eq!(text(&heavy), "123454140");
    assert!(text(&sequence.answer).contains("</wat_model>\n<computed>4140</computed>\n12 × 345 = 4140."));

    // A follow-up also reads what was computed before it.
    let instructions =
        ["local.get 0", "local.get 1", "f64.add"].map(|w| wattage_trainer::example::instruction(w).unwrap());
    let follow_up = Example {
        question: "Now add 10 to that".into(),
        program: wattage_engine::wasm_layers::program::Program::new(instructions.to_vec(), 2),
        previous: Some(132.0),
        ..example
    };
    let sequence = reader.sequence(&follow_up).unwrap().unwrap();
    let rows: Vec<u32> = sequence.rows.iter().map(|row| sequence.prompt[*row]).collect();
    assert_eq!(text(&rows), "<computed>132Now add <|n0|>10 to that");
    assert_eq!(sequence.lasts.iter().map(|last| text(&rows[*last..=*last])).collect::<Vec<_>>(), ["0", "2"]);
}
