//! Safetensors with their JSON files: sets in any order, wrong sets, broken headers.

use harness::gguf::{model, tiny_config};
use harness::random::Rng;
use harness::vocab::{TEMPLATE, Vocab};
use serde_json::{Value, json};
use wattage_engine::{Architecture, Config, DType, Error, ModelFile, Source};

type Files = Vec<(String, Vec<u8>)>;

fn open(files: &Files) -> Result<ModelFile, Error> {
    let sources = files.iter().map(|(name, bytes)| Source::bytes(name.as_str(), bytes.clone())).collect();
    pollster::block_on(ModelFile::open(sources))
}

fn refused(files: &Files) -> String {
    open(files).map(|_| ()).unwrap_err().to_string()
}

/// A safetensors file of the given (name, shape, bytes).
fn safetensors(tensors: &[(String, Vec<usize>, Vec<u8>)], dtype: &str) -> Vec<u8> {
    let mut table = serde_json::Map::new();
    table.insert("__metadata__".into(), json!({"format": "pt"}));
    let mut at = 0;
    for (name, shape, bytes) in tensors {
        let entry = json!({"dtype": dtype, "shape": shape, "data_offsets": [at, at + bytes.len()]});
        table.insert(name.clone(), entry);
        at += bytes.len();
    }
    let mut file = with_header(&serde_json::to_vec(&table).unwrap());
    tensors.iter().for_each(|(_, _, bytes)| file.extend(bytes));
    file
}

fn with_header(header: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header].concat()
}

/// The tensors of the random model under Hugging Face's names, as the GGUF of the same seed has them.
fn tensors(config: &Config) -> Vec<(String, Vec<usize>, Vec<u8>)> {
    let bytes = model(config, DType::F32, 9).write();
    let file = crate::open("tiny.gguf", bytes).unwrap();
    file.tensors
        .values()
        .map(|t| {
            let shape = if t.rows == 1 { vec![t.cols] } else { vec![t.rows, t.cols] };
            let len = usize::try_from(t.bytes).unwrap();
            (t.name.clone(), shape, pollster::block_on(file.read(t, 0, len)).unwrap())
        })
        .collect()
}

fn config_json(config: &Config) -> Value {
    json!({
        "architectures": ["QwenForCausalLM"],
        "model_type": if config.arch == Architecture::Qwen2 { "qwen2" } else { "qwen3" },
        "num_hidden_layers": config.layers, "hidden_size": config.hidden, "num_attention_heads": config.heads,
        "num_key_value_heads": config.kv_heads, "head_dim": config.head_dim, "intermediate_size": config.ffn,
        "vocab_size": config.vocab, "max_position_embeddings": config.context, "rms_norm_eps": config.rms_eps,
        "rope_theta": config.rope_theta, "hidden_act": "silu", "tie_word_embeddings": config.tied_head,
        "use_sliding_window": false, "sliding_window": null, "rope_scaling": null,
        "eos_token_id": Vocab::small().id("<|im_end|>")
    })
}

fn bytes(value: &Value) -> Vec<u8> {
    serde_json::to_vec(value).unwrap()
}

fn files(config: &Config) -> Files {
    vec![
        ("model.safetensors".into(), safetensors(&tensors(config), "F32")),
        ("config.json".into(), bytes(&config_json(config))),
        ("tokenizer.json".into(), bytes(&Vocab::small().json())),
        (
            "tokenizer_config.json".into(),
            bytes(&json!({"tokenizer_class": "Qwen2Tokenizer", "chat_template": TEMPLATE, "eos_token": "<|im_end|>"})),
        ),
        ("generation_config.json".into(), bytes(&json!({"eos_token_id": [3, 5]}))),
    ]
}

fn tiny() -> Config {
    tiny_config(Architecture::Qwen3, false)
}

