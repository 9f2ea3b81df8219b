//! Finding an adapter and opening a device on it.

use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// What an adapter says of itself.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct AdapterInfo {
    /// Its name; browsers may give little or nothing.
    pub name: String,
    /// The interface to it, as `webgpu` or `vulkan`.
    pub backend: String,
    /// Whether it computes on the CPU.
    pub software: bool,
    /// The optional features that the engine has kernels for.
    pub features: Vec<String>,
    /// The limits that matter here: name and value.
    pub limits: Vec<(String, u64)>,
}

impl AdapterInfo {
    fn has(&self, feature: &str) -> bool {
        self.features.iter().any(|name| name == feature)
    }
}

/// Trouble that the device reported outside of any call.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trouble(Arc<Mutex<Option<Error>>>);

impl Trouble {
    fn note(&self, error: Error) {
        if let Ok(mut first) = self.0.lock() {
            // A lost device explains every later error; otherwise the first is the cause of the rest.
            if first.is_none() || matches!(error, Error::DeviceLost(_)) {
                *first = Some(error);
            }
        }
    }

    /// # Errors
    /// What was reported, if anything.
    pub(crate) fn check(&self) -> Result<()> {
        match self.0.lock().ok().and_then(|first| first.clone()) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}

/// An open device.
pub(crate) struct Context {
    pub(crate) device: wgpu::Device,
    pub(crate) queue: wgpu::Queue,
    pub(crate) info: AdapterInfo,
    pub(crate) subgroups: bool,
    pub(crate) f16: bool,
    pub(crate) trouble: Trouble,
}

/// WebGPU's name for the feature, <https://www.w3.org/TR/webgpu/#subgroups>.
pub(super) const SUBGROUPS: &str = "subgroups";
const SHADER_F16: &str = "shader-f16";
const WANTED: [(wgpu::Features, &str); 2] =
    [(wgpu::Features::SUBGROUP, SUBGROUPS), (wgpu::Features::SHADER_F16, SHADER_F16)];

impl Context {
    /// Opens the most powerful adapter with WebGPU's core limits.
    pub(crate) async fn open() -> Result<Self> {
        let adapter = adapter().await?;
        let info = describe(&adapter).await;
        let features = adapter.features() & WANTED.iter().fold(wgpu::Features::empty(), |all, (one, _)| all | *one);
        #[cfg(target_arch = "wasm32")]
        if info.has(SUBGROUPS) {
            super::browser::request_subgroups()
                .map_err(|why| Error::Adapter(format!("this browser's WebGPU is not as expected: {why:?}")))?;
        }
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("wattage"),
            required_features: features,
            required_limits: wgpu::Limits::default(),
            memory_hints: wgpu::MemoryHints::MemoryUsage,
            ..Default::default()
        };
        let (device, queue) = adapter.request_device(&descriptor).await.map_err(|why| {
            Error::Adapter(format!("the GPU \"{}\" gave no device ({why}); the CPU can be used instead", info.name))
        })?;
        let trouble = Trouble::default();
        let lost = trouble.clone();
        device.set_device_lost_callback(move |reason, message| {
            lost.note(Error::DeviceLost(if message.is_empty() { format!("{reason:?}") } else { message }));
        });
        let wrong = trouble.clone();
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            wrong.note(match error {
                wgpu::Error::OutOfMemory { .. } => {
                    Error::Adapter("the GPU's memory is full: choose a smaller model or a shorter context".to_owned())
                }
                other => Error::Adapter(format!("the GPU refused a command: {other}")),
            });
        }));
        Ok(Self { subgroups: info.has(SUBGROUPS), f16: info.has(SHADER_F16), device, queue, info, trouble })
    }
}

async fn adapter() -> Result<wgpu::Adapter> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle_from_env());
    let options =
        wgpu::RequestAdapterOptions { power_preference: wgpu::PowerPreference::HighPerformance, ..Default::default() };
    instance.request_adapter(&options).await.map_err(|why| {
        // What wgpu says of a missing adapter is a list of its own back ends.
        let why = match why {
            wgpu::RequestAdapterError::NotFound { .. } => String::new(),
            other => format!(" ({other})"),
        };
        Error::Adapter(format!("no GPU can be used here{why}; small models can run on the CPU instead"))
    })
}

async fn describe(adapter: &wgpu::Adapter) -> AdapterInfo {
    let info = adapter.get_info();
    let limits = adapter.limits();
    let name = info.name;
    let features: Vec<String> = WANTED
        .iter()
        .filter(|(feature, _)| adapter.features().contains(*feature))
        .map(|(_, name)| (*name).to_owned())
        .collect();
    #[cfg(target_arch = "wasm32")]
    let (name, features) = super::browser::complete(name, features).await;
    let name = if name.is_empty() { "an adapter that keeps its name to itself".to_owned() } else { name };
    let lower = name.to_lowercase();
    AdapterInfo {
        software: info.device_type == wgpu::DeviceType::Cpu
            || ["swiftshader", "llvmpipe", "software", "basic render"].iter().any(|word| lower.contains(word)),
        name,
        backend: info.backend.to_str().to_owned(),
        features,
        limits: vec![
            ("maxBufferSize".to_owned(), limits.max_buffer_size),
            ("maxStorageBufferBindingSize".to_owned(), limits.max_storage_buffer_binding_size),
            ("maxStorageBuffersPerShaderStage".to_owned(), u64::from(limits.max_storage_buffers_per_shader_stage)),
            ("maxComputeWorkgroupStorageSize".to_owned(), u64::from(limits.max_compute_workgroup_storage_size)),
            ("maxComputeInvocationsPerWorkgroup".to_owned(), u64::from(limits.max_compute_invocations_per_workgroup)),
            ("maxComputeWorkgroupsPerDimension".to_owned(), u64::from(limits.max_compute_workgroups_per_dimension)),
        ],
    }
}

/// The adapter that a GPU session would use.
///
/// # Errors
/// [`Error::Adapter`] where there is none.
pub async fn probe() -> Result<AdapterInfo> {
    Ok(describe(&adapter().await?).await)
}
