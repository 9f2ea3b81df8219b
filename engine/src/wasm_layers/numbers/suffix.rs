//! What stands beside a number and belongs to it: suffixes, percents, currencies.

use super::lexicon::is_unit;
use super::literal::Literal;
use super::text::{
    Word, char_at, char_before, is_blank, is_currency, is_digit, run_end, run_start, word_after, word_before,
};

/// What is written together with digits, behind them.
pub(super) enum Rest {
    /// Nothing, or a unit, or an operator: `5kg`, `2x`, `3x4`.
    Separate,
    /// `12th`, up to here.
    Ordinal(usize),
    /// `5k` or `$2bn`, up to here.
    Factor(u64, usize),
    /// More digits: the whole is a name such as `3a4`, or hexadecimal.
    Mixed,
}

impl Rest {
    pub(super) fn after(text: &str, start: usize, literal: &Literal) -> Self {
        let at = literal.end;
        let letters_end = run_end(text, at, char::is_alphabetic);
        let letters = &text[at..letters_end];
        if let Some(next) = char_at(text, letters_end).filter(|c| is_digit(*c) || *c == '_') {
            let hexadecimal = &text[start..at] == "0";
            let operator = matches!(letters, "x" | "X") && next != '_' && !hexadecimal;
            // `75m2`: nothing may follow the exponent of a unit.
            let behind = char_at(text, letters_end + next.len_utf8());
            let ends = !behind.is_some_and(|c| c.is_alphanumeric() || c == '_');
            let unit = Word { text: letters, start: at, end: letters_end, hyphen: false };
            let power = matches!(next, '2' | '3') && ends && is_unit(&unit);
            return if operator || power { Self::Separate } else { Self::Mixed };
        }
        let money = char_before(text, start).is_some_and(is_currency);
        let factor = match letters {
            "k" | "K" => 1_000,
            "M" | "mn" | "Mn" => 1_000_000,
            "m" if money => 1_000_000,
            "bn" | "Bn" | "BN" => 1_000_000_000,
            "b" | "B" if money => 1_000_000_000,
            "tn" | "trn" => 1_000_000_000_000,
            "t" | "T" if money => 1_000_000_000_000,
            _ if literal.is_whole() && ["st", "nd", "rd", "th"].iter().any(|it| it.eq_ignore_ascii_case(letters)) => {
                return Self::Ordinal(letters_end);
            }
            _ => return Self::Separate,
        };
        Self::Factor(factor, letters_end)
    }
}

/// Where the percent sign or word after a number ends. Before another operand `%` is the remainder's operator.
/// Percentage points are not percents: they are counted as they stand.
pub(super) fn percent_end(text: &str, end: usize) -> Option<usize> {
    let at = run_end(text, end, is_blank);
    if let Some(sign) = char_at(text, at).filter(|c| matches!(c, '%' | '％' | '٪' | '﹪')) {
        let after = at + sign.len_utf8();
        let next = run_end(text, after, is_blank);
        let operand = match char_at(text, next) {
            Some('(') => char_at(text, next + 1).is_some_and(is_digit),
            Some(c) => is_digit(c),
            None => false,
        };
        // `17 % 5` and `17%5`, but `10% 20`.
        let remainder = operand && (at > end) == (next > after);
        return (!remainder).then_some(after);
    }
    let word = word_after(text, end)?;
    if word.is("percent") || word.is("pct") {
        return Some(word.end);
    }
    word_after(text, word.end).filter(|cent| word.is("per") && cent.is("cent")).map(|cent| cent.end)
}

/// Whether a currency's sign, code or name stands beside a number.
pub(super) fn is_money(text: &str, start: usize, end: usize) -> bool {
    let before = char_before(text, run_start(text, start, is_blank)).is_some_and(is_currency);
    let inside = text[start..end].chars().take(2).any(is_currency);
    let after = char_at(text, end).is_some_and(is_currency);
    let code = |word: Option<Word<'_>>| word.is_some_and(|word| matches!(word.text, "USD" | "EUR" | "GBP"));
    let names = ["dollar", "dollars", "cent", "cents", "euro", "euros", "bucks"];
    let named = word_after(text, end).is_some_and(|word| word.is_any(&names));
    before || inside || after || code(word_before(text, start)) || code(word_after(text, end)) || named
}
