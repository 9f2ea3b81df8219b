//! Text to token ids and back: byte-level BPE through the `tokenizers` crate, as Qwen uses it.

mod bytes;
mod json;
mod stream;

use std::collections::HashSet;

use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::normalizers::unicode::NFC;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{
    AddedToken, AddedVocabulary, Encoding, Model, NormalizedString, Normalizer, OffsetReferential, OffsetType,
    PreTokenizedString, PreTokenizer, SplitDelimiterBehavior,
};

pub use self::stream::TextStream;
use crate::{Error, Result};

/// How Qwen2 and Qwen3 cut text into words before BPE: contractions, letters with one leading mark, single digits,
/// marks, line breaks, spaces.
pub const QWEN_WORDS: &str = concat!(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}",
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
);

/// The names under which GGUF files ask for that word pattern (`tokenizer.ggml.pre`).
const QWEN_WORDS_NAMES: [&str; 2] = ["qwen2", "deepseek-r1-qwen"];

/// Longest text that is encoded in one go, in bytes.
const MAX_TEXT: usize = 8 << 20;

/// What a vocabulary entry is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Part of ordinary text.
    Normal,
    /// A marker with meaning to the model, such as `<|im_start|>`: never made from a person's text, never shown.
    Control,
    /// A whole-word addition that is shown, such as `<think>`.
    Added,
}

/// All that a tokenizer is made of, from whatever file.
#[derive(Debug)]
pub(crate) struct Parts {
    /// Text, id and kind of each entry; texts of normal entries are in the byte-level alphabet.
    pub entries: Vec<(String, u32, Kind)>,
    /// Pairs that merge, most wanted first.
    pub merges: Vec<(String, String)>,
    /// Regular expressions that cut text into words, applied one after the other.
    pub words: Vec<String>,
    /// Whether text is brought into Unicode's NFC first.
    pub nfc: bool,
}

/// For each token the bytes of the text that it covers: start and end, on character boundaries.
pub type Offsets = Vec<(usize, usize)>;

/// Turns text into token ids and back. Ids of a person's text are never control tokens: see [`Tokenizer::encode`].
pub struct Tokenizer {
    bpe: BPE,
    nfc: bool,
    words: Vec<Split>,
    added: AddedVocabulary,
    control: HashSet<u32>,
    /// Texts of added entries with whether they are control tokens.
    added_texts: Vec<(String, bool)>,
    size: usize,
}

impl std::fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokenizer").field("size", &self.size).field("added", &self.added_texts).finish_non_exhaustive()
    }
}

fn bad(why: impl Into<String>) -> Error {
    Error::Tokenizer(why.into())
}

impl Tokenizer {
    /// Reads a `tokenizer.json` of byte-level BPE.
    ///
    /// # Errors
    /// [`Error::Tokenizer`] when it is malformed or of another kind.
    pub fn from_json(json: &[u8]) -> Result<Self> {
        Self::build(json::parse(json)?)
    }

    /// Builds one from a GGUF's vocabulary, kinds (`tokenizer.ggml.token_type`), merges and word pattern's name.
    pub(crate) fn from_gguf(tokens: Vec<String>, kinds: &[i64], merges: &[String], pre: &str) -> Result<Self> {
        if !QWEN_WORDS_NAMES.contains(&pre) {
            return Err(bad(format!("its word pattern is '{pre}'; {} can be used", QWEN_WORDS_NAMES.join(" and "))));
        }
        if kinds.len() != tokens.len() {
            return Err(bad(format!("{} tokens have {} kinds", tokens.len(), kinds.len())));
        }
        let mut entries = Vec::with_capacity(tokens.len());
        for (id, (text, kind)) in (0..).zip(tokens.into_iter().zip(kinds)) {
            let kind = match kind {
                1 => Kind::Normal,
                3 => Kind::Control,
                4 => Kind::Added,
                // Unused entries pad the embedding; they have no text.
                5 => continue,
                other => return Err(bad(format!("token {id} is of the kind {other}, which byte-level BPE has not"))),
            };
            entries.push((text, id, kind));
        }
        let mut pairs = Vec::with_capacity(merges.len());
        for merge in merges {
            let pair = merge.split_once(' ').ok_or_else(|| bad(format!("the merge '{merge}' is not a pair")))?;
            pairs.push((pair.0.to_owned(), pair.1.to_owned()));
        }
        Self::build(Parts { entries, merges: pairs, words: vec![QWEN_WORDS.into()], nfc: true })
    }

    /// A vocabulary of the 256 bytes and nothing else.
    pub(crate) fn of_bytes() -> Result<Self> {
        let entries =
            (0..=u8::MAX).map(|byte| (bytes::to_char(byte).to_string(), u32::from(byte), Kind::Normal)).collect();
        Self::build(Parts { entries, merges: Vec::new(), words: vec![QWEN_WORDS.into()], nfc: true })
    }

