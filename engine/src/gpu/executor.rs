//! Buffers, pipelines and bind groups, and the running of prepared recordings: one command buffer, one compute pass, one
//! submit, however many recordings.

use std::collections::{HashMap, HashSet};

use super::context::{AdapterInfo, Context};
use crate::kernels::{Stem, VARIANTS, Variant};
use crate::loader::DType;
use crate::model::KvType;
use crate::recording::{BufferId, Recording, Run, Slice, Workgroups};
use crate::{Error, Result};

/// WebGPU's promise for the alignment of a bound offset.
const ALIGN: u64 = 256;
/// Bytes given to the queue between submits while loading, which bounds the staging memory.
const STAGED: u64 = 32 << 20;

/// A recording with its pipelines and bind groups made.
pub(crate) struct Prepared {
    calls: Vec<(usize, wgpu::BindGroup, Workgroups)>,
}

impl Prepared {
    pub(crate) fn dispatches(&self) -> u64 {
        self.calls.len() as u64
    }
}

/// Bytes on their way back.
pub(crate) struct Readback {
    staging: wgpu::Buffer,
    size: u64,
}

struct Pipeline {
    pipeline: wgpu::ComputePipeline,
    layout: wgpu::BindGroupLayout,
}

/// The GPU executor.
pub(crate) struct Gpu {
    context: Context,
    buffers: Vec<Option<wgpu::Buffer>>,
    pipelines: HashMap<usize, Pipeline>,
    spare: Vec<wgpu::Buffer>,
    refused: HashSet<&'static str>,
    allocated: u64,
    staged: u64,
}

impl Gpu {
    pub(crate) async fn open() -> Result<Self> {
        Ok(Self {
            context: Context::open().await?,
            buffers: Vec::new(),
            pipelines: HashMap::new(),
            spare: Vec::new(),
            refused: HashSet::new(),
            allocated: 0,
            staged: 0,
        })
    }

    pub(crate) fn info(&self) -> &AdapterInfo {
        &self.context.info
    }

    /// Bytes in buffers.
    pub(crate) fn allocated(&self) -> u64 {
        self.allocated
    }

    /// Whether this device can run a variant.
    pub(crate) fn runs(&self, variant: &Variant) -> bool {
        (!variant.subgroups || self.context.subgroups)
            && (!variant.f16 || self.context.f16)
            && (!variant.software || self.context.info.software)
    }

    /// Leaves a variant out from now on: it was seen computing wrongly here.
    pub(crate) fn refuse(&mut self, name: &'static str) {
        self.refused.insert(name);
    }

