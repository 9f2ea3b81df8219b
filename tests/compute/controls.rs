//! Controls: what the page shows as computed comes from the layers' weights and from the question's hidden states, and from
//! nothing else.

use harness::tiny::{bytes, computed, load, load_with, user};
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;
use wattage_engine::wasm_layers::{Base, Question, WasmLayers};
use wattage_engine::{Cancel, ChatOptions, Device, DevicePreference, Event, Prompt, Sampling, Session, Source};

/// Questions that the model answers, with two numbers each, so that they differ by their words only.
const QUESTIONS: [(&str, f64); 8] = [
    ("What is 37 + 5?", 42.0),
    ("What is 37 - 5?", 32.0),
    ("What is 37 * 5?", 185.0),
    ("What is 37 / 5?", 7.4),
    ("Add 21 and 4.", 25.0),
    ("Multiply 21 by 4.", 84.0),
    ("Divide 21 by 4.", 5.25),
    ("Subtract 4 from 21.", 17.0),
];

fn right(session: &mut Session) -> usize {
    QUESTIONS.iter().filter(|(question, value)| computed(session, question) == Some(*value)).count()
}

/// Other bytes for a tensor, by its name and bytes and all tensors.
type Change<'a> = dyn Fn(&str, &[u8], &SafeTensors<'_>) -> Vec<u8> + 'a;

/// The layers' file with other weights.
fn changed(change: &Change<'_>) -> Vec<u8> {
    let file = bytes("wasm_layers.safetensors");
    let (_, head) = SafeTensors::read_metadata(&file).unwrap();
    let all = SafeTensors::deserialize(&file).unwrap();
    let new: Vec<(String, Vec<u8>)> =
        all.iter().map(|(name, view)| (name.to_owned(), change(name, view.data(), &all))).collect();
    let views = new.iter().map(|(name, bytes)| {
        let view = all.tensor(name).unwrap();
        (name.clone(), TensorView::new(view.dtype(), view.shape().to_vec(), bytes).unwrap())
    });
    safetensors::serialize(views.collect::<Vec<_>>(), head.metadata().clone()).unwrap()
}

fn with_layers(layers: Vec<u8>) -> Session {
    load_with(DevicePreference::Cpu, &[("wasm_layers.safetensors", layers)]).unwrap()
}

#[test]
fn the_trained_layers_answer() {
    assert_eq!(right(&mut load()), QUESTIONS.len());
}

#[test]
fn shuffled_weights_do_not() {
    let shuffled = changed(&|name, bytes, _| {
        // Two bytes a weight. A fixed stride that has no factor in common with the count visits each weight once.
        let count = bytes.len() / 2;
        let stride = (1..).map(|k| count * 2 / 5 + k).find(|stride| gcd(*stride, count) == 1).unwrap();
        let first = name.len() * 7 % count;
        (0..count).flat_map(|at| bytes[(first + at * stride) % count * 2..][..2].to_vec()).collect()
    });
    let right = right(&mut with_layers(shuffled));
    assert!(right <= 1, "{right} of {} are right with shuffled weights", QUESTIONS.len());
}

#[test]
fn no_weights_do_not() {
    let zeroed = changed(&|_, bytes, _| vec![0; bytes.len()]);
    assert_eq!(right(&mut with_layers(zeroed)), 0);
}

/// The layers' file in which each layer has another's weights, of the tensors that are named so.
fn swapped(named: &dyn Fn(&str) -> bool) -> Vec<u8> {
    changed(&|name, bytes, all| {
        if !name.starts_with("layer.") || !named(name) {
            return bytes.to_vec();
        }
        let other = if name.contains("layer.3.") {
            name.replace("layer.3.", "layer.7.")
        } else if name.contains("layer.7.") {
            name.replace("layer.7.", "layer.11.")
        } else {
            name.replace("layer.11.", "layer.3.")
        };
        assert_ne!(other, name);
        all.tensor(&other).unwrap().data().to_vec()
    })
}

