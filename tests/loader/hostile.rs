//! Broken, cut, hostile and merely wrong GGUF files: each is refused by an error that names the trouble.

use harness::gguf::{Gguf, Meta, model, tiny_config};
use harness::random::Rng;
use harness::vocab::Vocab;
use wattage_engine::{Architecture, DType};

use crate::{open, refused};

fn small() -> Gguf {
    model(&tiny_config(Architecture::Qwen3, false), DType::Q4_0, 11)
}

/// Changes the small model and expects a refusal whose message has all of `words`.
fn expect(change: impl FnOnce(&mut Gguf), words: &[&str]) {
    let mut gguf = small();
    change(&mut gguf);
    let message = refused(gguf.write());
    for word in words {
        assert!(message.contains(word), "'{word}' is not in: {message}");
    }
}

fn words(list: &[&str]) -> Meta {
    Meta::Texts(list.iter().map(|s| (*s).to_owned()).collect())
}

#[test]
fn a_file_cut_at_any_byte_of_its_header_is_refused() {
    let whole = small().write();
    assert!(open("model.gguf", whole.clone()).is_ok());
    let data: usize = small().tensors.iter().map(|t| t.data.len().next_multiple_of(32)).sum();
    let header = whole.len() - data;
    assert!(header > 5000);
    // Every byte of the first part and the table; the vocabulary's inside is all alike.
    for len in (0..2000).chain((2000..header - 2000).step_by(17)).chain(header - 2000..=header) {
        refused(whole[..len].to_vec());
    }
    for len in [header + 1, header + data / 2, whole.len() - 32 - 1] {
        let message = refused(whole[..len].to_vec());
        assert!(message.contains("cut short") && message.contains("download it again"), "{message}");
    }
}

#[test]
fn counts_beyond_reason_are_refused_at_once() {
    expect(|g| g.tensor_count = Some(1 << 60), &["1152921504606846976 tensors", "limit"]);
    expect(|g| g.meta_count = Some(1 << 60), &["1152921504606846976 metadata entries", "limit"]);
    expect(|g| g.tensor_count = Some(60_000), &["60000 tensors", "cut short"]);
    expect(|g| g.meta_count = Some(u64::MAX), &["limit"]);
    // One more than there are: the reader runs into what follows.
    expect(|g| g.meta_count = Some(g.meta.len() as u64 + 1), &[]);
    expect(|g| g.tensor_count = Some(g.tensors.len() as u64 + 1), &[]);
    let list = |kind: u32, len: u64| Meta::Raw(9, [kind.to_le_bytes().to_vec(), len.to_le_bytes().to_vec()].concat());
    expect(|g| g.set("x", list(8, 1 << 60)), &["elements of x"]);
    expect(|g| g.set("x", list(4, 1 << 40)), &["elements of x"]);
    expect(|g| g.set("x", list(10, u64::MAX)), &["x claims"]);
    expect(|g| g.set("tokenizer.ggml.tokens", list(8, 1 << 31)), &["tokenizer.ggml.tokens"]);
    expect(|g| g.set("x", list(9, 1)), &["nested"]);
    expect(|g| g.set("x", list(77, 1)), &["unknown type 77"]);
    expect(|g| g.set("x", Meta::Raw(8, (u64::MAX - 3).to_le_bytes().to_vec())), &["within x"]);
    expect(|g| g.set("x", Meta::Raw(13, vec![])), &["x of the unknown type 13"]);
    expect(|g| g.set("x", Meta::Raw(7, vec![9])), &["9 for the truth value x"]);
    expect(|g| g.set("x", Meta::Raw(8, vec![2, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe])), &["x is not UTF-8"]);
}

#[test]
fn shapes_and_offsets_that_overflow_or_leave_the_file_are_refused() {
    let name = "blk.0.ffn_up.weight";
    expect(|g| g.tensor(name).shape = vec![1 << 40, 1 << 40], &[name, "shape"]);
    expect(|g| g.tensor(name).shape = vec![32, u64::MAX / 18], &[name]);
    expect(|g| g.tensor(name).shape = vec![u64::MAX, u64::MAX], &[name]);
    expect(|g| g.tensor(name).shape = vec![0, 64], &[name, "shape"]);
    expect(|g| g.tensor(name).shape = vec![33, 64], &[name, "whole Q4_0 blocks"]);
    expect(|g| g.tensor(name).shape = vec![64, 96, 2], &[name]);
    expect(|g| g.tensor(name).shape = vec![], &[name, "0 dimensions"]);
    expect(|g| g.tensor(name).shape = vec![1; 5], &[name, "5 dimensions"]);
    expect(|g| g.tensor(name).offset = Some(1 << 40), &[name, "outside the file"]);
    expect(|g| g.tensor(name).offset = Some(u64::MAX - 31), &[name, "outside the file"]);
    expect(|g| g.tensor(name).offset = Some(33), &[name, "multiple of 32"]);
    for alignment in [0, 1, 7, 48, 1 << 31] {
        expect(|g| g.set("general.alignment", Meta::U32(alignment)), &["general.alignment"]);
    }
}

