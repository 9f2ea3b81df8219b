//! Buffers in main memory, viewed as what they hold.

use crate::recording::{BufferId, Slice};
use crate::{Error, Result};

/// Buffers by number; 16-byte units keep every view aligned.
#[derive(Default)]
pub(super) struct Memory {
    buffers: Vec<Option<Vec<u128>>>,
    bytes: u64,
}

fn outside() -> Error {
    Error::Request("a kernel reaches outside its buffer".to_owned())
}

impl Memory {
    pub(super) fn create(&mut self, bytes: u64) -> Result<BufferId> {
        let full =
            || Error::Adapter(format!("{} MiB of memory are not to be had: choose a smaller model", bytes >> 20));
        let units = usize::try_from(bytes.div_ceil(16)).map_err(|_| full())?;
        let id = u32::try_from(self.buffers.len()).map_err(|_| full())?;
        let mut buffer = Vec::new();
        buffer.try_reserve_exact(units).map_err(|_| full())?;
        buffer.resize(units, 0);
        self.bytes += 16 * units as u64;
        self.buffers.push(Some(buffer));
        Ok(BufferId(id))
    }

    pub(super) fn free(&mut self, id: BufferId) {
        if let Some(buffer) = self.buffers.get_mut(id.0 as usize).and_then(Option::take) {
            self.bytes -= 16 * buffer.len() as u64;
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn write(&mut self, id: BufferId, offset: u64, bytes: &[u8]) -> Result<()> {
        let buffer = self.buffers.get_mut(id.0 as usize).and_then(Option::as_mut).ok_or_else(outside)?;
        let all: &mut [u8] = bytemuck::cast_slice_mut(buffer);
        let first = usize::try_from(offset).map_err(|_| outside())?;
        let end = first.checked_add(bytes.len()).ok_or_else(outside)?;
        all.get_mut(first..end).ok_or_else(outside)?.copy_from_slice(bytes);
        Ok(())
    }

    /// What a slice holds.
    pub(super) fn slice<T: bytemuck::Pod>(&self, slice: Slice) -> Result<&[T]> {
        let buffer = self.buffers.get(slice.buffer.0 as usize).and_then(Option::as_ref).ok_or_else(outside)?;
        bytemuck::try_cast_slice(range(bytemuck::cast_slice(buffer), slice)?).map_err(|_| outside())
    }

    /// Lends out what a slice holds to be written, while the other buffers can be read.
    pub(super) fn with<T: bytemuck::Pod>(
        &mut self,
        slice: Slice,
        work: impl FnOnce(&mut Self, &mut [T]) -> Result<()>,
    ) -> Result<()> {
        let place = slice.buffer.0 as usize;
        let mut buffer = self.buffers.get_mut(place).and_then(Option::take).ok_or_else(outside)?;
        let done = match range_mut(bytemuck::cast_slice_mut(&mut buffer), slice) {
            Ok(bytes) => match bytemuck::try_cast_slice_mut(bytes) {
                Ok(values) => work(self, values),
                Err(_) => Err(outside()),
            },
            Err(error) => Err(error),
        };
        self.buffers[place] = Some(buffer);
        done
    }
}

fn bounds(slice: Slice) -> Result<std::ops::Range<usize>> {
    let first = usize::try_from(slice.offset).map_err(|_| outside())?;
    let size = usize::try_from(slice.size).map_err(|_| outside())?;
    Ok(first..first.checked_add(size).ok_or_else(outside)?)
}

fn range(bytes: &[u8], slice: Slice) -> Result<&[u8]> {
    bytes.get(bounds(slice)?).ok_or_else(outside)
}

fn range_mut(bytes: &mut [u8], slice: Slice) -> Result<&mut [u8]> {
    bytes.get_mut(bounds(slice)?).ok_or_else(outside)
}

/// Part of a view, or the error that a kernel reached outside.
pub(super) fn part<T>(values: &[T], first: usize, count: usize) -> Result<&[T]> {
    first.checked_add(count).and_then(|end| values.get(first..end)).ok_or_else(outside)
}

/// Part of a view to be written.
pub(super) fn part_mut<T>(values: &mut [T], first: usize, count: usize) -> Result<&mut [T]> {
    first.checked_add(count).and_then(|end| values.get_mut(first..end)).ok_or_else(outside)
}
