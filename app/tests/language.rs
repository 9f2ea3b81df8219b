//! The catalogues have every text that the sources ask for, and no other.
#![allow(clippy::unwrap_used, reason = "a failure here fails the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use wattage_app::{language::blanks, offline::SAYINGS};

fn app() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The Rust files in a folder and below it.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let inside = |path: PathBuf| match path.is_dir() {
        true => sources(&path),
        false => vec![path],
    };
    entries.flat_map(inside).filter(|path| path.extension().is_some_and(|ending| ending == "rs")).collect()
}

/// The texts in `t("…")`, `key("…")` and `told!("…")`, tests and comments left out.
fn keys(source: &str) -> BTreeSet<String> {
    let source = source.split("#[cfg(test)]\nmod").next().unwrap();
    let lines = source.lines().filter(|line| !line.trim_start().starts_with("//"));
    let source = lines.collect::<Vec<_>>().join("\n");
    let mut keys = BTreeSet::new();
    for call in ["t(", "key(", "told!("] {
        for (at, _) in source.match_indices(call) {
            let within_a_word = source[..at].ends_with(|c: char| c.is_alphanumeric() || "_.".contains(c));
            let Some(text) = source[at + call.len()..].trim_start().strip_prefix('"').filter(|_| !within_a_word) else {
                continue;
            };
            let mut escaped = false;
            let ends = |c: char| {
                let end = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                end
            };
            let text = &text[..text.find(ends).unwrap()];
            // As JSON has it, so a text that is written over two lines or with \u{…} is refused.
            keys.insert(serde_json::from_str(&format!("\"{text}\"")).unwrap());
        }
    }
    keys
}

/// The places of values in a translation, in order.
fn places(text: &str) -> Vec<usize> {
    let insides = text.split('{').skip(1).filter_map(|behind| Some(behind.split_once('}')?.0));
    let mut next = 0..;
    let mut places: Vec<usize> =
        insides.filter_map(|place| if place.is_empty() { next.next() } else { place.parse().ok() }).collect();
    places.sort_unstable();
    places
}

#[test]
fn every_text_is_translated_and_its_values_are_in_it() {
    let used: BTreeSet<String> =
        sources(&app().join("src")).iter().flat_map(|path| keys(&fs::read_to_string(path).unwrap())).collect();
    assert!(used.len() > 400, "only {} texts were found", used.len());
    for file in fs::read_dir(app().join("src/languages")).unwrap().map(|entry| entry.unwrap().path()) {
        let json = fs::read_to_string(&file).unwrap();
        let catalogue: BTreeMap<String, String> = serde_json::from_str(&json).unwrap();
        let there: BTreeSet<String> = catalogue.keys().cloned().collect();
        let missing: Vec<_> = used.difference(&there).collect();
        let unused: Vec<_> = there.difference(&used).collect();
        assert!(
            missing.is_empty() && unused.is_empty(),
            "{}: missing {missing:#?}, unused {unused:#?}",
            file.display()
        );
        assert_eq!(json.lines().count(), catalogue.len() + 2, "a text is there twice, or not on a line of its own");
        for (english, text) in &catalogue {
            let all: Vec<usize> = (0..blanks(english)).collect();
            assert_eq!(places(text), all, "{english:?} and {text:?}");
            let edges = |text: &str| (text.starts_with(' '), text.ends_with(' '));
            assert_eq!(edges(text), edges(english), "{english:?} and {text:?}");
        }
    }
}

#[test]
fn what_offline_js_says_is_known() {
    let script = fs::read_to_string(app().join("offline.js")).unwrap();
    for saying in SAYINGS {
        let why = saying.strip_prefix("This page needs a network each time: ").and_then(|why| why.strip_suffix('.'));
        assert!(script.contains(&format!("\"{}\"", why.unwrap_or(saying))), "{saying}");
    }
}
