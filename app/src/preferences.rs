//! What the user has set, kept between visits.

use gloo::storage::{LocalStorage, Storage};
use serde::{Deserialize, Serialize};
use wattage_engine::{ChatOptions, DevicePreference, LoadOptions, Sampling, TextVoice};

use crate::language::{Language, t, told};

const SETTINGS_KEY: &str = "wattage.settings";
/// Also read by `boot.js`, so that the first paint has the right colours.
const THEME_KEY: &str = "wattage.theme";

/// The largest seed: the largest number that a page can hold exactly.
pub const MAX_SEED: u64 = (1 << 53) - 1;

/// Sampling and load settings. The defaults are those that Qwen's authors give for answers without thinking.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Sampling temperature; 0 takes the likeliest token.
    pub temperature: f64,
    /// Likeliest tokens to choose from; 0 for all.
    pub top_k: u32,
    /// Probability mass to choose from.
    pub top_p: f64,
    /// Least probability, relative to the likeliest token's.
    pub min_p: f64,
    /// Divides the logits of tokens seen before; 1 does nothing.
    pub repetition: f64,
    /// Taken from a token's logit for each time it was written.
    pub frequency: f64,
    /// Taken from a token's logit once it was written.
    pub presence: f64,
    /// Seed of the random numbers; a new one for each answer where none is set.
    pub seed: Option<u64>,
    /// Most tokens of an answer.
    pub max_tokens: u32,
    /// Whether a model that can think aloud does so.
    pub think: bool,
    /// Instructions that go before the conversation.
    pub system: String,
    /// Context length in tokens; the engine chooses where none is set.
    pub context: Option<u32>,
    /// Where models run.
    pub device: DevicePreference,
    /// When a model's own text has functions to be computed.
    pub text_voice: TextVoice,
    /// Whether the WASM layers are used, where a model has them.
    pub layers: bool,
    /// The score before its run under which a candidate is skipped; the scorer's own where none is set.
    pub threshold: Option<f64>,
    /// Whether the user has chosen how tokens are sampled, even if as the defaults have it.
    pub own_sampling: bool,
    /// Whether the embedded model is opened with the page.
    pub open_embedded: bool,
    /// The interface's language; as the browser asks where none is set.
    pub language: Option<Language>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            temperature: 0.7,
            top_k: 20,
            top_p: 0.8,
            min_p: 0.0,
            repetition: 1.0,
            frequency: 0.0,
            presence: 0.0,
            seed: None,
            max_tokens: 2048,
            think: true,
            system: String::new(),
            context: None,
            device: DevicePreference::Auto,
            text_voice: TextVoice::Alone,
            layers: true,
            threshold: None,
            own_sampling: false,
            open_embedded: true,
            language: None,
        }
    }
}

/// Named sampling settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// As Qwen's authors advise for plain answers.
    Balanced,
    /// As Qwen's authors advise for thinking aloud.
    Thinking,
    /// The likeliest token each time: the same answer every time.
    Exact,
}

impl Preset {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Balanced, Self::Thinking, Self::Exact];

    /// What the user reads.
    pub fn label(self) -> &'static str {
        match self {
            Self::Balanced => t("Balanced"),
            Self::Thinking => t("Thinking"),
            Self::Exact => t("Exact"),
        }
    }

    /// The settings with this preset's sampling.
    pub fn apply(self, settings: &Settings) -> Settings {
        let (temperature, top_k, top_p) = match self {
            Self::Balanced => (0.7, 20, 0.8),
            Self::Thinking => (0.6, 20, 0.95),
            Self::Exact => (0.0, 0, 1.0),
        };
        Settings {
            temperature,
            top_k,
            top_p,
            min_p: 0.0,
            repetition: 1.0,
            frequency: 0.0,
            presence: 0.0,
            own_sampling: true,
            ..settings.clone()
        }
    }

    /// Whether these settings sample as this preset does.
    pub fn is_that_of(self, settings: &Settings) -> bool {
        Settings { own_sampling: true, ..settings.clone() } == self.apply(settings)
    }
}

impl Settings {
    /// The settings as they are in use. A model with WASM layers takes the likeliest token each time unless the user wants it
    /// otherwise: what follows a computed number is no matter of taste.
    pub fn in_use(&self, computes: bool) -> Self {
        let chosen = self.own_sampling || !Preset::Balanced.is_that_of(self);
        if computes && !chosen { Self { own_sampling: false, ..Preset::Exact.apply(self) } } else { self.clone() }
    }

