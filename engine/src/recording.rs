//! What a device is asked to do, as plain data: buffers by number, dispatches with their bindings and parameters.

use crate::kernels::{Kernel, Stem};
use crate::loader::DType;
use crate::model::KvType;

/// A buffer of a device, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BufferId(pub(crate) u32);

/// Part of a buffer. Offset and size are in bytes; a bound offset is a multiple of 256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Slice {
    /// The buffer.
    pub buffer: BufferId,
    /// First byte.
    pub offset: u64,
    /// Length in bytes.
    pub size: u64,
}

/// How many workgroups a dispatch has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workgroups {
    /// These many along x and y.
    Fixed(u32, u32),
    /// Along x these many; along y one for each piece of the context of the given length, known only when it runs.
    PerPiece(u32, u32),
    /// One for each 64 tokens that the context has seen, known only when it runs.
    PerSeen,
}

impl Workgroups {
    /// `count` workgroups, spread over two dimensions where one may not hold them (65,535 is WebGPU's limit).
    pub fn linear(count: u32) -> Self {
        const LIMIT: u32 = 65_535;
        let rows = count.div_ceil(LIMIT).max(1);
        Self::Fixed(count.div_ceil(rows), rows)
    }

    /// The numbers for a context of `positions` in which `seen` different tokens stand.
    pub fn resolve(self, run: Run) -> [u32; 3] {
        match self {
            Self::Fixed(x, y) => [x, y, 1],
            Self::PerPiece(x, split) => [x, run.positions.div_ceil(split).max(1), 1],
            Self::PerSeen => [run.seen.div_ceil(64).max(1), 1, 1],
        }
    }
}

/// What is known only when a recording runs.
#[derive(Debug, Clone, Copy, Default)]
pub struct Run {
    /// Positions that the last token attends to, itself included.
    pub positions: u32,
    /// Different tokens in the context, where penalties are applied.
    pub seen: u32,
}

/// One kernel call.
#[derive(Debug, Clone)]
pub struct Dispatch {
    /// The kernel.
    pub stem: Stem,
    /// Format of its weights, where it reads any.
    pub weights: Option<DType>,
    /// Type of the KV cache, where it touches it.
    pub kv: Option<KvType>,
    /// Its storage bindings in order.
    pub slices: Vec<Slice>,
    /// Its parameters.
    pub words: Vec<u32>,
    /// Its size.
    pub workgroups: Workgroups,
}

/// Dispatches in order; each sees what those before it wrote.
#[derive(Debug, Clone, Default)]
pub struct Recording {
    /// The calls.
    pub dispatches: Vec<Dispatch>,
}

impl Recording {
    /// Adds a call of a kernel that has neither weights nor a cache.
    pub fn push<K: Kernel>(&mut self, kernel: K, workgroups: Workgroups) {
        self.add(kernel, None, None, workgroups);
    }

    /// Adds a call of a kernel that reads weights in this format.
    pub fn push_weights<K: Kernel>(&mut self, kernel: K, weights: DType, workgroups: Workgroups) {
        self.add(kernel, Some(weights), None, workgroups);
    }

    /// Adds a call of a kernel that touches a KV cache of this type.
    pub fn push_kv<K: Kernel>(&mut self, kernel: K, kv: KvType, workgroups: Workgroups) {
        self.add(kernel, None, Some(kv), workgroups);
    }

    fn add<K: Kernel>(&mut self, kernel: K, weights: Option<DType>, kv: Option<KvType>, workgroups: Workgroups) {
        self.dispatches.push(Dispatch {
            stem: K::STEM,
            weights,
            kv,
            slices: kernel.slices(),
            words: kernel.words(),
            workgroups,
        });
    }
}
