//! One pass over a text that finds its numbers.

use num_traits::{ToPrimitive, Zero};

use super::cardinal::{cardinal, decimals, ordinal_end};
use super::fraction::{self, Count, after_and, after_count, after_digits};
use super::lexicon::{is_doubled, is_unit, is_vague, lower, multiplier, plural, term, times};
use super::literal::{self, Literal, Run};
use super::sign::{minus_before, signed_by_word};
use super::suffix::{Rest, is_money, percent_end};
use super::text::{
    Word, char_at, char_before, is_blank, is_cased, is_digit, run_start, word_after, word_at, word_before, word_end,
};
use super::{Binding, Number, NumberKind, Ratio, Skipped, Why, pronoun};

/// A number that was found, before its sign and what follows it are looked at.
struct Found {
    start: usize,
    end: usize,
    value: Result<Ratio, Why>,
    kind: NumberKind,
}

/// Goes through a text once.
pub(super) struct Scanner<'t> {
    text: &'t str,
    at: usize,
    /// Digits that begin before this place are not grouped: see [`Literal::list_until`].
    list_until: usize,
    /// Where a word for a minus begins, and the number that it is the sign of.
    minus: Option<(usize, usize)>,
    /// Where the last number ended, 0 before the first.
    number_end: usize,
    /// A place up to which characters were counted: in bytes and in characters.
    counted: (usize, usize),
    binding: Binding,
}

