//! One face for the two executors: buffers, recordings, and counts of what was done.

use crate::cpu::Cpu;
use crate::gpu::{self, AdapterInfo, Gpu};
use crate::kernels::{Stem, VARIANTS, Variant};
use crate::loader::DType;
use crate::model::KvType;
use crate::recording::{BufferId, Recording, Run, Slice};
use crate::{Error, Result};

/// A device that runs recordings.
pub struct Device {
    kind: Kind,
    counts: Counts,
}

enum Kind {
    Gpu(Box<Gpu>),
    Cpu(Cpu),
}

/// What a device has done so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Command buffers submitted.
    pub submits: u64,
    /// Compute passes.
    pub passes: u64,
    /// Kernel calls.
    pub dispatches: u64,
    /// Bytes read back.
    pub read_bytes: u64,
}

/// A recording made ready for its device.
pub struct Prepared(PreparedKind);

enum PreparedKind {
    Gpu(gpu::Prepared),
    Cpu(Recording),
}

/// Bytes on their way back from a device.
pub struct Pending(PendingKind);

enum PendingKind {
    Gpu(gpu::Readback),
    Cpu(Vec<u8>),
}

impl Device {
    /// Opens the GPU.
    ///
    /// # Errors
    /// [`Error::Adapter`] where there is none or it lacks WebGPU's core limits.
    pub async fn gpu() -> Result<Self> {
        Ok(Self { kind: Kind::Gpu(Box::new(Gpu::open().await?)), counts: Counts::default() })
    }

    /// Opens the CPU executor.
    pub fn cpu() -> Self {
        Self { kind: Kind::Cpu(Cpu::new()), counts: Counts::default() }
    }

    /// The adapter, where this is a GPU.
    pub fn adapter(&self) -> Option<&AdapterInfo> {
        match &self.kind {
            Kind::Gpu(gpu) => Some(gpu.info()),
            Kind::Cpu(_) => None,
        }
    }

    /// Whether this is a GPU.
    pub fn is_gpu(&self) -> bool {
        matches!(self.kind, Kind::Gpu(_))
    }

    /// Whether this is a GPU that computes on the CPU.
    pub fn is_software_gpu(&self) -> bool {
        self.adapter().is_some_and(|info| info.software)
    }

    /// Whether this device can run a variant; the CPU has one way for all of them.
    pub fn runs(&self, variant: &Variant) -> bool {
        match &self.kind {
            Kind::Gpu(gpu) => gpu.runs(variant),
            Kind::Cpu(_) => !variant.is_optional(),
        }
    }

    /// Leaves an optional variant out from now on, because it was seen computing wrongly.
    pub fn refuse(&mut self, variant: &'static Variant) {
        if let Kind::Gpu(gpu) = &mut self.kind {
            gpu.refuse(variant.name);
        }
    }

    /// The variant that runs a kernel here, by its place in `VARIANTS`.
    ///
    /// # Errors
    /// [`Error::Unsupported`] where there is none.
    pub fn variant(&self, stem: Stem, weights: Option<DType>, kv: Option<KvType>) -> Result<usize> {
        match &self.kind {
            Kind::Gpu(gpu) => gpu.pick(stem, weights, kv),
            Kind::Cpu(_) => VARIANTS
                .iter()
                .position(|v| v.stem == stem && v.weights == weights && v.kv == kv)
                .ok_or_else(|| Error::Unsupported(format!("no kernel {}", stem.name()))),
        }
    }

    /// Bytes in buffers.
    pub fn allocated(&self) -> u64 {
        match &self.kind {
            Kind::Gpu(gpu) => gpu.allocated(),
            Kind::Cpu(cpu) => cpu.bytes(),
        }
    }

    /// What was done so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Makes a buffer of zeros.
    ///
    /// # Errors
    /// [`Error::Adapter`] where the device cannot hold it.
    pub fn create(&mut self, bytes: u64) -> Result<BufferId> {
        match &mut self.kind {
            Kind::Gpu(gpu) => gpu.create(bytes),
            Kind::Cpu(cpu) => cpu.create(bytes),
        }
    }

