//! The whole model against Hugging Face transformers, from golden files, on both executors.
#![allow(clippy::unwrap_used, reason = "a failure here fails the test that called")]

use harness::golden::{self, Golden};
use wattage_engine::{Cancel, DevicePreference, KvType, LoadOptions, ModelFile, Session};

/// Largest absolute difference of a logit or a tap.
const TOLERANCE: f32 = 1e-3;
/// The same where the CPU executor multiplies quantised weights: it rounds activations to 16 bits there.
const ROUNDED: f32 = 5e-3;

fn session(golden: &Golden, device: DevicePreference, kv: KvType) -> Session {
    let options = LoadOptions { device, kv, taps: vec![3, 7, 11], context: 256, ..LoadOptions::default() };
    golden.load(&options).unwrap()
}

fn agrees(golden: &Golden, device: DevicePreference) {
    let mut session = session(golden, device, KvType::F32);
    let rounded = device == DevicePreference::Cpu && golden.name.ends_with(".gguf");
    let tolerance = if rounded { ROUNDED } else { TOLERANCE };
    let vocab = session.model().vocab;
    let hidden = session.model().hidden;
    for sequence in golden.sequences() {
        let (logits, taps) = pollster::block_on(session.logits(&sequence.ids)).unwrap();
        assert_eq!(logits.len(), sequence.ids.len() * vocab);
        let expected = golden.tensor(&format!("logits.{}", sequence.name));
        compare(&golden.name, "logits", &expected, &logits, &sequence.positions, vocab, tolerance);
        assert_eq!(taps.iter().map(|(layer, _)| *layer).collect::<Vec<_>>(), [3, 7, 11]);
        for (layer, values) in &taps {
            let name = format!("tap.{layer}");
            let expected = golden.tensor(&format!("{name}.{}", sequence.name));
            compare(&golden.name, &name, &expected, values, &sequence.positions, hidden, tolerance);
        }
    }
}

fn compare(
    model: &str,
    what: &str,
    expected: &[f32],
    found: &[f32],
    positions: &[usize],
    width: usize,
    tolerance: f32,
) {
    assert_eq!(expected.len(), positions.len() * width);
    for (row, position) in positions.iter().enumerate() {
        let found = &found[position * width..(position + 1) * width];
        for (a, b) in expected[row * width..(row + 1) * width].iter().zip(found) {
            assert!((a - b).abs() < tolerance, "{model}: {what} at position {position}: {b} where {a} is right");
        }
    }
}

#[test]
fn logits_and_taps_are_those_of_transformers_on_the_cpu() {
    golden::all().iter().for_each(|golden| agrees(golden, DevicePreference::Cpu));
}

#[test]
fn logits_and_taps_are_those_of_transformers_on_the_gpu() {
    golden::all().iter().for_each(|golden| agrees(golden, DevicePreference::Gpu));
}

/// A model that ends with its last tap has the taps of the whole, and a prompt that goes on from another the same as one that does
/// not.
#[test]
fn the_first_layers_alone_have_the_taps_of_all() {
    let golden = golden::all().into_iter().find(|golden| golden.name.ends_with(".gguf")).unwrap();
    let mut whole = session(&golden, DevicePreference::Cpu, KvType::F32);
    let options = LoadOptions {
        device: DevicePreference::Cpu,
        kv: KvType::F32,
        taps: vec![3, 7],
        context: 256,
        ..LoadOptions::default()
    };
    let file = pollster::block_on(ModelFile::open(golden.sources().unwrap())).unwrap();
    let name = pollster::block_on(file.fingerprint()).unwrap();
    let file = file.first_layers(8);
    assert_eq!(pollster::block_on(file.fingerprint()).unwrap(), name);
    let cancel = Cancel::new();
    let mut first = pollster::block_on(Session::load_file(file, None, &options, &cancel, &mut |_| {})).unwrap();
    assert_eq!(first.model().layers, 8);
    let width = first.model().hidden;
    for sequence in golden.sequences() {
        let (_, taps) = pollster::block_on(whole.logits(&sequence.ids)).unwrap();
        let ends = [sequence.ids.len() / 2, sequence.ids.len()];
        for end in ends.into_iter().filter(|end| *end > 0) {
            let rows = [0, end / 2, end - 1];
            let found = pollster::block_on(first.states(&sequence.ids[..end], &rows)).unwrap();
            for (found, (_, whole)) in found.iter().zip(&taps) {
                let wanted: Vec<f32> =
                    rows.iter().flat_map(|row| &whole[row * width..(row + 1) * width]).copied().collect();
                assert_eq!(found.len(), wanted.len());
                let differs = found.iter().zip(&wanted).any(|(a, b)| (a - b).abs() > ROUNDED);
                assert!(!differs, "{}: {end} tokens of {}", golden.name, sequence.name);
            }
        }
    }
    assert!(pollster::block_on(first.states(&[1, 2], &[2])).is_err());
}

/// Decoding must not differ from reading the same tokens at once: the cache, the split attention and the taps are the same.
#[test]
fn greedy_decoding_gives_the_tokens_of_transformers() {
    for golden in golden::all() {
        for device in [DevicePreference::Cpu, DevicePreference::Gpu] {
            for kv in [KvType::F32, KvType::F16] {
                // How near two tokens may be before rounding decides between them.
                let near = if kv == KvType::F32 { 0.01 } else { 0.05 };
                golden.greedy_agrees(&mut session(&golden, device, kv), near);
            }
        }
    }
}
