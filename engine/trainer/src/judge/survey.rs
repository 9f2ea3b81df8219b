//! What the layers write for questions whose answers are known.

use wattage_engine::scorer::{Scorer, Survey};
use wattage_engine::{Cancel, DevicePreference, KvType, LoadOptions, Message, Role, Session, Source};

use crate::evaluate::close;
use crate::example::Example;
use crate::export::Files;
use crate::train::turn_before;
use crate::{Error, Result};

/// A question's candidates, and which of them gave the right number.
#[derive(Debug, Clone)]
pub struct Surveyed {
    /// The candidates with their results.
    pub survey: Survey,
    /// For each candidate whether its result is the answer.
    pub right: Vec<bool>,
}

/// A model that writes candidates, with a scorer that knows nothing.
pub struct Surveyor {
    session: Session,
}

impl Surveyor {
    /// Loads exported files onto the CPU.
    ///
    /// # Errors
    /// The engine's.
    pub fn new(files: &Files) -> Result<Self> {
        let scorer = Scorer::blank(files.config.hidden).to_bytes(&files.config, &serde_json::Value::Null)?;
        let sources = vec![
            Source::bytes("base.gguf", files.base.clone()),
            Source::bytes("wasm_layers.safetensors", files.layers.clone()),
            Source::bytes("scorer.safetensors", scorer),
        ];
        let options = LoadOptions { device: DevicePreference::Cpu, kv: KvType::F16, ..LoadOptions::default() };
        let session = pollster::block_on(Session::load(sources, &options, &Cancel::new(), &mut |_| {}))?;
        Ok(Self { session })
    }

    /// The candidates for an example's question; none where the example asks for no computation, or the layers cannot read it.
    ///
    /// # Errors
    /// The engine's.
    pub fn survey(&mut self, example: &Example) -> Result<Option<Surveyed>> {
        let Some(answer) = example.answer.filter(|_| example.program.is_some()) else { return Ok(None) };
        let mut messages = example.previous.map(|value| turn_before(&example.question, value)).unwrap_or_default();
        messages.push(Message { role: Role::User, content: example.question.clone() });
        match pollster::block_on(self.session.survey(&messages)) {
            Ok(survey) => {
                let right =
                    survey.results.iter().map(|result| result.is_some_and(|value| close(value, answer))).collect();
                Ok(Some(Surveyed { survey, right }))
            }
            Err(wattage_engine::Error::Request(_)) => Ok(None),
            Err(error) => Err(Error::from(error)),
        }
    }
}
