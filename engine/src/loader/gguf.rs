//! The GGUF container, versions 2 and 3 (<https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>): metadata and
//! the table of tensors. Nothing in the file is believed before it is checked against the file's own length.

use std::collections::{BTreeMap, HashSet};

use super::{DType, Source, reader::Reader};
use crate::{Error, Result};

pub(super) const MAGIC: &[u8; 4] = b"GGUF";

/// Largest header that is read: Qwen's has about 6 MB, nearly all of it vocabulary.
const MAX_HEADER: u64 = 64 << 20;
const MAX_ENTRIES: u64 = 1 << 16;
const MAX_NAME: u64 = 1 << 16;
const MAX_STRING: u64 = 4 << 20;
const MAX_STRINGS: u64 = 1 << 21;
const MAX_DIMENSIONS: u32 = 4;
const DEFAULT_ALIGNMENT: u64 = 32;
const MAX_ALIGNMENT: u64 = 1 << 20;

/// A metadata value. Arrays that the engine has no use for are passed over, not kept.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// Any unsigned or non-negative integer.
    Unsigned(u64),
    /// A negative integer.
    Negative(i64),
    Float(f64),
    Bool(bool),
    Text(String),
    Strings(Vec<String>),
    Integers(Vec<i64>),
    Skipped,
}

/// A tensor as the table lists it, placed in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// GGUF's own name (`blk.0.attn_q.weight`).
    pub name: String,
    pub dtype: DType,
    pub rows: usize,
    pub cols: usize,
    /// First byte in the file.
    pub offset: u64,
    pub bytes: u64,
}

/// All that stands before the weights.
#[derive(Debug)]
pub(super) struct Header {
    pub meta: BTreeMap<String, Value>,
    pub tensors: Vec<Entry>,
}

impl Header {
    /// Reads and checks the header of `source`.
    ///
    /// # Errors
    /// [`Error::Format`] for a malformed file, [`Error::Unsupported`] for an unknown version or format of a tensor.
    pub(super) async fn read(source: &Source) -> Result<Self> {
        let mut reader = Reader::new(source, MAX_HEADER);
        if reader.take(4, "the magic number").await? != MAGIC {
            return Err(Error::Format("it does not begin with 'GGUF'".into()));
        }
        match reader.u32("the version").await? {
            2 | 3 => {}
            1 => return Err(Error::Unsupported("GGUF version 1 is out of use; convert the model again".into())),
            other if matches!(other.swap_bytes(), 1..=3) => {
                return Err(Error::Unsupported("it is a big-endian GGUF; get the little-endian one".into()));
            }
            other => return Err(Error::Unsupported(format!("GGUF version {other} is unknown; 2 and 3 can be read"))),
        }
        let tensor_count = reader.u64("the tensor count").await?;
        let meta_count = reader.u64("the metadata count").await?;
        let tensor_count = count(&reader, tensor_count, 24, "tensors")?;
        let meta_count = count(&reader, meta_count, 13, "metadata entries")?;
        let meta = read_meta(&mut reader, meta_count).await?;
        let tensors = read_table(&mut reader, tensor_count, alignment(&meta)?, source.len()).await?;
        Ok(Self { meta, tensors })
    }

    /// A required whole number.
    pub(super) fn number(&self, key: &str) -> Result<u64> {
        self.optional_number(key)?.ok_or_else(|| Error::Format(format!("its metadata lacks {key}")))
    }

    /// A whole number, if the key is there.
    pub(super) fn optional_number(&self, key: &str) -> Result<Option<u64>> {
        match self.meta.get(key) {
            None => Ok(None),
            Some(Value::Unsigned(n)) => Ok(Some(*n)),
            Some(_) => Err(Error::Format(format!("its metadata has a {key} that is not one whole number"))),
        }
    }

    /// A float, if the key is there.
    pub(super) fn optional_float(&self, key: &str) -> Result<Option<f64>> {
        match self.meta.get(key) {
            None => Ok(None),
            Some(Value::Float(x)) => Ok(Some(*x)),
            Some(_) => Err(Error::Format(format!("its metadata has a {key} that is not a float"))),
        }
    }

    /// A text, if the key is there.
    pub(super) fn optional_text(&self, key: &str) -> Result<Option<&str>> {
        match self.meta.get(key) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(_) => Err(Error::Format(format!("its metadata has a {key} that is not text"))),
        }
    }

    /// Moves a list of strings out, if the key is there.
    pub(super) fn take_strings(&mut self, key: &str) -> Result<Option<Vec<String>>> {
        match self.meta.remove(key) {
            None => Ok(None),
            Some(Value::Strings(list)) => Ok(Some(list)),
            Some(_) => Err(Error::Format(format!("its metadata has a {key} that is not a list of strings"))),
        }
    }

    /// Moves a list of integers out, if the key is there.
    pub(super) fn take_integers(&mut self, key: &str) -> Result<Option<Vec<i64>>> {
        match self.meta.remove(key) {
            None => Ok(None),
            Some(Value::Integers(list)) => Ok(Some(list)),
            Some(_) => Err(Error::Format(format!("its metadata has a {key} that is not a list of integers"))),
        }
    }
}