    pub(crate) fn create(&mut self, bytes: u64) -> Result<BufferId> {
        let size = bytes.next_multiple_of(16).max(16);
        let limits = self.context.device.limits();
        if size > limits.max_buffer_size || size > limits.max_storage_buffer_binding_size {
            return Err(Error::Adapter(format!(
                "a buffer of {} MiB is needed and this GPU takes {} MiB; choose a shorter context",
                size >> 20,
                limits.max_storage_buffer_binding_size >> 20
            )));
        }
        let id = u32::try_from(self.buffers.len()).map_err(|_| Error::Adapter("too many buffers".to_owned()))?;
        self.buffers.push(Some(self.context.device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size,
            usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::COPY_SRC,
            mapped_at_creation: false,
        })));
        self.allocated += size;
        self.context.trouble.check()?;
        Ok(BufferId(id))
    }

    pub(crate) fn free(&mut self, id: BufferId) {
        if let Some(buffer) = self.buffers.get_mut(id.0 as usize).and_then(Option::take) {
            self.allocated -= buffer.size();
            buffer.destroy();
        }
    }

    fn buffer(&self, id: BufferId) -> Result<&wgpu::Buffer> {
        let buffer = self.buffers.get(id.0 as usize).and_then(Option::as_ref);
        buffer.ok_or_else(|| Error::Request(format!("buffer {} does not exist", id.0)))
    }

    pub(crate) fn write(&mut self, id: BufferId, offset: u64, bytes: &[u8]) -> Result<()> {
        let buffer = self.buffer(id)?;
        if offset + bytes.len() as u64 > buffer.size() || !bytes.len().is_multiple_of(4) || !offset.is_multiple_of(4) {
            return Err(Error::Request("a write does not fit its buffer".to_owned()));
        }
        self.context.queue.write_buffer(buffer, offset, bytes);
        self.staged += bytes.len() as u64;
        if self.staged >= STAGED {
            self.staged = 0;
            self.context.queue.submit([]);
            self.wait()?;
        }
        Ok(())
    }

    /// Lets a native device finish; a browser's needs no help.
    fn wait(&self) -> Result<()> {
        #[cfg(not(target_arch = "wasm32"))]
        self.context
            .device
            .poll(wgpu::PollType::wait_indefinitely())
            .map_err(|why| Error::DeviceLost(why.to_string()))?;
        self.context.trouble.check()
    }

    /// The best variant of a kernel for this device.
    pub(crate) fn pick(&self, stem: Stem, weights: Option<DType>, kv: Option<KvType>) -> Result<usize> {
        VARIANTS
            .iter()
            .enumerate()
            .filter(|(_, v)| v.stem == stem && v.weights == weights && v.kv == kv)
            .filter(|(_, v)| self.runs(v) && !self.refused.contains(v.name))
            .max_by_key(|(_, v)| (v.software, v.f16, v.subgroups, v.name))
            .map(|(index, _)| index)
            .ok_or_else(|| Error::Unsupported(format!("no kernel {} for {weights:?}, {kv:?}", stem.name())))
    }

    fn pipeline(&mut self, index: usize) -> &Pipeline {
        let device = &self.context.device;
        self.pipelines.entry(index).or_insert_with(|| {
            let variant = &VARIANTS[index];
            // wgpu's own WGSL front end has the operations but does not know the directive; browsers require it.
            #[cfg(not(target_arch = "wasm32"))]
            let source = variant.source.replace("enable subgroups;", "");
            #[cfg(target_arch = "wasm32")]
            let source = variant.source;
            let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
                label: Some(variant.name),
                source: wgpu::ShaderSource::Wgsl(source.into()),
            });
            let entry = |binding: usize, ty| wgpu::BindGroupLayoutEntry {
                binding: binding as u32,
                visibility: wgpu::ShaderStages::COMPUTE,
                ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None },
                count: None,
            };
            let first = usize::from(variant.uniform);
            let mut entries = Vec::new();
            if variant.uniform {
                entries.push(entry(0, wgpu::BufferBindingType::Uniform));
            }
            for (i, written) in variant.written.iter().enumerate() {
                entries.push(entry(first + i, wgpu::BufferBindingType::Storage { read_only: !written }));
            }
            let layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
                label: Some(variant.name),
                entries: &entries,
            });
            let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some(variant.name),
                layout: Some(&device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
                    label: Some(variant.name),
                    bind_group_layouts: &[Some(&layout)],
                    immediate_size: 0,
                })),
                module: &module,
                entry_point: Some("main"),
                compilation_options: wgpu::PipelineCompilationOptions::default(),
                cache: None,
            });
            Pipeline { pipeline, layout }
        })
    }

    /// Makes what a recording needs to run. `variant` overrides the choice of variant where it gives one.
    pub(crate) fn prepare(&mut self, recording: &Recording, variant: Option<usize>) -> Result<Prepared> {
        let slots = recording.dispatches.len() as u64;
        let mut words = vec![0u8; (slots * ALIGN) as usize];
        for (slot, dispatch) in words.chunks_exact_mut(ALIGN as usize).zip(&recording.dispatches) {
            let bytes: &[u8] = bytemuck::cast_slice(&dispatch.words);
            slot.get_mut(..bytes.len())
                .ok_or_else(|| Error::Request("too many parameters".to_owned()))?
                .copy_from_slice(bytes);
        }
        let uniforms = self.context.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("parameters"),
            size: words.len().max(16) as u64,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        self.context.queue.write_buffer(&uniforms, 0, &words);
        let mut calls = Vec::with_capacity(recording.dispatches.len());
        for (i, dispatch) in recording.dispatches.iter().enumerate() {
            let index = match variant {
                Some(index) => index,
                None => self.pick(dispatch.stem, dispatch.weights, dispatch.kv)?,
            };
            self.pipeline(index);
            let mut entries = Vec::with_capacity(dispatch.slices.len() + 1);
            if VARIANTS[index].uniform {
                entries.push(wgpu::BindGroupEntry {
                    binding: 0,
                    resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                        buffer: &uniforms,
                        offset: i as u64 * ALIGN,
                        size: std::num::NonZeroU64::new(ALIGN),
                    }),
                });
            }
            for slice in &dispatch.slices {
                entries.push(wgpu::BindGroupEntry {
                    binding: entries.len() as u32,
                    resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                        buffer: self.buffer(slice.buffer)?,
                        offset: slice.offset,
                        size: std::num::NonZeroU64::new(slice.size),
                    }),
                });
            }
            let group = self.context.device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some(VARIANTS[index].name),
                layout: &self.pipelines[&index].layout,
                entries: &entries,
            });
            calls.push((index, group, dispatch.workgroups));
        }
        self.context.trouble.check()?;
        Ok(Prepared { calls })
    }

    /// Runs recordings in order, in one pass of one command buffer, and starts bringing `read` back.
    pub(crate) fn submit(&mut self, prepared: &[&Prepared], run: Run, read: Option<Slice>) -> Result<Option<Readback>> {
        let mut encoder = self.context.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            let mut current = None;
            for (index, group, workgroups) in prepared.iter().flat_map(|prepared| &prepared.calls) {
                if current != Some(index) {
                    pass.set_pipeline(&self.pipelines[index].pipeline);
                    current = Some(index);
                }
                pass.set_bind_group(0, group, &[]);
                let [x, y, z] = workgroups.resolve(run);
                pass.dispatch_workgroups(x, y, z);
            }
        }
        let readback = match read {
            Some(slice) => {
                let staging = self.staging(slice.size);
                encoder.copy_buffer_to_buffer(self.buffer(slice.buffer)?, slice.offset, &staging, 0, slice.size);
                Some(Readback { staging, size: slice.size })
            }
            None => None,
        };
        self.context.queue.submit([encoder.finish()]);
        self.staged = 0;
        self.context.trouble.check()?;
        Ok(readback)
    }

    fn staging(&mut self, size: u64) -> wgpu::Buffer {
        if let Some(i) = self.spare.iter().position(|buffer| buffer.size() >= size && buffer.size() < size * 4) {
            return self.spare.swap_remove(i);
        }
        self.context.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("readback"),
            size: size.next_multiple_of(16),
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        })
    }

    /// Awaits what [`Self::submit`] started.
    pub(crate) async fn finish(&mut self, readback: Readback) -> Result<Vec<u8>> {
        let (sender, receiver) = futures::channel::oneshot::channel();
        readback.staging.map_async(wgpu::MapMode::Read, 0..readback.size, move |result| {
            // The receiver is gone only when the wait was given up.
            let _ = sender.send(result);
        });
        self.wait()?;
        let mapped = receiver.await;
        self.context.trouble.check()?;
        match mapped {
            Ok(Ok(())) => {}
            Ok(Err(why)) => return Err(Error::DeviceLost(why.to_string())),
            Err(_) => return Err(Error::DeviceLost("the readback was dropped".to_owned())),
        }
        let bytes = match readback.staging.get_mapped_range(0..readback.size) {
            Ok(view) => view.to_vec(),
            Err(why) => return Err(Error::DeviceLost(why.to_string())),
        };
        readback.staging.unmap();
        if self.spare.len() < 4 {
            self.spare.push(readback.staging);
        }
        Ok(bytes)
    }
}
