//! A link that holds a question and settings, and never a conversation. It is all in the fragment, which no server is sent.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use wasm_bindgen::JsValue;

use crate::{preferences::Settings, state::Store};

/// What the fragment begins with.
const MARK: &str = "#ask=";
/// The longest fragment that is read, in bytes.
const LONGEST: usize = 64 << 10;

/// What a link holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shared {
    /// The question.
    pub question: String,
    /// The settings.
    pub settings: Settings,
}

impl Shared {
    fn of_fragment(fragment: &str) -> Option<Self> {
        let text = fragment.strip_prefix(MARK).filter(|_| fragment.len() <= LONGEST)?;
        let text = js_sys::decode_uri_component(text).ok()?;
        serde_json::from_str(&String::from(text)).ok()
    }
}

/// A visitor's settings with what a link has to say of answers: how they are sampled and what they begin with. Where models run,
/// what is opened with the page, and its language, is the visitor's own.
pub fn adopted(own: &Settings, shared: &Settings) -> Settings {
    let Settings { device, open_embedded, context, language, .. } = *own;
    // No more than a field would take.
    let threshold = shared.threshold.filter(|threshold| threshold.abs() <= 50.0);
    Settings { device, open_embedded, context, language, threshold, ..shared.clone() }
}

impl Store {
    /// The link for the question that is being written, or was asked last, and the settings; none where they are too long for one.
    pub fn link(self) -> Option<String> {
        let draft = self.draft.get();
        let asked = || {
            let turns = self.turns.read();
            let last = turns.iter().rev().find(|turn| turn.role == wattage_engine::Role::User)?.text.get();
            Some(last)
        };
        let question = if draft.trim().is_empty() { asked().unwrap_or_default() } else { draft };
        let shared = Shared { question, settings: self.settings.get() };
        let text = serde_json::to_string(&shared).unwrap_or_default();
        let page = window().location().href().unwrap_or_default();
        let page = page.split('#').next().unwrap_or_default();
        let fragment = format!("{MARK}{}", String::from(js_sys::encode_uri_component(&text)));
        (fragment.len() <= LONGEST).then(|| format!("{page}{fragment}"))
    }

    /// Takes up the link that the page was opened with, or was sent to since: its question is there to be sent, its settings are offered.
    pub fn follow_link(self) {
        let location = window().location();
        let Some(shared) = location.hash().ok().and_then(|fragment| Shared::of_fragment(&fragment)) else { return };
        self.draft.set(shared.question);
        let own = self.settings.get_untracked();
        if adopted(&own, &shared.settings) != own {
            self.offered.set(Some(shared.settings));
        }
        // A reload does not bring it back.
        let page = location.href().unwrap_or_default();
        if let Ok(history) = window().history() {
            drop(history.replace_state_with_url(&JsValue::NULL, "", page.split('#').next()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Language;
    use wattage_engine::DevicePreference;

    #[test]
    fn a_link_changes_answers_and_not_the_device() {
        let own = Settings {
            device: DevicePreference::Cpu,
            open_embedded: false,
            language: Some(Language::German),
            ..Settings::default()
        };
        let shared = Settings {
            temperature: 0.1,
            system: "Be brief.".into(),
            language: Some(Language::English),
            ..Settings::default()
        };
        let adopted = adopted(&own, &shared);
        let kept = (adopted.device, adopted.open_embedded, adopted.language);
        assert_eq!(kept, (DevicePreference::Cpu, false, Some(Language::German)));
        assert_eq!((adopted.temperature, adopted.system.as_str()), (0.1, "Be brief."));
    }
}
