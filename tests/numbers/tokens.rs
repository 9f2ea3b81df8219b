//! From numbers to the tokens that they stand on.

use harness::gguf::{model, tiny_config};
use harness::vocab::Vocab;
use wattage_engine::wasm_layers::numbers::{bind, token_spans};
use wattage_engine::{Architecture, DType, ModelFile, Source, Tokenizer};

fn tokenizers() -> [Tokenizer; 2] {
    let bytes = model(&tiny_config(Architecture::Qwen3, true), DType::F32, 1).write();
    let file = pollster::block_on(ModelFile::open(vec![Source::bytes("tiny.gguf", bytes)])).unwrap();
    [file.tokenizer, Tokenizer::from_json(&serde_json::to_vec(&Vocab::small().json()).unwrap()).unwrap()]
}

const TEXTS: [&str; 8] = [
    "hello 12 the world 3.5%",
    "é5 — 你好 42, 😀👩‍👩‍👧 7 and ½!",
    "  two  spaces\n\n\tand 1,234\r\n",
    "e\u{301} 5 and a\u{30a}\u{301} −6",
    "５＋３ ٣",
    "<|im_start|>user\n5<|im_end|> <think>7",
    "twenty-five hello, one half",
    "",
];

/// Marks that NFC joins to the letter before them.
const MARKS: [char; 2] = ['\u{301}', '\u{30a}'];

#[test]
fn offsets_are_the_bytes_that_each_token_covers() {
    for tokenizer in tokenizers() {
        for text in TEXTS {
            for special in [false, true] {
                let (ids, offsets) = tokenizer.encode_with_offsets(text, special).unwrap();
                assert_eq!(ids, tokenizer.encode(text, special).unwrap(), "{text:?}");
                assert_eq!(ids.len(), offsets.len());
                let mut covered = 0;
                for (&id, &(start, end)) in ids.iter().zip(&offsets) {
                    // In order and without holes, whether a character is one token or several; only marks that NFC has
                    // joined to a letter are left out.
                    let hole = text.get(covered..start).unwrap_or_default();
                    assert!(hole.chars().all(|c| MARKS.contains(&c)), "{text:?} {offsets:?}");
                    assert!(covered <= end && start < end, "{text:?} {offsets:?}");
                    covered = end;
                    let (piece, bytes) = (&text[start..end], tokenizer.bytes_of(id));
                    let joined = text[end..].starts_with(MARKS);
                    let inside = piece.as_bytes().windows(bytes.len()).any(|window| window == bytes);
                    assert!(joined || inside, "{piece:?} has no {bytes:?}");
                }
                assert_eq!(text[covered..].trim_end_matches(MARKS), "", "{text:?}");
            }
        }
    }
}

#[test]
fn each_number_has_the_tokens_that_overlap_it() {
    for tokenizer in tokenizers() {
        for text in TEXTS {
            let (_, offsets) = tokenizer.encode_with_offsets(text, true).unwrap();
            let binding = bind(text);
            let spans = token_spans(&binding, &offsets);
            assert_eq!(spans.len(), binding.numbers.len());
            for (number, span) in binding.numbers.iter().zip(spans) {
                assert!(!span.is_empty(), "{text:?} {number:?}");
                for (token, (start, end)) in offsets.iter().enumerate() {
                    let overlaps = *start < number.end_byte && number.start_byte < *end;
                    assert_eq!(span.contains(&token), overlaps, "{text:?} {number:?} token {token}");
                }
            }
        }
    }
}

#[test]
fn spans_of_odd_offsets() {
    let binding = bind("12 34");
    assert_eq!(binding.numbers.len(), 2);
    assert_eq!(token_spans(&binding, &[]), [0..0, 0..0]);
    // One token for each, one for both, and tokens that end before the second.
    assert_eq!(token_spans(&binding, &[(0, 2), (2, 5)]), [0..1, 1..2]);
    assert_eq!(token_spans(&binding, &[(0, 1), (1, 4), (4, 5)]), [0..2, 1..3]);
    assert_eq!(token_spans(&binding, &[(0, 1), (1, 3)]), [0..2, 2..2]);
}