#[test]
fn unknown_formats_and_architectures_are_named() {
    expect(|g| g.tensor("output.weight").kind = 10, &["output.weight", "Q2_K", "not supported"]);
    expect(|g| g.tensor("output.weight").kind = 39, &["MXFP4"]);
    expect(|g| g.tensor("output.weight").kind = 4096, &["format number 4096"]);
    expect(|g| g.set("general.architecture", Meta::Text("llama".into())), &["'llama'", "qwen2 and qwen3"]);
    expect(|g| g.unset("general.architecture"), &["general.architecture"]);
    expect(|g| g.set("general.architecture", Meta::U32(1)), &["general.architecture"]);
    expect(|g| g.version = 1, &["version 1"]);
    expect(|g| g.version = 4, &["version 4"]);
    expect(|g| g.version = 3_u32.swap_bytes(), &["big-endian"]);
    expect(|g| g.set("split.count", Meta::Raw(2, vec![3, 0])), &["split", "join"]);
    expect(|g| g.set("qwen3.rope.scaling.type", Meta::Text("yarn".into())), &["yarn"]);
    expect(|g| g.set("qwen3.attention.sliding_window", Meta::U32(64)), &["sliding"]);
}

#[test]
fn tensors_that_are_missing_doubled_misshapen_or_strange_are_named() {
    for name in ["token_embd.weight", "blk.1.attn_k.weight", "blk.0.attn_q_norm.weight", "output_norm.weight"] {
        let mut gguf = small();
        gguf.tensors.retain(|tensor| tensor.name != name);
        let message = refused(gguf.write());
        assert!(message.contains("is missing") && message.contains(".weight"), "{message}");
    }
    expect(|g| g.tensor("blk.1.attn_k.weight").shape = vec![96, 64], &["layers.1.self_attn.k_proj.weight", "64 x 96"]);
    expect(|g| g.tensor("blk.0.ffn_norm.weight").shape = vec![32], &["layers.0.post_attention_layernorm", "1 x 32"]);
    expect(|g| g.tensor("blk.0.ffn_up.weight").name = "blk.0.ffn_gate.weight".into(), &["blk.0.ffn_gate.weight twice"]);
    expect(|g| g.tensor("blk.0.ffn_up.weight").name = "blk.00.ffn_up.weight".into(), &["blk.00.ffn_up.weight"]);
    expect(|g| g.tensor("blk.0.ffn_up.weight").name = "blk.0.ssm.weight".into(), &["blk.0.ssm.weight"]);
    expect(|g| g.tensor("blk.0.ffn_norm.weight").kind = 2, &["post_attention_layernorm", "Q4_0", "norms"]);
    // One layer fewer in the configuration than in the tensors, and one more.
    expect(|g| g.set("qwen3.block_count", Meta::U32(1)), &["model.layers.1", "no part"]);
    expect(|g| g.set("qwen3.block_count", Meta::U32(3)), &["model.layers.2", "is missing"]);
    expect(
        |g| {
            let mut bias = g.tensor("blk.0.attn_norm.weight").clone();
            bias.name = "blk.0.attn_output.bias".into();
            g.tensors.push(bias);
        },
        &["o_proj.bias", "no part"],
    );
}

#[test]
fn configurations_that_cannot_be_are_refused() {
    for (key, value) in [
        ("block_count", 0),
        ("block_count", u32::MAX),
        ("attention.head_count", 0),
        ("attention.head_count", 3),
        ("attention.head_count_kv", 0),
        ("attention.head_count_kv", 3),
        ("embedding_length", 0),
        ("feed_forward_length", 31),
        ("context_length", 0),
        ("attention.key_length", 0),
        ("attention.value_length", 16),
        ("rope.dimension_count", 8),
    ] {
        expect(|g| g.set(&format!("qwen3.{key}"), Meta::U32(value)), &[]);
    }
    for bad in [f32::NAN, f32::INFINITY, 0.0, -1.0] {
        expect(|g| g.set("qwen3.rope.freq_base", Meta::F32(bad)), &["rope theta"]);
        expect(|g| g.set("qwen3.attention.layer_norm_rms_epsilon", Meta::F32(bad)), &["epsilon"]);
    }
    expect(|g| g.unset("qwen3.context_length"), &["qwen3.context_length"]);
    expect(|g| g.set("qwen3.context_length", Meta::Text("x".into())), &["qwen3.context_length"]);
    expect(|g| g.meta.push(("general.name".into(), Meta::U32(1))), &["general.name twice"]);
}

