//! Recordings on the CPU: each kernel of shaders/ in plain Rust, under the same stem. The tests' reference, and the way to run
//! without WebGPU.

mod activations;
mod argmax_final;
mod argmax_partial;
mod attend_merge;
mod attend_prefill;
mod attend_split;
mod attention;
mod branches;
mod cache;
mod embed;
mod floats;
mod formats;
mod glu;
mod lanes;
mod layer_attend;
mod layer_focus;
mod layer_gather;
mod layer_linear;
mod layer_tap;
mod matmul;
mod matvec;
mod memory;
mod penalise;
mod product;
mod rmsnorm;
mod rope_cache;
mod tap;
mod threads;
mod topk_final;
mod topk_partial;

use self::memory::Memory;
use crate::kernels::{Kernel, LayerLinear, Stem};
use crate::loader::DType;
use crate::model::KvType;
use crate::recording::{BufferId, Dispatch, Recording, Run, Slice};
use crate::{Error, Result};

/// The CPU executor.
#[derive(Default)]
pub(crate) struct Cpu {
    memory: Memory,
}

impl Cpu {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Makes a buffer of zeros.
    pub(crate) fn create(&mut self, bytes: u64) -> Result<BufferId> {
        self.memory.create(bytes)
    }

    pub(crate) fn free(&mut self, id: BufferId) {
        self.memory.free(id);
    }

    /// Bytes in buffers.
    pub(crate) fn bytes(&self) -> u64 {
        self.memory.bytes()
    }

    pub(crate) fn write(&mut self, id: BufferId, offset: u64, bytes: &[u8]) -> Result<()> {
        self.memory.write(id, offset, bytes)
    }

    pub(crate) fn read(&self, slice: Slice) -> Result<Vec<u8>> {
        Ok(self.memory.slice::<u8>(slice)?.to_vec())
    }

    /// Runs recordings in order.
    pub(crate) fn run(&mut self, recordings: &[&Recording], run: Run) -> Result<()> {
        threads::on_a_worker(|| {
            for dispatch in recordings.iter().flat_map(|recording| &recording.dispatches) {
                self.dispatch(dispatch, run)?;
            }
            Ok(())
        })
    }

    fn dispatch(&mut self, d: &Dispatch, run: Run) -> Result<()> {
        let memory = &mut self.memory;
        let [x, y, _] = d.workgroups.resolve(run);
        let (x, y) = (x as usize, y as usize);
        match d.stem {
            Stem::Embed => embed::run(&kernel(d)?, memory, weights(d)?, x),
            Stem::Rmsnorm => rmsnorm::run(&kernel(d)?, memory, x),
            Stem::Matvec => matvec::run(&kernel(d)?, memory, weights(d)?),
            Stem::Matmul => matmul::run(&kernel(d)?, memory, weights(d)?),
            Stem::Glu => glu::run(&kernel(d)?, memory),
            Stem::RopeCache => rope_cache::run(&kernel(d)?, memory, kv(d)?, y),
            Stem::AttendSplit => attend_split::run(&kernel(d)?, memory, kv(d)?, y),
            Stem::AttendMerge => attend_merge::run(&kernel(d)?, memory),
            Stem::AttendPrefill => attend_prefill::run(&kernel(d)?, memory, kv(d)?),
            Stem::Tap => tap::run(&kernel(d)?, memory, x),
            Stem::ArgmaxPartial => argmax_partial::run(&kernel(d)?, memory),
            Stem::ArgmaxFinal => argmax_final::run(&kernel(d)?, memory),
            Stem::Penalise => penalise::run(&kernel(d)?, memory),
            Stem::TopkPartial => topk_partial::run(&kernel(d)?, memory),
            Stem::TopkFinal => topk_final::run(&kernel(d)?, memory),
            Stem::LayerTap => layer_tap::run(&kernel(d)?, memory),
            Stem::LayerGather => layer_gather::run(&kernel(d)?, memory, y),
            Stem::LayerLinear => {
                let kernel: LayerLinear = kernel(d)?;
                layer_linear::run(&kernel, memory, x / (kernel.tiles as usize).max(1), y)
            }
            Stem::LayerAttend => layer_attend::run(&kernel(d)?, memory, y),
            Stem::LayerFocus => layer_focus::run(&kernel(d)?, memory, y),
        }
    }
}

fn kernel<K: Kernel>(d: &Dispatch) -> Result<K> {
    K::read(&d.slices, &d.words).ok_or_else(|| Error::Request(format!("a call of {} lacks operands", d.stem.name())))
}

fn weights(d: &Dispatch) -> Result<DType> {
    d.weights.ok_or_else(|| Error::Request(format!("a call of {} lacks its weights' format", d.stem.name())))
}

fn kv(d: &Dispatch) -> Result<KvType> {
    d.kv.ok_or_else(|| Error::Request(format!("a call of {} lacks its cache's type", d.stem.name())))
}

#[cfg(test)]
mod tests;
