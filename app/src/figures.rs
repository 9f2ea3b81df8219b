//! The numbers in an answer: which of them were computed, which stood in the question, and which the model just wrote.

use std::ops::Range;

use crate::trace::Trace;

/// Numbers closer together than this, relatively, are the same.
const SAME: f64 = 1e-9;
/// A number said with at least so many digits may be a longer one, rounded.
const ENOUGH: usize = 3;

/// Where a number in an answer comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A function computed it.
    Computed,
    /// It stands in the question.
    Given,
    /// The model wrote it.
    Written,
}

/// The numbers that an answer may say without having made them up.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Known {
    computed: Vec<f64>,
    given: Vec<f64>,
}

impl Known {
    /// Those of a computation; none where the question asks for none.
    pub fn of(trace: &Trace) -> Option<Self> {
        let computed = trace.choice.iter().filter_map(|choice| choice.value).collect();
        let mut given = Vec::new();
        for number in &trace.numbers {
            given.push(number.value);
            // Of 15% the number is 0.15, and the answer may say 15.
            given.extend(figures(&number.text).into_iter().map(|(_, value)| value));
        }
        trace.computes().then_some(Self { computed, given })
    }

    /// Of an answer that was given without a computation to a question that asks for one.
    #[must_use]
    pub fn without_computed(&self) -> Self {
        Self { computed: Vec::new(), given: self.given.clone() }
    }

    fn origin(&self, said: &str, value: f64) -> Origin {
        let decimals = said.split_once('.').map_or(0, |(_, decimals)| decimals.len());
        let digits = said.chars().filter(char::is_ascii_digit).count();
        // 3.33 is what 10 / 3 comes to, where so much of it is said.
        let rounded =
            if decimals > 0 && digits >= ENOUGH { 0.5 * 10_f64.powi(-decimals.try_into().unwrap_or(0)) } else { 0.0 };
        let near = |number: f64| (number - value).abs() <= (SAME * value.abs()).max(rounded);
        let among = |numbers: &[f64]| numbers.iter().any(|number| near(*number));
        // 2 × 1 = 2: a number that is both was computed.
        match () {
            () if among(&self.computed) => Origin::Computed,
            () if among(&self.given) => Origin::Given,
            () => Origin::Written,
        }
    }

    /// A text in pieces, numbers apart.
    pub fn pieces(&self, text: &str) -> Vec<(String, Option<Origin>)> {
        let mut pieces = Vec::new();
        let mut from = 0;
        for (range, value) in figures(text) {
            if from < range.start {
                pieces.push((text[from..range.start].to_owned(), None));
            }
            from = range.end;
            let said = &text[range];
            pieces.push((said.to_owned(), Some(self.origin(said, value))));
        }
        if from < text.len() {
            pieces.push((text[from..].to_owned(), None));
        }
        pieces
    }
}

/// The number that a text is, and nothing else. A comma is a decimal one where it can part no thousands: 0,5 and 12,75.
pub fn only_figure(text: &str) -> Option<f64> {
    let text = text.trim();
    if let Some((whole, part)) = text.split_once(',')
        && (part.len() != 3 || whole.trim_start_matches(['-', '−']) == "0")
        && !part.is_empty()
        && part.bytes().all(|letter| letter.is_ascii_digit())
        && !whole.contains('.')
    {
        return only_figure(&format!("{whole}.{part}"));
    }
    match &figures(text)[..] {
        [(range, value)] if *range == (0..text.len()) => Some(*value),
        _ => None,
    }
}

/// The last number in a text that is written in digits.
pub fn last_figure(text: &str) -> Option<f64> {
    figures(text).last().map(|(_, value)| *value)
}

