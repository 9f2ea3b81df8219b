//! Writes GGUF, version 3 (<https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>): metadata, a table of tensors, and their
//! data, each tensor at a multiple of 32 bytes.

use half::f16;
use wattage_engine::DType;

use super::Matrix;
use crate::{Error, Result};

const VERSION: u32 = 3;
/// The format's own, where no metadata says otherwise.
const ALIGNMENT: usize = 32;
/// Values of a quantised block.
const BLOCK: usize = DType::Q8_0.block_values();
/// Version of GGML's block formats, which readers ask for beside quantised tensors.
const QUANTISATION: u32 = 2;

/// How matrices are stored; vectors are F32 always.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// As they were trained.
    F32,
    /// Blocks of 32 bytes with one scale each: a quarter of the size.
    Q8_0,
}

impl Storage {
    /// GGML's number of the format of a tensor.
    const fn kind(self) -> u32 {
        match self {
            Self::F32 => 0,
            Self::Q8_0 => 8,
        }
    }

    /// llama.cpp's number of a file of such tensors (`general.file_type`).
    const fn file_type(self) -> u32 {
        match self {
            Self::F32 => 0,
            Self::Q8_0 => 7,
        }
    }
}

/// A metadata value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A whole number.
    U32(u32),
    /// A float.
    F32(f32),
    /// A truth value.
    Bool(bool),
    /// A text.
    Text(String),
    /// Texts.
    Texts(Vec<String>),
    /// Whole numbers.
    I32s(Vec<i32>),
}

/// A tensor as the table lists it.
#[derive(Debug)]
struct Entry {
    name: String,
    /// The contiguous dimension first, against the order of rows and columns.
    shape: Vec<u64>,
    kind: u32,
    data: Vec<u8>,
}

/// A file in the making.
#[derive(Debug)]
pub struct Gguf {
    storage: Storage,
    meta: Vec<(String, Value)>,
    tensors: Vec<Entry>,
}

impl Gguf {
    /// A file without tensors whose matrices will be stored so.
    pub fn new(storage: Storage) -> Self {
        let mut file = Self { storage, meta: Vec::new(), tensors: Vec::new() };
        file.set("general.file_type", Value::U32(storage.file_type()));
        if storage != Storage::F32 {
            file.set("general.quantization_version", Value::U32(QUANTISATION));
        }
        file
    }

    /// Adds metadata; each key once.
    pub fn set(&mut self, key: &str, value: Value) {
        self.meta.push((key.to_owned(), value));
    }

    /// Adds a vector, as F32.
    ///
    /// # Errors
    /// [`Error::Export`] for a value that is no finite number.
    pub fn vector(&mut self, name: &str, values: &[f32]) -> Result<()> {
        let data = stored(name, values, Storage::F32)?;
        let shape = vec![values.len() as u64];
        self.tensors.push(Entry { name: name.to_owned(), shape, kind: Storage::F32.kind(), data });
        Ok(())
    }

    /// Adds a matrix [outputs, inputs] in the file's storage.
    ///
    /// # Errors
    /// [`Error::Export`] for a value that is no finite number, or inputs that are no whole number of blocks.
    pub fn matrix(&mut self, name: &str, matrix: &Matrix) -> Result<()> {
        if self.storage == Storage::Q8_0 && !matrix.inputs.is_multiple_of(BLOCK) {
            let inputs = matrix.inputs;
            return Err(Error::Export(format!("{name} has {inputs} inputs, and Q8_0 has blocks of {BLOCK}")));
        }
        let data = stored(name, &matrix.values, self.storage)?;
        let shape = vec![matrix.inputs as u64, matrix.outputs() as u64];
        self.tensors.push(Entry { name: name.to_owned(), shape, kind: self.storage.kind(), data });
        Ok(())
    }

    /// The file's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = b"GGUF".to_vec();
        out.extend(VERSION.to_le_bytes());
        out.extend((self.tensors.len() as u64).to_le_bytes());
        out.extend((self.meta.len() as u64).to_le_bytes());
        for (key, value) in &self.meta {
            write_text(&mut out, key);
            write_value(&mut out, value);
        }
        let mut offset = 0;
        for tensor in &self.tensors {
            write_text(&mut out, &tensor.name);
            out.extend((tensor.shape.len() as u32).to_le_bytes());
            tensor.shape.iter().for_each(|size| out.extend(size.to_le_bytes()));
            out.extend(tensor.kind.to_le_bytes());
            out.extend((offset as u64).to_le_bytes());
            offset = (offset + tensor.data.len()).next_multiple_of(ALIGNMENT);
        }
        out.resize(out.len().next_multiple_of(ALIGNMENT), 0);
        for tensor in &self.tensors {
            out.extend_from_slice(&tensor.data);
            out.resize(out.len().next_multiple_of(ALIGNMENT), 0);
        }
        out
    }
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

