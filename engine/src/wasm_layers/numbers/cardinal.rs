//! Whole numbers in words: `two thousand three hundred and five`.

use super::lexicon::{Term, is_ordinal, lower, term};
use super::text::{Word, word_after, word_at, word_before};

/// A whole number in words.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cardinal {
    pub(super) value: u64,
    /// Where it ends, in bytes.
    pub(super) end: usize,
    /// Its last word's part in it.
    pub(super) last: Term,
}

/// Thousands that are closed, and the group of up to three digits that is being read.
#[derive(Debug)]
struct Reader {
    closed: u64,
    group: u64,
    /// The scale that closed the last group; the next one must be smaller.
    scale: u64,
    hundreds: bool,
    /// What the group can still take below a hundred.
    room: Room,
}

#[derive(Debug, PartialEq, Eq)]
enum Room {
    /// Anything below a hundred.
    All,
    /// One to nine.
    Units,
    Nothing,
}

impl Reader {
    /// Takes the next word; false if it cannot come here.
    fn take(&mut self, term: Term) -> bool {
        match term {
            Term::Unit(n) if self.room != Room::Nothing => self.add(n, Room::Nothing),
            Term::Teen(n) if self.room == Room::All => self.add(n, Room::Nothing),
            Term::Tens(n) if self.room == Room::All => self.add(n, Room::Units),
            Term::Hundred if !self.hundreds && self.group > 0 => {
                self.group *= 100;
                self.hundreds = true;
                self.room = Room::All;
                true
            }
            Term::Scale(scale) if self.group > 0 && scale < self.scale => {
                self.closed += self.group * scale;
                self.group = 0;
                self.scale = scale;
                self.hundreds = false;
                self.room = Room::All;
                true
            }
            _ => false,
        }
    }

    fn add(&mut self, n: u64, room: Room) -> bool {
        self.group += n;
        self.room = room;
        true
    }

    fn value(&self) -> u64 {
        self.closed + self.group
    }
}

fn is_multiple(term: Term) -> bool {
    matches!(term, Term::Hundred | Term::Scale(_))
}

/// The number whose first word begins at `at`. An article, or nothing, before `hundred` or `thousand` means one.
pub(super) fn cardinal(text: &str, at: usize) -> Option<Cardinal> {
    let first = word_at(text, at)?;
    let article = first.is("a") || first.is("an");
    let term_of = |word: Word<'_>| term(&lower(word.text));
    let first_term = if article { Term::Unit(1) } else { term_of(first)? };
    if article && !word_after(text, first.end).and_then(term_of).is_some_and(is_multiple) {
        return None;
    }
    if first_term == Term::Zero {
        return Some(Cardinal { value: 0, end: first.end, last: Term::Zero });
    }
    let group = u64::from(is_multiple(first_term));
    let mut reader = Reader { closed: 0, group, scale: u64::MAX, hundreds: false, room: Room::All };
    reader.take(first_term);
    let mut read = Cardinal { value: reader.value(), end: first.end, last: first_term };
    // The number up to its last hundred or thousand: where `two hundred one hundred` is cut.
    let mut round = is_multiple(first_term).then_some(read);
    while let Some((term, end)) = next_term(text, &read) {
        if !reader.take(term) {
            return if is_multiple(term) { round.or(Some(read)) } else { Some(read) };
        }
        read = Cardinal { value: reader.value(), end, last: term };
        if is_multiple(term) {
            round = Some(read);
        }
    }
    Some(read)
}

/// The next word of a number, over an `and` after a hundred or a thousand.
fn next_term(text: &str, read: &Cardinal) -> Option<(Term, usize)> {
    let mut word = word_after(text, read.end)?;
    let joined = word.is("and");
    if joined {
        if !is_multiple(read.last) {
            return None;
        }
        word = word_after(text, word.end)?;
    }
    let term = term(&lower(word.text))?;
    (!joined || !is_multiple(term)).then_some((term, word.end))
}

/// Digits in words after a `point`: one by one, or a number below a hundred as in `three point fourteen`.
pub(super) fn decimals(text: &str, end: usize) -> Option<(String, usize)> {
    let point = word_after(text, end).filter(|word| word.is("point") && !word.hyphen)?;
    let mut digits = String::new();
    let mut end = point.end;
    while let Some(word) = word_after(text, end).filter(|word| !word.hyphen) {
        match term(&lower(word.text)) {
            Some(Term::Zero) => digits.push('0'),
            Some(Term::Unit(n)) => digits.push_str(&n.to_string()),
            Some(Term::Teen(_) | Term::Tens(_)) if digits.is_empty() => {
                let below = cardinal(text, word.start).filter(|below| below.value < 100)?;
                return Some((below.value.to_string(), below.end));
            }
            _ => break,
        }
        end = word.end;
    }
    (!digits.is_empty()).then_some((digits, end))
}

/// Where the ordinal ends that a number in words from `start` only begins: `twenty-third`, `the two hundredth`. Without a
/// hyphen or a `the` the words are read as a number of ordinals: `twenty third graders`.
pub(super) fn ordinal_end(text: &str, start: usize, number: &Cardinal) -> Option<usize> {
    let word = word_after(text, number.end).filter(|word| is_ordinal(&lower(word.text)))?;
    let goes_on = match number.last {
        Term::Tens(_) | Term::Hundred | Term::Scale(_) => true,
        _ => word.is("hundredth") || word.is("thousandth") || word.is("millionth"),
    };
    let definite = word_before(text, start).is_some_and(|before| before.is("the"));
    // `thirty-second` is a time as often as an ordinal.
    let compound = word.hyphen && matches!(number.last, Term::Tens(_)) && !word.is("second");
    (goes_on && (definite || compound)).then_some(word.end)
}
