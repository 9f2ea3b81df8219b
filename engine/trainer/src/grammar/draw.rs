//! How a slot's number is drawn.

use std::borrow::Cow;

use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

/// Longest list of numbers that a rule may ask for.
pub const LONGEST_LIST: usize = 12;

/// A number drawn for a slot.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawn {
    /// Its value in programs.
    pub value: f64,
    /// The number that is written: 15 where the value is 15 %.
    pub shown: f64,
    /// As the slot writes it if it has a text of its own, such as `three quarters`.
    pub text: Option<Cow<'static, str>>,
}

impl Drawn {
    /// A number that is written as it is.
    pub fn plain(value: f64) -> Self {
        Self { value, shown: value, text: None }
    }

    fn percent(shown: f64) -> Self {
        Self { value: shown / 100.0, shown, text: None }
    }
}

fn choice(list: &str) -> Option<Vec<f64>> {
    list.strip_suffix(']')?.split(',').map(|value| value.trim().parse().ok()).collect()
}

/// A way of drawing.
#[derive(Debug, Clone, PartialEq)]
pub enum Draw {
    /// `n`: what people calculate with, of one to six digits, sometimes with decimals or negative.
    Any,
    /// `i`: the same without decimals and signs.
    Whole,
    /// `d`: with one to three decimals.
    Decimal,
    /// `-n`: below zero.
    Negative,
    /// `%`: a percentage, whose value is in hundredths.
    Percent,
    /// `%[5,10]`: one of these percentages.
    Percents(Vec<f64>),
    /// `dozen`: some dozens, in words.
    Dozen,
    /// `ratio`: a fraction below one in digits, where the binder reads one number: before `of` or `as`.
    Ratio,
    /// `minus`: a number below zero with its sign as a word.
    Minus,
    /// `$`: a price.
    Price,
    /// `year`: a year of the last centuries.
    Year,
    /// `part`: a fraction in words or digits.
    Part,
    /// `2..99` or `0.5..9.5`: evenly from a range, with the decimals that the bounds have.
    Range {
        /// The smallest, in units of the last decimal.
        low: i64,
        /// The largest, in the same units.
        high: i64,
        /// Such units in one.
        scale: i64,
    },
    /// `b*2..9`: a multiple of another slot's number.
    Multiple {
        /// That slot.
        of: char,
        /// The smallest factor.
        low: i64,
        /// The largest.
        high: i64,
    },
    /// `[2,5,10]`: one of these.
    Choice(Vec<f64>),
    /// `n#3..8`: a list of so many.
    List(Box<Self>, usize, usize),
}

/// Fractions as they are said before `of`, as far as the binder reads them.
const PARTS: [(&str, f64); 24] = [
    ("half", 0.5),
    ("one half", 0.5),
    ("a half", 0.5),
    ("1/2", 0.5),
    ("a third", 1.0 / 3.0),
    ("one third", 1.0 / 3.0),
    ("1/3", 1.0 / 3.0),
    ("two thirds", 2.0 / 3.0),
    ("2/3", 2.0 / 3.0),
    ("a quarter", 0.25),
    ("one quarter", 0.25),
    ("1/4", 0.25),
    ("one fourth", 0.25),
    ("three quarters", 0.75),
    ("three fourths", 0.75),
    ("3/4", 0.75),
    ("a fifth", 0.2),
    ("one fifth", 0.2),
    ("two fifths", 0.4),
    ("3/5", 0.6),
    ("a tenth", 0.1),
    ("one eighth", 0.125),
    ("three eighths", 0.375),
    ("5/8", 0.625),
];

const PERCENTS: [f64; 20] =
    [1.0, 2.0, 5.0, 5.0, 8.0, 10.0, 10.0, 12.0, 15.0, 15.0, 18.0, 20.0, 20.0, 25.0, 30.0, 40.0, 50.0, 60.0, 75.0, 90.0];

