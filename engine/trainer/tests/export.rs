//! Exported nets in the engine compute what the trainer computes.
#![allow(clippy::unwrap_used, reason = "a failure here fails the test that called")]

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, Distribution, Tensor};
use serde_json::{Value, json};
use wattage_engine::wasm_layers::config::LayersConfig;
use wattage_engine::wasm_layers::numbers::bind;
use wattage_engine::{Architecture, ChatTemplate, Config, Message, ModelFile, Role, Source};
use wattage_trainer::constants::CONSTANTS;
use wattage_trainer::example::Example;
use wattage_trainer::export::{Export, Files, Opened, Storage, reopen};
use wattage_trainer::generate::{Counts, Generator};
use wattage_trainer::model::{BaseConfig, Rotary};
use wattage_trainer::train::{Batch, Nets, Reader, Sequence, Shapes};
use wattage_trainer::vocabulary;

const VOCAB: usize = 480;

/// No two widths are the same, so that a matrix that was not turned cannot pass; two blocks of each kind.
fn base() -> BaseConfig {
    let (layers, hidden, heads, kv_heads, head_dim) = (3, 32, 4, 2, 16);
    BaseConfig { layers, hidden, heads, kv_heads, head_dim, ffn: 96, vocab: VOCAB, rope_theta: 1e4 }
}

fn layers() -> LayersConfig {
    LayersConfig {
        base: "not known yet".into(),
        hidden: 32,
        taps: vec![0, 2],
        width: 48,
        heads: 3,
        ffn: 64,
        encoder_blocks: 2,
        decoder_blocks: 2,
        constants: CONSTANTS.to_vec(),
        markers: vocabulary::markers(),
        bound: 2.0,
        eps: 1e-6,
    }
}

/// New nets start with gains of one and biases of zero, which could stand for each other.
struct Shake;

impl ModuleMapper for Shake {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|old| old.clone() + old.random_like(Distribution::Normal(0.0, 0.1)))
    }
}

fn nets() -> Nets {
    let device = Device::flex();
    device.seed(7);
    Nets::new(Shapes { base: Some(&base()), layers: &layers() }, &device).map(&mut Shake)
}

/// Questions that compute something, at least one of them about what was computed before.
fn examples() -> Vec<Example> {
    let generator = Generator::new(4).unwrap();
    let all = (0..3000).map(|number| generator.example(number, &mut Counts::new()).unwrap());
    let (later, alone): (Vec<Example>, Vec<Example>) =
        // The trainer pads a question without numbers with one, which only its masks tell from a number.
        all.filter(|example| example.program.is_some() && !bind(&example.question).numbers.is_empty())
            .partition(|example| example.previous.is_some());
    alone.into_iter().take(5).chain(later.into_iter().take(2)).collect()
}

fn tokenizer(size: usize) -> Value {
    let generator = Generator::new(3).unwrap();
    let texts: Vec<String> =
        (0..400).map(|number| generator.example(number, &mut Counts::new()).unwrap().question).collect();
    vocabulary::learn(&texts, size).unwrap()
}

fn exported(nets: &Nets, tokenizer: &Value, storage: Storage) -> Files {
    let provenance = json!({"seed": 7});
    let (base, layers) = (base(), layers());
    Export { nets, base: &base, layers: &layers, tokenizer, name: "test", provenance: &provenance }
        .files(storage)
        .unwrap()
}

/// What the trainer makes of a sequence.
struct Expected {
    logits: Vec<f32>,
    taps: Vec<Vec<f32>>,
    gates: Vec<f32>,
    /// Per layer [steps, outputs], of all outputs and of those that are allowed.
    raw: Vec<Vec<f32>>,
    allowed: Vec<Vec<f32>>,
}

fn floats<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().unwrap()
}

