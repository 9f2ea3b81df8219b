//! `one` and `half` where they are no quantities.
//!
//! A program can always write the constant 1, so that a doubtful `one` is better left unbound than bound.

use super::lexicon::{among, is_of, lower, term};
use super::text::{Word, char_at, char_before, run_end, run_start, word_after, word_before};

/// Words before a `one` that points at something: `this one`, `no one`, `each one`.
const POINTING: &str = "this that these those which what no each every any some such the another other same first \
                        second third fourth fifth last next previous current";

/// Words after a pronoun: `one of`, `one another`, `one who`; `one way` is not one of several things either.
const AFTER_PRONOUN: &str = "of another after who whom whose that which way";

/// Second parts of compounds in which `one` counts nothing: `one-time`, `one-on-one`.
const COMPOUNDS: &str = "time sided on off stop to size armed";

/// Times that make a `one` at a clause's start a point in time: `One day, …`.
const ONCE: &str = "day morning evening afternoon night monday tuesday wednesday thursday friday saturday sunday";

/// Verbs after a pronoun, as in `the cheap one costs`; after a sum, as in `one plus one is`, they mean nothing.
const VERBS: &str = "is was has had are were can could will would should must may might does did do costs cost weighs \
                     contains gets got made makes eats needs takes lives";

/// Words before a `one` that counts though nothing follows that could be counted: `only one.`, `two and one is`.
const COUNTING: &str =
    "plus minus times by and from to is equals than only just exactly over add subtract or least most";

/// Words before a `half` that is one of two pieces: `the other half`, `first half`.
const PIECES: &str = "the other first second third last latter former this that next each better final";

/// Words before a `half` that says how something is cut, unless it is half of something: `in half`, `in half an hour`.
const CUT: &str = "in into";

/// Words after a `half` that is no quantity.
const HALVED: &str = "time brother sister";

/// Whether a `one` that is a whole number word by itself points at something instead of counting.
pub(super) fn is_pronoun(text: &str, one: &Word<'_>) -> bool {
    let before = word_before(text, one.start);
    if before.is_some_and(|word| among(POINTING, &word)) {
        return true;
    }
    let nothing_counted = match word_after(text, one.end) {
        Some(word) if among(AFTER_PRONOUN, &word) || word.hyphen && among(COMPOUNDS, &word) => return true,
        Some(word) if among(ONCE, &word) && starts_clause(text, one.start) => return true,
        Some(word) => among(VERBS, &word),
        None => ends_clause(text, one.end),
    };
    let counts = |word: Word<'_>| among(COUNTING, &word) || term(&lower(word.text)).is_some();
    nothing_counted && before.is_some_and(|word| !counts(word))
}

/// Whether a `half` that stands alone is a piece or an adverb instead of a quantity.
pub(super) fn is_piece(text: &str, half: &Word<'_>) -> bool {
    let after = word_after(text, half.end);
    let of_something = after.is_some_and(|word| is_of(&word) || word.is("a") || word.is("an"));
    word_before(text, half.start).is_some_and(|word| among(PIECES, &word) || among(CUT, &word) && !of_something)
        || after.is_some_and(|word| among(HALVED, &word))
}

/// Whether nothing of the same clause comes before `at`.
fn starts_clause(text: &str, at: usize) -> bool {
    let at = run_start(text, at, char::is_whitespace);
    char_before(text, at).is_none_or(|c| matches!(c, '.' | '!' | '?' | ':' | ';' | ',' | '"' | '“' | '(' | '…'))
}

/// Whether nothing of the same clause comes after `at`.
fn ends_clause(text: &str, at: usize) -> bool {
    let at = run_end(text, at, char::is_whitespace);
    char_at(text, at).is_none_or(|c| matches!(c, '.' | '!' | '?' | ':' | ';' | ',' | '"' | '”' | ')' | '…'))
}
