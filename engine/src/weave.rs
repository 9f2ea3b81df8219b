//! The computing part of an answer: the WASM layers, or the model itself where it has none, read the question, compute, and hand over
//! what goes into the context.

use std::ops::Range;

use crate::asked::Asked;
use crate::computation::{Computation, Gate};
use crate::compute::Computer;
use crate::judge::Judge;
use crate::recording::Slice;
use crate::runner::Runner;
use crate::scorer::Survey;
use crate::splice::{self, NoResult};
use crate::text;
use crate::{Error, Event, Result, Tokenizer};

/// One answer's computation.
pub(crate) struct Weave<'a> {
    computer: Option<&'a mut Computer>,
    judge: Option<&'a mut Judge>,
    asked: Option<Asked>,
    /// Why the layers could not read the question.
    unread: Option<String>,
    /// Whether the base was asked, in the rows that it decodes in.
    asked_base: bool,
    /// Whether the question asks for a computation; none where it was not read.
    pub(crate) gate: Option<Gate>,
    /// The computation, if there was one.
    pub(crate) computation: Option<Computation>,
}

impl<'a> Weave<'a> {
    /// For a question, if there is one, layers to read it, if there are some, and the base as judge or voice, if it is one.
    pub(crate) fn new(computer: Option<&'a mut Computer>, judge: Option<&'a mut Judge>, asked: Option<Asked>) -> Self {
        Self { computer, judge, asked, unread: None, asked_base: false, gate: None, computation: None }
    }

    /// Whether results can come from here.
    pub(crate) fn computes(&self) -> bool {
        (self.computer.is_some() || self.judge.is_some()) && self.asked.is_some()
    }

    /// Whether the base was asked something, in the rows that it decodes in.
    pub(crate) fn asked_base(&self) -> bool {
        self.asked_base
    }

    /// Whether the question asks for a computation.
    pub(crate) fn is_due(&self) -> bool {
        self.gate.as_ref().is_some_and(|gate| gate.open)
    }

    /// Reads the question from the taps of its prefill, and computes if it asks for it.
    pub(crate) async fn read(&mut self, runner: &mut Runner, on_event: &mut dyn FnMut(Event)) -> Result<()> {
        if self.computer.is_none() {
            return self.ask_base(runner, false, on_event).await;
        }
        let (Some(computer), Some(asked)) = (&mut self.computer, &self.asked) else { return Ok(()) };
        let taps = taps(runner, computer)?;
        match computer.read(&mut runner.device, &taps, &asked.question).await {
            Ok(gate) => {
                on_event(Event::Gate(gate.clone()));
                self.gate = Some(gate);
            }
            // A question that cannot be read is answered without the layers, and that is said.
            Err(Error::Request(why)) => {
                on_event(Event::NotRead(why.clone()));
                self.unread = Some(why);
            }
            Err(error) => return Err(error),
        }
        if self.is_due() {
            self.compute(runner, on_event).await?;
        }
        Ok(())
    }

    /// What goes into the context where the model asks for the computation, or should have.
    pub(crate) async fn splice(&mut self, runner: &mut Runner, on_event: &mut dyn FnMut(Event)) -> Result<String> {
        if self.computation.is_none() && self.unread.is_none() {
            self.compute(runner, on_event).await?;
        }
        let behind = match (&self.computation, &self.unread) {
            (Some(computation), _) => computation.splice.clone(),
            (None, Some(why)) => splice::failed(None, &NoResult::NotRead(why.clone())),
            (None, None) => splice::failed(None, &NoResult::Nothing),
        };
        Ok(format!("{}{behind}", splice::OPEN))
    }

    /// Rows of the context in which the question stands.
    pub(crate) fn rows(&self) -> Option<Range<usize>> {
        let (first, count) = *self.asked.as_ref()?.question.ranges.last()?;
        Some(first..first + count)
    }

    /// Reads the question, and gives all that a scorer is trained on.
    pub(crate) async fn survey(&mut self, runner: &mut Runner) -> Result<Survey> {
        let (Some(computer), Some(asked)) = (&mut self.computer, &self.asked) else {
            return Err(Error::Request("there is no question".to_owned()));
        };
        let taps = taps(runner, computer)?;
        let gate = computer.read(&mut runner.device, &taps, &asked.question).await?;
        let survey =
            computer.survey((runner, self.judge.as_deref_mut()), &taps, &asked.question, &asked.parameters).await?;
        Ok(Survey { gate: gate.logit, ..survey })
    }

    /// The question's key, by which a scorer's store is searched.
    pub(crate) async fn key(&mut self, runner: &mut Runner) -> Result<Vec<f32>> {
        let (Some(computer), Some(asked)) = (&self.computer, &self.asked) else {
            return Err(Error::Request("there is no question".to_owned()));
        };
        let taps = taps(runner, computer)?;
        computer.key(&mut runner.device, &taps, &asked.question).await
    }

    /// Tells where the layers looked as they wrote, if they did.
    pub(crate) async fn look(
        &mut self,
        runner: &mut Runner,
        tokenizer: &Tokenizer,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<()> {
        let (Some(computer), Some(asked), Some(computation)) = (&mut self.computer, &self.asked, &self.computation)
        else {
            return Ok(());
        };
        let ids = asked.question.ranges.iter().flat_map(|(first, count)| &asked.ids[*first..first + count]);
        let tokens: Vec<String> = ids.map(|id| tokenizer.decode(&[*id], true)).collect();
        if !computation.candidates.is_empty() {
            on_event(Event::Attention(computer.attention(&mut runner.device, computation, tokens).await?));
        }
        Ok(())
    }

    async fn compute(&mut self, runner: &mut Runner, on_event: &mut dyn FnMut(Event)) -> Result<()> {
        if self.computer.is_none() {
            return self.ask_base(runner, true, on_event).await;
        }
        let (Some(computer), Some(asked), Some(gate)) = (&mut self.computer, &self.asked, &self.gate) else {
            return Ok(());
        };
        let taps = taps(runner, computer)?;
        on_event(Event::Numbers(asked.parameters.bound.clone()));
        let computed = computer
            .compute((runner, self.judge.as_deref_mut()), &taps, &asked.question, gate, &asked.parameters, on_event)
            .await?;
        self.asked_base = self.judge.is_some();
        self.computation = Some(computed);
        Ok(())
    }

    /// Lets the base itself read the question and compute, where it has no layers.
    async fn ask_base(&mut self, runner: &mut Runner, even_so: bool, on_event: &mut dyn FnMut(Event)) -> Result<()> {
        let (Some(judge), Some(asked)) = (&mut self.judge, &self.asked) else { return Ok(()) };
        self.asked_base = true;
        if let Some((gate, computation)) = text::ask((runner, judge), &asked.parameters, even_so, on_event).await? {
            self.gate = Some(gate);
            self.computation = computation;
        }
        Ok(())
    }
}

/// The kept residual streams that the layers read.
fn taps(runner: &Runner, computer: &Computer) -> Result<Vec<Slice>> {
    let slice = |layer: &usize| {
        let tap = runner.state.taps.iter().find(|(tapped, _)| tapped == layer).map(|(_, slice)| *slice);
        tap.ok_or_else(|| Error::Request(format!("layer {layer} is not tapped")))
    };
    computer.config().taps.iter().map(slice).collect()
}