    fn build(parts: Parts) -> Result<Self> {
        let mut vocab = Vocab::with_capacity(parts.entries.len());
        let mut ids = HashSet::with_capacity(parts.entries.len());
        let mut added = Vec::new();
        let mut control = HashSet::new();
        let mut size = 0;
        for (text, id, kind) in parts.entries {
            if text.is_empty() {
                return Err(bad(format!("token {id} has no text")));
            }
            if !ids.insert(id) {
                return Err(bad(format!("two tokens have the id {id}")));
            }
            size = size.max(id as usize + 1);
            if kind != Kind::Normal {
                // BPE starts from single characters: such a marker could come out of ordinary text.
                if kind == Kind::Control && text.chars().count() < 2 {
                    return Err(bad(format!("the control token '{text}' is a single character")));
                }
                added.push((text.clone(), kind == Kind::Control));
                if kind == Kind::Control {
                    control.insert(id);
                }
            }
            if let Some(other) = vocab.insert(text, id) {
                return Err(bad(format!("tokens {other} and {id} have the same text")));
            }
        }
        for byte in 0..=u8::MAX {
            let text = bytes::to_char(byte).to_string();
            if !vocab.contains_key(&text) {
                return Err(bad(format!("it has no token for the byte {byte}, so not every text can be encoded")));
            }
        }
        check_merges(&vocab, &parts.merges, &control)?;
        let failed = |e: tokenizers::Error| bad(e.to_string());
        let bpe = BPE::builder().vocab_and_merges(vocab, parts.merges).build().map_err(failed)?;
        let mut added_vocabulary = AddedVocabulary::new();
        // Markers are looked for in the text as it stands, not in a normalised form of it.
        let tokens = added.iter().map(|(text, special)| AddedToken::from(text, *special).normalized(false));
        added_vocabulary.add_tokens(tokens, &bpe, None::<&NFC>).map_err(failed)?;
        let mut words = Vec::new();
        for pattern in parts.words {
            let split = Split::new(SplitPattern::Regex(pattern), SplitDelimiterBehavior::Isolated, false);
            words.push(split.map_err(|e| bad(format!("its word pattern: {e}")))?);
        }
        Ok(Self { bpe, nfc: parts.nfc, words, added: added_vocabulary, control, added_texts: added, size })
    }

    /// One more than the largest id: the rows that an embedding needs at least.
    pub const fn size(&self) -> usize {
        self.size
    }

    /// Its BPE, as a `tokenizer.json` has it.
    ///
    /// # Errors
    /// [`Error::Tokenizer`] if the crate cannot write it.
    pub fn bpe_json(&self) -> Result<serde_json::Value> {
        serde_json::to_value(&self.bpe).map_err(|e| bad(e.to_string()))
    }

    /// Its added tokens: text, id, and whether it is a control token.
    pub fn added(&self) -> impl Iterator<Item = (&str, u32, bool)> {
        self.added_texts.iter().filter_map(|(text, control)| Some((text.as_str(), self.id_of(text)?, *control)))
    }

    /// The id of a token by its text, control tokens included.
    pub fn id_of(&self, token: &str) -> Option<u32> {
        self.added.token_to_id(token, &self.bpe)
    }

    /// Whether `id` is a marker such as `<|im_end|>` that is not part of a text.
    pub fn is_control(&self, id: u32) -> bool {
        self.control.contains(&id)
    }

    /// Added tokens' texts, each with whether it is a control token.
    pub(crate) fn added_texts(&self) -> &[(String, bool)] {
        &self.added_texts
    }

    /// Encodes `text`. With `allow_special` the texts of added tokens (`<|im_start|>`, `<think>`) become those tokens;
    /// without, they are letters like any others, which is what text from a person needs.
    ///
    /// # Errors
    /// [`Error::Request`] for a text of over 8 MiB, [`Error::Tokenizer`] if the crate fails.
    pub fn encode(&self, text: &str, allow_special: bool) -> Result<Vec<u32>> {
        if allow_special { self.encode_mapped(text, |piece| piece.to_owned()) } else { self.encode_plain(text) }
    }

    /// As [`Self::encode`], with the bytes of `text` that each token covers: start and end, on character boundaries.
    /// Tokens that are pieces of one character each have all of that character's bytes.
    ///
    /// # Errors
    /// As [`Self::encode`].
    pub fn encode_with_offsets(&self, text: &str, allow_special: bool) -> Result<(Vec<u32>, Offsets)> {
        check_length(text)?;
        if !allow_special {
            let encoding = self.encoding(text, OffsetType::Byte)?;
            return Ok((encoding.get_ids().to_vec(), encoding.get_offsets().to_vec()));
        }
        let pieces = self.added.extract_and_normalize(None::<&NFC>, text);
        let (mut ids, mut offsets) = (Vec::new(), Vec::new());
        for (piece, (start, end), tokens) in pieces.get_splits(OffsetReferential::Original, OffsetType::Byte) {
            match tokens {
                Some(tokens) => {
                    ids.extend(tokens.iter().map(|token| token.id));
                    offsets.extend(tokens.iter().map(|_| (start, end)));
                }
                None => {
                    let encoding = self.encoding(piece, OffsetType::Byte)?;
                    ids.extend_from_slice(encoding.get_ids());
                    offsets.extend(encoding.get_offsets().iter().map(|(from, to)| (start + from, start + to)));
                }
            }
        }
        Ok((ids, offsets))
    }