#[test]
fn both_families_open_in_any_order_of_files() {
    for arch in [Architecture::Qwen2, Architecture::Qwen3] {
        for tied in [false, true] {
            let config = tiny_config(arch, tied);
            let mut set = files(&config);
            for _ in 0..set.len() {
                set.rotate_left(1);
                let file = open(&set).unwrap();
                assert_eq!(file.config, config);
                assert_eq!(file.quantisation, "F32");
                assert_eq!(file.name, "model");
                let vocab = Vocab::small();
                assert_eq!(file.stop_ids, [3, 5, vocab.id("<|endoftext|>"), vocab.id("<|im_end|>")]);
                assert!(file.template.can_think());
                for (name, _, data) in tensors(&config) {
                    let tensor = file.tensor(&name).unwrap();
                    assert_eq!(pollster::block_on(file.read(tensor, 0, data.len())).unwrap(), data);
                }
            }
        }
    }
}

#[test]
fn shards_and_renamed_files_open() {
    let config = tiny();
    let all = tensors(&config);
    let (first, second) = all.split_at(all.len() / 2);
    let mut set = files(&config);
    let map: serde_json::Map<String, Value> = first
        .iter()
        .map(|(name, ..)| (name.clone(), "model-00001-of-00002.safetensors".into()))
        .chain(second.iter().map(|(name, ..)| (name.clone(), "model-00002-of-00002.safetensors".into())))
        .collect();
    set[0] = ("model-00001-of-00002.safetensors".into(), safetensors(first, "F32"));
    set.push(("model.safetensors.index.json".into(), bytes(&json!({"metadata": {}, "weight_map": map}))));
    let message = refused(&set);
    assert!(message.contains("model-00002-of-00002.safetensors is missing"), "{message}");
    set.push(("model-00002-of-00002.safetensors".into(), safetensors(second, "F32")));
    assert_eq!(open(&set).unwrap().tensors.len(), all.len());
    set.push(("model-00003.safetensors".into(), safetensors(&second[..1], "F32")));
    assert!(refused(&set).contains("in two of the files"));
    set.pop();
    // Names as a browser gives to second downloads.
    for (i, (name, _)) in set.iter_mut().enumerate() {
        *name = format!("download ({i})");
    }
    set.push(("README.md".into(), b"# About".to_vec()));
    let file = open(&set).unwrap();
    assert!(file.template.can_think());
}

#[test]
fn wrong_sets_say_what_is_missing() {
    let all = files(&tiny());
    let pick = |names: &[&str]| all.iter().filter(|(name, _)| names.contains(&name.as_str())).cloned().collect();
    for (names, words) in [
        (&["model.safetensors"][..], &["config.json and tokenizer.json is missing"][..]),
        (&["model.safetensors", "config.json"], &["tokenizer.json is missing"]),
        (&["tokenizer.json", "config.json"], &["*.safetensors"]),
        (&["generation_config.json"], &["neither"]),
    ] {
        let message = refused(&pick(names));
        for word in words {
            assert!(message.contains(word), "'{word}' is not in: {message}");
        }
    }
    assert!(refused(&vec![]).contains("no file"));
    let gguf = model(&tiny(), DType::F32, 1).write();
    assert!(refused(&vec![("a.gguf".into(), gguf.clone()), all[1].clone()]).contains("alone"));
    assert!(refused(&vec![("a.gguf".into(), gguf.clone()), ("b.gguf".into(), gguf)]).contains("2 .gguf files"));
    let mut twice = all.clone();
    twice.push(("config (1).json".into(), all[1].1.clone()));
    assert!(refused(&twice).contains("same kind"));
}

