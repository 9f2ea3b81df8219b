//! How one example is written: numbers in digits or words, signs, spacing.

use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

use super::number_words::{Spelling, in_words};

/// Whole numbers up to here are sometimes written in words.
const MOST_IN_WORDS: f64 = 2_000_000.0;

/// How a slot writes its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `{a}`: digits or words.
    Plain,
    /// `{a.}`: digits.
    Digits,
    /// `{a=}`: digits without separators, for years and numbers that are names.
    Bare,
    /// `{a%}`: with a percent sign or word.
    Percent,
    /// `{a$}`: with a currency.
    Money,
}

/// An operation's sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// `{+}`
    Plus,
    /// `{-}`
    Minus,
    /// `{*}`
    Times,
    /// `{/}`
    Over,
    /// `{^}`
    Power,
}

/// The choices that hold for all of one example.
#[derive(Debug, Clone)]
pub struct Style {
    /// Chance that a number is written in words.
    words: f64,
    spelling: Spelling,
    separators: bool,
    /// Zero: `12*11`; one: `12 * 11`; two: `12 *11`; three: `12* 11`.
    spacing: u8,
    minus: &'static str,
    times: &'static str,
    over: &'static str,
    power: &'static str,
    currency: Currency,
    percent: &'static str,
}

#[derive(Debug, Clone, Copy)]
enum Currency {
    Before(&'static str),
    After(&'static str),
}

/// A number as text.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// What is before the number and belongs to it, such as `$`.
    pub before: &'static str,
    /// The number.
    pub number: String,
    /// What is after it, such as ` dollars`.
    pub after: &'static str,
    /// Whether the number is in digits.
    pub digits: bool,
}

impl Style {
    /// Draws the choices of one example.
    pub fn draw(random: &mut ChaCha8Rng) -> Self {
        let pick = |random: &mut ChaCha8Rng, all: &[&'static str]| *all.choose(random).unwrap_or(&"");
        Self {
            words: match random.random_range(0..20) {
                0..15 => 0.0,
                15..17 => 1.0,
                _ => 0.4,
            },
            spelling: Spelling {
                hyphens: random.random_bool(0.6),
                and: random.random_bool(0.5),
                article: random.random_bool(0.3),
            },
            separators: random.random_bool(0.4),
            spacing: *[0, 0, 1, 1, 1, 1, 2, 3].choose(random).unwrap_or(&1),
            minus: pick(random, &["-", "-", "-", "-", "\u{2212}", "\u{2013}"]),
            times: pick(random, &["*", "*", "*", "*", "x", "x", "×", "×", "·", "X", "\u{2715}"]),
            over: pick(random, &["/", "/", "/", "÷", "÷", ":"]),
            power: pick(random, &["^", "^", "^", "**"]),
            currency: match random.random_range(0..20) {
                0..11 => Currency::Before("$"),
                11 => Currency::Before("£"),
                12 => Currency::Before("€"),
                13 => Currency::After(" euros"),
                14 => Currency::After(" pounds"),
                15 => Currency::After(" bucks"),
                _ => Currency::After(" dollars"),
            },
            percent: pick(random, &["%", "%", "%", "%", " %", " percent", " percent", " per cent"]),
        }
    }

    /// A style with nothing special, as a base for tests.
    #[cfg(test)]
    pub fn plain() -> Self {
        Self {
            words: 0.0,
            spelling: Spelling { hyphens: true, and: false, article: false },
            separators: false,
            spacing: 1,
            minus: "-",
            times: "*",
            over: "/",
            power: "^",
            currency: Currency::Before("$"),
            percent: "%",
        }
    }

    /// The sign, with the spaces around it.
    pub fn sign(&self, sign: Sign) -> String {
        let text = match sign {
            Sign::Plus => "+",
            Sign::Minus => self.minus,
            Sign::Times => self.times,
            Sign::Over => self.over,
            Sign::Power => self.power,
        };
        // Lone colons and dashes without spaces, or signs on one number's side only, are read as times, ranges or signs.
        let spacing = match text {
            ":" | "\u{2013}" => 1,
            "-" | "\u{2212}" | "+" if self.spacing > 1 => 1,
            "x" | "X" if self.spacing > 1 => 0,
            _ => self.spacing,
        };
        match spacing {
            0 => text.to_owned(),
            1 => format!(" {text} "),
            2 => format!(" {text}"),
            _ => format!("{text} "),
        }
    }

    /// A number in a form.
    pub fn number(&self, value: f64, form: Form, random: &mut ChaCha8Rng) -> Written {
        let in_words_now =
            !matches!(form, Form::Digits | Form::Bare) && self.words > 0.0 && random.random_bool(self.words);
        let whole = value.fract() == 0.0 && value.abs() <= MOST_IN_WORDS;
        let plain = |number, digits| Written { before: "", number, after: "", digits };
        if in_words_now && whole {
            // Whole and small, so that the cast is exact.
            let words = in_words(value.abs() as u64, self.spelling);
            let number = match (value < 0.0, random.random_bool(0.5)) {
                (false, _) => words,
                (true, false) => format!("minus {words}"),
                (true, true) => format!("negative {words}"),
            };
            let after = match (form, self.currency) {
                (Form::Percent, _) if self.percent.contains("cent") => self.percent,
                (Form::Percent, _) => " percent",
                (Form::Money, Currency::After(after)) => after,
                (Form::Money, Currency::Before(_)) => " dollars",
                _ => "",
            };
            return Written { after, ..plain(number, false) };
        }
        let digits = if form == Form::Bare { value.to_string() } else { self.digits(value) };
        match (form, self.currency) {
            (Form::Percent, _) => Written { after: self.percent, ..plain(digits, true) },
            (Form::Money, currency) => {
                let number = if value.fract() == 0.0 && !random.random_bool(0.15) { digits } else { self.cents(value) };
                match currency {
                    Currency::Before(before) => Written { before, ..plain(number, true) },
                    Currency::After(after) => Written { after, ..plain(number, true) },
                }
            }
            _ => plain(digits, true),
        }
    }

    /// In digits, with a sign and separators as the style has them.
    fn digits(&self, value: f64) -> String {
        let text = value.abs().to_string();
        let (whole, decimals) = text.split_once('.').map_or((text.as_str(), None), |(whole, rest)| (whole, Some(rest)));
        let mut out = String::new();
        if value < 0.0 {
            out.push_str(if self.minus == "\u{2013}" { "-" } else { self.minus });
        }
        for (index, digit) in whole.chars().enumerate() {
            if self.separators && whole.len() > 3 && index > 0 && (whole.len() - index).is_multiple_of(3) {
                out.push(',');
            }
            out.push(digit);
        }
        if let Some(decimals) = decimals {
            out.push('.');
            out.push_str(decimals);
        }
        out
    }

    /// With two decimals.
    fn cents(&self, value: f64) -> String {
        let digits = self.digits(value);
        match digits.split_once('.') {
            None => digits + ".00",
            Some((_, decimals)) if decimals.len() == 1 => digits + "0",
            Some(_) => digits,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn written(style: &Style, value: f64, form: Form) -> String {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let written = style.number(value, form, &mut random);
        format!("{}{}{}", written.before, written.number, written.after)
    }

    #[test]
    fn digits_and_words() {
        let plain = Style::plain();
        assert_eq!(written(&plain, 1234567.0, Form::Plain), "1234567");
        assert_eq!(written(&plain, -2.5, Form::Plain), "-2.5");
        assert_eq!(written(&plain, 4.5, Form::Money), "$4.50");
        assert_eq!(written(&plain, 12.5, Form::Percent), "12.5%");
        let separated = Style { separators: true, ..plain.clone() };
        assert_eq!(written(&separated, 1234567.25, Form::Plain), "1,234,567.25");
        assert_eq!(written(&separated, 123.0, Form::Plain), "123");
        assert_eq!(written(&separated, 1987.0, Form::Bare), "1987");
        let spoken = Style { words: 1.0, ..plain };
        assert_eq!(written(&spoken, 42.0, Form::Plain), "forty-two");
        assert_eq!(written(&spoken, 42.0, Form::Digits), "42");
        assert_eq!(written(&spoken, 15.0, Form::Percent), "fifteen percent");
        assert_eq!(written(&spoken, 20.0, Form::Money), "twenty dollars");
        assert_eq!(written(&spoken, 2.5, Form::Plain), "2.5");
    }

    #[test]
    fn signs() {
        let tight = Style { spacing: 0, ..Style::plain() };
        assert_eq!(tight.sign(Sign::Times), "*");
        assert_eq!(Style { over: ":", ..tight.clone() }.sign(Sign::Over), " : ");
        assert_eq!(Style::plain().sign(Sign::Minus), " - ");
    }
}
