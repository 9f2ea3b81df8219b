//! The language of the interface. As with gettext, the English text in the source is the key of its translations.
//!
//! What the page says goes through [`t`], or through `told!` where it has values in it; [`key`] marks a text that is looked up later.
//! A test reads the sources for all three.

use std::{
    cell::Cell,
    collections::HashMap,
    fmt::{Display, Write as _},
    sync::LazyLock,
};

use leptos::prelude::window;
use serde::{Deserialize, Serialize};

/// A language that the interface is there in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Language {
    /// English, as the sources have it.
    #[serde(rename = "en")]
    English,
    /// German.
    #[serde(rename = "de")]
    German,
}

/// A language's texts by their English ones.
type Catalogue = HashMap<String, String>;

static GERMAN: LazyLock<Catalogue> =
    LazyLock::new(|| serde_json::from_str(include_str!("languages/de.json")).unwrap_or_default());

thread_local! {
    /// What is looked into; nothing for English. The worker sets none, so its program has no catalogue in it.
    static SPOKEN: Cell<Option<&'static Catalogue>> = const { Cell::new(None) };
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::English, Self::German];

    /// The visitor's choice, or else what the browser asks for; English where that is not there.
    pub fn of(chosen: Option<Self>) -> Self {
        let asked = || Self::asked(&window().navigator().language().unwrap_or_default());
        chosen.unwrap_or_else(asked)
    }

    /// For a tag as `de-AT`.
    fn asked(tag: &str) -> Self {
        let code = tag.split('-').next().unwrap_or_default();
        Self::ALL.into_iter().find(|one| code.eq_ignore_ascii_case(one.code())).unwrap_or(Self::English)
    }

    /// Its tag, for the attribute `lang`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    /// What it calls itself.
    pub const fn label(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::German => "Deutsch",
        }
    }
}

/// Has everything said in a language from now on.
pub fn speak(language: Language) {
    SPOKEN.set(match language {
        Language::English => None,
        Language::German => Some(&*GERMAN),
    });
}

/// A text in the language that is spoken; as it is where there is no translation.
pub fn t(text: &str) -> &str {
    SPOKEN.get().and_then(|catalogue| catalogue.get(text)).map_or(text, String::as_str)
}

/// Marks a text that is looked up where it is shown.
pub const fn key(text: &'static str) -> &'static str {
    text
}

/// A text with values, in the language that is spoken: `told!("{} of {} tokens", done, all)`. A translation may have the values in
/// another order, as `{1}` and `{0}`.
macro_rules! told {
    ($text:literal $(, $value:expr)+ $(,)?) => {{
        const { assert!($crate::language::blanks($text) == [$(stringify!($value)),+].len()) };
        $crate::language::fill($crate::language::t($text), &[$(&$value as &dyn std::fmt::Display),+])
    }};
}
pub(crate) use told;

/// How many values an English text has.
pub const fn blanks(text: &str) -> usize {
    let (text, mut at, mut count) = (text.as_bytes(), 1, 0);
    while at < text.len() {
        if text[at - 1] == b'{' && text[at] == b'}' {
            count += 1;
        }
        at += 1;
    }
    count
}

/// A text with values in the place of each `{}`, one after the other, and each `{1}`, by its number from 0.
pub fn fill(text: &str, values: &[&dyn Display]) -> String {
    let mut told = String::with_capacity(2 * text.len());
    let (mut rest, mut next) = (text, 0..);
    while let Some((before, behind)) = rest.split_once('{') {
        told.push_str(before);
        let blank = behind.split_once('}').and_then(|(place, behind)| {
            let place = if place.is_empty() { next.next()? } else { place.parse().ok()? };
            Some((values.get::<usize>(place)?, behind))
        });
        match blank {
            Some((value, behind)) => {
                let _ = write!(told, "{value}");
                rest = behind;
            }
            // A brace that is just one.
            None => {
                told.push('{');
                rest = behind;
            }
        }
    }
    told.push_str(rest);
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_translated_is_english() {
        for language in Language::ALL {
            speak(language);
            assert_eq!(t("A text that nobody has translated."), "A text that nobody has translated.");
        }
        assert_eq!(t("Settings"), "Einstellungen");
        assert_eq!(told!("{} of {}", 1, "2"), "1 von 2");
        speak(Language::English);
        assert_eq!(t("Settings"), "Settings");
    }

    #[test]
    fn values_go_where_the_text_has_them() {
        assert_eq!(fill("{} of {}", &[&1, &"two"]), "1 of two");
        assert_eq!(fill("{1}: {0} {\"a\": {1}} {", &[&1, &"{}"]), "{}: 1 {\"a\": {}} {");
        assert_eq!((blanks("{} of {}"), blanks("{\"a\"}"), blanks("")), (2, 0, 0));
    }

    #[test]
    fn a_browser_asks_by_tag() {
        let asked = ["de", "de-AT", "DE-ch", "en-US", "fr", ""].map(Language::asked);
        let (english, german) = (Language::English, Language::German);
        assert_eq!(asked, [german, german, german, english, english, english]);
        for language in Language::ALL {
            assert_eq!(serde_json::to_string(&language).unwrap(), format!("\"{}\"", language.code()));
        }
    }
}
