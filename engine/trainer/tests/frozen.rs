//! Layers on a base that is not trained along: what is kept of the base is what the layers would have read, and they learn from it.
#![allow(clippy::unwrap_used, reason = "a failure here fails the test that called")]

mod common;

use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use common::{Bits, base, examples, layers, options, sequences};
use serde_json::json;
use wattage_engine::wasm_layers::config::LayersConfig;
use wattage_engine::wasm_layers::{self, to_bytes};
use wattage_engine::{DType, Source};
use wattage_trainer::export;
use wattage_trainer::model::{LayerOutput, Rotary};
use wattage_trainer::train::{Batch, Material, Nets, Options, Sequence, Shapes, Standard, States, StatesWriter, run};

fn floats<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().unwrap()
}

/// The sequences with what `nets`' base makes of them in `file`.
fn stored(nets: &Nets, sequences: &[Sequence], file: &Path) -> Vec<Sequence> {
    let (base, layers) = (base(), layers());
    let device = Device::flex();
    let mut writer = StatesWriter::open(file, (layers.taps.len(), layers.hidden), 0).unwrap();
    let store = |sequence: &Sequence| {
        let batch = Batch::new(&[sequence], &layers, false, &device);
        let rotary = Rotary::new(&base, batch.b, batch.time, &device);
        let (taps, _) = nets.base.as_ref().unwrap().forward(batch.ids.clone(), &base, &rotary, &layers.taps);
        let taps: Vec<Vec<f32>> =
            taps.into_iter().map(|tap| floats(tap.select(0, batch.layers.rows.clone()))).collect();
        let stored = writer.add(&taps, layers.eps).unwrap();
        Sequence {
            prompt: Vec::new(),
            answer: Vec::new(),
            own: Vec::new(),
            rows: (0..sequence.rows.len()).collect(),
            stored: Some(stored),
            ..sequence.clone()
        }
    };
    sequences.iter().map(store).collect()
}

#[test]
fn layers_read_the_same_from_disk() {
    let (base, layers) = (base(), layers());
    let device = Device::flex();
    device.seed(3);
    let nets = Nets::new(Shapes { base: Some(&base), layers: &layers }, &device);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("states.f16");
    let sequences = &sequences(&examples())[..12];
    let kept = stored(&nets, sequences, &file);
    let mut states = States::open(&[(file.clone(), 0)], layers.taps.len(), layers.hidden, layers.bound).unwrap();

    let all: Vec<&Sequence> = sequences.iter().collect();
    let live = Batch::new(&all, &layers, false, &device);
    let rotary = Rotary::new(&base, live.b, live.time, &device);
    let (taps, _) = nets.base.as_ref().unwrap().forward(live.ids.clone(), &base, &rotary, &layers.taps);
    let all: Vec<&Sequence> = kept.iter().collect();
    let read = Batch::of(&all, Some(&states), &layers, false, &device).unwrap();
    let forward = |batch: &Batch, taps: &[Tensor<2>]| -> Vec<LayerOutput> {
        let outputs = nets.layers.iter().zip(taps);
        outputs.map(|(layer, tap)| layer.forward(tap.clone(), &layers, &batch.layers, None)).collect()
    };
    let largest = |read: &Batch| {
        let (wanted, found) = (forward(&live, &taps), forward(read, read.streams.as_ref().unwrap()));
        let mut largest = 0f32;
        for (wanted, found) in wanted.into_iter().zip(found) {
            for (a, b) in floats(wanted.logprobs).into_iter().zip(floats(found.logprobs)) {
                largest = largest.max((a - b).abs());
            }
        }
        largest
    };
    let difference = largest(&read);
    assert!(difference < 0.02, "from disk a log-probability differs by {difference}");
    // Halves are what makes the difference; taps that are moved make a large one.
    states.standards[1] = Standard { mean: vec![0.5; layers.hidden], ..Standard::none(layers.hidden) };
    let moved = Batch::of(&all, Some(&states), &layers, false, &device).unwrap();
    assert!(largest(&moved) > 0.1);
}

#[test]
fn layers_learn_from_disk_and_repeat_themselves() {
    let (base, layers) = (base(), layers());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("states.f16");
    // Without a graph for gradients, which nothing would take down.
    let nets = Nets::seeded(1, Shapes { base: Some(&base), layers: &layers }).valid();
    let kept = stored(&nets, &sequences(&examples()), &file);
    let mut states = States::open(&[(file.clone(), 0)], layers.taps.len(), layers.hidden, layers.bound).unwrap();
    states.standardise(kept.iter().filter_map(|sequence| sequence.stored)).unwrap();

    let shapes = Shapes { base: None, layers: &layers };
    let train = |options: &Options| {
        let held: [(&str, &[Sequence]); 1] = [("same", &kept[..20])];
        let material = Material { train: &kept, held: &held, states: Some(&states) };
        let mut losses = Vec::new();
        let mut report = |line: serde_json::Value| losses.extend(line["layers"].as_f64());
        let nets = run(Nets::seeded(options.seed, shapes), shapes, material, options, &mut report).unwrap();
        assert!(nets.base.is_none());
        let mut bits = Bits(Vec::new());
        nets.visit(&mut bits);
        (losses, bits.0)
    };
    let folders: Vec<_> = (0..3).map(|_| tempfile::tempdir().unwrap()).collect();
    let asked = Options { dropout: [0.1, 0.1], ..options(folders[0].path()) };
    let (losses, weights) = train(&asked);
    assert!(losses[0] < 8.5, "the layers' loss is {} after 50 steps", losses[0]);
    let (_, same) = train(&Options { out: folders[1].path().to_owned(), ..asked.clone() });
    assert!(weights == same, "the same seed gave other weights");
    // Without dropout they learn something else.
    let (_, plain) = train(&options(folders[2].path()));
    assert!(weights != plain);

    // With nothing to read nothing is learned, and that is said.
    let material = Material { train: &kept, held: &[], states: None };
    let refused = run(Nets::seeded(1, shapes), shapes, material, &asked, &mut |_| {});
    assert!(refused.unwrap_err().to_string().contains("neither a base"));
}

#[test]
fn training_goes_on_from_a_file_of_layers() {
    let config = layers();
    let device = Device::flex();
    device.seed(5);
    let nets = Nets::new(Shapes { base: None, layers: &config }, &device);
    let moved = |tap: usize| Standard { mean: vec![0.25; config.hidden], scale: vec![tap as f32; config.hidden] };
    let standards: Vec<Standard> = config.taps.iter().map(|tap| moved(*tap)).collect();
    let values = export::layers(&nets.layers, &config, &standards).unwrap();
    let made = json!({"steps": 7});
    let file = Source::bytes(wasm_layers::FILE, to_bytes(&config, &made, DType::F32, &values).unwrap());

    let (again, found, provenance) = export::reopen_layers(&file, &config).unwrap();
    assert_eq!((&found, &provenance), (&standards, &made));
    assert!(export::layers(&again, &config, &found).unwrap() == values, "the weights are other ones");
    // Layers for another base know nothing of this one.
    let other = LayersConfig { base: "another".to_owned(), ..config };
    assert!(export::reopen_layers(&file, &other).is_err());
}
