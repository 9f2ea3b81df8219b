//! What the layers write for questions whose answers are known.

use wattage_engine::scorer::{self, Scorer, Survey};
use wattage_engine::wasm_layers::WasmLayers;
use wattage_engine::wasm_layers::config::LayersConfig;
use wattage_engine::wasm_layers::numbers::bind;
use wattage_engine::{
    Cancel, ChangeTaps, DevicePreference, KvType, LoadOptions, Message, ModelFile, Role, Session, Source,
};

use crate::evaluate::close;
use crate::example::Example;
use crate::train::turn_before;
use crate::{Error, Result};

/// A question's candidates, and which of them gave the right number.
#[derive(Debug, Clone)]
pub struct Surveyed {
    /// The candidates with their results.
    pub survey: Survey,
    /// For each candidate whether its result is the answer.
    pub right: Vec<bool>,
    /// Where the question is from.
    pub set: String,
}

/// A model that writes candidates, with a scorer that knows nothing.
pub struct Surveyor {
    session: Session,
    config: LayersConfig,
}

impl Surveyor {
    /// Loads a base and its layers onto the CPU: all of it where it judges candidates too, else no further than its last tap.
    ///
    /// # Errors
    /// The engine's.
    pub fn new(base: Source, layers: Source, asks_base: bool) -> Result<Self> {
        pollster::block_on(async {
            let config = WasmLayers::config_of(&layers).await?;
            let scorer =
                Scorer { asks_base, ..Scorer::blank(config.hidden) }.to_bytes(&config, &serde_json::Value::Null)?;
            let scorer = Source::bytes(scorer::FILE, scorer);
            let file = ModelFile::open(vec![base]).await?;
            let read = config.taps.last().map_or(0, |tap| tap + 1);
            let file = if asks_base { file } else { file.first_layers(read) };
            let options = LoadOptions { device: DevicePreference::Cpu, kv: KvType::F16, ..LoadOptions::default() };
            let session =
                Session::load_file(file, Some((layers, scorer)), &options, &Cancel::new(), &mut |_| {}).await?;
            Ok(Self { session, config })
        })
    }

    /// The layers' shape.
    pub fn config(&self) -> &LayersConfig {
        &self.config
    }

    /// The candidates for an example's question; none where the example asks for no computation, or the layers cannot read it.
    ///
    /// # Errors
    /// The engine's.
    pub fn survey(&mut self, example: &Example) -> Result<Option<Surveyed>> {
        let Some(answer) = example.answer.filter(|_| example.program.is_some()) else { return Ok(None) };
        match pollster::block_on(self.session.survey(&messages(example))) {
            // Where the template does not show earlier results there is none to compute with.
            Ok(survey)
                if example.previous.is_some() && survey.numbers.len() == bind(&example.question).numbers.len() =>
            {
                Ok(None)
            }
            Ok(survey) => {
                let right =
                    survey.results.iter().map(|result| result.is_some_and(|value| close(value, answer))).collect();
                Ok(Some(Surveyed { survey, right, set: set_of(example) }))
            }
            Err(wattage_engine::Error::Request(_)) => Ok(None),
            Err(error) => Err(Error::from(error)),
        }
    }

    /// What the layers write for a question where their taps are changed as [`Session::survey_changed`] says; none where they cannot read it.
    ///
    /// # Errors
    /// The engine's.
    pub fn survey_changed(&mut self, question: &str, change: &mut ChangeTaps<'_>) -> Result<Option<Survey>> {
        let messages = [Message { role: Role::User, content: question.to_owned() }];
        match pollster::block_on(self.session.survey_changed(&messages, change)) {
            Ok(survey) => Ok(Some(survey)),
            Err(wattage_engine::Error::Request(_)) => Ok(None),
            Err(error) => Err(Error::from(error)),
        }
    }

    /// The key [hidden] of an example's question, by which a store is searched; none where the layers cannot read it.
    ///
    /// # Errors
    /// The engine's.
    pub fn key(&mut self, example: &Example) -> Result<Option<Vec<f32>>> {
        match pollster::block_on(self.session.key(&messages(example))) {
            Ok(key) => Ok(Some(key)),
            Err(wattage_engine::Error::Request(_)) => Ok(None),
            Err(error) => Err(Error::from(error)),
        }
    }
}

fn messages(example: &Example) -> Vec<Message> {
    let mut messages = example.previous.map(|value| turn_before(&example.question, value)).unwrap_or_default();
    messages.push(Message { role: Role::User, content: example.question.clone() });
    messages
}

fn set_of(example: &Example) -> String {
    match example.category.as_str() {
        published @ ("mawps" | "gsm8k") => published.to_owned(),
        _ => "generated".to_owned(),
    }
}
