//! The compute step: from the question's hidden states to a number. Layers write, the scorer judges, the sandbox runs.

use web_time::Instant;

use crate::candidates::{Parameters, finished, operations, row, run};
use crate::choice::{choice, copy_run, no_result};
use crate::computation::{
    Attention, BoundNumber, CandidateRow, Computation, Gate, Looked, Similar, Status, Voice, row_of,
};
use crate::device::Device;
use crate::judge::Judge;
use crate::loader::Source;
use crate::recording::Slice;
use crate::runner::Runner;
use crate::sandbox::{self, Limits, Outcome};
use crate::scorer::{Asked, Judged, Neighbours, Remembered, Scorer, Survey, key, undecided};
use crate::splice::NoResult;
use crate::wasm_layers::config::LayersConfig;
use crate::wasm_layers::program::Program;
use crate::wasm_layers::{BEAMS, Base, BigRational, Question, Score, WasmLayers};
use crate::{Error, Event, Result};

/// Tokens of the question that is read first of all, and the last tokens of its numbers.
const WARM_UP: (usize, [usize; 2]) = (16, [3, 8]);
/// Examples that are shown beside the candidates.
const SIMILAR: usize = 3;
/// How often it is answered.
const WARM_UP_ROUNDS: usize = 3;

/// The WASM layers of a base with their scorer.
pub(crate) struct Computer {
    layers: WasmLayers,
    scorer: Scorer,
    limits: Limits,
    /// Whether the model's own text is a voice beside the layers.
    text: bool,
    /// The score before a run under which a candidate is skipped.
    threshold: f32,
    /// The programs of the last computation, by candidate.
    programs: Vec<Program>,
}

/// What was written for a question: candidates, and what the base thinks of the one that it wrote itself, which is the last.
type Written = (Vec<Judged>, Option<Score>);

