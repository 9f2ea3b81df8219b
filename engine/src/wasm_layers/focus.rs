//! Where the layers look while they write a program.

use super::layers::WasmLayers;
use super::pass::Rows;
use super::program::Program;
use super::rescore::{AT_ONCE, Outputs, rows_of};
use crate::device::Device;
use crate::recording::{Run, Slice};
use crate::{Error, Result};

impl WasmLayers {
    /// The share of its cross-attention that each layer gives to each token of the question while it writes each output of a
    /// program, [programs][layers, its instructions and the end, tokens]: the mean over heads and blocks, 1 in sum over the
    /// tokens. None for a program that the layers cannot write. One submit.
    ///
    /// # Errors
    /// [`Error::Request`] where no question was read, or for more than 40 programs, or the device's trouble.
    pub async fn focus(&mut self, device: &mut Device, programs: &[Program]) -> Result<Vec<Option<Vec<f32>>>> {
        if programs.len() > AT_ONCE {
            return Err(Error::Request(format!("{} programs to look into, and {AT_ONCE} fit", programs.len())));
        }
        let written: Vec<Option<Outputs>> =
            programs.iter().map(|program| self.as_outputs(program)).collect::<Result<_>>()?;
        let known: Vec<&Outputs> = written.iter().flatten().collect();
        let (layers, tokens) = (self.config().taps.len(), self.question()?.tokens);
        let inputs = [rows_of(&known)];
        let rows = inputs[0].len();
        if rows == 0 {
            return Ok(vec![None; programs.len()]);
        }
        self.reserve_steps(device, rows)?;
        let Some(steps) = &self.steps else { return Ok(vec![None; programs.len()]) };
        device.write(steps.index.buffer, 0, bytemuck::cast_slice(&self.words(&inputs)?))?;
        let weights = device.slice((4 * layers * rows * tokens) as u64)?;
        let found = match self.record_decoder(steps, &inputs, (rows, 0), Some(Rows::new(weights, rows, tokens))) {
            Ok(recording) => read(device, recording, weights).await,
            Err(error) => Err(error),
        };
        device.free(weights.buffer);
        let found = found?;

        let mut first = 0;
        let part = |program: &Outputs| {
            let from = first;
            first += program.len();
            (0..layers)
                .flat_map(|layer| &found[(layer * rows + from) * tokens..][..program.len() * tokens])
                .copied()
                .collect()
        };
        let mut parts = known.into_iter().map(part).collect::<Vec<Vec<f32>>>().into_iter();
        Ok(written.iter().map(|program| program.as_ref().and_then(|_| parts.next())).collect())
    }
}

async fn read(device: &mut Device, recording: crate::recording::Recording, weights: Slice) -> Result<Vec<f32>> {
    let prepared = device.prepare(recording)?;
    let pending = device.submit(&[&prepared], Run::default(), weights)?;
    let bytes = device.finish(pending).await?;
    Ok(bytes.chunks_exact(4).map(bytemuck::pod_read_unaligned).collect())
}
