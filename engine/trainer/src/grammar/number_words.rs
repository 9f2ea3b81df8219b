//! Numbers written out in English.

const SMALL: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 10] = ["", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
const SCALES: [(u64, &str); 3] = [(1_000_000_000, "billion"), (1_000_000, "million"), (1_000, "thousand")];

/// How compounds are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spelling {
    /// `forty-two`, not `forty two`.
    pub hyphens: bool,
    /// `two hundred and three`, not `two hundred three`.
    pub and: bool,
    /// `a hundred`, not `one hundred`.
    pub article: bool,
}

/// The number in words.
pub fn in_words(value: u64, spelling: Spelling) -> String {
    let mut out = String::new();
    let mut rest = value;
    for (scale, name) in SCALES {
        if rest >= scale {
            group(rest / scale, spelling, &mut out);
            out.push(' ');
            out.push_str(name);
            rest %= scale;
            if rest > 0 {
                out.push_str(if spelling.and && rest < 100 { " and " } else { " " });
            }
        }
    }
    if rest > 0 || value == 0 {
        group(rest, spelling, &mut out);
    }
    match out.strip_prefix("one ") {
        // Only the first word can be an article, and only of a round number: a hundred, a thousand.
        Some(name) if spelling.article && !name.contains(' ') => format!("a {name}"),
        _ => out,
    }
}

/// A number below a thousand; larger ones are written in thousands of what the scales name.
fn group(mut value: u64, spelling: Spelling, out: &mut String) {
    if value >= 100 {
        group(value / 100, spelling, out);
        out.push_str(" hundred");
        value %= 100;
        if value == 0 {
            return;
        }
        out.push_str(if spelling.and { " and " } else { " " });
    }
    // Both indices are below the tables' lengths: the value is below a hundred here.
    if value < 20 {
        out.push_str(SMALL[value as usize]);
        return;
    }
    out.push_str(TENS[(value / 10) as usize]);
    if !value.is_multiple_of(10) {
        out.push(if spelling.hyphens { '-' } else { ' ' });
        out.push_str(SMALL[(value % 10) as usize]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        let full = Spelling { hyphens: true, and: true, article: false };
        let plain = Spelling { hyphens: false, and: false, article: true };
        for (value, long, short) in [
            (0, "zero", "zero"),
            (13, "thirteen", "thirteen"),
            (42, "forty-two", "forty two"),
            (100, "one hundred", "a hundred"),
            (1000, "one thousand", "a thousand"),
            (1042, "one thousand and forty-two", "one thousand forty two"),
            (7305, "seven thousand three hundred and five", "seven thousand three hundred five"),
            (2_000_000, "two million", "two million"),
        ] {
            assert_eq!(in_words(value, full), long);
            assert_eq!(in_words(value, plain), short);
        }
    }
}
