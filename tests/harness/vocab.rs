//! A small byte-level vocabulary of the kind that Qwen has: every byte, some merges, the usual markers.

/// The vocabulary, without any file's clothes.
pub struct Vocab {
    /// Texts in the byte-level alphabet, ids in order.
    pub tokens: Vec<String>,
    /// GGUF's kinds: 1 normal, 3 control, 4 added, 5 unused.
    pub kinds: Vec<i32>,
    /// Pairs that merge, best first.
    pub merges: Vec<(String, String)>,
}

/// Control tokens, then added ones, as they follow the ordinary vocabulary.
pub const CONTROL: [&str; 3] = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];
/// Added tokens that are shown.
pub const ADDED: [&str; 4] = ["<tool_call>", "</tool_call>", "<think>", "</think>"];

/// ChatML with Qwen3's switch for thinking, and its habit of dropping old thoughts.
pub const TEMPLATE: &str = "\
{%- for message in messages %}
    {%- set content = message.content %}
    {%- if message.role == 'assistant' and '</think>' in content %}
        {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
    {%- endif %}
    {{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\\n\\n</think>\\n\\n' }}
    {%- endif %}
{%- endif %}
";

/// The character that stands for a byte in GPT-2's alphabet, by its definition: bytes that print are themselves, the
/// others take the characters from U+0100 on in order.
pub fn byte_char(byte: u8) -> char {
    let prints = |b: u8| matches!(b, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    if prints(byte) {
        char::from(byte)
    } else {
        let before = (0..byte).filter(|b| !prints(*b)).count();
        char::from_u32(0x100 + u32::try_from(before).unwrap()).unwrap()
    }
}

impl Vocab {
    /// The small vocabulary, filled up with unused entries to a multiple of 32.
    pub fn small() -> Self {
        let mut tokens: Vec<String> = (0..=255).map(|byte| byte_char(byte).to_string()).collect();
        let mut merges = Vec::new();
        for word in ["Ġthe", "Ġand", "hello", "Ġworld", "ing", "user", "assistant", "system", "what", "Ġis", "äº"]
        {
            let mut left = String::new();
            for character in word.chars() {
                if !left.is_empty() {
                    let pair = (left.clone(), character.to_string());
                    let joined = format!("{left}{character}");
                    if !tokens.contains(&joined) {
                        tokens.push(joined);
                        merges.push(pair);
                    }
                }
                left.push(character);
            }
        }
        let mut kinds = vec![1; tokens.len()];
        for (list, kind) in [(&CONTROL[..], 3), (&ADDED[..], 4)] {
            for text in list {
                tokens.push((*text).to_owned());
                kinds.push(kind);
            }
        }
        while !tokens.len().is_multiple_of(32) {
            tokens.push(format!("[PAD{}]", tokens.len()));
            kinds.push(5);
        }
        Self { tokens, kinds, merges }
    }

    /// The id of a token.
    pub fn id(&self, text: &str) -> u32 {
        u32::try_from(self.tokens.iter().position(|token| token == text).unwrap()).unwrap()
    }

    /// As a `tokenizer.json`.
    pub fn json(&self) -> serde_json::Value {
        let pattern = concat!(
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}",
            r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
        );
        let listed = |kinds: &[i32]| {
            let kinds = kinds.to_vec();
            self.tokens.iter().zip(&self.kinds).enumerate().filter(move |(_, (_, kind))| kinds.contains(kind))
        };
        let vocab: serde_json::Map<String, serde_json::Value> =
            listed(&[1]).map(|(id, (text, _))| (text.clone(), id.into())).collect();
        let added: Vec<serde_json::Value> = listed(&[3, 4])
            .map(|(id, (text, kind))| {
                serde_json::json!({"id": id, "content": text, "single_word": false, "lstrip": false, "rstrip": false,
                    "normalized": false, "special": *kind == 3})
            })
            .collect();
        let merges: Vec<[&String; 2]> = self.merges.iter().map(|(a, b)| [a, b]).collect();
        serde_json::json!({
            "version": "1.0", "truncation": null, "padding": null,
            "added_tokens": added,
            "normalizer": {"type": "NFC"},
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
                {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": false},
                {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false}]},
            "post_processor": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false,
                "use_regex": false},
            "decoder": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false},
            "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": "",
                "end_of_word_suffix": "", "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
                "vocab": vocab, "merges": merges}
        })
    }
}