    /// What the engine is asked for, with `seed` where the user has set none.
    pub fn options(&self, seed: u64) -> ChatOptions {
        #[allow(clippy::cast_possible_truncation, reason = "the engine samples in f32")]
        let sampling = Sampling {
            temperature: self.temperature as f32,
            top_k: self.top_k as usize,
            top_p: self.top_p as f32,
            min_p: self.min_p as f32,
            repetition_penalty: self.repetition as f32,
            frequency_penalty: self.frequency as f32,
            presence_penalty: self.presence as f32,
            seed: self.seed.unwrap_or(seed),
        };
        ChatOptions {
            sampling,
            max_tokens: self.max_tokens as usize,
            think: self.think,
            stop: Vec::new(),
            layers: self.layers,
            threshold: self.threshold.map(|threshold| threshold as f32),
            attention: true,
        }
    }

    /// How a model is to be loaded.
    pub fn load_options(&self) -> LoadOptions {
        LoadOptions {
            device: self.device,
            context: self.context.unwrap_or(0) as usize,
            text_voice: self.text_voice,
            ..LoadOptions::default()
        }
    }

    /// Whether a loaded model would have to be loaded again for the change from `other` to take effect.
    pub fn reloads(&self, other: &Self) -> bool {
        self.load_options() != other.load_options()
    }

    /// The settings of the last visit.
    pub fn restore() -> Self {
        LocalStorage::get(SETTINGS_KEY).unwrap_or_default()
    }

    /// Keeps the settings for the next visit. A browser that keeps nothing is no reason to bother the user.
    pub fn keep(&self) {
        drop(LocalStorage::set(SETTINGS_KEY, self));
    }
}

/// The page's colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the system has it.
    #[default]
    Auto,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// The theme after this one.
    pub const fn next(self) -> Self {
        match self {
            Self::Auto => Self::Light,
            Self::Light => Self::Dark,
            Self::Dark => Self::Auto,
        }
    }

    /// What the user reads.
    pub fn label(self) -> &'static str {
        match self {
            Self::Auto => t("Auto"),
            Self::Light => t("Light"),
            Self::Dark => t("Dark"),
        }
    }

    /// The value of the root element's `data-theme`.
    pub const fn attribute(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The theme of the last visit.
    pub fn restore() -> Self {
        match LocalStorage::raw().get_item(THEME_KEY).ok().flatten().as_deref() {
            Some("light") => Self::Light,
            Some("dark") => Self::Dark,
            _ => Self::Auto,
        }
    }

    /// Keeps the theme for the next visit.
    pub fn keep(self) {
        drop(LocalStorage::raw().set_item(THEME_KEY, self.attribute()));
    }
}

/// Reads a number that a user has typed: `None` for an empty field.
///
/// # Errors
/// The text is not a number from `low` to `high`, or not a whole one where that is asked for.
pub fn read_number(text: &str, low: f64, high: f64, whole: bool) -> Result<Option<f64>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let refuse = || {
        let [low, high] = [low, high].map(|bound| bound.to_string().replace('.', t(".")));
        if whole {
            told!("Give a whole number from {} to {}.", low, high)
        } else {
            told!("Give a number from {} to {}.", low, high)
        }
    };
    let value: f64 = text.replace(',', ".").parse().map_err(|_| refuse())?;
    if !(low..=high).contains(&value) || (whole && value.fract() != 0.0) {
        return Err(refuse());
    }
    Ok(Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_within_their_bounds() {
        assert_eq!(read_number(" 0,7 ", 0.0, 2.0, false), Ok(Some(0.7)));
        assert_eq!(read_number("", 0.0, 2.0, false), Ok(None));
        assert_eq!(read_number("2", 0.0, 2.0, true), Ok(Some(2.0)));
        for bad in ["2.1", "-0.1", "NaN", "inf", "seven", "1e400"] {
            assert!(read_number(bad, 0.0, 2.0, false).is_err(), "{bad}");
        }
        assert!(read_number("1.5", 0.0, 2.0, true).is_err());
    }

    #[test]
    fn a_set_seed_wins_over_the_given_one() {
        let settings = Settings::default();
        assert_eq!(settings.options(7).sampling.seed, 7);
        assert_eq!(Settings { seed: Some(3), ..settings }.options(7).sampling.seed, 3);
    }

    #[test]
    fn a_model_that_computes_is_asked_greedily_unless_the_user_has_chosen() {
        let settings = Settings::default();
        assert_eq!(settings.in_use(false), settings);
        assert_eq!(settings.in_use(true).options(7).sampling.temperature, 0.0);
        assert!(Preset::Exact.is_that_of(&settings.in_use(true)));
        let warmer = Settings { temperature: 0.9, ..settings.clone() };
        assert_eq!(warmer.in_use(true), warmer);
        let balanced = Preset::Balanced.apply(&settings);
        assert_eq!(balanced.in_use(true), balanced);
    }

    #[test]
    fn a_preset_changes_sampling_only() {
        let settings = Settings { system: "Be brief.".into(), max_tokens: 9, ..Settings::default() };
        let exact = Preset::Exact.apply(&settings);
        assert_eq!(exact.temperature, 0.0);
        assert_eq!((exact.system.as_str(), exact.max_tokens), ("Be brief.", 9));
    }
}
