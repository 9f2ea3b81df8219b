//! Which device a model is loaded onto, and whether it computes rightly.

use crate::device::Device;
use crate::loader::ModelFile;
use crate::{Cancel, CheckRow, DevicePreference, Error, LoadOptions, Progress, Result, Stage, check, measure};

/// The device to load onto, and why where there was a choice.
pub(crate) async fn choose_device(
    file: &ModelFile,
    preference: DevicePreference,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<(Device, Option<String>)> {
    match preference {
        DevicePreference::Cpu => return Ok((Device::cpu(), None)),
        DevicePreference::Gpu => return Ok((Device::gpu().await?, None)),
        DevicePreference::Auto => {}
    }
    let mut gpu = match Device::gpu().await {
        Ok(gpu) => gpu,
        Err(why) => return Ok((Device::cpu(), Some(format!("The CPU executor is used: {why}.")))),
    };
    if !gpu.is_software_gpu() {
        return Ok((gpu, None));
    }
    on_progress(Progress { stage: Stage::Measuring, done: 0, total: 1 });
    let mut cpu = Device::cpu();
    let on_cpu = measure::token_seconds(&mut cpu, file).await?;
    let on_gpu = measure::token_seconds(&mut gpu, file).await?;
    on_progress(Progress { stage: Stage::Measuring, done: 1, total: 1 });
    let (device, name) = if on_gpu < on_cpu { (gpu, "The software GPU") } else { (Device::cpu(), "The CPU executor") };
    let note = format!(
        "{name} is used: measured {:.1} tokens/s on the CPU executor, {:.1} on the software GPU.",
        on_cpu.recip(),
        on_gpu.recip()
    );
    Ok((device, Some(note)))
}

/// Runs the kernels that the model will use against the CPU reference. An optional variant that computes wrongly is left out
/// from then on, and its row says so.
pub(crate) async fn self_check(
    device: &mut Device,
    file: &ModelFile,
    layers: bool,
    options: &LoadOptions,
    cancel: &Cancel,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<Vec<CheckRow>> {
    let mut rows = Vec::new();
    loop {
        let mut used = check::used_by(device, file, options.kv)?;
        if layers {
            used.extend(check::used_by_layers(device)?);
        }
        let total = used.len() as u64;
        let mut refused = false;
        for (done, index) in (0u64..).zip(used) {
            on_progress(Progress { stage: Stage::SelfCheck, done, total });
            if cancel.is_cancelled() {
                return Err(Error::Cancelled);
            }
            let report = check::variant(device, index, check::Size::Small).await?;
            let row = report.row();
            if !row.passed {
                let variant = &crate::kernels::VARIANTS[index];
                if !variant.is_optional() {
                    return Err(Error::SelfCheck(format!(
                        "kernel {} is off by {:.1e}; use the CPU instead, or update the graphics driver",
                        row.variant, row.max_error
                    )));
                }
                device.refuse(variant);
                refused = true;
            }
            rows.retain(|old: &CheckRow| old.variant != row.variant);
            rows.push(row);
        }
        if !refused {
            on_progress(Progress { stage: Stage::SelfCheck, done: total, total });
            return Ok(rows);
        }
    }
}