/// Decoders that read another layer's encoder do not know its states.
#[test]
fn decoders_of_another_layer_do_not() {
    let decoder = |name: &str| ["decoder", "output", "pointer"].iter().any(|part| name.contains(part));
    let right = right(&mut with_layers(swapped(&decoder)));
    assert!(right <= 1, "{right} of {} are right with another layer's decoder", QUESTIONS.len());
}

/// Whole layers that read another's tap do not know it: a layer has learned that it is of use at its own depth only.
#[test]
fn layers_on_the_tap_of_another_do_not() {
    let right = right(&mut with_layers(swapped(&|_| true)));
    assert!(right <= 1, "{right} of {} are right with each layer on another's tap", QUESTIONS.len());
}

/// The layers get the hidden states of another question under this one's places: what they write changes with the states.
#[test]
fn hidden_states_of_another_question_change_the_answer() {
    let mut session = load();
    let taps = [3, 7, 11];
    let from = |session: &mut Session, question: &str| {
        let prompt = session.file().tokenizer.encode(question, true).unwrap();
        pollster::block_on(session.logits(&prompt)).unwrap().1
    };
    // The same text but for one token, so that all places agree.
    let open = "<|im_start|>user\n";
    let text = |op: &str| format!("{open}What is <|n0|>37 {op} <|n1|>5?<|im_end|>\n<|im_start|>assistant\n");
    let (plus, times) = (from(&mut session, &text("+")), from(&mut session, &text("*")));
    let lead = session.file().tokenizer.encode(open, true).unwrap().len();
    let body = session.file().tokenizer.encode("What is <|n0|>37 + <|n1|>5?", true).unwrap();
    let place = |text: &str| session.file().tokenizer.encode(text, true).unwrap().len() - 1;
    let question = Question {
        ranges: vec![(lead, body.len())],
        numbers: vec![place("What is <|n0|>37"), place("What is <|n0|>37 + <|n1|>5")],
        previous: None,
    };
    let fingerprint = pollster::block_on(session.file().fingerprint()).unwrap();
    let mut device = Device::cpu();
    let source = Source::bytes("wasm_layers.safetensors", bytes("wasm_layers.safetensors"));
    let base = Base { fingerprint: &fingerprint, hidden: session.model().hidden, layers: session.model().layers };
    let mut layers = pollster::block_on(WasmLayers::load(&mut device, &source, base)).unwrap();
    let mut best = |states: &[(usize, Vec<f32>)]| {
        let slices: Vec<_> = taps
            .iter()
            .map(|tap| {
                let (_, values) = states.iter().find(|(layer, _)| layer == tap).unwrap();
                let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
                let slice = device.slice(bytes.len() as u64).unwrap();
                device.write(slice.buffer, 0, &bytes).unwrap();
                slice
            })
            .collect();
        pollster::block_on(async {
            layers.encode(&mut device, &slices, &question).await.unwrap();
            let candidates = layers.candidates(&mut device, 1).await.unwrap();
            candidates.into_iter().map(|mut all| all.remove(0).program.wat_alone(2)).collect::<Vec<_>>()
        })
    };
    for program in best(&plus) {
        assert!(program.contains("f64.add"), "{program}");
    }
    for program in best(&times) {
        assert!(program.contains("f64.mul"), "{program}");
    }
}

/// Without the layers nothing is shown as computed, whatever the model writes.
#[test]
fn without_layers_nothing_is_computed() {
    let mut session = load();
    let options = ChatOptions { sampling: Sampling::greedy(), layers: false, max_tokens: 64, ..ChatOptions::default() };
    let messages = [user("What is 12 * 11?")];
    let mut spliced = false;
    let mut on_event = |event| spliced |= matches!(event, Event::Splice { .. });
    let answer =
        pollster::block_on(session.complete(Prompt::Chat(&messages), &options, &Cancel::new(), &mut on_event)).unwrap();
    assert!(answer.computation.is_none() && answer.gate.is_none() && !spliced);
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}
