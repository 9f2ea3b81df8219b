//! How a tensor's values are stored in a file.

/// Storage formats of tensors. Quantised ones are GGML's block formats (llama.cpp, `ggml-common.h`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(non_camel_case_types, reason = "the formats' own names")]
pub enum DType {
    /// 32-bit float.
    F32,
    /// 16-bit float.
    F16,
    /// bfloat16.
    BF16,
    /// 4 bits, one f16 scale a block of 32.
    Q4_0,
    /// 4 bits, f16 scale and minimum a block of 32.
    Q4_1,
    /// 5 bits, one f16 scale a block of 32.
    Q5_0,
    /// 5 bits, f16 scale and minimum a block of 32.
    Q5_1,
    /// 8 bits, one f16 scale a block of 32.
    Q8_0,
    /// 4 bits, super-blocks of 256 with 6-bit scales and minima a block of 32.
    Q4_K,
    /// 5 bits, super-blocks of 256 with 6-bit scales and minima a block of 32.
    Q5_K,
    /// 6 bits, super-blocks of 256 with 8-bit scales a block of 16.
    Q6_K,
}

impl DType {
    /// All formats.
    pub const ALL: [Self; 11] = [
        Self::F32,
        Self::F16,
        Self::BF16,
        Self::Q4_0,
        Self::Q4_1,
        Self::Q5_0,
        Self::Q5_1,
        Self::Q8_0,
        Self::Q4_K,
        Self::Q5_K,
        Self::Q6_K,
    ];

    /// Values in one block.
    pub const fn block_values(self) -> usize {
        match self {
            Self::F32 | Self::F16 | Self::BF16 => 1,
            Self::Q4_0 | Self::Q4_1 | Self::Q5_0 | Self::Q5_1 | Self::Q8_0 => 32,
            Self::Q4_K | Self::Q5_K | Self::Q6_K => 256,
        }
    }

    /// Bytes of one block in a file.
    pub const fn block_bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::BF16 => 2,
            Self::Q4_0 => 18,
            Self::Q4_1 => 20,
            Self::Q5_0 => 22,
            Self::Q5_1 => 24,
            Self::Q8_0 => 34,
            Self::Q4_K => 144,
            Self::Q5_K => 176,
            Self::Q6_K => 210,
        }
    }
}

/// Where a tensor lies in its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorInfo {
    /// The checkpoint's name for it, as Hugging Face writes it (`model.layers.0.mlp.up_proj.weight`).
    pub name: String,
    /// Storage format.
    pub dtype: DType,
    /// Rows (output features); 1 for a vector.
    pub rows: usize,
    /// Columns (input features), the contiguous direction; a whole number of blocks.
    pub cols: usize,
    /// Index of the source that holds it: a sharded checkpoint has several.
    pub source: usize,
    /// First byte in that source.
    pub offset: u64,
    /// Length in bytes.
    pub bytes: u64,
}
