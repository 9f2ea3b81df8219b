//! Numbers in digits: separators of thousands, decimals, exponents.

use num_bigint::BigInt;

use super::text::{char_at, char_before, digit, is_blank, is_digit, is_hyphen, run_end, run_start};
use super::{Ratio, Why};

/// Most digits of one number, exponent not counted: over twice what the largest f64 needs.
const MOST_DIGITS: usize = 800;
/// Largest power of ten that is worked out, either way: far beyond what an f64 holds.
const MOST_EXPONENT: i64 = 2_000;

/// What begins with a digit, or with a point and a digit.
#[derive(Debug)]
pub(super) enum Run {
    /// A number.
    Number(Literal),
    /// A version, an address or a date: digits with more than one point between them, up to here.
    Dotted(usize),
}

/// A number in digits, without sign.
#[derive(Debug, Default)]
pub(super) struct Literal {
    /// Where it ends, in bytes.
    pub(super) end: usize,
    /// Its digits in ASCII, those after the point too; cut off when they are too many.
    digits: String,
    /// How many of them stand after the point.
    decimals: usize,
    exponent: i64,
    grouped: bool,
    /// Digits that begin before this place belong to a list that looked like groups of thousands and was none.
    pub(super) list_until: usize,
}

impl Literal {
    /// Its value if it is a whole number of at most four digits written with nothing else.
    pub(super) fn small(&self) -> Option<u64> {
        let small = !self.grouped && self.decimals == 0 && self.exponent == 0 && self.digits.len() <= 4;
        if small { self.digits.parse().ok() } else { None }
    }

    /// Whether it is written as a whole number.
    pub(super) fn is_whole(&self) -> bool {
        self.decimals == 0 && self.exponent == 0
    }

    /// Its value.
    pub(super) fn value(&self) -> Result<Ratio, Why> {
        if self.digits.len() > MOST_DIGITS {
            return Err(Why::TooLong);
        }
        let digits: BigInt = self.digits.parse().map_err(|_| Why::TooLong)?;
        let power = self.exponent - i64::try_from(self.decimals).map_err(|_| Why::TooLong)?;
        if digits == BigInt::ZERO {
            return Ok(Ratio::from_integer(digits));
        }
        let scale =
            |power: u64| u32::try_from(power).map(|power| BigInt::from(10).pow(power)).map_err(|_| Why::TooLong);
        match power {
            power if power > MOST_EXPONENT => Err(Why::TooLarge),
            power if power < -MOST_EXPONENT => Err(Why::TooSmall),
            0.. => Ok(Ratio::from_integer(digits * scale(power.unsigned_abs())?)),
            _ => Ok(Ratio::new(digits, scale(power.unsigned_abs())?)),
        }
    }

    fn push(&mut self, digits: &str) -> usize {
        let mut count = 0;
        for value in digits.chars().filter_map(digit) {
            if self.digits.len() <= MOST_DIGITS {
                self.digits.push(char::from(b'0' + value));
                count += 1;
            }
        }
        count
    }
}

fn is_point(c: char) -> bool {
    matches!(c, '.' | '．' | '٫')
}

/// A mark between groups of thousands.
fn is_separator(c: char) -> bool {
    matches!(c, ',' | '，' | '٬' | ' ' | '\u{A0}' | '\u{2007}' | '\u{2009}' | '\u{202F}')
}

/// Where digits begin behind the one character at `at`, if that is `wanted`.
fn digits_behind(text: &str, at: usize, wanted: impl Fn(char) -> bool) -> Option<usize> {
    let next = at + char_at(text, at).filter(|c| wanted(*c))?.len_utf8();
    char_at(text, next).is_some_and(is_digit).then_some(next)
}

/// Reads the digits at `at`, with groups of thousands if `grouping`.
pub(super) fn read(text: &str, at: usize, grouping: bool) -> Run {
    let mut literal = Literal::default();
    let first_end = run_end(text, at, is_digit);
    literal.push(&text[at..first_end]);
    literal.end = first_end;
    if grouping && first_end > at {
        read_groups(text, at, &mut literal);
    }
    if let Some(start) = digits_behind(text, literal.end, is_point) {
        let mut end = run_end(text, start, is_digit);
        literal.decimals = literal.push(&text[start..end]);
        literal.end = end;
        while let Some(next) = digits_behind(text, end, is_point) {
            end = run_end(text, next, is_digit);
        }
        if end > literal.end {
            return Run::Dotted(end);
        }
    }
    read_exponent(text, &mut literal);
    Run::Number(literal)
}