    /// Makes a buffer and gives the whole of it.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub fn slice(&mut self, bytes: u64) -> Result<Slice> {
        Ok(Slice { buffer: self.create(bytes)?, offset: 0, size: bytes })
    }

    /// Gives a buffer back.
    pub fn free(&mut self, id: BufferId) {
        match &mut self.kind {
            Kind::Gpu(gpu) => gpu.free(id),
            Kind::Cpu(cpu) => cpu.free(id),
        }
    }

    /// Writes bytes; offset and length are multiples of 4.
    ///
    /// # Errors
    /// [`Error::Request`] where they do not fit, or the device's trouble.
    pub fn write(&mut self, id: BufferId, offset: u64, bytes: &[u8]) -> Result<()> {
        match &mut self.kind {
            Kind::Gpu(gpu) => gpu.write(id, offset, bytes),
            Kind::Cpu(cpu) => cpu.write(id, offset, bytes),
        }
    }

    /// Makes a recording ready. It may run any number of times.
    ///
    /// # Errors
    /// [`Error::Unsupported`] where a kernel is missing, or the device's trouble.
    pub fn prepare(&mut self, recording: Recording) -> Result<Prepared> {
        self.prepare_variant(recording, None)
    }

    /// As [`Self::prepare`], with one given variant (an index into `VARIANTS`) for all its dispatches.
    ///
    /// # Errors
    /// As [`Self::prepare`].
    pub fn prepare_variant(&mut self, recording: Recording, variant: Option<usize>) -> Result<Prepared> {
        Ok(Prepared(match &mut self.kind {
            Kind::Gpu(gpu) => PreparedKind::Gpu(gpu.prepare(&recording, variant)?),
            Kind::Cpu(_) => PreparedKind::Cpu(recording),
        }))
    }

    /// Runs recordings in order and starts to bring `read` back.
    ///
    /// # Errors
    /// The device's trouble, or [`Error::Request`] for a recording that was made for another device.
    pub fn submit(&mut self, prepared: &[&Prepared], run: Run, read: Slice) -> Result<Pending> {
        self.counts.read_bytes += read.size;
        match self.run(prepared, run, Some(read))? {
            Some(pending) => Ok(pending),
            None => Err(Error::Request("nothing was read back".to_owned())),
        }
    }

    /// Runs recordings in order.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub fn run(&mut self, prepared: &[&Prepared], run: Run, read: Option<Slice>) -> Result<Option<Pending>> {
        self.counts.submits += 1;
        self.counts.passes += 1;
        match &mut self.kind {
            Kind::Gpu(gpu) => {
                let mine: Vec<_> = prepared
                    .iter()
                    .filter_map(|p| if let PreparedKind::Gpu(p) = &p.0 { Some(p) } else { None })
                    .collect();
                if mine.len() != prepared.len() {
                    return Err(Error::Request("a recording was made for another device".to_owned()));
                }
                self.counts.dispatches += mine.iter().map(|p| p.dispatches()).sum::<u64>();
                Ok(gpu.submit(&mine, run, read)?.map(|readback| Pending(PendingKind::Gpu(readback))))
            }
            Kind::Cpu(cpu) => {
                let mine: Vec<_> = prepared
                    .iter()
                    .filter_map(|p| if let PreparedKind::Cpu(p) = &p.0 { Some(p) } else { None })
                    .collect();
                if mine.len() != prepared.len() {
                    return Err(Error::Request("a recording was made for another device".to_owned()));
                }
                self.counts.dispatches += mine.iter().map(|p| p.dispatches.len() as u64).sum::<u64>();
                cpu.run(&mine, run)?;
                read.map(|slice| Ok(Pending(PendingKind::Cpu(cpu.read(slice)?)))).transpose()
            }
        }
    }

    /// Awaits what [`Self::submit`] started.
    ///
    /// # Errors
    /// [`Error::DeviceLost`] where the device went away.
    pub async fn finish(&mut self, pending: Pending) -> Result<Vec<u8>> {
        match (&mut self.kind, pending.0) {
            (Kind::Gpu(gpu), PendingKind::Gpu(readback)) => gpu.finish(readback).await,
            (Kind::Cpu(_), PendingKind::Cpu(bytes)) => Ok(bytes),
            _ => Err(Error::Request("a readback was started on another device".to_owned())),
        }
    }

    /// Reads bytes back.
    ///
    /// # Errors
    /// As [`Self::finish`].
    pub async fn read(&mut self, slice: Slice) -> Result<Vec<u8>> {
        let pending = self.submit(&[], Run::default(), slice)?;
        self.finish(pending).await
    }
}