impl Draw {
    /// Reads a draw as rules write it.
    pub fn read(text: &str) -> Option<Self> {
        if let Some((each, count)) = text.split_once('#') {
            let (low, high) = count.split_once("..")?;
            let (low, high) = (low.parse().ok()?, high.parse().ok()?);
            return (low >= 1 && low <= high && high <= LONGEST_LIST).then_some(Self::List(
                Box::new(Self::read(each)?),
                low,
                high,
            ));
        }
        Some(match text {
            "n" => Self::Any,
            "i" => Self::Whole,
            "d" => Self::Decimal,
            "-n" => Self::Negative,
            "%" => Self::Percent,
            "dozen" => Self::Dozen,
            "ratio" => Self::Ratio,
            "minus" => Self::Minus,
            "$" => Self::Price,
            "year" => Self::Year,
            "part" => Self::Part,
            _ => {
                if let Some(list) = text.strip_prefix('[') {
                    return choice(list).map(Self::Choice);
                }
                if let Some(list) = text.strip_prefix("%[") {
                    return choice(list).map(Self::Percents);
                }
                let (low, high) = text.split_once("..")?;
                if let Some((of, low)) = low.split_once('*') {
                    let of = of.chars().next()?;
                    return Some(Self::Multiple { of, low: low.parse().ok()?, high: high.parse().ok()? });
                }
                let decimals = |bound: &str| bound.split_once('.').map_or(0, |(_, decimals)| decimals.len());
                let scale = 10_i64.checked_pow(decimals(low).max(decimals(high)).try_into().ok()?)?;
                let scaled = |bound: &str| bound.parse().ok().map(|value: f64| (value * scale as f64).round() as i64);
                let (low, high) = (scaled(low)?, scaled(high)?);
                if low > high {
                    return None;
                }
                Self::Range { low, high, scale }
            }
        })
    }