fn expected(nets: &Nets, sequence: &Sequence) -> Expected {
    let device = Device::flex();
    let (base, layers) = (base(), layers());
    let mut batch = Batch::new(&[sequence], &layers, false, &device);
    let rotary = Rotary::new(&base, batch.b, batch.time, &device);
    let (taps, last) = nets.base.as_ref().unwrap().forward(batch.ids.clone(), &base, &rotary, &layers.taps);
    let forward = |batch: &Batch| {
        let outputs = nets.layers.iter().zip(&taps);
        outputs.map(|(layer, tap)| layer.forward(tap.clone(), &layers, &batch.layers, None)).collect::<Vec<_>>()
    };
    let masked = forward(&batch);
    batch.layers.allowed = batch.layers.allowed.zeros_like();
    let open = forward(&batch);
    Expected {
        logits: floats(nets.base.as_ref().unwrap().logits(last)),
        gates: masked.iter().map(|output| floats(output.gate.clone())[0]).collect(),
        allowed: masked.into_iter().map(|output| floats(output.logprobs)).collect(),
        raw: open.into_iter().map(|output| floats(output.logprobs)).collect(),
        taps: taps.into_iter().map(floats).collect(),
    }
}

/// Logits as log-probabilities of all outputs.
fn normalised(logits: &[f32], outputs: usize) -> Vec<f32> {
    let row = |row: &[f32]| {
        let sum: f64 = row.iter().map(|value| f64::from(*value).exp()).sum();
        row.iter().map(|value| (f64::from(*value) - sum.ln()) as f32).collect::<Vec<_>>()
    };
    logits.chunks_exact(outputs).flat_map(row).collect()
}

/// Largest differences as shares of the largest value, by what differs.
#[derive(Debug, Default)]
struct Differences {
    logits: f64,
    taps: f64,
    gates: f64,
    layers: f64,
    programs: f64,
}

fn differ(largest: &mut f64, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    let scale = expected.iter().fold(1f64, |most, value| most.max(f64::from(value.abs())));
    for (found, expected) in found.iter().zip(expected) {
        let difference = f64::from((found - expected).abs()) / scale;
        // The larger of two numbers would leave out one that is none.
        assert!(difference.is_finite(), "{found} where {expected} is right");
        *largest = largest.max(difference);
    }
}

/// The engine's tokenizer, template and number binding, from the file, give the trainer's ids and places.
fn same_ids(opened: &Opened, example: &Example, sequence: &Sequence) {
    if example.previous.is_some() {
        return;
    }
    let file = opened.session().file();
    let binding = bind(&example.question);
    let messages = [Message { role: Role::User, content: example.question.clone() }];
    let question = file
        .template
        .encode_question(&file.tokenizer, &messages, true, &binding.numbers, &opened.config().markers)
        .unwrap();
    assert_eq!(question.ids, sequence.prompt, "{}", example.question);
    assert_eq!(question.tokens.clone().collect::<Vec<_>>(), sequence.rows);
    let lasts: Vec<usize> = question.numbers.iter().map(|number| number.end - 1 - question.tokens.start).collect();
    assert_eq!(lasts, sequence.lasts);
}

fn differences(nets: &Nets, tokenizer: &Value, files: &Files) -> Differences {
    let mut opened = Opened::new(files).unwrap();
    let own = vocabulary::open(tokenizer).unwrap();
    let template = ChatTemplate::new(vocabulary::TEMPLATE).unwrap();
    let config = layers();
    let reader = Reader { tokenizer: &own, template: &template, config: &config, chats: &[] };
    let mut all = Differences::default();
    let mut pieces = 0;
    for example in examples() {
        let sequence = reader.sequence(&example).unwrap().unwrap();
        same_ids(&opened, &example, &sequence);
        pieces += usize::from(example.previous.is_some());
        let wanted = expected(nets, &sequence);
        let reading = opened.read(&sequence).unwrap();
        differ(&mut all.logits, &reading.logits, &wanted.logits);
        for (found, wanted) in reading.taps.iter().zip(&wanted.taps) {
            differ(&mut all.taps, found, wanted);
        }
        differ(&mut all.gates, &reading.gates, &wanted.gates);
        let written = opened.judge(example.program.as_ref().unwrap()).unwrap();
        let outputs = config.fixed() + sequence.lasts.len();
        differ(&mut all.layers, &normalised(&written.logits, outputs), &wanted.raw.concat());
        let program = sequence.program.unwrap();
        for (logprobs, found) in wanted.allowed.iter().zip(written.logprobs) {
            let ids = program.iter().chain([&0]).zip(logprobs.chunks_exact(outputs));
            let sum: f32 = ids.map(|(id, row)| row[*id]).sum();
            differ(&mut all.programs, &[found as f32], &[sum]);
        }
    }
    assert_eq!(pieces, 2);
    all
}

