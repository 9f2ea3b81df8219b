//! What happens to a text after it is written: capitals, missing marks, slips of the finger. Numbers are left alone.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::grammar::Written;

/// Shortest word that a slip can happen in.
const SHORTEST: usize = 4;

/// How capitals are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// The first letter is a capital.
    Sentence,
    /// As the grammar has it.
    AsWritten,
    /// None.
    Lower,
    /// All.
    Upper,
}

impl Case {
    /// Draws one.
    pub fn draw(random: &mut ChaCha8Rng) -> Self {
        match random.random_range(0..100) {
            0..50 => Self::Sentence,
            50..66 => Self::AsWritten,
            66..96 => Self::Lower,
            _ => Self::Upper,
        }
    }

    /// Applies it.
    pub fn apply(self, text: &mut str) {
        match self {
            Self::AsWritten => {}
            Self::Lower => text.make_ascii_lowercase(),
            Self::Upper => text.make_ascii_uppercase(),
            Self::Sentence => {
                if let Some(first) = text.get_mut(..1) {
                    first.make_ascii_uppercase();
                }
            }
        }
    }
}

/// A slip in a word now and then, or a mark that is left out or doubled.
pub fn roughen(written: &mut Written, random: &mut ChaCha8Rng) {
    match random.random_range(0..100) {
        0..4 => slip(written, random),
        // Apostrophes and commas are the first that go.
        4..10 => drop_mark(written, '\'', random),
        10..13 => drop_mark(written, ',', random),
        13..16 => {
            let trimmed = written.text.trim_end_matches(['.', '?']).len();
            written.text.truncate(trimmed);
        }
        16 if written.text.ends_with(['?', '!']) => {
            written.text.push_str(if random.random_bool(0.5) { "?" } else { "!" });
        }
        17 if written.text.ends_with('?') => written.text.insert(written.text.len() - 1, ' '),
        _ => {}
    }
}

/// Replaces bytes of the text, which must not touch a number.
fn replace(written: &mut Written, start: usize, end: usize, with: &str) {
    written.text.replace_range(start..end, with);
    let moved = |at: usize| if at >= end { at - (end - start) + with.len() } else { at };
    for kept in &mut written.kept {
        *kept = (moved(kept.0), moved(kept.1));
    }
}

fn touches_number(written: &Written, start: usize, end: usize) -> bool {
    // A number's neighbours are its own too: a comma behind digits, a letter before them.
    written.kept.iter().any(|(from, to)| start <= *to && end >= *from)
}

fn drop_mark(written: &mut Written, mark: char, random: &mut ChaCha8Rng) {
    let places: Vec<usize> = written.text.match_indices(mark).map(|(at, _)| at).collect();
    if places.is_empty() {
        return;
    }
    let at = places[random.random_range(0..places.len())];
    if !touches_number(written, at, at + 1) {
        replace(written, at, at + 1, "");
    }
}

fn slip(written: &mut Written, random: &mut ChaCha8Rng) {
    let mut words: Vec<(usize, usize)> = Vec::new();
    let mut start = None;
    for (at, c) in written.text.char_indices().chain([(written.text.len(), ' ')]) {
        match (c.is_ascii_alphabetic(), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                if at - from >= SHORTEST && !touches_number(written, from, at) {
                    words.push((from, at));
                }
                start = None;
            }
            _ => {}
        }
    }
    if words.is_empty() {
        return;
    }
    let (from, to) = words[random.random_range(0..words.len())];
    // Words are ASCII, so that every place in them is a boundary. The first letter is seldom missed.
    let at = random.random_range(from + 1..to - 1);
    let word = written.text.as_bytes();
    let (here, next) = (char::from(word[at]), char::from(word[at + 1]));
    match random.random_range(0..3) {
        0 => replace(written, at, at + 1, ""),
        1 => replace(written, at, at + 1, &format!("{here}{here}")),
        _ => replace(written, at, at + 2, &format!("{next}{here}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn cases() {
        let apply = |case: Case| {
            let mut text = "what is Ann's √9?".to_owned();
            case.apply(&mut text);
            text
        };
        assert_eq!(apply(Case::Sentence), "What is Ann's √9?");
        assert_eq!(apply(Case::Lower), "what is ann's √9?");
        assert_eq!(apply(Case::Upper), "WHAT IS ANN'S √9?");
        let mut text = "√9".to_owned();
        Case::Sentence.apply(&mut text);
        assert_eq!(text, "√9");
    }

    #[test]
    fn numbers_survive_what_is_done_to_the_text() {
        let mut random = ChaCha8Rng::seed_from_u64(2);
        let mut changed = 0;
        for _ in 0..2000 {
            let text = "what's the total, of 1,200 and seventeen?".to_owned();
            let numbers = ["1,200", "seventeen"];
            let kept = numbers.map(|number| (text.find(number).unwrap(), text.find(number).unwrap() + number.len()));
            let mut written = Written { text: text.clone(), kept: kept.to_vec(), ..Written::default() };
            if random.random_bool(0.5) {
                slip(&mut written, &mut random);
            } else {
                roughen(&mut written, &mut random);
            }
            changed += usize::from(written.text != text);
            for (number, (start, end)) in numbers.iter().zip(&written.kept) {
                assert_eq!(&&written.text[*start..*end], number, "{}", written.text);
            }
        }
        assert!(changed > 1000, "{changed}");
    }
}
