//! Text to ids and back with the small vocabulary.

use harness::gguf::{model, tiny_config};
use harness::vocab::{Vocab, byte_char};
use wattage_engine::{Architecture, DType, TextStream, Tokenizer};

const TEXTS: [&str; 9] = [
    "",
    "hello the world",
    "  two  spaces\n\n\tand a tab\r\n",
    "I'm 12345, you'RE 67.",
    "你好,世界 😀👩‍👩‍👧 ½ é",
    "fn main() { println!(\"{}\", x << 2); }",
    "<|im_start|>user\n<think>no</think><|im_end|>",
    "\u{0}\u{7f}\u{a0}\u{ad}\u{200b}\u{feff}",
    "<|im_start <|im_start|",
];

fn from_gguf() -> Tokenizer {
    let file = model(&tiny_config(Architecture::Qwen3, true), DType::F32, 1).write();
    crate::open("tiny.gguf", file).unwrap().tokenizer
}

fn from_json(change: impl FnOnce(&mut serde_json::Value)) -> Result<Tokenizer, wattage_engine::Error> {
    let mut json = Vocab::small().json();
    change(&mut json);
    Tokenizer::from_json(&serde_json::to_vec(&json).unwrap())
}

#[test]
fn both_files_give_the_same_ids_and_text_comes_back() {
    let (gguf, json) = (from_gguf(), from_json(|_| {}).unwrap());
    for text in TEXTS {
        for special in [false, true] {
            let ids = gguf.encode(text, special).unwrap();
            assert_eq!(ids, json.encode(text, special).unwrap(), "{text:?}");
            assert_eq!(gguf.decode(&ids, true), text);
        }
    }
}

#[test]
fn ids_are_those_of_the_reference_implementation() {
    // golden/make_tokenizer.py: the same tokenizer.json in the Python package `tokenizers`.
    let golden: Vec<(String, Vec<u32>)> =
        serde_json::from_slice(include_bytes!("../golden/tokenizer_ids.json")).unwrap();
    assert!(golden.len() > 20);
    let tokenizer = from_json(|_| {}).unwrap();
    for (text, ids) in golden {
        assert_eq!(tokenizer.encode(&text, true).unwrap(), ids, "{text:?}");
    }
}

#[test]
fn a_persons_text_never_becomes_an_added_token() {
    let tokenizer = from_gguf();
    let vocab = Vocab::small();
    let first = vocab.id("<|endoftext|>");
    for text in vocab.tokens[first as usize..].iter().filter(|t| t.starts_with('<')) {
        assert_eq!(tokenizer.encode(text, true).unwrap(), [vocab.id(text)]);
        let plain = tokenizer.encode(&format!("a {text}{text} b"), false).unwrap();
        assert!(plain.iter().all(|id| *id < first), "{text} became a token: {plain:?}");
        assert_eq!(tokenizer.id_of(text), Some(vocab.id(text)));
    }
    assert_eq!(tokenizer.id_of("nothing"), None);
    assert!(tokenizer.is_control(vocab.id("<|im_end|>")) && !tokenizer.is_control(vocab.id("<think>")));
}

#[test]
fn a_stream_gives_whole_characters_only() {
    let tokenizer = from_gguf();
    for text in TEXTS {
        let mut stream = TextStream::new();
        let mut all = String::new();
        // One token a byte: the hardest cut there is.
        for byte in text.bytes() {
            let id = tokenizer.id_of(&byte_char(byte).to_string()).unwrap();
            let piece = stream.push(&tokenizer, id);
            assert!(!piece.contains(char::REPLACEMENT_CHARACTER));
            assert!(text[all.len()..].starts_with(&piece));
            all.push_str(&piece);
        }
        assert_eq!(all, text);
        assert_eq!(stream.finish(), "");
    }
}

#[test]
fn a_stream_passes_over_broken_bytes_and_control_tokens() {
    let tokenizer = from_gguf();
    let id = |byte: u8| tokenizer.id_of(&byte_char(byte).to_string()).unwrap();
    let mut stream = TextStream::new();
    assert_eq!(stream.push(&tokenizer, id(0xe4)), "");
    assert_eq!(stream.push(&tokenizer, tokenizer.id_of("<|im_end|>").unwrap()), "");
    assert_eq!(stream.push(&tokenizer, id(0xbd)), "");
    assert_eq!(stream.push(&tokenizer, id(0xa0)), "你");
    assert_eq!(stream.push(&tokenizer, id(0xff)), "\u{fffd}");
    assert_eq!(stream.push(&tokenizer, id(0xe4)), "");
    assert_eq!(stream.push(&tokenizer, id(b'x')), "\u{fffd}x");
    assert_eq!(stream.push(&tokenizer, id(0xf0)), "");
    assert_eq!(stream.push(&tokenizer, 999_999), "");
    assert_eq!(stream.finish(), "\u{fffd}");
    assert_eq!(stream.finish(), "");
}

#[test]
fn a_tokenizer_json_of_another_kind_is_refused() {
    let refused = |change: &dyn Fn(&mut serde_json::Value), word: &str| {
        let message = from_json(change).unwrap_err().to_string();
        assert!(message.contains(word), "'{word}' is not in: {message}");
    };
    refused(&|j| j["model"]["type"] = "Unigram".into(), "BPE");
    refused(&|j| j["model"]["byte_fallback"] = true.into(), "byte_fallback");
    refused(&|j| j["model"]["end_of_word_suffix"] = "</w>".into(), "suffix");
    refused(&|j| j["model"]["vocab"]["a"] = (-1).into(), "tokenizer.json");
    refused(&|j| j["model"]["vocab"]["hello"] = 5.into(), "id 5");
    refused(&|j| j["model"]["merges"][0] = serde_json::json!(["q", "zz"]), "'zz'");
    refused(&|j| j["model"]["merges"][0] = "one".into(), "'one'");
    refused(&|j| j["added_tokens"][0]["lstrip"] = true.into(), "spaces");
    refused(&|j| j["added_tokens"][0]["id"] = 3.into(), "id 3");
    refused(&|j| j["added_tokens"][0]["content"] = "a".into(), "'a'");
    refused(&|j| j["normalizer"]["type"] = "Lowercase".into(), "Lowercase");
    refused(&|j| j["decoder"]["type"] = "Metaspace".into(), "Metaspace");
    refused(&|j| j["decoder"] = serde_json::Value::Null, "decoder");
    refused(&|j| j["pre_tokenizer"] = serde_json::Value::Null, "byte-level");
    refused(&|j| j["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = "(".into(), "word pattern");
    refused(&|j| j["pre_tokenizer"]["pretokenizers"][0]["behavior"] = "Removed".into(), "cuts words");
    assert!(Tokenizer::from_json(b"").is_err());
    assert!(Tokenizer::from_json("[".repeat(100_000).as_bytes()).is_err());
}

#[test]
fn long_texts_are_bounded() {
    let tokenizer = from_gguf();
    assert!(tokenizer.encode(&"x".repeat(9 << 20), false).is_err());
    for text in [" ".repeat(200_000), "a".repeat(200_000), "\n".repeat(100_000)] {
        let ids = tokenizer.encode(&text, false).unwrap();
        assert_eq!(tokenizer.decode(&ids, true), text);
    }
}
