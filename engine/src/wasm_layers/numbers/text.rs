//! Looking at a text around a place in it: characters, digits, words and the gaps between them.
//!
//! Places are byte offsets on character boundaries. Every look is as long as what it looks at, and no text is looked at
//! more than a few times, so that reading stays linear.

/// The zeros of Unicode's decimal digits (general category Nd); each is followed by its one to nine.
const ZEROS: [u32; 66] = [
    0x30, 0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66, 0xDE6, 0xE50, 0xED0,
    0xF20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0, 0x1C40, 0x1C50, 0xA620,
    0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10, 0x104A0, 0x10D30, 0x11066, 0x110F0, 0x11136, 0x111D0,
    0x112F0, 0x11450, 0x114D0, 0x11650, 0x116C0, 0x11730, 0x118E0, 0x11950, 0x11C50, 0x11D50, 0x11DA0, 0x16A60,
    0x16AC0, 0x16B50, 0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6, 0x1E140, 0x1E2F0, 0x1E950, 0x1FBF0,
];

/// The value of a decimal digit of any script.
pub(super) fn digit(c: char) -> Option<u8> {
    let code = u32::from(c);
    let zero = ZEROS[..ZEROS.partition_point(|zero| *zero <= code)].last()?;
    u8::try_from(code - zero).ok().filter(|value| *value < 10)
}

/// Whether the character is a decimal digit of any script.
pub(super) fn is_digit(c: char) -> bool {
    digit(c).is_some()
}

/// A letter of a script with cases: one that a digit can belong to a word with, as in `mp3`.
pub(super) fn is_cased(c: char) -> bool {
    c.is_lowercase() || c.is_uppercase()
}

/// A minus sign or a hyphen that people write for one. Dashes of the text's layout are not among them.
pub(super) fn is_minus(c: char) -> bool {
    matches!(c, '-' | '\u{2212}' | '\u{FE63}' | '\u{FF0D}')
}

/// A hyphen that joins words.
pub(super) fn is_hyphen(c: char) -> bool {
    matches!(c, '-' | '\u{2010}' | '\u{2011}')
}

/// White space that does not end a line.
pub(super) fn is_blank(c: char) -> bool {
    c.is_whitespace() && !matches!(c, '\n' | '\r' | '\u{2028}' | '\u{2029}')
}

/// The sign of a currency.
pub(super) fn is_currency(c: char) -> bool {
    matches!(
        c,
        '$' | '¢'
            | '£'
            | '¥'
            | '₩'
            | '₪'
            | '₫'
            | '€'
            | '₱'
            | '₴'
            | '₹'
            | '₺'
            | '₽'
            | '₿'
            | '＄'
            | '￡'
            | '￥'
    )
}

/// The character that begins at `at`.
pub(super) fn char_at(text: &str, at: usize) -> Option<char> {
    text.get(at..)?.chars().next()
}

/// The character that ends at `at`.
pub(super) fn char_before(text: &str, at: usize) -> Option<char> {
    text.get(..at)?.chars().next_back()
}

/// Where the run of characters from `at` on that are `wanted` ends.
pub(super) fn run_end(text: &str, at: usize, wanted: impl Fn(char) -> bool) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest.find(|c| !wanted(c)).unwrap_or(rest.len())
}

/// Where the run of characters up to `at` that are `wanted` begins.
pub(super) fn run_start(text: &str, at: usize, wanted: impl Fn(char) -> bool) -> usize {
    text.get(..at).unwrap_or_default().trim_end_matches(wanted).len()
}

/// A word of letters, in place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word<'t> {
    pub(super) text: &'t str,
    pub(super) start: usize,
    pub(super) end: usize,
    /// Whether a hyphen, not white space, stands between it and where it was looked for from.
    pub(super) hyphen: bool,
}

impl Word<'_> {
    /// Whether it is this word of small ASCII letters, in whatever case.
    pub(super) fn is(&self, other: &str) -> bool {
        self.text.eq_ignore_ascii_case(other)
    }

    /// Whether it is one of these words of small ASCII letters, in whatever case.
    pub(super) fn is_any(&self, others: &[&str]) -> bool {
        others.iter().any(|other| self.is(other))
    }
}

/// Where the word that begins at `at` ends: letters, with apostrophes between them.
pub(super) fn word_end(text: &str, at: usize) -> usize {
    let mut end = run_end(text, at, char::is_alphabetic);
    while end > at && matches!(char_at(text, end), Some('\'' | '’')) {
        let after = end + char_at(text, end).map_or(0, char::len_utf8);
        let next = run_end(text, after, char::is_alphabetic);
        if next == after {
            break;
        }
        end = next;
    }
    end
}

/// The word that begins at `at`, if one does and no digit belongs to it.
pub(super) fn word_at(text: &str, at: usize) -> Option<Word<'_>> {
    let end = word_end(text, at);
    let whole = end > at && !char_at(text, end).is_some_and(|c| c == '_' || is_digit(c));
    whole.then(|| Word { text: &text[at..end], start: at, end, hyphen: false })
}

/// The word after `at`, with blanks or one hyphen between.
pub(super) fn word_after(text: &str, at: usize) -> Option<Word<'_>> {
    let first = char_at(text, at)?;
    if is_hyphen(first) {
        return word_at(text, at + first.len_utf8()).map(|word| Word { hyphen: true, ..word });
    }
    let start = run_end(text, at, is_blank);
    if start == at { None } else { word_at(text, start) }
}

/// The word before `at`, with blanks or one hyphen between.
pub(super) fn word_before(text: &str, at: usize) -> Option<Word<'_>> {
    let last = char_before(text, at)?;
    let end = if is_hyphen(last) { at - last.len_utf8() } else { run_start(text, at, is_blank) };
    let start = run_start(text, end, |c| c.is_alphabetic() || matches!(c, '\'' | '’'));
    (start < end && end < at).then(|| Word { text: &text[start..end], start, end, hyphen: is_hyphen(last) })
}
