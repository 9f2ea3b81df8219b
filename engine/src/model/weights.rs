//! Weights on a device: streamed from their file in pieces, repacked into planes, and fused where kernels want them fused.

use crate::device::Device;
use crate::loader::planes::{group_blocks, plane_sizes, repack};
use crate::loader::{DType, ModelFile, TensorInfo, dequantise};
use crate::model::Config;
use crate::recording::Slice;
use crate::{Architecture, Cancel, Error, Result};

/// WebGPU's promise for the size of a storage binding: a larger matrix is split by rows.
const BINDING: usize = 128 << 20;
/// File bytes handled at a time.
const PIECE: usize = 4 << 20;

/// A matrix [rows, cols], row after row, in blocks of 32 columns; split by rows where one binding cannot hold it.
pub(crate) struct Matrix {
    pub(crate) dtype: DType,
    pub(crate) rows: usize,
    /// Blocks of 32 columns in a row.
    pub(crate) blocks: usize,
    pub(crate) pieces: Vec<Piece>,
}

/// Consecutive rows of a matrix.
pub(crate) struct Piece {
    pub(crate) first_row: usize,
    pub(crate) rows: usize,
    pub(crate) quants: Slice,
    pub(crate) scales: Slice,
}

/// Rows of the q, k, v projections that are stored alike, with the bias that belongs to them.
pub(crate) struct Projection {
    /// First row of these within q, k, v as one.
    pub(crate) first: usize,
    pub(crate) matrix: Matrix,
    pub(crate) bias: Option<Slice>,
}

/// The gate and up projections.
pub(crate) enum GateUp {
    /// In one format: one matrix whose rows alternate gate, up, so that SwiGLU is fused.
    Fused(Matrix),
    /// In two formats: two matrices [ffn, hidden].
    Apart(Matrix, Matrix),
}

/// One decoder layer.
pub(crate) struct Layer {
    pub(crate) attention_norm: Slice, // [hidden]
    pub(crate) qkv: Vec<Projection>,  // [heads * dim + 2 * kv_heads * dim, hidden] in one, two or three
    pub(crate) q_norm: Option<Slice>, // [dim]
    pub(crate) k_norm: Option<Slice>, // [dim]
    pub(crate) output: Matrix,        // [hidden, heads * dim]
    pub(crate) mlp_norm: Slice,       // [hidden]
    pub(crate) gate_up: GateUp,       // [2 * ffn, hidden]
    pub(crate) down: Matrix,          // [hidden, ffn]
}

/// All weights of a model.
pub(crate) struct Weights {
    pub(crate) embedding: Matrix, // [vocab, hidden]
    pub(crate) layers: Vec<Layer>,
    pub(crate) norm: Slice,          // [hidden]
    pub(crate) head: Option<Matrix>, // [vocab, hidden]; none: the embedding serves
    /// Bytes that one decoded token reads.
    pub(crate) bytes_per_token: u64,
}

impl Weights {
    /// Whether some layer's gate and up projections are stored in different formats.
    pub(crate) fn gate_and_up_apart(file: &ModelFile) -> bool {
        let dtype = |name: String| file.tensors.get(&name).map(|tensor| tensor.dtype);
        let part = |i: usize, part: &str| dtype(format!("model.layers.{i}.mlp.{part}.weight"));
        (0..file.config.layers).any(|i| part(i, "gate_proj") != part(i, "up_proj"))
    }

    /// The matrix that gives logits.
    pub(crate) fn head(&self) -> &Matrix {
        self.head.as_ref().unwrap_or(&self.embedding)
    }

    /// Streams all weights to a device, calling `progress` with the file bytes done so far.
    pub(crate) async fn load(
        device: &mut Device,
        file: &ModelFile,
        cancel: &Cancel,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Self> {
        let mut load = Load { device, file, cancel, progress, done: 0, planes: 0 };
        let config = &file.config;
        let embedding = load.matrix(&["model.embed_tokens.weight".to_owned()], false).await?;
        let embedding_bytes = load.planes;
        let mut layers = Vec::with_capacity(config.layers);
        for i in 0..config.layers {
            layers.push(load.layer(config, i).await?);
        }
        let norm = load.vector("model.norm.weight").await?;
        let head = match config.tied_head {
            true => None,
            false => Some(load.matrix(&["lm_head.weight".to_owned()], false).await?),
        };
        // Decoding reads every matrix once, but of an embedding that is not the head only one row.
        let bytes_per_token = load.planes - if head.is_some() { embedding_bytes } else { 0 };
        Ok(Self { embedding, layers, norm, head, bytes_per_token })
    }
}

struct Load<'a> {
    device: &'a mut Device,
    file: &'a ModelFile,
    cancel: &'a Cancel,
    progress: &'a mut dyn FnMut(u64),
    done: u64,
    planes: u64,
}