/// Refuses a number of things that the rest of the file has no room for.
fn count(reader: &Reader<'_>, claimed: u64, least_bytes: u64, what: &str) -> Result<u64> {
    if claimed > MAX_ENTRIES {
        return Err(Error::Format(format!("it claims {claimed} {what}, over the limit of {MAX_ENTRIES}")));
    }
    reader.check(claimed * least_bytes, &format!("its {claimed} {what}"))?;
    Ok(claimed)
}

async fn read_meta(reader: &mut Reader<'_>, count: u64) -> Result<BTreeMap<String, Value>> {
    let mut meta = BTreeMap::new();
    for index in 0..count {
        let key = reader.string(MAX_NAME, &format!("the key of metadata entry {index}")).await?;
        let kind = reader.u32(&key).await?;
        let value = if kind == 9 { read_array(reader, &key).await? } else { read_scalar(reader, kind, &key).await? };
        if meta.insert(key.clone(), value).is_some() {
            return Err(Error::Format(format!("its metadata has {key} twice")));
        }
    }
    Ok(meta)
}

#[allow(clippy::cast_sign_loss, reason = "the sign was looked at")]
const fn signed(n: i64) -> Value {
    if n < 0 { Value::Negative(n) } else { Value::Unsigned(n as u64) }
}

#[allow(clippy::cast_possible_wrap, reason = "two's complement as the file stores it")]
async fn read_scalar(reader: &mut Reader<'_>, kind: u32, key: &str) -> Result<Value> {
    Ok(match kind {
        0 => Value::Unsigned(reader.u8(key).await?.into()),
        1 => signed((reader.u8(key).await? as i8).into()),
        2 => Value::Unsigned(reader.u16(key).await?.into()),
        3 => signed((reader.u16(key).await? as i16).into()),
        4 => Value::Unsigned(reader.u32(key).await?.into()),
        5 => signed((reader.u32(key).await? as i32).into()),
        6 => Value::Float(f32::from_bits(reader.u32(key).await?).into()),
        7 => match reader.u8(key).await? {
            0 => Value::Bool(false),
            1 => Value::Bool(true),
            other => return Err(Error::Format(format!("its metadata has {other} for the truth value {key}"))),
        },
        8 => Value::Text(reader.string(MAX_STRING, key).await?),
        10 => Value::Unsigned(reader.u64(key).await?),
        11 => signed(reader.u64(key).await? as i64),
        12 => Value::Float(f64::from_bits(reader.u64(key).await?)),
        other => return Err(Error::Format(format!("its metadata has {key} of the unknown type {other}"))),
    })
}

/// Bytes of one array element; a string has at least its length.
const fn element_bytes(kind: u32) -> Option<u64> {
    match kind {
        0 | 1 | 7 => Some(1),
        2 | 3 => Some(2),
        4..=6 => Some(4),
        8 | 10..=12 => Some(8),
        _ => None,
    }
}

async fn read_array(reader: &mut Reader<'_>, key: &str) -> Result<Value> {
    let kind = reader.u32(key).await?;
    let len = reader.u64(key).await?;
    let size = match element_bytes(kind) {
        Some(size) => size,
        None if kind == 9 => return Err(Error::Format(format!("its metadata has nested arrays in {key}"))),
        None => return Err(Error::Format(format!("its metadata has {key} as a list of the unknown type {kind}"))),
    };
    let bytes = len.checked_mul(size).ok_or_else(|| Error::Format(format!("{key} claims {len} elements")))?;
    reader.check(bytes, &format!("the {len} elements of {key}"))?;
    let keep = matches!(key, "tokenizer.ggml.tokens" | "tokenizer.ggml.merges" | "tokenizer.ggml.token_type");
    if !keep && kind != 8 {
        reader.skip(bytes, key)?;
        return Ok(Value::Skipped);
    }
    if len > MAX_STRINGS {
        return Err(Error::Format(format!("{key} has {len} elements, over the limit of {MAX_STRINGS}")));
    }
    let capacity = if keep { usize::try_from(len).unwrap_or(0) } else { 0 };
    if kind == 8 {
        let mut list = Vec::with_capacity(capacity);
        for _ in 0..len {
            let text = reader.string(MAX_NAME, key).await?;
            if keep {
                list.push(text);
            }
        }
        return Ok(if keep { Value::Strings(list) } else { Value::Skipped });
    }
    let mut list = Vec::with_capacity(capacity);
    for _ in 0..len {
        list.push(match read_scalar(reader, kind, key).await? {
            Value::Unsigned(n) => i64::try_from(n).unwrap_or(i64::MAX),
            Value::Negative(n) => n,
            _ => return Err(Error::Format(format!("{key} is not a list of integers"))),
        });
    }
    Ok(Value::Integers(list))
}

