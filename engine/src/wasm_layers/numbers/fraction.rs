//! Fractions: `3/4 of`, `two thirds`, `half a`, and what follows a whole number in `2 3/4` or `one and a half`.

use super::Ratio;
use super::cardinal::cardinal;
use super::lexicon::{is_after_part, is_clear, is_measure, is_of, is_unit, lower, multiplier, part, vulgar};
use super::literal::one_blank;
use super::text::{Word, char_at, char_before, digit, is_digit, run_end, word_after, word_at};

/// What stands before a word for a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Count {
    /// `a` or `an`.
    Article,
    /// A number in words.
    Words(u64),
    /// A number in digits.
    Digits(u64),
}

/// A fraction and where it ends, in bytes.
pub(super) type Found = (Ratio, usize);

fn ratio(numerator: u64, denominator: u64) -> Ratio {
    Ratio::new(numerator.into(), denominator.into())
}

/// A fraction that is one character.
pub(super) fn character(text: &str, at: usize) -> Option<Found> {
    let c = char_at(text, at)?;
    vulgar(c).map(|(numerator, denominator)| (ratio(numerator, denominator), at + c.len_utf8()))
}

/// Two whole numbers of at most four digits with nothing but a slash between.
struct Slash {
    numerator: u64,
    denominator: u64,
    end: usize,
    /// Written so that it can only be a fraction: with a fraction slash, or as `2/5ths`.
    marked: bool,
}

impl Slash {
    fn at(text: &str, at: usize) -> Option<Self> {
        let (numerator, slash) = small(text, at)?;
        let mark = char_at(text, slash).filter(|c| matches!(c, '/' | '\u{2044}' | '\u{2215}' | '／'))?;
        let (denominator, mut end) = small(text, slash + mark.len_utf8())?;
        // More digits make it a date, a chain of divisions or a decimal.
        let before = char_before(text, at).is_some_and(|c| matches!(c, '/' | '.' | ','));
        let next = char_at(text, end);
        let behind = next.filter(|c| matches!(c, '/' | '.' | ',')).map(|c| end + c.len_utf8());
        if before || denominator == 0 || behind.and_then(|at| char_at(text, at)).is_some_and(is_digit) {
            return None;
        }
        let mut marked = mark == '\u{2044}';
        if next.is_some_and(char::is_alphabetic) {
            let suffix = word_at(text, end).filter(|word| {
                ["th", "ths", "rd", "rds", "nd", "nds", "st", "sts"].iter().any(|suffix| word.is(suffix))
            })?;
            end = suffix.end;
            marked = true;
        }
        Some(Self { numerator, denominator, end, marked })
    }

    fn found(&self) -> Found {
        (ratio(self.numerator, self.denominator), self.end)
    }

    fn is_proper(&self) -> bool {
        self.numerator < self.denominator
    }

    /// Whether what follows says that it is a part of something and no division.
    fn is_part(&self, text: &str) -> bool {
        if self.marked || is_percent(text, self.end) {
            return true;
        }
        let Some(word) = word_after(text, self.end) else { return false };
        let measured = is_clear(&word) || is_unit(&word) || multiplier(&lower(word.text)).is_some();
        is_of(&word) || self.is_proper() && (measured || is_times(text, &word))
    }
}

/// Whether the word is the `times` of `1/3 times as many`, which multiplies nothing yet.
fn is_times(text: &str, word: &Word<'_>) -> bool {
    word.is("times") && word_after(text, word.end).is_some_and(|next| is_clear(&next))
}

fn is_percent(text: &str, end: usize) -> bool {
    char_at(text, end) == Some('%') || word_after(text, end).is_some_and(|word| word.is("percent"))
}

/// One to four digits at `at`, and where they end.
fn small(text: &str, at: usize) -> Option<(u64, usize)> {
    let end = run_end(text, at, is_digit);
    let digits = text.get(at..end)?;
    if digits.is_empty() || digits.chars().nth(4).is_some() {
        return None;
    }
    Some((digits.chars().filter_map(digit).fold(0, |sum, value| sum * 10 + u64::from(value)), end))
}

/// `3/4` at `at` where it is clearly a fraction: before `of` and its like, a unit, or written as one. Else it is a
/// division.
pub(super) fn slash(text: &str, at: usize) -> Option<Found> {
    Slash::at(text, at).filter(|slash| slash.is_part(text)).map(|slash| slash.found())
}

