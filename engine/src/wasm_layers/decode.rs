//! Beam search: every layer's likeliest programs for the question that was read.

use super::config::Token;
use super::grammar::Progress;
use super::layers::WasmLayers;
use super::program::{Instruction, MOST_INSTRUCTIONS, Program};
use super::step::{Input, MOST_ROWS};
use crate::device::Device;
use crate::{Error, Result};

/// Beams a layer where nothing else is asked for.
pub const BEAMS: usize = 4;
/// How much less likely than a layer's best, in nats, a candidate may be: what lies further back is hardly ever right, and each
/// step that it lives is a round trip to the device.
const MARGIN: f64 = 5.0;
/// Most beams a layer: their slots have to fit.
const MOST_BEAMS: usize = 32;
const _: () = assert!(MOST_BEAMS * (MOST_INSTRUCTIONS + 1) <= MOST_ROWS);

/// A program that a layer wrote.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The program.
    pub program: Program,
    /// Its log-probability: the sum over its outputs.
    pub logprob: f64,
    /// The least log-probability of an output.
    pub min_logprob: f64,
    /// Outputs that it took, the end included.
    pub tokens: usize,
}

/// A program in the making.
#[derive(Debug, Clone)]
struct Beam {
    instructions: Vec<Instruction>,
    progress: Progress,
    /// The last output; none at the start.
    last: Option<usize>,
    sum: f64,
    min: f64,
    /// Slots of its keys and values.
    slots: Vec<u32>,
}

/// One layer's search.
struct Search {
    width: usize,
    live: Vec<Beam>,
    /// Best first, `width` at most.
    finished: Vec<Candidate>,
}

impl Search {
    fn new(width: usize) -> Self {
        let start = Beam {
            instructions: Vec::new(),
            progress: Progress::default(),
            last: None,
            sum: 0.0,
            min: 0.0,
            slots: Vec::new(),
        };
        Self { width, live: vec![start], finished: Vec::new() }
    }

    /// Goes on from the live beams with the logits of what may follow each.
    fn advance(&mut self, layers: &WasmLayers, logits: &[f32], outputs: usize, pointers: usize) -> Result<()> {
        let config = layers.config();
        // Log-probability of the whole and of the output, beam, output.
        let mut all = Vec::new();
        for (at, (beam, logits)) in self.live.iter().zip(logits.chunks_exact(outputs)).enumerate() {
            let values = beam.progress.log_probabilities(config, logits)?;
            let open = values.iter().enumerate().filter(|(_, value)| value.is_finite());
            all.extend(open.map(|(output, value)| (beam.sum + value, *value, at, output)));
        }
        // Stable, so that of equals the earlier beam and output comes first.
        all.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut live = Vec::new();
        for (rank, (sum, value, at, output)) in all.into_iter().enumerate() {
            let beam = &self.live[at];
            let min = beam.min.min(value);
            let instruction = match config.token(output) {
                // An end counts where it is among the best of the step: with one beam that is greedy decoding.
                Some(Token::End) if rank < self.width => {
                    if let Some(program) = Program::new(beam.instructions.clone(), pointers) {
                        let tokens = beam.instructions.len() + 1;
                        self.finished.push(Candidate { program, logprob: sum, min_logprob: min, tokens });
                    }
                    continue;
                }
                Some(Token::Fixed(instruction)) => instruction,
                Some(Token::Pointer(k)) => Instruction::Local(k),
                Some(Token::End) | None => continue,
            };
            if live.len() == self.width {
                if rank >= self.width {
                    break;
                }
                continue;
            }
            if let Some(progress) = beam.progress.after(instruction) {
                let mut instructions = beam.instructions.clone();
                instructions.push(instruction);
                live.push(Beam { instructions, progress, last: Some(output), sum, min, slots: beam.slots.clone() });
            }
        }
        self.finished.sort_by(|a, b| b.logprob.total_cmp(&a.logprob));
        self.finished.truncate(self.width);
        let least = self.finished.first().map_or(f64::NEG_INFINITY, |best| best.logprob - MARGIN);
        self.finished.retain(|candidate| candidate.logprob >= least);
        // Sums only fall: who is behind the last of a full list, or far behind the best, stays there.
        let last = self.finished.get(self.width - 1).map_or(f64::NEG_INFINITY, |candidate| candidate.logprob);
        live.retain(|beam| beam.sum > last && beam.sum >= least);
        self.live = live;
        Ok(())
    }

    /// What the decoder gets for the live beams, in `rows` rows from slot `first` on; rows too many repeat nothing of use.
    fn inputs(&mut self, rows: usize, first: usize) -> Vec<Input> {
        let mut inputs = Vec::with_capacity(rows);
        for (beam, slot) in self.live.iter_mut().zip(first as u32..) {
            beam.slots.push(slot);
            inputs.push(Input {
                last: beam.last,
                step: beam.progress.written,
                depth: beam.progress.depth,
                past: beam.slots.clone(),
            });
        }
        inputs.resize(rows, Input { last: None, step: 0, depth: 0, past: vec![first as u32] });
        inputs
    }
}

impl WasmLayers {
    /// Each layer's candidates for the question that was read, best first: at most `beams` of them, which is between
    /// 1 and 32, none of them e^5 times less likely than the first.
    /// One beam decodes greedily. None where there is nothing to compute with: no numbers, and no constants.
    ///
    /// # Errors
    /// [`Error::Request`] where no question was read or `beams` is out of range; [`Error::SelfCheck`] for logits that are no
    /// numbers; or the device's trouble.
    pub async fn candidates(&mut self, device: &mut Device, beams: usize) -> Result<Vec<Vec<Candidate>>> {
        if !(1..=MOST_BEAMS).contains(&beams) {
            return Err(Error::Request(format!("{beams} beams were asked for; there can be 1 to {MOST_BEAMS}")));
        }
        let question = self.question()?;
        let outputs = self.outputs()?;
        self.reserve_steps(device, beams * (MOST_INSTRUCTIONS + 1))?;
        let mut searches: Vec<Search> = self.config().taps.iter().map(|_| Search::new(beams)).collect();
        for step in 0..=MOST_INSTRUCTIONS {
            let rows = searches.iter().map(|search| search.live.len()).max().unwrap_or(0);
            if rows == 0 {
                break;
            }
            let first = step * beams;
            let inputs: Vec<Vec<Input>> = searches.iter_mut().map(|search| search.inputs(rows, first)).collect();
            let logits = self.step(device, &inputs, first).await?;
            for (search, logits) in searches.iter_mut().zip(logits.chunks_exact(rows * outputs)) {
                search.advance(self, logits, outputs, question.pointers)?;
            }
        }
        Ok(searches.into_iter().map(|search| search.finished).collect())
    }
}