#[test]
fn exported_nets_compute_what_trained_nets_compute() {
    let tokenizer = tokenizer(VOCAB);
    let nets = nets();

    let plain = exported(&nets, &tokenizer, Storage::F32);
    let found = differences(&nets, &tokenizer, &plain);
    let all = [found.logits, found.taps, found.gates, found.layers, found.programs];
    assert!(all.iter().all(|difference| *difference < 1e-4), "{found:?}");

    let quantised = exported(&nets, &tokenizer, Storage::Q8_0);
    assert!(quantised.base.len() < plain.base.len() && quantised.layers.len() < plain.layers.len());
    // The same base, so that either file of layers may be used with either file of the base.
    assert_eq!(quantised.config.base, plain.config.base);
    // Blocks of 8 bits are off by up to 0.4 % of their largest value, in each of the matrices that a logit goes through.
    let found = differences(&nets, &tokenizer, &quantised);
    let all = [found.logits, found.taps, found.gates, found.layers, found.programs];
    assert!(all.iter().all(|difference| *difference < 0.1), "{found:?}");
}

/// All weights, as bits.
struct Bits(Vec<u32>);

impl ModuleVisitor for Bits {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.extend(floats(param.val()).into_iter().map(f32::to_bits));
    }
}

#[test]
fn what_was_exported_can_be_trained_on() {
    let (tokenizer, nets) = (tokenizer(VOCAB), nets());
    let files = exported(&nets, &tokenizer, Storage::F32);
    let source = || Source::bytes("base.gguf", files.base.clone());
    let base_file = pollster::block_on(ModelFile::open(vec![source()])).unwrap();
    let of_layers = Source::bytes("wasm_layers.safetensors", files.layers.clone());
    let (again, provenance) = reopen(&[(&base_file, &of_layers)], (&base(), &layers())).unwrap();
    let bits = |nets: &Nets| {
        let mut bits = Bits(Vec::new());
        nets.visit(&mut bits);
        bits.0
    };
    assert_eq!(provenance, json!({"seed": 7}));
    assert!(bits(&nets) == bits(&again), "weights are other ones after an export");
    // Its vocabulary too: all of a file that is made of both is the same.
    let vocabulary = vocabulary::of(&base_file.tokenizer).unwrap();
    let twice = exported(&again, &vocabulary, Storage::F32);
    assert!(twice.base == files.base && twice.layers == files.layers, "an export of an export is another file");

    // Of two models the mean of each weight; of a model and itself, itself.
    let floats = |nets: &Nets| bits(nets).into_iter().map(f32::from_bits).collect::<Vec<_>>();
    let other_files =
        exported(&Nets::seeded(8, Shapes { base: Some(&base()), layers: &layers() }), &tokenizer, Storage::F32);
    let other_base = pollster::block_on(ModelFile::open(vec![Source::bytes("base.gguf", other_files.base)])).unwrap();
    let other_layers = Source::bytes("wasm_layers.safetensors", other_files.layers);
    let both = [(&base_file, &of_layers), (&other_base, &other_layers)];
    let other = reopen(&both[1..], (&base(), &layers())).unwrap().0;
    let (between, provenance) = reopen(&both, (&base(), &layers())).unwrap();
    assert_eq!(provenance["mean of"][0], json!({"seed": 7}));
    let (mine, others) = (floats(&nets), floats(&other));
    assert!(mine != others);
    let means = mine.iter().zip(&others).map(|(a, b)| f32::midpoint(*a, *b));
    assert!(floats(&between).iter().zip(means).all(|(found, mean)| (found - mean).abs() < 1e-6));
    let itself = reopen(&[both[0], both[0]], (&base(), &layers())).unwrap().0;
    assert!(bits(&itself) == bits(&nets));

    let wider = BaseConfig { ffn: 64, ..base() };
    let refused = reopen(&[(&base_file, &of_layers)], (&wider, &layers())).unwrap_err().to_string();
    assert!(refused.contains("mlp.gate_proj"), "{refused}");
    let narrower = LayersConfig { width: 36, ..layers() };
    let refused = reopen(&[(&base_file, &of_layers)], (&base(), &narrower)).unwrap_err().to_string();
    assert!(refused.contains("another shape"), "{refused}");
}

