//! Each kernel variant against its CPU twin, on made-up numbers: the self-check at load, `wattage check`, and the tests.

mod case;

use std::collections::BTreeSet;

use web_time::Instant;

use self::case::Case;
use crate::device::Device;
use crate::kernels::{Stem, VARIANTS};
use crate::loader::ModelFile;
use crate::model::KvType;
use crate::recording::{BufferId, Slice};
use crate::{CheckRow, Result};

/// How much a check computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// Enough to see a mistake; quick enough for each load.
    Small,
    /// Large enough to time.
    Large,
    /// Small, of odd sizes drawn from a seed.
    Odd(u64),
}

/// What a check found.
#[derive(Debug, Clone)]
pub struct Report {
    /// The variant, by its place in [`VARIANTS`].
    pub variant: usize,
    /// Largest difference from the CPU twin, as a share of its largest value.
    pub max_error: f64,
    /// What rounding explains.
    pub tolerance: f64,
    /// Floating-point operations of one call.
    pub flops: u64,
    /// Bytes that one call has to move.
    pub bytes: u64,
    /// Seconds of one call, its readback included; the least of three.
    pub seconds: f64,
}

impl Report {
    /// Whether the variant computes rightly.
    pub fn passed(&self) -> bool {
        self.max_error <= self.tolerance
    }

    /// The report as the page shows it.
    pub fn row(&self) -> CheckRow {
        let variant = &VARIANTS[self.variant];
        CheckRow {
            kernel: variant.stem.name().to_owned(),
            variant: variant.name.to_owned(),
            max_error: self.max_error,
            passed: self.passed(),
        }
    }
}

/// Checks every variant that a device can run.
///
/// # Errors
/// The device's trouble.
pub async fn all(device: &mut Device, on_report: &mut dyn FnMut(&Report)) -> Result<Vec<Report>> {
    let mut reports = Vec::new();
    for (index, candidate) in VARIANTS.iter().enumerate() {
        if device.runs(candidate) {
            let report = variant(device, index, Size::Small).await?;
            on_report(&report);
            reports.push(report);
        }
    }
    Ok(reports)
}

/// Checks one variant, by its place in [`VARIANTS`].
///
/// # Errors
/// The device's trouble.
pub async fn variant(device: &mut Device, index: usize, size: Size) -> Result<Report> {
    let case = Case::new(&VARIANTS[index], size);
    let (expected, _) = run(&mut Device::cpu(), &case, index).await?;
    let (found, seconds) = run(device, &case, index).await?;
    let mut max_error = 0.0f64;
    for ((expected, found), exact) in expected.iter().zip(&found).zip(&case.exact) {
        max_error = max_error.max(difference(expected, found, *exact));
    }
    Ok(Report { variant: index, max_error, tolerance: case.tolerance, flops: case.flops, bytes: case.bytes, seconds })
}

/// The variants that the WASM layers' recordings run on a device.
///
/// # Errors
/// [`crate::Error::Unsupported`] where the device lacks a kernel.
pub fn used_by_layers(device: &Device) -> Result<Vec<usize>> {
    VARIANTS
        .iter()
        .filter(|variant| is_of_layers(variant.stem) && !variant.is_optional())
        .map(|variant| device.variant(variant.stem, variant.weights, variant.kv))
        .collect()
}

/// Whether a kernel is only for the WASM layers.
fn is_of_layers(stem: Stem) -> bool {
    matches!(stem, Stem::LayerTap | Stem::LayerGather | Stem::LayerLinear | Stem::LayerAttend | Stem::LayerFocus)
}

/// The variants that a model's recordings would run on a device.
pub(crate) fn used_by(device: &Device, file: &ModelFile, kv: KvType) -> Result<Vec<usize>> {
    let matrices: BTreeSet<_> = file.tensors.values().filter(|tensor| tensor.rows > 1).map(|t| t.dtype).collect();
    let embedding = file.tensor("model.embed_tokens.weight")?.dtype;
    let mut all = Vec::new();
    for variant in VARIANTS {
        let wanted = match variant.stem {
            stem if is_of_layers(stem) => false,
            Stem::Embed => variant.weights == Some(embedding),
            Stem::Matvec | Stem::Matmul => variant.weights.is_some_and(|dtype| matrices.contains(&dtype)),
            _ => variant.kv.is_none_or(|own| own == kv),
        };
        if wanted {
            let index = device.variant(variant.stem, variant.weights, variant.kv)?;
            if !all.contains(&index) {
                all.push(index);
            }
        }
    }
    Ok(all)
}

