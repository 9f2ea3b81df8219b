//! Number binding: the numbers of a question, in order of occurrence, become the parameters of the function that a layer
//! writes.
//!
//! What is bound, by example:
//!
//! | text | bound as |
//! |---|---|
//! | `3.14`, `.5`, `1e6`, `12,345`, `1 234 567`, `５`, `٣` | numbers in digits of any script |
//! | `1,2,3`, `4, 5`, `3,14`, `1,23` | lists: groups are of three digits, and a comma is no decimal point |
//! | `5.` at a sentence's end, `5kg`, `7pm`, `$5`, `2x`, `3x4` | the numbers; units and operators may touch them |
//! | `5k`, `3M`, `2bn`, `$3m`, `1.5 million`, `3 hundred` | scaled |
//! | `12th`, `gate 42`, `10:30`, `3:4` | plain values, each part for itself |
//! | `mp3`, `B2B`, `COVID-19`, `0x1F`, `x_1` | nothing: digits in a name |
//! | `1.2.3`, `192.168.0.1` | nothing, and reported as skipped |
//! | `-5`, `(-5)`, `is -5`, `3 * -5`, `minus 4 plus`, `negative seven` | negative |
//! | `7-5`, `7 - 5`, `7 -5`, `5 minus 3`, `10-20`, `20-foot` | unsigned: the minus is an operator or a dash |
//! | `15%`, `15 %`, `15 percent`, `fifteen per cent` | 15/100, the sign or word included; `17 % 5` has two numbers |
//! | `5 percentage points` | 5 |
//! | `3/4 of`, `3/4 cup`, `1/3rd`, `2 3/4`, `2½`, `2 and 1/2 hours` | fractions |
//! | `12/4`, `3/4` by itself, `1/2/2024` | two numbers and a division, or a date's parts |
//! | `half of`, `a third of`, `two-thirds`, `three quarters of`, `one and a half`, `an hour and a half` | fractions |
//! | `the other half`, `the third day`, `a third person` | nothing: pieces and ordinals |
//! | `5 quarters`, `has three quarters` | 5 and 3: coins, for nothing is said of which they are quarters |
//! | `twenty-five`, `one hundred and five`, `a hundred`, `three point one four`, `zero` | numbers in words |
//! | `a dozen`, `two dozen`, `half a dozen`, `per dozen` | 12, 24, 6, 12 |
//! | `twice`, `double`, `thrice`, `triple`, `quadruple`; `double-check` | 2, 2, 3, 3, 4; nothing |
//! | `seven eights`, `how many sixes`; `in the twenties` | 7 and 8, 6; nothing |
//! | `a couple of`; `a couple`, `a pair`, `a score`, `once`, `both` | 2; nothing |
//! | `one apple`, `one plus one`; `this one`, `one of them`, `no one`, `One day, …` | 1; nothing: a pronoun |
//! | `several hundred`, `a few dozen`, `hundreds`, `no`, `nil`, `infinity`, `NaN`, `XIV` | nothing |
//!
//! Words are English, in any case, and spans end with the last word that changes the value. A number that no finite f64
//! can stand for, or with more than 800 digits, is reported as skipped. Reading takes time linear in the text.
//!
//! What cannot be told apart is read in one way: `100,200,300` and `5 100` are one number, and `two hundred and five` is
//! 205 even in a sum. Words for parts and multiples are worth what they multiply by.

mod cardinal;
mod fraction;
mod lexicon;
mod literal;
mod pronoun;
mod scan;
mod sign;
mod suffix;
mod text;

use std::ops::Range;

/// An exact value: a quotient of two integers of any size, in lowest terms.
pub type Ratio = num_rational::BigRational;

/// How a number is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NumberKind {
    /// In digits, with nothing else that changes what it is.
    Digits,
    /// In words.
    Word,
    /// As an ordinal in digits, such as `12th`.
    Ordinal,
    /// As hundredths, with a percent sign or word.
    Percent,
    /// As a fraction, in digits or words, with or without a whole number before it.
    Fraction,
    /// With a currency's sign, code or name beside it.
    Money,
}

/// A number of a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Number {
    /// The text that stands for it, with its sign and what scales it.
    pub text: String,
    /// The f64 that is nearest to it; finite.
    pub value: f64,
    /// Its value as written.
    pub exact: Ratio,
    /// Where it begins, in characters (Unicode scalar values).
    pub start: usize,
    /// Where it ends, in characters.
    pub end: usize,
    /// Where it begins, in bytes.
    pub start_byte: usize,
    /// Where it ends, in bytes.
    pub end_byte: usize,
    /// How it is written.
    pub kind: NumberKind,
}

/// Why something that looks like a number is not bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Why {
    /// It has more than 800 digits.
    TooLong,
    /// It is beyond the largest f64.
    TooLarge,
    /// It is not zero, but closer to it than any f64 but zero.
    TooSmall,
    /// It is a version, an address or a date: digits with several points.
    Dotted,
}

/// Something that looks like a number and is not bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The text.
    pub text: String,
    /// Where it begins, in characters.
    pub start: usize,
    /// Where it ends, in characters.
    pub end: usize,
    /// Where it begins, in bytes.
    pub start_byte: usize,
    /// Where it ends, in bytes.
    pub end_byte: usize,
    /// Why it is not bound.
    pub why: Why,
}

/// The numbers of a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Binding {
    /// Those that are bound, in order of occurrence; none overlap.
    pub numbers: Vec<Number>,
    /// Those that are not, in order of occurrence.
    pub skipped: Vec<Skipped>,
}

/// Finds the numbers of a text.
pub fn bind(text: &str) -> Binding {
    scan::Scanner::new(text).run()
}

/// For each bound number the tokens that overlap it, of the same text; none if it has none.
///
/// `offsets` has the bytes that each token covers, as [`crate::Tokenizer::encode_with_offsets`] gives them: in order, and
/// tokens that are pieces of one character all with that character's bytes. A token may belong to two numbers.
pub fn token_spans(binding: &Binding, offsets: &[(usize, usize)]) -> Vec<Range<usize>> {
    let span = |number: &Number| {
        let first = offsets.partition_point(|(_, end)| *end <= number.start_byte);
        let behind = offsets.partition_point(|(start, _)| *start < number.end_byte);
        first..behind.max(first)
    };
    binding.numbers.iter().map(span).collect()
}