#[test]
fn configurations_are_read_as_transformers_writes_them() {
    let with = |change: &dyn Fn(&mut Value)| {
        let mut set = files(&tiny());
        let mut json = config_json(&tiny());
        change(&mut json);
        set[1].1 = bytes(&json);
        open(&set)
    };
    let new = with(&|j| {
        j.as_object_mut().unwrap().remove("rope_theta");
        j["rope_parameters"] = json!({"rope_type": "default", "rope_theta": 123.0});
        j["layer_types"] = json!(["full_attention", "full_attention"]);
    });
    assert_eq!(new.unwrap().config.rope_theta, 123.0);
    let refused = |change: &dyn Fn(&mut Value), word: &str| {
        let message = with(change).map(|_| ()).unwrap_err().to_string();
        assert!(message.contains(word), "'{word}' is not in: {message}");
    };
    refused(&|j| j["model_type"] = "llama".into(), "'llama'");
    refused(&|j| drop(j.as_object_mut().unwrap().remove("model_type")), "config.json");
    refused(&|j| j["rope_scaling"] = json!({"type": "yarn", "factor": 4.0}), "'yarn'");
    refused(&|j| j["rope_parameters"] = json!({"rope_type": "linear", "factor": 2.0}), "'linear'");
    refused(&|j| j["use_sliding_window"] = true.into(), "sliding");
    refused(&|j| j["layer_types"] = json!(["sliding_attention"]), "sliding");
    refused(&|j| j["hidden_act"] = "gelu".into(), "gelu");
    refused(&|j| j["attention_bias"] = true.into(), "bias");
    refused(&|j| j["quantization_config"] = json!({"bits": 4}), "quantised");
    refused(&|j| j["num_hidden_layers"] = json!(1), "model.layers.1");
    refused(&|j| j["num_hidden_layers"] = json!(3), "model.layers.2");
    refused(&|j| j["num_hidden_layers"] = json!(1_u64 << 60), "layers");
    refused(&|j| j["hidden_size"] = json!(-1), "config.json");
    refused(&|j| j["vocab_size"] = json!(100), "model.embed_tokens.weight");
    refused(&|j| j["num_attention_heads"] = json!(0), "heads");
    // A tied head leaves an unused lm_head in the file alone.
    assert!(with(&|j| j["tie_word_embeddings"] = true.into()).unwrap().config.tied_head);
}

#[test]
fn broken_headers_are_refused() {
    let set = |weights: Vec<u8>| {
        let mut set = files(&tiny());
        set[0].1 = weights;
        refused(&set)
    };
    let table = |entry: Value| set([with_header(&bytes(&json!({"x": entry}))), vec![0; 64]].concat());
    assert!(set(vec![]).contains("cut short"));
    assert!(set((1_u64 << 60).to_le_bytes().to_vec()).contains("limit"));
    assert!(set([&1_000_u64.to_le_bytes()[..], b"{}"].concat()).contains("cut short"));
    assert!(set(with_header(b"[1, 2]")).contains("table of tensors"));
    assert!(set(with_header(b"{\"x\": 1}")).contains("table of tensors"));
    assert!(set(with_header(b"{}")).contains("is missing"));
    let twice = br#"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
    assert!(set([with_header(twice), vec![0; 4]].concat()).contains("x twice"));
    assert!(table(json!({"dtype": "I64", "shape": [2], "data_offsets": [0, 16]})).contains("I64"));
    assert!(table(json!({"dtype": "F32", "shape": [16], "data_offsets": [4, 68]})).contains("outside the file"));
    assert!(table(json!({"dtype": "F32", "shape": [2], "data_offsets": [0, 4]})).contains("does not fill"));
    assert!(table(json!({"dtype": "F32", "shape": [2], "data_offsets": [8, 0]})).contains("does not fill"));
    assert!(table(json!({"dtype": "F32", "shape": [0], "data_offsets": [0, 0]})).contains("does not fill"));
    assert!(table(json!({"dtype": "F32", "shape": [], "data_offsets": [0, 4]})).contains("no matrix"));
    let huge = json!({"dtype": "F32", "shape": [1_u64 << 40, 1_u64 << 40], "data_offsets": [0, u64::MAX]});
    assert!(table(huge).contains("does not fill"));
    let whole = files(&tiny())[0].1.clone();
    assert!(set(whole[..whole.len() - 1].to_vec()).contains("cut short"));
}

#[test]
fn flipped_bytes_never_make_it_panic() {
    let all = files(&tiny());
    let header = 8 + usize::try_from(u64::from_le_bytes(all[0].1[..8].try_into().unwrap())).unwrap();
    let mut rng = Rng(0xf11b);
    let mut refusals = 0;
    for round in 0..1500 {
        let mut set = all.clone();
        let file = round % set.len();
        let end = if file == 0 { header } else { set[file].1.len() };
        for _ in 0..1 + rng.below(3) {
            let at = rng.below(end);
            set[file].1[at] = if rng.below(2) == 0 { rng.bits() as u8 } else { set[file].1[at] ^ (1 << rng.below(8)) };
        }
        refusals += usize::from(open(&set).is_err());
    }
    assert!(refusals > 300, "only {refusals} of 1500 were refused");
}