impl Load<'_> {
    async fn layer(&mut self, config: &Config, i: usize) -> Result<Layer> {
        let name = |part: &str| format!("model.layers.{i}.{part}");
        let attention_norm = self.vector(&name("input_layernorm.weight")).await?;
        let qkv = self.qkv(config, i).await?;
        let (mut q_norm, mut k_norm) = (None, None);
        if config.arch == Architecture::Qwen3 {
            q_norm = Some(self.vector(&name("self_attn.q_norm.weight")).await?);
            k_norm = Some(self.vector(&name("self_attn.k_norm.weight")).await?);
        }
        Ok(Layer {
            attention_norm,
            qkv,
            q_norm,
            k_norm,
            output: self.matrix(&[name("self_attn.o_proj.weight")], false).await?,
            mlp_norm: self.vector(&name("post_attention_layernorm.weight")).await?,
            gate_up: self.gate_up(name("mlp.gate_proj.weight"), name("mlp.up_proj.weight")).await?,
            down: self.matrix(&[name("mlp.down_proj.weight")], false).await?,
        })
    }

    /// The q, k, v projections: those that follow each other in one format become one matrix.
    async fn qkv(&mut self, config: &Config, i: usize) -> Result<Vec<Projection>> {
        let mut runs: Vec<(DType, Vec<&str>)> = Vec::new();
        for part in ["q_proj", "k_proj", "v_proj"] {
            let dtype = self.tensor(&format!("model.layers.{i}.self_attn.{part}.weight"))?.dtype;
            match runs.last_mut() {
                Some((last, parts)) if *last == dtype => parts.push(part),
                _ => runs.push((dtype, vec![part])),
            }
        }
        let mut all = Vec::new();
        let mut first = 0;
        for (_, parts) in runs {
            let names: Vec<_> = parts.iter().map(|part| format!("model.layers.{i}.self_attn.{part}.weight")).collect();
            let matrix = self.matrix(&names, false).await?;
            let mut bias = None;
            if config.arch == Architecture::Qwen2 {
                let mut values = Vec::with_capacity(matrix.rows);
                for part in &parts {
                    values.extend(self.values(&format!("model.layers.{i}.self_attn.{part}.bias")).await?);
                }
                bias = Some(self.upload(&values)?);
            }
            let rows = matrix.rows;
            all.push(Projection { first, matrix, bias });
            first += rows;
        }
        Ok(all)
    }

    async fn gate_up(&mut self, gate: String, up: String) -> Result<GateUp> {
        if self.tensor(&gate)?.dtype == self.tensor(&up)?.dtype {
            return Ok(GateUp::Fused(self.matrix(&[gate, up], true).await?));
        }
        Ok(GateUp::Apart(self.matrix(&[gate], false).await?, self.matrix(&[up], false).await?))
    }

    fn tensor(&self, name: &str) -> Result<&TensorInfo> {
        self.file.tensors.get(name).ok_or_else(|| Error::Format(format!("tensor {name} is missing")))
    }

    async fn values(&mut self, name: &str) -> Result<Vec<f32>> {
        let tensor = self.tensor(name)?.clone();
        let bytes = self.read(&tensor, 0, tensor.bytes as usize).await?;
        let mut values = vec![0.0; tensor.rows * tensor.cols];
        dequantise(tensor.dtype, &bytes, &mut values)?;
        Ok(values)
    }

    fn upload(&mut self, values: &[f32]) -> Result<Slice> {
        let slice = self.device.slice(4 * values.len() as u64)?;
        self.device.write(slice.buffer, 0, bytemuck::cast_slice(values))?;
        Ok(slice)
    }

    async fn vector(&mut self, name: &str) -> Result<Slice> {
        let values = self.values(name).await?;
        self.upload(&values)
    }

    async fn read(&mut self, tensor: &TensorInfo, offset: u64, bytes: usize) -> Result<Vec<u8>> {
        let read = self.file.read(tensor, offset, bytes).await?;
        self.done += bytes as u64;
        (self.progress)(self.done);
        if self.cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        Ok(read)
    }

    /// One matrix of one or several tensors of equal width: one below the other, or row by row in turn.
    async fn matrix(&mut self, names: &[String], alternate: bool) -> Result<Matrix> {
        let tensors: Vec<TensorInfo> = names.iter().map(|name| self.tensor(name).cloned()).collect::<Result<_>>()?;
        let (dtype, cols) = (tensors[0].dtype, tensors[0].cols);
        debug_assert!(tensors.iter().all(|tensor| tensor.dtype == dtype && tensor.cols == cols));
        let rows: usize = tensors.iter().map(|tensor| tensor.rows).sum();
        let blocks = cols / 32;
        let row_bytes = cols / dtype.block_values() * dtype.block_bytes();
        // Whole groups of blocks and, for gate and up, whole pairs of rows.
        let step = if blocks % group_blocks(dtype) == 0 && !alternate { 1 } else { 2 };
        let row_planes = plane_sizes(dtype, blocks * step);
        let per_piece = (BINDING / row_planes.quants.max(row_planes.scales)) * step;
        let per_read = (PIECE / row_bytes / step).max(1) * step;
        let mut matrix = Matrix { dtype, rows, blocks, pieces: Vec::new() };
        for first_row in (0..rows).step_by(per_piece.max(step)) {
            let piece_rows = (rows - first_row).min(per_piece);
            let sizes = plane_sizes(dtype, piece_rows * blocks);
            let quants = self.device.slice(sizes.quants as u64)?;
            let scales = self.device.slice(sizes.scales as u64)?;
            self.planes += quants.size + scales.size;
            let (mut quants_at, mut scales_at) = (0, 0);
            let (mut q, mut s) = (Vec::new(), Vec::new());
            for row in (first_row..first_row + piece_rows).step_by(per_read) {
                let count = (first_row + piece_rows - row).min(per_read);
                let bytes = self.rows(&tensors, alternate, row, count, row_bytes).await?;
                q.clear();
                s.clear();
                repack(dtype, &bytes, &mut q, &mut s);
                self.device.write(quants.buffer, quants_at, bytemuck::cast_slice(&q))?;
                self.device.write(scales.buffer, scales_at, bytemuck::cast_slice(&s))?;
                quants_at += 4 * q.len() as u64;
                scales_at += 4 * s.len() as u64;
            }
            matrix.pieces.push(Piece { first_row, rows: piece_rows, quants, scales });
        }
        Ok(matrix)
    }

    /// File bytes of rows `row..row + count` of the fused matrix.
    async fn rows(
        &mut self,
        tensors: &[TensorInfo],
        alternate: bool,
        row: usize,
        count: usize,
        row_bytes: usize,
    ) -> Result<Vec<u8>> {
        if alternate {
            let n = tensors.len();
            let mut parts = Vec::with_capacity(n);
            for tensor in tensors {
                parts.push(self.read(tensor, (row / n * row_bytes) as u64, count / n * row_bytes).await?);
            }
            let mut bytes = Vec::with_capacity(count * row_bytes);
            for i in 0..count / n {
                for part in &parts {
                    bytes.extend_from_slice(&part[i * row_bytes..(i + 1) * row_bytes]);
                }
            }
            return Ok(bytes);
        }
        let mut bytes = Vec::with_capacity(count * row_bytes);
        let mut first = 0;
        for tensor in tensors {
            let (low, high) = (row.max(first), (row + count).min(first + tensor.rows));
            if low < high {
                let part = self.read(tensor, ((low - first) * row_bytes) as u64, (high - low) * row_bytes).await?;
                if bytes.is_empty() && high - low == count {
                    return Ok(part);
                }
                bytes.extend_from_slice(&part);
            }
            first += tensor.rows;
        }
        Ok(bytes)
    }
}