#[test]
fn a_tokenizer_that_does_not_fit_is_refused() {
    let vocab = Vocab::small();
    let tokens = |change: &dyn Fn(&mut Vec<String>)| {
        let mut list = Vocab::small().tokens;
        change(&mut list);
        Meta::Texts(list)
    };
    for key in ["model", "pre", "tokens", "token_type", "merges"] {
        expect(|g| g.unset(&format!("tokenizer.ggml.{key}")), &["tokenizer"]);
    }
    expect(|g| g.set("tokenizer.ggml.model", Meta::Text("llama".into())), &["'llama'"]);
    expect(|g| g.set("tokenizer.ggml.pre", Meta::Text("llama-bpe".into())), &["'llama-bpe'"]);
    expect(
        |g| {
            let mut kinds = vocab.kinds.clone();
            kinds.extend([1; 40]);
            g.set("tokenizer.ggml.token_type", Meta::I32s(kinds));
            g.set("tokenizer.ggml.tokens", tokens(&|list| list.extend((0..40).map(|i| format!("more{i}")))));
        },
        &["embedding rows", "do not belong together"],
    );
    expect(|g| g.set("tokenizer.ggml.token_type", Meta::I32s(vec![1; 3])), &["3 kinds"]);
    expect(|g| g.set("tokenizer.ggml.token_type", Meta::I32s(vec![6; vocab.kinds.len()])), &["kind 6"]);
    expect(|g| g.set("tokenizer.ggml.tokens", Meta::I32s(vec![1; 3])), &["list of strings"]);
    expect(|g| g.set("tokenizer.ggml.tokens", tokens(&|l| l[300] = l[299].clone())), &["same text"]);
    expect(|g| g.set("tokenizer.ggml.tokens", tokens(&|l| l[300].clear())), &["no text"]);
    expect(|g| g.set("tokenizer.ggml.tokens", tokens(&|l| l[10] = "other".into())), &["byte 10"]);
    expect(|g| g.set("tokenizer.ggml.merges", words(&["nospace"])), &["'nospace'"]);
    // The crate writes this one past the end of a buffer if it is let through.
    expect(|g| g.set("tokenizer.ggml.merges", words(&["assistant assistant"])), &["no token"]);
    expect(|g| g.set("tokenizer.ggml.merges", words(&["a zzz"])), &["'zzz'"]);
    expect(|g| g.set("tokenizer.ggml.eos_token_id", Meta::U32(60_000)), &["60000"]);
    expect(|g| g.set("tokenizer.chat_template", Meta::Text("{% if %}".into())), &["template"]);
}

#[test]
fn merges_that_lead_to_a_control_token_are_refused() {
    // "<|" and "|>" made tokens, and a merge that joins them to a control token.
    let mut gguf = small();
    let mut vocab = Vocab::small();
    let at = vocab.tokens.iter().position(|t| t.starts_with("[PAD")).unwrap();
    vocab.tokens[at] = "<>".into();
    vocab.kinds[at] = 3;
    gguf.set("tokenizer.ggml.tokens", Meta::Texts(vocab.tokens));
    gguf.set("tokenizer.ggml.token_type", Meta::I32s(vocab.kinds));
    assert!(open("model.gguf", gguf.write()).is_ok());
    gguf.set("tokenizer.ggml.merges", words(&["< >"]));
    assert!(refused(gguf.write()).contains("control token '<>'"));
}

#[test]
fn files_that_are_no_models_are_refused_by_name() {
    for bytes in [vec![], b"GG".to_vec(), b"hello, this is text".to_vec(), vec![0; 4096], vec![0xff; 4096]] {
        let message = open("notes.txt", bytes).unwrap_err().to_string();
        assert!(message.contains("notes.txt") && message.contains("GGUF"), "{message}");
    }
    let message = open("broken.gguf", b"GGUF".to_vec()).unwrap_err().to_string();
    assert!(message.contains("broken.gguf") && message.contains("cut short"), "{message}");
}

#[test]
fn flipped_bytes_never_make_it_panic() {
    let gguf = small();
    let whole = gguf.write();
    let data: usize = gguf.tensors.iter().map(|t| t.data.len().next_multiple_of(32)).sum();
    let header = whole.len() - data;
    let mut rng = Rng(0x5eed);
    let mut refusals = 0;
    for _ in 0..3000 {
        let mut bytes = whole.clone();
        for _ in 0..1 + rng.below(4) {
            let at = rng.below(header);
            bytes[at] = match rng.below(3) {
                0 => bytes[at] ^ (1 << rng.below(8)),
                1 => [0, 0xff, 0x7f, 0x80][rng.below(4)],
                _ => rng.bits() as u8,
            };
        }
        if let Ok(file) = open("model.gguf", bytes) {
            // What opens can be used.
            let ids = file.tokenizer.encode("hello the world <|im_start|>", true).unwrap();
            assert!(ids.iter().all(|id| (*id as usize) < file.config.vocab));
            let tensor = file.tensors.values().next().unwrap();
            pollster::block_on(file.read(tensor, 0, 4)).unwrap();
        } else {
            refusals += 1;
        }
    }
    assert!(refusals > 500, "only {refusals} of 3000 were refused");
}
