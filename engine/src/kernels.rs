//! The kernels of shaders/ as a typed table: a struct a kernel, with its bindings and parameters by name, and the variants
//! that it is built in. Made by `build.rs` from the WGSL itself, so the two cannot differ.

use crate::loader::DType;
use crate::model::KvType;
use crate::recording::{Slice, Workgroups};

/// A kernel with its bindings and parameters filled in.
pub trait Kernel: Sized {
    /// Which kernel.
    const STEM: Stem;

    /// The storage bindings, in the order of their numbers.
    fn slices(&self) -> Vec<Slice>;

    /// The parameters as 32-bit words.
    fn words(&self) -> Vec<u32>;

    /// The inverse of [`Self::slices`] and [`Self::words`]; `None` where something is missing.
    fn read(slices: &[Slice], words: &[u32]) -> Option<Self>;
}

/// One way in which a kernel is built.
#[derive(Debug)]
pub struct Variant {
    /// The kernel.
    pub stem: Stem,
    /// Stem and choices, as `matvec.q4_k.subgroup`.
    pub name: &'static str,
    /// Format of the weights that it reads, if it reads any.
    pub weights: Option<DType>,
    /// Type of the KV cache that it touches, if it does.
    pub kv: Option<KvType>,
    /// Needs WebGPU's `subgroups`.
    pub subgroups: bool,
    /// Needs WebGPU's `shader-f16`.
    pub f16: bool,
    /// Made for adapters that compute on the CPU.
    pub software: bool,
    /// Has parameters, in a uniform at binding 0.
    pub uniform: bool,
    /// For each storage binding, whether it is written.
    pub written: &'static [bool],
    /// Invocations of a workgroup.
    pub workgroup: [u32; 3],
    /// WGSL, complete.
    pub source: &'static str,
}

impl Variant {
    /// Whether it is only for some devices: another variant does the same everywhere.
    pub fn is_optional(&self) -> bool {
        self.subgroups || self.f16 || self.software
    }
}

impl Matvec {
    /// Invocations that share four rows of `blocks` blocks; on a software GPU each has its own.
    pub fn lanes_for(blocks: usize, software: bool) -> u32 {
        if software { 1 } else { blocks.clamp(1, 32).next_power_of_two() as u32 }
    }

    /// The workgroups of this call.
    pub fn workgroups(&self) -> Workgroups {
        Workgroups::linear(self.rows.div_ceil(4 * (32 / self.lanes.clamp(1, 32))))
    }
}

impl ArgmaxPartial {
    /// Logits of a piece.
    pub const PIECE: usize = 4096;
}

impl TopkPartial {
    /// Logits of a piece.
    pub const PIECE: usize = 1024;
    /// Candidates of a piece, and of the whole.
    pub const TOP: usize = 64;
}

impl LayerGather {
    /// Stands where a row has one table row less.
    pub const NONE: u32 = u32::MAX;
}

impl LayerLinear {
    /// Widest input.
    pub const WIDEST: usize = 2048;

    /// Workgroups of a row.
    pub fn tiles(outputs: usize) -> u32 {
        outputs.div_ceil(32) as u32
    }

    /// The workgroups of this call over `rows` rows of `layers` layers.
    pub fn workgroups(&self, rows: usize, layers: usize) -> Workgroups {
        Workgroups::Fixed(rows as u32 * self.tiles, layers as u32)
    }
}

impl LayerAttend {
    /// Most keys that a row may see.
    pub const MOST: usize = 1024;
    /// Widest head.
    pub const WIDEST: usize = 64;

    /// The workgroups of this call over `layers` layers.
    pub fn workgroups(&self, layers: usize) -> Workgroups {
        Workgroups::Fixed(self.rows * self.heads, layers as u32)
    }
}

include!(concat!(env!("OUT_DIR"), "/kernels.rs"));