/// Runs a case and reads its outputs back.
async fn run(device: &mut Device, case: &Case, index: usize) -> Result<(Vec<Vec<u32>>, f64)> {
    let mut buffers = Vec::new();
    for words in &case.buffers {
        buffers.push(device.slice(4 * words.len() as u64)?);
    }
    let outcome = run_on(device, case, index, &buffers).await;
    for slice in buffers {
        device.free(slice.buffer);
    }
    outcome
}

async fn run_on(device: &mut Device, case: &Case, index: usize, buffers: &[Slice]) -> Result<(Vec<Vec<u32>>, f64)> {
    let mut recording = case.recording.clone();
    for slice in recording.dispatches.iter_mut().flat_map(|dispatch| &mut dispatch.slices) {
        // A case numbers its buffers from 0.
        let BufferId(number) = slice.buffer;
        slice.buffer = buffers[number as usize].buffer;
    }
    let prepared = device.prepare_variant(recording, Some(index))?;
    let mut seconds = f64::INFINITY;
    let repeats = if case.timed { 4 } else { 1 };
    let mut outputs = Vec::new();
    for _ in 0..repeats {
        for (slice, words) in buffers.iter().zip(&case.buffers) {
            device.write(slice.buffer, 0, bytemuck::cast_slice(words))?;
        }
        let first = Slice { offset: 0, size: 16, ..buffers[case.outputs[0]] };
        // What was written has to arrive before the clock starts.
        device.read(first).await?;
        let began = Instant::now();
        let pending = device.submit(&[&prepared], case.run, first)?;
        device.finish(pending).await?;
        seconds = seconds.min(began.elapsed().as_secs_f64());
    }
    for output in &case.outputs {
        let bytes = device.read(buffers[*output]).await?;
        outputs.push(bytes.chunks_exact(4).map(bytemuck::pod_read_unaligned).collect());
    }
    Ok((outputs, seconds))
}

/// The largest difference of two outputs as a share of the largest value; of words that must be equal, 1 for any difference.
fn difference(expected: &[u32], found: &[u32], exact: case::Kind) -> f64 {
    match exact {
        case::Kind::Words => f64::from(u8::from(expected != found)),
        case::Kind::Floats => {
            share(expected.iter().map(|w| f32::from_bits(*w)), found.iter().map(|w| f32::from_bits(*w)))
        }
        case::Kind::Halves => {
            let halves = |words: &[u32]| -> Vec<f32> {
                bytemuck::cast_slice::<u32, half::f16>(words).iter().map(|h| h.to_f32()).collect()
            };
            share(halves(expected).into_iter(), halves(found).into_iter())
        }
        case::Kind::Ranked(count) => {
            // Places must be equal; values may differ as floats do, and so may what follows the ranked.
            let (expected, rest) = expected.split_at(2 * count);
            let (found, other) = found.split_at(2 * count);
            let places = expected.iter().zip(found).skip(1).step_by(2).any(|(a, b)| a != b);
            let values = |words: &[u32]| words.iter().step_by(2).map(|w| f32::from_bits(*w)).collect::<Vec<_>>();
            let floats = |words: &[u32]| words.iter().take(2).map(|w| f32::from_bits(*w)).collect::<Vec<_>>();
            match places {
                true => 1.0,
                false => share(values(expected).into_iter(), values(found).into_iter())
                    .max(share(floats(rest).into_iter(), floats(other).into_iter())),
            }
        }
    }
}

fn share(expected: impl Iterator<Item = f32>, found: impl Iterator<Item = f32>) -> f64 {
    let (mut worst, mut largest) = (0.0f64, 0.0f64);
    for (a, b) in expected.zip(found) {
        let gap = f64::from(a) - f64::from(b);
        // Not-a-number differs from everything.
        worst = if gap.is_nan() { f64::INFINITY } else { worst.max(gap.abs()) };
        largest = largest.max(f64::from(a).abs());
    }
    if worst == 0.0 { 0.0 } else { worst / largest.max(1e-30) }
}
