//! What a question looks like apart from its numbers: for telling phrasings that were trained on from those that were not.

use wattage_engine::wasm_layers::numbers::bind;

/// The text in small letters with `#` for each number or list of numbers, without the marks that people leave out.
pub fn skeleton(text: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut at = 0;
    for number in bind(text).numbers {
        plain(text.get(at..number.start_byte).unwrap_or_default(), &mut words);
        // Numbers one after another are a list, of whatever length.
        if words.last().is_none_or(|last| last != "#") {
            words.push("#".to_owned());
        }
        at = number.end_byte;
    }
    plain(text.get(at..).unwrap_or_default(), &mut words);
    words.join(" ")
}

/// Words and signs; sentence marks only part them.
fn plain(text: &str, words: &mut Vec<String>) {
    let mut word = String::new();
    for c in text.chars().chain([' ']) {
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
            continue;
        }
        if matches!(c, '\'' | '’') {
            continue;
        }
        if !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if !c.is_whitespace() && !matches!(c, '.' | ',' | ';' | ':' | '?' | '!' | '"') {
            words.push(c.to_string());
        }
    }
}

/// Whether a data set's question is kept out of training: one in twelve forms, with all that differ from it by their numbers only.
pub fn held_out(question: &str) -> bool {
    hash(skeleton(question)).is_multiple_of(12)
}

/// FNV-1a of a text or other bytes: the same everywhere.
pub fn hash(bytes: impl AsRef<[u8]>) -> u64 {
    bytes
        .as_ref()
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_case_and_marks_make_no_difference() {
        let form = skeleton("What's 12 * 11?");
        assert_eq!(form, "whats # * #");
        for same in ["whats 1,200 * four", "WHAT’S 7 * -3.5 ?!"] {
            assert_eq!(skeleton(same), form);
        }
        assert_eq!(skeleton("Average of 4, 8, 12"), skeleton("average of 1, 2"));
        for other in ["What's 12 + 11?", "What is 12 * 11?", "12 * 11, what's that?"] {
            assert_ne!(skeleton(other), form);
        }
    }
}