fn alignment(meta: &BTreeMap<String, Value>) -> Result<u64> {
    match meta.get("general.alignment") {
        None => Ok(DEFAULT_ALIGNMENT),
        Some(Value::Unsigned(n)) if n.is_power_of_two() && (8..=MAX_ALIGNMENT).contains(n) => Ok(*n),
        Some(other) => Err(Error::Format(format!(
            "its general.alignment is {other:?}; a power of two from 8 to {MAX_ALIGNMENT} was expected"
        ))),
    }
}

async fn read_table(reader: &mut Reader<'_>, count: u64, alignment: u64, file_len: u64) -> Result<Vec<Entry>> {
    let mut tensors = Vec::new();
    let mut names = HashSet::new();
    for index in 0..count {
        let name = reader.string(MAX_NAME, &format!("the name of tensor {index}")).await?;
        if !names.insert(name.clone()) {
            return Err(Error::Format(format!("it lists the tensor {name} twice")));
        }
        let dimensions = reader.u32(&name).await?;
        if !(1..=MAX_DIMENSIONS).contains(&dimensions) {
            return Err(Error::Format(format!("the tensor {name} has {dimensions} dimensions; 1 to 4 were expected")));
        }
        let mut shape = [1_u64; MAX_DIMENSIONS as usize];
        for size in shape.iter_mut().take(dimensions as usize) {
            *size = reader.u64(&name).await?;
        }
        let kind = reader.u32(&name).await?;
        let offset = reader.u64(&name).await?;
        if offset % alignment != 0 {
            return Err(Error::Format(format!(
                "the tensor {name} starts at {offset}, which is not a multiple of {alignment}"
            )));
        }
        tensors.push(entry(name, shape, kind, offset)?);
    }
    let data = reader.position().next_multiple_of(alignment);
    for tensor in &mut tensors {
        let end = data.checked_add(tensor.offset).and_then(|start| start.checked_add(tensor.bytes));
        if end.is_none_or(|end| end > file_len) {
            return Err(Error::Format(format!(
                "the tensor {} lies outside the file ({} bytes at {} of {file_len}): the file is cut short or corrupt, \
                 so copy or download it again",
                tensor.name,
                tensor.bytes,
                data.saturating_add(tensor.offset)
            )));
        }
        tensor.offset += data;
    }
    Ok(tensors)
}

/// Checks a tensor's shape and format; `offset` is still relative to the data section.
fn entry(name: String, shape: [u64; 4], kind: u32, offset: u64) -> Result<Entry> {
    let dtype = dtype(kind).map_err(|format| {
        Error::Unsupported(format!(
            "the tensor {name} is stored as {format}; formats that can be read are {:?}",
            DType::ALL
        ))
    })?;
    let [cols, rows, rest @ ..] = shape;
    let sized = || {
        if rest != [1, 1] || cols == 0 || rows == 0 {
            return None;
        }
        let blocks = if cols % dtype.block_values() as u64 == 0 { cols / dtype.block_values() as u64 } else { 0 };
        let bytes = blocks.checked_mul(rows)?.checked_mul(dtype.block_bytes() as u64)?;
        // Positions of single values must fit too, on 32-bit targets as well.
        let (rows, cols) = (usize::try_from(rows).ok()?, usize::try_from(cols).ok()?);
        (bytes > 0).then_some((rows, cols, bytes))
    };
    let (rows, cols, bytes) = sized().ok_or_else(|| {
        Error::Format(format!(
            "the tensor {name} has the shape {shape:?}, which makes no matrix of whole {dtype:?} blocks"
        ))
    })?;
    Ok(Entry { name, dtype, rows, cols, offset, bytes })
}

/// GGML's numbering of formats (`ggml.h`); the error is the name of one that cannot be read.
fn dtype(kind: u32) -> std::result::Result<DType, String> {
    Ok(match kind {
        0 => DType::F32,
        1 => DType::F16,
        2 => DType::Q4_0,
        3 => DType::Q4_1,
        6 => DType::Q5_0,
        7 => DType::Q5_1,
        8 => DType::Q8_0,
        12 => DType::Q4_K,
        13 => DType::Q5_K,
        14 => DType::Q6_K,
        30 => DType::BF16,
        other => {
            let known = match other {
                9 => "Q8_1",
                10 => "Q2_K",
                11 => "Q3_K",
                15 => "Q8_K",
                16 => "IQ2_XXS",
                17 => "IQ2_XS",
                18 => "IQ3_XXS",
                19 => "IQ1_S",
                20 => "IQ4_NL",
                21 => "IQ3_S",
                22 => "IQ2_S",
                23 => "IQ4_XS",
                24 => "I8",
                25 => "I16",
                26 => "I32",
                27 => "I64",
                28 => "F64",
                29 => "IQ1_M",
                34 => "TQ1_0",
                35 => "TQ2_0",
                39 => "MXFP4",
                _ => return Err(format!("format number {other}, which is unknown")),
            };
            return Err(known.to_owned());
        }
    })
}