/// A value behind the number of its type.
fn write_value(out: &mut Vec<u8>, value: &Value) {
    const ARRAY: u32 = 9;
    let mut types = |numbers: &[u32]| numbers.iter().for_each(|number| out.extend(number.to_le_bytes()));
    match value {
        Value::U32(number) => types(&[4, *number]),
        Value::F32(number) => types(&[6, number.to_bits()]),
        Value::Bool(truth) => {
            types(&[7]);
            out.push(u8::from(*truth));
        }
        Value::Text(text) => {
            types(&[8]);
            write_text(out, text);
        }
        Value::Texts(texts) => {
            types(&[ARRAY, 8]);
            out.extend((texts.len() as u64).to_le_bytes());
            texts.iter().for_each(|text| write_text(out, text));
        }
        Value::I32s(numbers) => {
            types(&[ARRAY, 5]);
            out.extend((numbers.len() as u64).to_le_bytes());
            numbers.iter().for_each(|number| out.extend(number.to_le_bytes()));
        }
    }
}

fn stored(name: &str, values: &[f32], storage: Storage) -> Result<Vec<u8>> {
    if let Some(value) = values.iter().find(|value| !value.is_finite()) {
        return Err(Error::Export(format!("{name} holds {value}")));
    }
    match storage {
        Storage::F32 => Ok(values.iter().flat_map(|value| value.to_le_bytes()).collect()),
        Storage::Q8_0 => {
            let mut data = Vec::with_capacity(values.len() / BLOCK * DType::Q8_0.block_bytes());
            for block in values.chunks_exact(BLOCK) {
                let (scale, quants) = q8_0(block);
                if !scale.is_finite() {
                    return Err(Error::Export(format!("{name} holds values that are too large for Q8_0")));
                }
                data.extend(scale.to_le_bytes());
                data.extend(quants.iter().map(|quant| quant.cast_unsigned()));
            }
            Ok(data)
        }
    }
}

/// A block's scale and quants, as GGML computes them (`quantize_row_q8_0_ref`): quants are of the scale before it is rounded.
fn q8_0(block: &[f32]) -> (f16, Vec<i8>) {
    let largest = block.iter().fold(0f32, |largest, value| largest.max(value.abs()));
    let scale = largest / 127.0;
    let inverse = if scale > 0.0 { scale.recip() } else { 0.0 };
    #[allow(clippy::cast_possible_truncation, reason = "between -127 and 127")]
    let quants = block.iter().map(|value| (value * inverse).round() as i8).collect();
    (f16::from_f32(scale), quants)
}

#[cfg(test)]
mod tests {
    use wattage_engine::dequantise;

    use super::*;

    #[test]
    fn a_file_has_the_formats_bytes() {
        let mut file = Gguf::new(Storage::Q8_0);
        file.meta.clear();
        file.set("n", Value::U32(7));
        file.set("t", Value::Texts(vec!["ab".into()]));
        file.vector("v", &[1.5, -2.0]).unwrap();
        file.matrix("m", &Matrix { inputs: 32, values: vec![0.0; 64] }).unwrap();
        let mut wanted = b"GGUF\x03\0\0\0\x02\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0".to_vec();
        wanted.extend(b"\x01\0\0\0\0\0\0\0n\x04\0\0\0\x07\0\0\0");
        wanted.extend(b"\x01\0\0\0\0\0\0\0t\x09\0\0\0\x08\0\0\0\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0ab");
        wanted.extend(b"\x01\0\0\0\0\0\0\0v\x01\0\0\0\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
        wanted.extend(b"\x01\0\0\0\0\0\0\0m\x02\0\0\0\x20\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\x08\0\0\0\x20\0\0\0\0\0\0\0");
        wanted.resize(wanted.len().next_multiple_of(32), 0);
        wanted.extend(1.5f32.to_le_bytes());
        wanted.extend((-2.0f32).to_le_bytes());
        wanted.resize(wanted.len().next_multiple_of(32), 0);
        // Two rows of one block of 34 bytes, padded.
        wanted.resize(wanted.len() + 96, 0);
        assert_eq!(file.to_bytes(), wanted);
    }

    #[test]
    fn quantised_values_are_within_half_a_step() {
        let values: Vec<f32> = (0..64).map(|i| ((i * 37 % 64) as f32 - 31.0) * 0.03).collect();
        let bytes = stored("m", &values, Storage::Q8_0).unwrap();
        let mut back = vec![0.0; 64];
        dequantise(DType::Q8_0, &bytes, &mut back).unwrap();
        for (block, back) in values.chunks(32).zip(back.chunks(32)) {
            let largest = block.iter().fold(0f32, |largest, value| largest.max(value.abs()));
            for (value, back) in block.iter().zip(back) {
                // Half a step, and the rounding of the scale to 11 bits.
                assert!((value - back).abs() <= largest / 254.0 + largest / 2048.0, "{value} became {back}");
            }
        }
    }

    #[test]
    fn what_a_format_cannot_hold_is_refused() {
        let mut file = Gguf::new(Storage::Q8_0);
        assert!(file.vector("v", &[f32::NAN]).is_err());
        assert!(file.matrix("m", &Matrix { inputs: 16, values: vec![0.0; 64] }).is_err());
        assert!(file.matrix("m", &Matrix { inputs: 32, values: vec![1e38; 32] }).is_err());
        assert!(file.tensors.is_empty());
    }
}