impl Computer {
    /// Loads the layers and the scorer of a base onto its device; `text` says whether the model's own text is a voice beside them.
    ///
    /// # Errors
    /// Those of [`WasmLayers::load`] and [`Scorer::from_bytes`].
    pub(crate) async fn load(
        runner: &mut Runner,
        (layers, scorer): (&Source, &Source),
        (base, text): (Base<'_>, bool),
    ) -> Result<Self> {
        let layers = WasmLayers::load(&mut runner.device, layers, base).await?;
        let scorer = Scorer::read(scorer, layers.config()).await?;
        let threshold = scorer.threshold;
        let mut computer = Self { layers, scorer, limits: Limits::default(), text, threshold, programs: Vec::new() };
        computer.warm_up(runner).await?;
        Ok(computer)
    }

    /// Answers a question of nothing, so that the first real one is as quick as the next: a browser compiles code when it is
    /// first used, and again, better, when it is used often.
    async fn warm_up(&mut self, runner: &mut Runner) -> Result<()> {
        let device = &mut runner.device;
        let (tokens, lasts) = WARM_UP;
        let bytes = 4 * tokens * self.config().hidden;
        // One buffer does for all taps.
        let tap = device.slice(bytes as u64)?;
        let done = match device.write(tap.buffer, 0, &vec![0; bytes]) {
            Ok(()) => self.answer_nothing(runner, &vec![tap; self.config().taps.len()], (tokens, lasts)).await,
            Err(why) => Err(why),
        };
        runner.device.free(tap.buffer);
        self.layers.forget();
        done
    }

    async fn answer_nothing(
        &mut self,
        runner: &mut Runner,
        taps: &[Slice],
        (tokens, lasts): (usize, [usize; 2]),
    ) -> Result<()> {
        let question = Question { ranges: vec![(0, tokens)], numbers: lasts.to_vec(), previous: None };
        let number = |value: &u8| BoundNumber {
            text: value.to_string(),
            value: f64::from(*value),
            start: 0,
            end: 0,
            previous: false,
        };
        let parameters = Parameters {
            bound: [12, 11].iter().map(number).collect(),
            exact: [12, 11].map(|value: u8| BigRational::from_integer(value.into())).to_vec(),
            found: lasts.len(),
            judged: Vec::new(),
        };
        for _ in 0..WARM_UP_ROUNDS {
            let gate = self.read(&mut runner.device, taps, &question).await?;
            self.compute((runner, None), taps, &question, &gate, &parameters, &mut |_| {}).await?;
        }
        Ok(())
    }

    /// Whether the scorer asks the base what it thinks of candidates.
    pub(crate) fn asks_base(&self) -> bool {
        self.scorer.asks_base
    }

    /// Whether the model's own text is a voice beside the layers.
    pub(crate) fn has_text(&self) -> bool {
        self.text
    }

    /// Who wrote the candidates of a place among the layers, or behind them.
    fn voice(&self, place: usize) -> Voice {
        self.config().taps.get(place).map_or(Voice::Text, |layer| Voice::Layer(*layer))
    }

    /// Candidates of a lower score are not run; the scorer's own threshold where there is none.
    pub(crate) fn skip_under(&mut self, threshold: Option<f32>) {
        self.threshold = threshold.unwrap_or(self.scorer.threshold);
    }

    /// The layers' shape.
    pub(crate) fn config(&self) -> &LayersConfig {
        self.layers.config()
    }

    /// How the layers were made.
    pub(crate) fn provenance(&self) -> &serde_json::Value {
        self.layers.provenance()
    }

    /// Reads a question from the taps of a prefill, one a layer, and says whether it asks for a computation.
    pub(crate) async fn read(&mut self, device: &mut Device, taps: &[Slice], question: &Question) -> Result<Gate> {
        let logits = self.layers.encode(device, taps, question).await?;
        let logit = logits.iter().map(|logit| f64::from(*logit)).sum::<f64>() / logits.len().max(1) as f64;
        let layers = self.config().taps.iter().copied().zip(logits.into_iter().map(f64::from)).collect();
        Ok(Gate { open: logit > 0.0, logit, layers })
    }

    /// Computes what the question asks for that was read last.
    pub(crate) async fn compute(
        &mut self,
        (runner, judge): (&mut Runner, Option<&mut Judge>),
        taps: &[Slice],
        question: &Question,
        gate: &Gate,
        parameters: &Parameters,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Computation> {
        let began = Instant::now();
        let taken = question.numbers.len() + usize::from(question.previous.is_some());
        if parameters.found > question.numbers.len() {
            let why = NoResult::Numbers { found: parameters.found };
            return Ok(finished(parameters, (Vec::new(), Vec::new()), Err((None, why)), began, on_event));
        }

        // 1. Each voice writes its candidates; every decoder judges all of them, and the base where it is asked.
        let (judged, own) = self.write((runner, judge), parameters).await?;
        let arguments = parameters.values();
        let mut rows: Vec<CandidateRow> = Vec::with_capacity(judged.len());
        for (id, candidate) in judged.iter().enumerate() {
            rows.push(row(
                (id, self.voice(candidate.place), candidate.rank),
                &candidate.program,
                own.filter(|_| id + 1 == judged.len()).map_or_else(|| candidate.logprob(), |own| own.logprob),
                (taken, &arguments),
            ));
            on_event(Event::Candidate(rows[id].clone()));
        }

        // 2. The scorer says which of them are worth running.
        let states = self.states(&mut runner.device, taps, question).await?;
        let neighbours = self.scorer.store.nearest(&key(&states, &self.scorer.mean));
        let similar = similar(&judged, &neighbours);
        on_event(Event::Similar(similar.clone()));
        let asked = Asked { numbers: &arguments, gate: gate.logit, layers: self.config().taps.len() };
        let known = self.scorer.before(&judged, &asked, &neighbours);
        for (row, (prior, _)) in rows.iter_mut().zip(&known) {
            row.score = *prior;
            if *prior < self.threshold {
                row.status = Status::Skipped;
            }
            on_event(Event::Score(row.clone()));
        }

        // 3. Each different program among them is compiled and run once.
        let mut outcomes: Vec<Option<Outcome>> = vec![None; rows.len()];
        for at in 0..rows.len() {
            if rows[at].status == Status::Skipped {
                continue;
            }
            let same = (0..at)
                .find(|other| judged[*other].program == judged[at].program && rows[*other].status != Status::Skipped);
            match same {
                Some(other) => {
                    copy_run(&mut rows, other, at);
                    outcomes[at] = outcomes[other].clone();
                }
                None => {
                    outcomes[at] = Some(run(&mut rows[at], &judged[at].program, (parameters, &self.limits), on_event))
                }
            }
            on_event(Event::Run(rows[at].clone()));
        }

        // 4. The scorer looks at the results and chooses.
        let results: Vec<Option<f64>> = rows.iter().map(|row| row.result).collect();
        for (at, row) in rows.iter_mut().enumerate() {
            let Some(value) = row.result else { continue };
            let parts = self.scorer.after((&judged, &results), value, &asked, &known[at].1);
            row.score = parts.sum();
            row.parts = Some(parts);
            on_event(Event::Score(row.clone()));
        }
        let outcome = match choice(&rows, &known.iter().map(|(prior, _)| *prior).collect::<Vec<_>>()) {
            Some((id, value)) => {
                rows[id].status = Status::Chosen;
                on_event(Event::Score(rows[id].clone()));
                Ok((id, judged[id].program.wat_alone(taken), value))
            }
            None => Err(no_result(&rows, &outcomes, |id| judged[id].program.wat_alone(taken))),
        };
        self.programs = judged.into_iter().map(|candidate| candidate.program).collect();
        Ok(finished(parameters, (rows, similar), outcome, began, on_event))
    }

    /// Where each layer looked as it wrote the candidate that stands for it. `tokens` are the texts of those that were read.
    pub(crate) async fn attention(
        &mut self,
        device: &mut Device,
        computation: &Computation,
        tokens: Vec<String>,
    ) -> Result<Attention> {
        let taps = &self.config().taps;
        let shown = |(place, layer): (usize, &usize)| {
            let row = row_of(&computation.candidates, Voice::Layer(*layer))?;
            Some((place, row.id, self.programs.get(row.id)?.clone()))
        };
        let shown: Vec<(usize, usize, Program)> = taps.iter().enumerate().filter_map(shown).collect();
        let layers = taps.len();
        let programs: Vec<Program> = shown.iter().map(|(.., program)| program.clone()).collect();
        let weights = self.layers.focus(device, &programs).await?;
        let looked = |((place, candidate, program), weights): ((usize, usize, Program), Option<Vec<f32>>)| {
            let weights = weights?;
            let own = weights.chunks_exact(weights.len() / layers).nth(place)?;
            let names = program.instructions().iter().map(ToString::to_string).chain(["end".to_owned()]);
            let shares = own.chunks_exact(tokens.len()).map(|row| row.iter().map(|share| (share * 1e3).round() as u16));
            Some(Looked { candidate, steps: names.zip(shares.map(Iterator::collect)).collect() })
        };
        let of = shown.into_iter().zip(weights).filter_map(looked).collect();
        Ok(Attention { tokens, of })
    }

    /// Each voice's candidates for the question that was read, with every decoder's judgement of them, and the base's.
    async fn write(
        &mut self,
        (runner, mut judge): (&mut Runner, Option<&mut Judge>),
        parameters: &Parameters,
    ) -> Result<Written> {
        let written = self.layers.candidates(&mut runner.device, BEAMS).await?;
        let text = match &mut judge {
            Some(judge) if self.text && !parameters.judged.is_empty() => {
                judge.write(runner, &parameters.judged, (&parameters.values(), true)).await?
            }
            _ => None,
        };
        let text = text.and_then(|wrote| wrote.program);
        let mut programs: Vec<Program> = Vec::new();
        for candidate in written.iter().flatten() {
            if !programs.contains(&candidate.program) {
                programs.push(candidate.program.clone());
            }
        }
        programs.extend(
            text.iter().filter(|(own, _)| !programs.contains(own)).map(|(own, _)| own.clone()).collect::<Vec<_>>(),
        );
        let scores = self.layers.rescore(&mut runner.device, &programs).await?;
        let firsts = written.iter().filter_map(|candidates| candidates.first()).map(|candidate| &candidate.program);
        let undecided = undecided(firsts.chain(text.iter().map(|(program, _)| program)));
        let base = match judge {
            Some(judge) if self.scorer.asks_base && undecided && !parameters.judged.is_empty() => {
                judge.scores(runner, &parameters.judged, (&programs, &parameters.values())).await?
            }
            _ => vec![None; programs.len()],
        };
        let of = |program: &Program| programs.iter().position(|other| other == program);
        let layers =
            written.into_iter().map(|candidates| candidates.into_iter().map(|candidate| candidate.program).collect());
        let voices = layers.chain([text.iter().map(|(program, _)| program.clone()).collect()]);
        let mut judged = Vec::new();
        for (place, programs) in voices.enumerate() {
            let programs: Vec<Program> = programs;
            for (rank, program) in programs.into_iter().enumerate() {
                let at = of(&program);
                let decoders = at.and_then(|at| scores[at].clone()).unwrap_or_default();
                judged.push(Judged { decoders, base: at.and_then(|at| base[at]), program, place, rank });
            }
        }
        Ok((judged, text.map(|(_, score)| score)))
    }

    /// What a scorer is trained on: all candidates for the question that was read, each of them run, and the question's key.
    pub(crate) async fn survey(
        &mut self,
        (runner, judge): (&mut Runner, Option<&mut Judge>),
        taps: &[Slice],
        question: &Question,
        parameters: &Parameters,
    ) -> Result<Survey> {
        let (candidates, _) = self.write((runner, judge), parameters).await?;
        let numbers = parameters.values();
        let run = |candidate: &Judged| {
            sandbox::run(&candidate.program.wat(numbers.len()), &numbers, &self.limits).outcome.value()
        };
        let results = candidates.iter().map(run).collect();
        let key = self.key(&mut runner.device, taps, question).await?;
        Ok(Survey { gate: 0.0, candidates, results, numbers, key })
    }

    /// The question's key [hidden], nothing taken off.
    pub(crate) async fn key(&self, device: &mut Device, taps: &[Slice], question: &Question) -> Result<Vec<f32>> {
        Ok(key(&self.states(device, taps, question).await?, &vec![0.0; self.config().hidden]))
    }

    /// The question's states [tokens, hidden] at the scorer's tap.
    async fn states(&self, device: &mut Device, taps: &[Slice], question: &Question) -> Result<Vec<f32>> {
        let hidden = self.config().hidden;
        let tap = taps.get(self.scorer.tap).copied();
        let tap = tap.ok_or_else(|| Error::Request("the scorer's tap is not kept".to_owned()))?;
        let mut states: Vec<f32> = Vec::new();
        for (first, count) in &question.ranges {
            let offset = tap.offset + (4 * first * hidden) as u64;
            let piece = Slice { offset, size: (4 * count * hidden) as u64, ..tap };
            states.extend(device.read(piece).await?.chunks_exact(4).map(bytemuck::pod_read_unaligned::<f32>));
        }
        Ok(states)
    }
}

/// The nearest examples, as they are shown.
fn similar(candidates: &[Judged], neighbours: &Neighbours) -> Vec<Similar> {
    let example = |example: &Remembered| {
        let program = &example.program;
        let same = candidates.iter().enumerate().filter(|(_, candidate)| candidate.program == *program);
        Similar {
            text: example.text.clone(),
            wat: program.wat_alone(program.parameters()),
            op: operations(program),
            similarity: example.similarity,
            candidates: same.map(|(id, _)| id).collect(),
        }
    };
    neighbours.examples().take(SIMILAR).map(example).collect()
}
