//! A base and layers that are small enough to be trained in a test.
#![allow(clippy::unwrap_used, reason = "a failure here fails the test that called")]

use std::path::Path;

use burn::module::{ModuleVisitor, Param};
use burn::tensor::Tensor;
use wattage_engine::ChatTemplate;
use wattage_engine::wasm_layers::config::LayersConfig;
use wattage_trainer::constants::CONSTANTS;
use wattage_trainer::example::Example;
use wattage_trainer::generate::{Counts, Generator};
use wattage_trainer::model::BaseConfig;
use wattage_trainer::train::{Options, Reader, Sequence};
use wattage_trainer::vocabulary;

pub const VOCAB: usize = 480;

pub fn base() -> BaseConfig {
    let (layers, hidden, heads, kv_heads, head_dim) = (3, 32, 2, 1, 16);
    BaseConfig { layers, hidden, heads, kv_heads, head_dim, ffn: 64, vocab: VOCAB, rope_theta: 1e4 }
}

pub fn layers() -> LayersConfig {
    LayersConfig {
        base: "test".into(),
        hidden: 32,
        taps: vec![0, 1, 2],
        width: 32,
        heads: 2,
        ffn: 64,
        encoder_blocks: 1,
        decoder_blocks: 1,
        constants: CONSTANTS.to_vec(),
        markers: vocabulary::markers(),
        bound: 6.0,
        eps: 1e-6,
    }
}

pub fn examples() -> Vec<Example> {
    let generator = Generator::new(3).unwrap();
    (0..400).map(|number| generator.example(number, &mut Counts::new()).unwrap()).collect()
}

pub fn sequences(examples: &[Example]) -> Vec<Sequence> {
    let texts: Vec<String> = examples.iter().map(|example| example.question.clone()).collect();
    let tokenizer = vocabulary::open(&vocabulary::learn(&texts, VOCAB).unwrap()).unwrap();
    let template = ChatTemplate::new(vocabulary::TEMPLATE).unwrap();
    let config = layers();
    let reader = Reader { tokenizer: &tokenizer, template: &template, config: &config, chats: &[] };
    examples.iter().filter_map(|example| reader.sequence(example).unwrap()).collect()
}

/// All weights, as bits.
pub struct Bits(pub Vec<u32>);

impl ModuleVisitor for Bits {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let values: Vec<f32> = param.val().into_data().try_to_vec().unwrap();
        self.0.extend(values.into_iter().map(f32::to_bits));
    }
}

pub fn options(out: &Path) -> Options {
    Options {
        steps: 60,
        seed: 5,
        rate: 3e-3,
        tokens: 512,
        answers: [0.3, 0.3],
        choice: 0.0,
        foreign: 0.0,
        evaluation: 20,
        patience: 9,
        workers: 2,
        start: String::new(),
        dropout: [0.0; 2],
        until: None,
        out: out.to_owned(),
    }
}