impl<'t> Scanner<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            at: 0,
            list_until: 0,
            minus: None,
            number_end: 0,
            counted: (0, 0),
            binding: Binding { numbers: Vec::new(), skipped: Vec::new() },
        }
    }

    pub(super) fn run(mut self) -> Binding {
        while let Some(c) = char_at(self.text, self.at) {
            let next = self.at + c.len_utf8();
            if is_digit(c) || c == '.' && self.is_leading_point(next) {
                self.digits();
            } else if let Some((value, end)) = fraction::character(self.text, self.at) {
                self.found(self.at, end, Ok(value), NumberKind::Fraction);
            } else if c.is_alphabetic() || c == '_' {
                self.word();
            } else {
                self.at = next;
            }
        }
        self.binding
    }

    /// Whether the point before `next` begins a number such as `.5`.
    fn is_leading_point(&self, next: usize) -> bool {
        let before = char_before(self.text, self.at);
        char_at(self.text, next).is_some_and(is_digit)
            && !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | ')'))
    }

    fn digits(&mut self) {
        let start = self.at;
        if literal::is_in_name(self.text, start) {
            self.at = literal::skip(self.text, start);
            return;
        }
        let literal = match literal::read(self.text, start, start >= self.list_until) {
            Run::Number(literal) => literal,
            Run::Dotted(end) => return self.skip(start, end, Why::Dotted),
        };
        self.list_until = self.list_until.max(literal.list_until);
        if let Some(found) = self.fraction_in_digits(start, &literal) {
            return self.finish(found);
        }
        let rest = Rest::after(self.text, start, &literal);
        let value = literal.value();
        match rest {
            Rest::Separate => self.found(start, literal.end, value, NumberKind::Digits),
            Rest::Ordinal(end) => self.found(start, end, value, NumberKind::Ordinal),
            Rest::Factor(factor, end) => {
                self.found(
                    start,
                    end,
                    value.map(|value| value * Ratio::from_integer(factor.into())),
                    NumberKind::Digits,
                );
            }
            Rest::Mixed => self.at = literal::skip(self.text, literal.end),
        }
    }

    fn fraction_in_digits(&self, start: usize, literal: &Literal) -> Option<Found> {
        let whole = literal.small()?;
        let divisor = char_before(self.text, start) == Some('/');
        let (value, end) = if let Some(found) = fraction::slash(self.text, start) {
            found
        } else if let Some((part, end)) = after_digits(self.text, literal.end).filter(|_| whole < 1_000 && !divisor) {
            (Ratio::from_integer(whole.into()) + part, end)
        } else {
            after_count(self.text, literal.end, Count::Digits(whole))?
        };
        Some(Found { start, end, value: Ok(value), kind: NumberKind::Fraction })
    }

    fn word(&mut self) {
        let start = self.at;
        let end = word_end(self.text, start);
        // `x` between numbers multiplies, even where it touches the second.
        if matches!(&self.text[start..end], "x" | "X")
            && char_at(self.text, end).is_some_and(is_digit)
            && self.follows_number(start)
        {
            self.at = end;
            return;
        }
        // Digits inside a word are part of a name: mp3, B2B.
        let cased = char_before(self.text, end).is_some_and(|c| is_cased(c) || c == '_') || end == start;
        if cased && char_at(self.text, end).is_some_and(|c| is_digit(c) || c == '_') {
            self.at = literal::skip(self.text, start);
            return;
        }
        self.at = end;
        let Some(word) = word_at(self.text, start) else { return };
        if let Some(found) = self.number_in_words(&word) {
            self.finish(found);
        }
    }

    /// Whether only blanks are between the last number and this place.
    fn follows_number(&self, at: usize) -> bool {
        self.number_end > 0 && self.number_end == run_start(self.text, at, is_blank)
    }

    /// The number that begins with `word`. May move on past words that are no number together.
    fn number_in_words(&mut self, word: &Word<'_>) -> Option<Found> {
        let text = self.text;
        let small = lower(word.text);
        let found = |end, value, kind| Some(Found { start: word.start, end, value: Ok(value), kind });
        let whole = |value: u64| Ratio::from_integer(value.into());
        match small.as_str() {
            "minus" | "negative" => {
                let number = signed_by_word(text, word)?;
                self.minus = Some((word.start, number));
                None
            }
            "a" | "an" => self.after_article(word),
            "half" => {
                let (value, end) = fraction::half(text, word.end);
                let piece = end == word.end && pronoun::is_piece(text, word);
                if piece { None } else { found(end, value, NumberKind::Fraction) }
            }
            "couple" => {
                if counts_two(text, word) {
                    found(word.end, whole(2), NumberKind::Word)
                } else {
                    None
                }
            }
            "hundred" | "thousand" | "million" | "billion" | "trillion" | "dozen" if is_vague_before(text, word) => {
                None
            }
            "dozen" => found(word.end, whole(12), NumberKind::Word),
            "dozens" if asks_how_many(text, word) || !word_after(text, word.end).is_some_and(|of| of.is("of")) => {
                found(word.end, whole(12), NumberKind::Word)
            }
            _ => match times(&small) {
                // Something else than a multiple, as in `double-check`.
                Some(_)
                    if matches!(small.as_str(), "double" | "triple")
                        && word_after(text, word.end).is_some_and(|next| is_doubled(&next)) =>
                {
                    None
                }
                Some(times) => found(word.end, whole(times), NumberKind::Word),
                None => match plural(&small) {
                    // `seven eights`, `how many eights`; in `his twenties` and `tens of thousands` it is no number.
                    Some(value) if !word_after(text, word.end).is_some_and(|of| of.is("of")) => {
                        let counted = self.follows_number(word.start) || asks_how_many(text, word);
                        counted.then(|| found(word.end, whole(value), NumberKind::Word)).flatten()
                    }
                    Some(_) => None,
                    None => term(&small).and_then(|_| self.cardinal(word)),
                },
            },
        }
    }

    /// The number that begins with an article: `a hundred and five`, `a dozen`, `a third`, `an hour and a half`.
    fn after_article(&self, article: &Word<'_>) -> Option<Found> {
        let text = self.text;
        let start = article.start;
        let next = word_after(text, article.end).filter(|next| !next.hyphen)?;
        let found = |end, value, kind| Some(Found { start, end, value: Ok(value), kind });
        if let Some(number) = cardinal(text, start) {
            return found(number.end, Ratio::from_integer(number.value.into()), NumberKind::Word);
        }
        if next.is("dozen") {
            return found(next.end, Ratio::from_integer(12.into()), NumberKind::Word);
        }
        if next.is("couple") && counts_two(text, &next) {
            return found(next.end, Ratio::from_integer(2.into()), NumberKind::Word);
        }
        if next.is("half") {
            let (value, end) = fraction::half(text, next.end);
            return found(end, value, NumberKind::Fraction);
        }
        if let Some((value, end)) = after_count(text, article.end, Count::Article) {
            return found(end, value, NumberKind::Fraction);
        }
        let (part, end) = after_and(text, next.end).filter(|_| is_unit(&next))?;
        found(end, Ratio::from_integer(1.into()) + part, NumberKind::Fraction)
    }

    fn cardinal(&mut self, word: &Word<'_>) -> Option<Found> {
        let text = self.text;
        let start = word.start;
        let number = cardinal(text, start)?;
        let whole = Ratio::from_integer(number.value.into());
        let found = |end, value, kind| Some(Found { start, end, value, kind });
        if let Some((value, end)) = after_count(text, number.end, Count::Words(number.value)) {
            return found(end, Ok(value), NumberKind::Fraction);
        }
        if let Some(end) = ordinal_end(text, start, &number) {
            self.at = end;
            return None;
        }
        if let Some((digits, end)) = decimals(text, number.end) {
            return found(end, literal::decimal(number.value, &digits), NumberKind::Word);
        }
        if let Some((part, end)) = after_and(text, number.end).filter(|_| number.value > 0) {
            return found(end, Ok(whole + part), NumberKind::Fraction);
        }
        let one = number.value == 1 && number.end == word.end;
        let dozen = word_after(text, word.end).is_some_and(|next| multiplier(&lower(next.text)).is_some());
        if one && !dozen && percent_end(text, word.end).is_none() && pronoun::is_pronoun(text, word) {
            return None;
        }
        found(number.end, Ok(whole), NumberKind::Word)
    }

    fn found(&mut self, start: usize, end: usize, value: Result<Ratio, Why>, kind: NumberKind) {
        self.finish(Found { start, end, value, kind });
    }

    /// Adds what follows a number to it, and its sign, and keeps it.
    fn finish(&mut self, mut found: Found) {
        // `hundred thousand` is two words; more than that is no number that anybody writes.
        let most = if found.kind == NumberKind::Ordinal { 0 } else { 2 };
        for _ in 0..most {
            let Some(word) = word_after(self.text, found.end) else { break };
            let Some(factor) = multiplier(&lower(word.text)) else { break };
            found.value = found.value.map(|value| value * Ratio::from_integer(factor.into()));
            found.end = word.end;
        }
        if let Some(end) = percent_end(self.text, found.end) {
            found.value = found.value.map(|value| value / Ratio::from_integer(100.into()));
            found.end = end;
            found.kind = NumberKind::Percent;
        }
        let by_word = self.minus.take().filter(|(_, number)| *number == found.start).map(|(word, _)| word);
        if let Some(start) = minus_before(self.text, found.start, self.number_end).or(by_word) {
            found.value = found.value.map(|value| -value);
            found.start = start;
        }
        if found.kind != NumberKind::Percent && is_money(self.text, found.start, found.end) {
            found.kind = NumberKind::Money;
        }
        let value = found.value.and_then(|exact| finite(&exact).map(|value| (exact, value)));
        match value {
            Ok((exact, value)) => {
                let (start, end) = (self.characters(found.start), self.characters(found.end));
                self.binding.numbers.push(Number {
                    text: self.text[found.start..found.end].to_owned(),
                    value,
                    exact,
                    start,
                    end,
                    start_byte: found.start,
                    end_byte: found.end,
                    kind: found.kind,
                });
                self.number_end = found.end;
                self.at = found.end;
            }
            Err(why) => self.skip(found.start, found.end, why),
        }
    }

    fn skip(&mut self, start: usize, end: usize, why: Why) {
        let text = self.text[start..end].to_owned();
        let characters = (self.characters(start), self.characters(end));
        let (start_byte, end_byte) = (start, end);
        let (start, end) = characters;
        self.binding.skipped.push(Skipped { text, start, end, start_byte, end_byte, why });
        self.number_end = end_byte;
        self.at = end_byte;
    }

    /// How many characters stand before a place; places must not decrease.
    fn characters(&mut self, at: usize) -> usize {
        let (bytes, characters) = self.counted;
        self.counted = (at, characters + self.text[bytes..at].chars().count());
        self.counted.1
    }
}

/// Whether a `couple` is a number and not two people.
fn counts_two(text: &str, couple: &Word<'_>) -> bool {
    let counts = |next: Word<'_>| next.is("of") || multiplier(&lower(next.text)).is_some();
    word_after(text, couple.end).is_some_and(counts)
}

/// Whether what stands before a plain `hundred` or `dozen` leaves open how many.
fn is_vague_before(text: &str, word: &Word<'_>) -> bool {
    word_before(text, word.start).is_some_and(|before| is_vague(&before)) && !asks_how_many(text, word)
}

/// Whether a number is asked for in dozens, so that twelve is divided by.
fn asks_how_many(text: &str, word: &Word<'_>) -> bool {
    let many = word_before(text, word.start).filter(|before| before.is("many"));
    many.and_then(|many| word_before(text, many.start)).is_some_and(|how| how.is("how"))
}

fn finite(exact: &Ratio) -> Result<f64, Why> {
    match exact.to_f64() {
        Some(value) if !value.is_finite() => Err(Why::TooLarge),
        Some(value) if value == 0.0 && !exact.is_zero() => Err(Why::TooSmall),
        Some(value) => Ok(value),
        None => Err(Why::TooLarge),
    }
}