/// Groups of three digits after one to three that do not begin with a zero, all behind the same mark. If any group is of
/// another length then none are groups and the digits are a list.
fn read_groups(text: &str, at: usize, literal: &mut Literal) {
    let first_end = literal.end;
    let Some(mark) = char_at(text, first_end).filter(|c| is_separator(*c)) else { return };
    let first = &text[at..first_end];
    let mut right = first.chars().count() <= 3 && first.chars().next().and_then(digit) != Some(0);
    let mut end = first_end;
    let mut last = at;
    let mut groups = 0;
    while let Some(start) = digits_behind(text, end, |c| c == mark) {
        end = run_end(text, start, is_digit);
        right &= text[start..end].chars().count() == 3;
        last = start;
        groups += 1;
    }
    // One group behind a plain space is another number where something speaks for it: `3 100-gram bars`, `1/2 100`.
    if groups == 1 && mark == ' ' {
        let begins = char_at(text, last).and_then(digit);
        let goes_on = |c: char| c.is_alphabetic() || is_hyphen(c) || matches!(c, '%' | '/');
        right &= begins == Some(0) || !char_at(text, end).is_some_and(goes_on);
        right &= char_before(text, at) != Some('/');
    }
    if groups > 0 && right {
        literal.push(&text[first_end..end]);
        literal.end = end;
        literal.grouped = true;
    } else {
        literal.list_until = last;
    }
}

/// An exponent directly behind the digits, as in `6.02e23`, unless letters or digits follow it.
fn read_exponent(text: &str, literal: &mut Literal) {
    let Some(start) = char_at(text, literal.end).filter(|c| matches!(c, 'e' | 'E')).map(|_| literal.end + 1) else {
        return;
    };
    let sign = char_at(text, start).filter(|c| matches!(c, '+' | '-' | '\u{2212}'));
    let digits = start + sign.map_or(0, char::len_utf8);
    let end = run_end(text, digits, is_digit);
    if end == digits || char_at(text, end).is_some_and(|c| c.is_alphanumeric() || c == '_') {
        return;
    }
    let read = text[digits..end].chars().filter_map(digit);
    let exponent = read.fold(0_i64, |sum, value| sum.saturating_mul(10).saturating_add(value.into()));
    // Half of the range leaves room for the decimals.
    let exponent = exponent.min(i64::MAX / 2);
    literal.exponent = if sign.is_some_and(|c| c != '+') { -exponent } else { exponent };
    literal.end = end;
}

/// Whether the digits at `at` are behind a dash after a name, as in `COVID-19`.
pub(super) fn is_in_name(text: &str, at: usize) -> bool {
    let Some(hyphen) = char_before(text, at).filter(|c| is_hyphen(*c)) else { return false };
    let end = at - hyphen.len_utf8();
    let start = run_start(text, end, char::is_alphabetic);
    // In `2X-5` the letter is a variable.
    !char_before(text, start).is_some_and(is_digit) && text[start..end].chars().any(char::is_uppercase)
}

/// Where the digits at `at` and what is written together with them end: letters, digits, points between digits.
pub(super) fn skip(text: &str, at: usize) -> usize {
    let mut end = run_end(text, at, |c| c.is_alphanumeric() || c == '_');
    while let Some(next) = digits_behind(text, end, is_point) {
        end = run_end(text, next, |c| c.is_alphanumeric() || c == '_');
    }
    end
}

/// Where a single blank at `at` ends, if only one stands there.
pub(super) fn one_blank(text: &str, at: usize) -> Option<usize> {
    let next = at + char_at(text, at).filter(|c| is_blank(*c))?.len_utf8();
    (!char_at(text, next).is_some_and(is_blank)).then_some(next)
}

/// The value of a whole number with digits after the point.
pub(super) fn decimal(whole: u64, decimals: &str) -> Result<Ratio, Why> {
    let literal = Literal { digits: format!("{whole}{decimals}"), decimals: decimals.len(), ..Literal::default() };
    literal.value()
}
