//! Vectors of a KV cache, whatever it stores.

use half::f16;
use half::slice::HalfFloatSliceExt;

use super::formats::half_to_f32;
use super::memory::{Memory, part};
use crate::Result;
use crate::model::KvType;
use crate::recording::Slice;

/// A cache [positions, kv_heads, dim] that is read.
#[derive(Clone, Copy)]
pub(super) enum Cache<'a> {
    F32(&'a [f32]),
    F16(&'a [f16]),
}

impl<'a> Cache<'a> {
    pub(super) fn new(memory: &'a Memory, slice: Slice, kv: KvType, values: usize) -> Result<Self> {
        Ok(match kv {
            KvType::F32 => Self::F32(part(memory.slice(slice)?, 0, values)?),
            KvType::F16 => Self::F16(part(memory.slice(slice)?, 0, values)?),
        })
    }

    /// Copies `to.len()` values from `first` on.
    #[inline(always)]
    pub(super) fn load(self, first: usize, to: &mut [f32]) {
        match self {
            Self::F32(values) => to.copy_from_slice(&values[first..first + to.len()]),
            Self::F16(values) => {
                for (to, value) in to.iter_mut().zip(&values[first..]) {
                    *to = half_to_f32(value.to_bits());
                }
            }
        }
    }
}

/// Writes values into a cache from `first` on.
pub(super) fn store(cache: &mut [u32], kv: KvType, first: usize, values: &[f32]) -> Result<()> {
    match kv {
        KvType::F32 => {
            super::memory::part_mut(bytemuck::cast_slice_mut::<u32, f32>(cache), first, values.len())?
                .copy_from_slice(values);
        }
        KvType::F16 => {
            let to = super::memory::part_mut(bytemuck::cast_slice_mut::<u32, f16>(cache), first, values.len())?;
            to.convert_from_f32_slice(values);
        }
    }
    Ok(())
}
