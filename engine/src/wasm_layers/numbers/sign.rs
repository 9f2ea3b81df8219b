//! Whether a minus before a number is its sign or an operator.

use super::lexicon::expects_number;
use super::text::{
    Word, char_at, char_before, is_blank, is_currency, is_digit, is_hyphen, is_minus, run_end, run_start, word_at,
    word_before,
};

/// Where the sign of the number at `start` begins, its currency's sign included; none if it is not negative. `number` is
/// where the number before it ends, 0 if there is none.
///
/// A minus is a sign where it touches the number and nothing that it could be taken from stands before it.
pub(super) fn minus_before(text: &str, start: usize, number: usize) -> Option<usize> {
    let before_currency = |at| match char_before(text, at) {
        Some(c) if is_currency(c) => at - c.len_utf8(),
        _ => at,
    };
    let end = before_currency(start);
    let minus = char_before(text, end).filter(|c| is_minus(*c))?;
    let sign = end - minus.len_utf8();
    let negative = match char_before(text, sign) {
        None | Some('\n' | '\r') => true,
        // `5--3` is five minus minus three; `room--3` has a dash.
        Some(c) if is_minus(c) => char_before(text, sign - c.len_utf8()).is_some_and(ends_operand),
        Some(c) if c.is_whitespace() => after_blank(text, run_start(text, sign, is_blank), number),
        // `$-5` is negative, `5$-3` a difference.
        Some(c) if is_currency(c) => !char_before(text, before_currency(sign)).is_some_and(is_digit),
        Some(c) => is_opening(c),
    };
    negative.then(|| before_currency(sign))
}

/// Whether a minus behind blanks that begin at `at` is a sign.
fn after_blank(text: &str, at: usize, number: usize) -> bool {
    let Some(last) = char_before(text, at) else { return true };
    if matches!(last, '\n' | '\r') || is_opening(last) || is_minus(last) {
        return true;
    }
    // A unit or a variable that touches a number, as in `2x -3`, ends an operand like the number itself.
    let together = run_start(text, at, char::is_alphanumeric) <= number && number > 0;
    !together && !ends_operand(last)
}

fn ends_operand(c: char) -> bool {
    c.is_numeric() || is_currency(c) || matches!(c, ')' | ']' | '}' | '%' | '!')
}

fn is_opening(c: char) -> bool {
    let operator = matches!(c, '+' | '*' | '×' | '·' | '/' | '÷' | '=' | '^' | '<' | '>' | '≤' | '≥' | '≠');
    operator || matches!(c, '(' | '[' | '{' | ',' | ';' | ':' | '|' | '"' | '\'' | '“' | '‘')
}

/// Where the number begins that the word `minus` or `negative` is the sign of. A `minus` after something that could be
/// taken from is an operator.
pub(super) fn signed_by_word(text: &str, word: &Word<'_>) -> Option<usize> {
    let operator = word.is("minus") && {
        let at = run_start(text, word.start, is_blank);
        match word_before(text, word.start) {
            Some(before) => !expects_number(&before),
            None => char_before(text, at).is_some_and(ends_operand),
        }
    };
    if operator {
        return None;
    }
    let next = run_end(text, word.end, |c| is_blank(c) || is_hyphen(c) || is_currency(c));
    let begins = char_at(text, next).is_some_and(|c| is_digit(c) || c == '.') || word_at(text, next).is_some();
    (next > word.end && begins).then_some(next)
}