    /// Finds added tokens in `text`, then encodes what is between them as plain text after `map` has changed it.
    pub(crate) fn encode_mapped(&self, text: &str, map: impl Fn(&str) -> String) -> Result<Vec<u32>> {
        let mut ids = Vec::new();
        self.walk(text, &mut |piece, token| {
            match token {
                Some(id) => ids.push(id),
                None => ids.append(&mut self.encode_plain(&map(piece))?),
            }
            Ok(())
        })?;
        Ok(ids)
    }

    /// Calls `take` with each added token in `text` and with each text between two of them, in order.
    pub(crate) fn walk(&self, text: &str, take: &mut dyn FnMut(&str, Option<u32>) -> Result<()>) -> Result<()> {
        check_length(text)?;
        let pieces = self.added.extract_and_normalize(None::<&NFC>, text);
        for (piece, _, tokens) in pieces.get_splits(OffsetReferential::Original, OffsetType::Byte) {
            match tokens {
                Some(tokens) => tokens.iter().try_for_each(|token| take(piece, Some(token.id)))?,
                None => take(piece, None)?,
            }
        }
        Ok(())
    }

    fn encode_plain(&self, text: &str) -> Result<Vec<u32>> {
        check_length(text)?;
        Ok(self.encoding(text, OffsetType::None)?.get_ids().to_vec())
    }

    fn encoding(&self, text: &str, offsets: OffsetType) -> Result<Encoding> {
        if text.is_empty() {
            return Ok(Encoding::default());
        }
        let run = || -> tokenizers::Result<Encoding> {
            let mut normalised = NormalizedString::from(text);
            if self.nfc {
                NFC.normalize(&mut normalised)?;
            }
            let mut pieces = PreTokenizedString::from(normalised);
            for split in &self.words {
                split.pre_tokenize(&mut pieces)?;
            }
            ByteLevel::new(false, false, false).pre_tokenize(&mut pieces)?;
            pieces.tokenize(|piece| self.bpe.tokenize(piece.get()))?;
            pieces.into_encoding(None, 0, offsets)
        };
        run().map_err(|e| bad(e.to_string()))
    }

    /// The bytes that a token stands for; empty for an id that has no text.
    pub fn bytes_of(&self, id: u32) -> Vec<u8> {
        if let Some(text) = self.added.simple_id_to_token(id) {
            return text.into_bytes();
        }
        self.bpe.id_to_token(id).map_or_else(Vec::new, |text| bytes::decode(&text))
    }

    /// Decodes ids to text; with `show_control`, control tokens are written out, else they are left out.
    /// Bytes that are not UTF-8 become U+FFFD.
    pub fn decode(&self, ids: &[u32], show_control: bool) -> String {
        let mut bytes = Vec::new();
        for &id in ids {
            if show_control || !self.is_control(id) {
                bytes.extend(self.bytes_of(id));
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Checks that a model with `rows` embedding rows can hold every id.
    ///
    /// # Errors
    /// [`Error::Tokenizer`] when the vocabulary is larger than the model's.
    pub fn check_fits(&self, rows: usize) -> Result<()> {
        if self.size <= rows {
            return Ok(());
        }
        Err(bad(format!(
            "it has ids up to {} and the model only {rows} embedding rows: they do not belong together, so use the \
             tokenizer that came with this model",
            self.size - 1
        )))
    }
}

fn check_length(text: &str) -> Result<()> {
    if text.len() <= MAX_TEXT {
        return Ok(());
    }
    Err(Error::Request(format!("a text of {} bytes is over the limit of {MAX_TEXT}; shorten it", text.len())))
}

/// The crate takes merges on trust: parts and results that are not in the vocabulary would make it fail badly, and a
/// merge into a control token would let plain text become one.
fn check_merges(vocab: &Vocab, merges: &[(String, String)], control: &HashSet<u32>) -> Result<()> {
    let mut joined = String::new();
    for (left, right) in merges {
        joined.clear();
        joined.push_str(left);
        joined.push_str(right);
        for part in [left, right, &joined] {
            match vocab.get(part) {
                None => return Err(bad(format!("the merge '{left} {right}' needs '{part}', which is no token"))),
                Some(id) if control.contains(id) => {
                    return Err(bad(format!("the merge '{left} {right}' involves the control token '{part}'")));
                }
                Some(_) => {}
            }
        }
    }
    Ok(())
}