#[test]
fn the_base_says_what_it_is() {
    let files = exported(&nets(), &tokenizer(VOCAB), Storage::Q8_0);
    let opened = Opened::new(&files).unwrap();
    let (file, base) = (opened.session().file(), base());
    let config = Config {
        arch: Architecture::Qwen3,
        layers: base.layers,
        hidden: base.hidden,
        heads: base.heads,
        kv_heads: base.kv_heads,
        head_dim: base.head_dim,
        ffn: base.ffn,
        vocab: base.vocab,
        context: 1024,
        rope_theta: 1e4,
        rms_eps: 1e-6,
        tied_head: true,
    };
    assert_eq!(file.config, config);
    assert_eq!((file.name.as_str(), file.quantisation.as_str()), ("test", "Q8_0"));
    assert!(files.config.base.starts_with("qwen3-3x32-v480-"), "{}", files.config.base);
    assert_eq!(LayersConfig { base: "not known yet".into(), ..opened.config().clone() }, layers());
    // Nobody can write a control token; the others are part of an answer.
    let id = |text: &str| file.tokenizer.id_of(text).unwrap();
    let markers = vocabulary::markers();
    for text in ["<|im_start|>", "<|im_end|>", "<|endoftext|>"].into_iter().chain(markers.iter().map(String::as_str)) {
        assert!(file.tokenizer.is_control(id(text)), "{text}");
    }
    for text in
        ["<think>", "</think>", "<wat_model>", "</wat_model>", "<computed>", "</computed>", "<error>", "</error>"]
    {
        assert!(!file.tokenizer.is_control(id(text)), "{text}");
        assert_eq!(file.tokenizer.encode(text, true).unwrap(), [id(text)]);
    }
    let mut stops = vec![id("<|endoftext|>"), id("<|im_end|>")];
    stops.sort_unstable();
    assert_eq!(file.stop_ids, stops);
}

#[test]
fn what_cannot_be_exported_is_refused() {
    let mut tokenizer = tokenizer(400);
    let (base, layers, nets) = (base(), layers(), nets());
    let refused = |tokenizer: &Value| {
        let provenance = Value::Null;
        let export =
            Export { nets: &nets, base: &base, layers: &layers, tokenizer, name: "test", provenance: &provenance };
        export.files(Storage::F32).unwrap_err().to_string()
    };
    assert!(refused(&tokenizer).contains("fewer tokens than the base's 480"));
    tokenizer["added_tokens"][0]["id"] = json!(3);
    assert!(refused(&tokenizer).contains("under one id"));
    tokenizer["added_tokens"][0]["id"] = json!(480);
    assert!(refused(&tokenizer).contains("outside the base's 480 ids"));
    assert!(refused(&json!({})).contains("cannot be read"));
}