/// The numbers in a text that are written in digits, with their bytes: signs, thousands parted by commas or narrow spaces,
/// decimals. Digits within a word are none.
fn figures(text: &str) -> Vec<(Range<usize>, f64)> {
    let mut found = Vec::new();
    let letters: Vec<(usize, char)> = text.char_indices().chain([(text.len(), ' ')]).collect();
    let mut at = 0;
    while at + 1 < letters.len() {
        let before = at.checked_sub(1).map_or(' ', |at| letters[at].1);
        let digit = |at: usize| letters.get(at).is_some_and(|(_, letter)| letter.is_ascii_digit());
        if !digit(at) {
            at += 1;
            continue;
        }
        if before.is_alphanumeric() || before == '_' {
            // Within a word, as in v1.2.
            while digit(at) || matches!(letters[at].1, '.' | ',') && digit(at + 1) {
                at += 1;
            }
            continue;
        }
        let mut end = at;
        let mut digits = String::new();
        while end + 1 < letters.len() {
            let letter = letters[end].1;
            let parts = matches!(letter, ',' | '\u{202f}' | '\u{a0}')
                && (1..=3).all(|ahead| digit(end + ahead))
                && !digit(end + 4);
            let point = letter == '.' && digit(end + 1) && !digits.contains('.');
            if letter.is_ascii_digit() || point {
                digits.push(letter);
            } else if !parts || digits.contains('.') {
                break;
            }
            end += 1;
        }
        // A minus behind a number or a letter, blanks between or not, is an operator.
        let signed = matches!(before, '-' | '−') && {
            let ahead = letters[..at - 1].iter().rev().map(|(_, letter)| *letter).find(|letter| *letter != ' ');
            let apart = at >= 2 && letters[at - 2].1 == ' ';
            ahead.is_none_or(|letter| !letter.is_ascii_digit() && (apart || !letter.is_alphanumeric()))
        };
        // 1.5 × 10^30, as large numbers are shown.
        if let Some(power) = power(&letters[end..]) {
            end += power.0;
            digits.push_str(&format!("e{}", power.1));
        }
        if let Ok(value) = digits.parse::<f64>()
            && !letters[end].1.is_alphabetic()
        {
            let start = if signed { letters[at - 1].0 } else { letters[at].0 };
            found.push((start..letters[end].0, if signed { -value } else { value }));
        }
        at = end.max(at + 1);
    }
    found
}

/// A power of ten behind a number: how many letters it has, and the exponent.
fn power(letters: &[(usize, char)]) -> Option<(usize, i32)> {
    const TIMES: &str = " × 10^";
    let begins = letters.iter().map(|(_, letter)| *letter).take(TIMES.chars().count()).eq(TIMES.chars());
    let behind = letters.get(TIMES.chars().count()..).filter(|_| begins)?;
    let exponent: String = behind
        .iter()
        .map(|(_, letter)| *letter)
        .enumerate()
        .take_while(|(at, letter)| letter.is_ascii_digit() || *at == 0 && matches!(letter, '-' | '−'))
        .map(|(_, letter)| if letter == '−' { '-' } else { letter })
        .collect();
    Some((TIMES.chars().count() + exponent.chars().count(), exponent.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<f64> {
        figures(text).into_iter().map(|(_, value)| value).collect()
    }

    #[test]
    fn figures_are_found_as_people_write_them() {
        assert_eq!(values("12 × 11 = 132."), [12.0, 11.0, 132.0]);
        assert_eq!(values("1,234,567.5 and 3.25, 2"), [1_234_567.5, 3.25, 2.0]);
        assert_eq!(values("it is -5, or −7.5"), [-5.0, -7.5]);
        assert_eq!(values("12-5 and 12 - 5"), [12.0, 5.0, 12.0, 5.0]);
        assert_eq!(values("1.5 × 10^30, 2 × 10^-7 and 3 × 10"), [1.5e30, 2e-7, 3.0, 10.0]);
        assert!(values("v1,234").is_empty());
        assert_eq!(values("x2 and 3rd and v1.2 and 15% and $40"), [15.0, 40.0]);
        assert_eq!(values("1\u{202f}000 apples"), [1000.0]);
        assert!(values("no digits, × ½").is_empty());
        assert_eq!(
            [only_figure(" -1,234.5 "), only_figure("3 4"), only_figure("1,234")],
            [Some(-1234.5), None, Some(1234.0)]
        );
        assert_eq!(
            ["-0,5", "12,75", "0,125", "1,2,3", "1.2,5"].map(only_figure),
            [Some(-0.5), Some(12.75), Some(0.125), None, None]
        );
    }

    #[test]
    fn a_number_is_computed_given_or_neither() {
        let known = Known { computed: vec![132.0], given: vec![12.0, 11.0] };
        let origins: Vec<_> = known
            .pieces("12 × 11 = 132, not 133")
            .into_iter()
            .filter_map(|(text, origin)| Some((text, origin?)))
            .collect();
        let said = |text: &str, origin| (text.to_owned(), origin);
        let wanted = [
            said("12", Origin::Given),
            said("11", Origin::Given),
            said("132", Origin::Computed),
            said("133", Origin::Written),
        ];
        assert_eq!(origins, wanted);
        assert_eq!(known.without_computed().origin("132", 132.0), Origin::Written);
        let third = Known { computed: vec![10.0 / 3.0], given: vec![10.0, 3.0] };
        for (said, origin) in [("3.33", Origin::Computed), ("3.3", Origin::Written), ("3.34", Origin::Written)] {
            assert_eq!(third.origin(said, said.parse().unwrap()), origin, "{said}");
        }
    }
}
