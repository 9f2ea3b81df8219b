//! How fast a device would decode a model, found out before its weights are loaded.

use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use web_time::Instant;

use crate::Result;
use crate::device::Device;
use crate::kernels::Matvec;
use crate::loader::ModelFile;
use crate::loader::planes::plane_sizes;
use crate::recording::{Recording, Run, Slice};

/// Seconds that a browser's clock sees well: it may go in tenths of a millisecond, and a small model's products are sooner done.
const SEEN: f64 = 2e-3;
/// Runs that are timed together, at most.
const MOST_RUNS: usize = 1024;

/// Seconds that the matrix products of one decoded token take on a device: one decoder layer's, of the model's own shapes and
/// formats but with made-up weights, and a part of the head's, scaled up. The best of three, readback included.
pub(crate) async fn token_seconds(device: &mut Device, file: &ModelFile) -> Result<f64> {
    let config = &file.config;
    let layer = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.gate_proj"];
    let names =
        layer.iter().chain(&["mlp.up_proj", "mlp.down_proj"]).map(|part| format!("model.layers.0.{part}.weight"));
    let head = if config.tied_head { "model.embed_tokens.weight" } else { "lm_head.weight" };
    let mut seconds = 0.0;
    seconds += config.layers as f64 * products(device, file, &names.collect::<Vec<_>>(), usize::MAX).await?;
    let part = config.vocab.min(8192);
    seconds += config.vocab as f64 / part as f64 * products(device, file, &[head.to_owned()], part).await?;
    Ok(seconds.max(f64::MIN_POSITIVE))
}

async fn products(device: &mut Device, file: &ModelFile, names: &[String], most_rows: usize) -> Result<f64> {
    let mut buffers = Vec::new();
    let outcome = timed(device, file, names, most_rows, &mut buffers).await;
    for slice in buffers {
        device.free(slice.buffer);
    }
    outcome
}

async fn timed(
    device: &mut Device,
    file: &ModelFile,
    names: &[String],
    most_rows: usize,
    buffers: &mut Vec<Slice>,
) -> Result<f64> {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut recording = Recording::default();
    let mut last = None;
    let software = device.is_software_gpu();
    for name in names {
        let tensor = file.tensor(name)?;
        let (rows, blocks) = (tensor.rows.min(most_rows), tensor.cols / 32);
        let sizes = plane_sizes(tensor.dtype, rows * blocks);
        // x and y stay zero; quants are random so that no shortcut is taken on their values, scales are zero.
        let mut make = |bytes: usize| {
            let slice = device.slice(bytes as u64)?;
            buffers.push(slice);
            Ok::<_, crate::Error>(slice)
        };
        let (x, y) = (make(4 * tensor.cols)?, make(4 * rows.max(4))?);
        let (quants, scales) = (make(sizes.quants)?, make(sizes.scales)?);
        let mut bytes = vec![0; sizes.quants.min(1 << 20)];
        random.fill_bytes(&mut bytes);
        for first in (0..sizes.quants).step_by(bytes.len()) {
            let count = (sizes.quants - first).min(bytes.len());
            device.write(quants.buffer, first as u64, &bytes[..count])?;
        }
        let kernel = Matvec {
            x,
            gain: x,
            quants,
            scales,
            bias: x,
            y,
            rows: rows as u32,
            blocks: blocks as u32,
            x_first: 0,
            y_first: 0,
            bias_first: 0,
            lanes: Matvec::lanes_for(blocks, software),
            norm: 0,
            eps: 1e-6,
            biased: 0,
            epilogue: 0,
        };
        recording.push_weights(kernel, tensor.dtype, kernel.workgroups());
        last = Some(Slice { size: 16, ..y });
    }
    let Some(last) = last else { return Ok(0.0) };
    let prepared = device.prepare(recording)?;
    let (mut best, mut runs) = (f64::INFINITY, 1);
    for _ in 0..4 {
        loop {
            let began = Instant::now();
            for _ in 0..runs {
                let pending = device.submit(&[&prepared], Run::default(), last)?;
                device.finish(pending).await?;
            }
            let seconds = began.elapsed().as_secs_f64();
            crate::runner::breathe().await;
            if seconds >= SEEN || runs >= MOST_RUNS {
                best = best.min(seconds / runs as f64);
                break;
            }
            runs *= 4;
        }
    }
    Ok(best)
}