    /// Draws one number. `others` gives the number of a slot that was drawn before.
    pub fn one(&self, random: &mut ChaCha8Rng, others: &impl Fn(char) -> Option<f64>) -> Option<Drawn> {
        let value = match self {
            Self::Any => any(random),
            Self::Whole => whole(random),
            Self::Decimal => decimal(random),
            Self::Negative => -any(random).abs(),
            Self::Percent => return Some(Drawn::percent(percent(random))),
            Self::Percents(all) => return all.choose(random).map(|shown| Drawn::percent(*shown)),
            Self::Ratio => {
                let whole = random.random_range(2..=200);
                let part = random.random_range(1..whole);
                let value = f64::from(part) / f64::from(whole);
                return Some(Drawn { text: Some(format!("{part}/{whole}").into()), ..Drawn::plain(value) });
            }
            Self::Minus => {
                let value = any(random).abs();
                return Some(Drawn { text: Some(format!("minus {value}").into()), ..Drawn::plain(-value) });
            }
            Self::Dozen => {
                let count = random.random_range(0..=20_usize);
                let words = ["half a", "a", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
                let text = match words.get(count) {
                    Some(word) if count == 0 || random.random_bool(0.5) => format!("{word} dozen"),
                    _ => format!("{count} dozen"),
                };
                let value = if count == 0 { 6.0 } else { 12.0 * count as f64 };
                return Some(Drawn { text: Some(text.into()), ..Drawn::plain(value) });
            }
            Self::Price => price(random),
            Self::Year => f64::from(random.random_range(1900..=2030)),
            Self::Part => {
                let (text, value) = *PARTS.choose(random)?;
                return Some(Drawn { text: Some(text.into()), ..Drawn::plain(value) });
            }
            Self::Range { low, high, scale } => random.random_range(*low..=*high) as f64 / *scale as f64,
            Self::Multiple { of, low, high } => others(*of)? * random.random_range(*low..=*high) as f64,
            Self::Choice(all) => *all.choose(random)?,
            Self::List(each, ..) => return each.one(random, others),
        };
        Some(Drawn::plain(value))
    }

    /// How many numbers it draws.
    pub fn count(&self, random: &mut ChaCha8Rng) -> usize {
        match self {
            Self::List(_, low, high) => random.random_range(*low..=*high),
            _ => 1,
        }
    }
}

fn whole(random: &mut ChaCha8Rng) -> f64 {
    let high: i64 = match random.random_range(0..100) {
        0..25 => 10,
        25..60 => 100,
        60..80 => 1000,
        80..90 => 10_000,
        90..96 => 100_000,
        96..99 => 1_000_000,
        _ => 100_000_000,
    };
    // Round numbers are asked for more often than chance would have it.
    let step = if high > 10 && random.random_bool(0.2) { high / 10 } else { 1 };
    let low = if high > 10 { high / 10 } else { i64::from(random.random_bool(0.9)) };
    let value = random.random_range(low..high);
    (value / step * step) as f64
}

fn decimal(random: &mut ChaCha8Rng) -> f64 {
    let (digits, scale) =
        *[(100, 10.0), (1000, 10.0), (1000, 100.0), (10_000, 100.0), (100_000, 100.0), (10_000, 1000.0)]
            .choose(random)
            .unwrap_or(&(100, 10.0));
    f64::from(random.random_range(1..digits)) / scale
}

fn any(random: &mut ChaCha8Rng) -> f64 {
    let value = if random.random_bool(0.15) { decimal(random) } else { whole(random) };
    if random.random_bool(0.04) { -value } else { value }
}

fn percent(random: &mut ChaCha8Rng) -> f64 {
    match random.random_range(0..10) {
        0..5 => *PERCENTS.choose(random).unwrap_or(&10.0),
        5..8 => f64::from(random.random_range(1..100)),
        8 => f64::from(random.random_range(1..400)) / 10.0 + 0.5,
        _ => f64::from(random.random_range(20..60) * 5),
    }
}

fn price(random: &mut ChaCha8Rng) -> f64 {
    let whole = f64::from(match random.random_range(0..10) {
        0..4 => random.random_range(1..20),
        4..8 => random.random_range(20..200),
        8 => random.random_range(20..200) * 10,
        _ => random.random_range(200..3000),
    });
    let cents = if random.random_bool(0.6) {
        0.0
    } else if random.random_bool(0.6) {
        *[50.0, 25.0, 75.0, 99.0, 95.0].choose(random).unwrap_or(&50.0)
    } else {
        f64::from(random.random_range(1..100))
    };
    (whole * 100.0 + cents) / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn draws(text: &str) -> Vec<f64> {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let draw = Draw::read(text).unwrap();
        (0..2000).map(|_| draw.one(&mut random, &|_| Some(3.0)).unwrap().value).collect()
    }

    #[test]
    fn ranges_reach_their_ends_and_no_further() {
        let all = draws("2..9");
        assert!((2..=9).all(|value| all.contains(&f64::from(value))));
        assert!(all.iter().all(|value| (2.0..=9.0).contains(value) && value.fract() == 0.0));
        let all = draws("0.5..2.5");
        assert!(all.contains(&0.5) && all.contains(&2.5) && all.contains(&1.7));
        assert!(draws("b*2..4").iter().all(|value| [6.0, 9.0, 12.0].contains(value)));
        assert!(draws("[2,50]").iter().all(|value| [2.0, 50.0].contains(value)));
    }

    #[test]
    fn kinds() {
        assert!(draws("-n").iter().all(|value| *value <= 0.0));
        assert!(draws("i").iter().all(|value| *value >= 0.0 && value.fract() == 0.0));
        assert!(draws("n").iter().any(|value| *value >= 100_000.0));
        assert!(draws("%").iter().all(|value| *value > 0.0 && *value < 3.0));
        assert!(draws("$").iter().all(|value| (*value * 100.0).round() / 100.0 == *value));
    }

    #[test]
    fn what_is_no_draw() {
        for text in ["", "x", "9..2", "[1,x]", "[1", "n#0..3", "n#2..99", "n#3"] {
            assert_eq!(Draw::read(text), None, "{text}");
        }
    }
}