/// The fraction after a whole number in digits that ends at `end`: `2½`, `2 ½`, `2 3/4`, `2 and 1/2 hours`,
/// `2 and a half`.
pub(super) fn after_digits(text: &str, end: usize) -> Option<Found> {
    let close = || {
        let at = one_blank(text, end)?;
        character(text, at).or_else(|| Slash::at(text, at).filter(Slash::is_proper).map(|slash| slash.found()))
    };
    character(text, end).or_else(close).or_else(|| after_and(text, end))
}

/// The fraction after a whole number and an `and`.
pub(super) fn after_and(text: &str, end: usize) -> Option<Found> {
    let and = word_after(text, end).filter(|word| word.is("and"))?;
    if let Some(at) = one_blank(text, and.end)
        && char_at(text, at).is_some_and(|c| is_digit(c) || vulgar(c).is_some())
    {
        // `the sum of 2 and 1/2` has two numbers, `2 and 1/2 hours` one.
        let measured =
            |slash: &Slash| word_after(text, slash.end).is_some_and(|word| is_unit(&word) || word.is("times"));
        let proper = Slash::at(text, at).filter(|slash| slash.is_proper() && measured(slash));
        return character(text, at).or_else(|| proper.map(|slash| slash.found()));
    }
    let first = word_after(text, and.end)?;
    if first.is("a") || first.is("an") {
        return after_count(text, first.end, Count::Article);
    }
    if first.is("half") {
        let taken = word_after(text, first.end).is_some_and(|word| is_of(&word) || word.is("a") || word.is("an"));
        return (!taken).then(|| (ratio(1, 2), first.end));
    }
    let count = cardinal(text, first.start)?;
    let word = word_after(text, count.end)?;
    let part = part(&lower(word.text)).filter(|part| count.value > 0 && count.value < part.of)?;
    (part.plural || count.value == 1).then(|| (ratio(count.value, part.of), word.end))
}

/// The fraction that a count which ends at `end` makes with the word after it: `a half`, `one third`, `two thirds`,
/// `3 quarters of`. Ordinals and quarters that are coins make none.
pub(super) fn after_count(text: &str, end: usize, count: Count) -> Option<Found> {
    let word = word_after(text, end)?;
    let part = part(&lower(word.text))?;
    let next = word_after(text, word.end);
    let of = next.is_some_and(|next| is_of(&next));
    let (Count::Article | Count::Words(1) | Count::Digits(1)) = count else {
        let (Count::Words(n) | Count::Digits(n)) = count else { return None };
        // `twenty-fifth` is an ordinal, and in `two fifth graders` nothing is divided.
        let written = if part.plural { true } else { n < 20 && (word.hyphen || of) };
        // Quarters are coins unless something is said of which they are parts.
        let quarters = part.of == 4 && part.only_part;
        let divided = !quarters || word.hyphen || of || next.is_some_and(|next| is_unit(&next) || next.is("full"));
        return (n > 0 && n < part.of && written && divided).then(|| (ratio(n, part.of), word.end));
    };
    let divided = match count {
        Count::Article => part.only_part || next.map_or(ends_phrase(text, word.end), |next| divides(&next)),
        Count::Digits(_) => of || next.is_some_and(|next| next.is("that")),
        Count::Words(_) => true,
    };
    (divided && !part.plural).then(|| (ratio(1, part.of), word.end))
}

/// Whether the word makes `a third` before it a part and not an ordinal.
fn divides(word: &Word<'_>) -> bool {
    is_after_part(word) || is_measure(word) || multiplier(&lower(word.text)).is_some()
}

/// Whether no word follows in the same phrase.
fn ends_phrase(text: &str, at: usize) -> bool {
    !char_at(text, run_end(text, at, char::is_whitespace)).is_some_and(char::is_alphanumeric)
}

/// A `half` that stands alone, with what it halves if that is a number: `half a dozen`, `half a million`.
pub(super) fn half(text: &str, end: usize) -> Found {
    let article = word_after(text, end).filter(|word| word.is("a") || word.is("an"));
    let after = article.map_or(end, |word| word.end);
    match word_after(text, after) {
        Some(word) if word.is("percent") => (ratio(1, 2), after),
        Some(word) => multiplier(&lower(word.text)).map_or((ratio(1, 2), end), |of| (ratio(of, 2), word.end)),
        None => (ratio(1, 2), end),
    }
}
