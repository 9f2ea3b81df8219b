//! The English words that numbers are made of, and those that tell what a number word is doing where it stands.

use super::text::Word;

/// A word of a cardinal number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Term {
    /// Zero, nought.
    Zero,
    /// One to nine.
    Unit(u64),
    /// Ten to nineteen.
    Teen(u64),
    /// Twenty, thirty … ninety.
    Tens(u64),
    /// Hundred.
    Hundred,
    /// Thousand, million, billion, trillion.
    Scale(u64),
}

/// Longest word that means anything here, in bytes.
const LONGEST: usize = 14;

/// A word in small letters; nothing for one that is too long to be known.
pub(super) fn lower(word: &str) -> String {
    if word.len() > LONGEST { String::new() } else { word.to_ascii_lowercase() }
}

/// What a word in small letters means in a cardinal number.
pub(super) fn term(word: &str) -> Option<Term> {
    Some(match word {
        "zero" | "nought" | "naught" => Term::Zero,
        "one" => Term::Unit(1),
        "two" => Term::Unit(2),
        "three" => Term::Unit(3),
        "four" => Term::Unit(4),
        "five" => Term::Unit(5),
        "six" => Term::Unit(6),
        "seven" => Term::Unit(7),
        "eight" => Term::Unit(8),
        "nine" => Term::Unit(9),
        "ten" => Term::Teen(10),
        "eleven" => Term::Teen(11),
        "twelve" => Term::Teen(12),
        "thirteen" => Term::Teen(13),
        "fourteen" => Term::Teen(14),
        "fifteen" => Term::Teen(15),
        "sixteen" => Term::Teen(16),
        "seventeen" => Term::Teen(17),
        "eighteen" => Term::Teen(18),
        "nineteen" => Term::Teen(19),
        "twenty" => Term::Tens(20),
        "thirty" => Term::Tens(30),
        "forty" | "fourty" => Term::Tens(40),
        "fifty" => Term::Tens(50),
        "sixty" => Term::Tens(60),
        "seventy" => Term::Tens(70),
        "eighty" => Term::Tens(80),
        "ninety" => Term::Tens(90),
        "hundred" => Term::Hundred,
        "thousand" => Term::Scale(1_000),
        "million" => Term::Scale(1_000_000),
        "billion" => Term::Scale(1_000_000_000),
        "trillion" => Term::Scale(1_000_000_000_000),
        _ => return None,
    })
}

/// What a word multiplies the number before it by, as in `3 million`, `2 dozen` or `5 hundreds`.
pub(super) fn multiplier(word: &str) -> Option<u64> {
    let singular = word.strip_suffix('s').unwrap_or(word);
    match term(singular) {
        Some(Term::Hundred) => Some(100),
        Some(Term::Scale(scale)) => Some(scale),
        _ => (singular == "dozen").then_some(12),
    }
}

/// What a word that stands for a multiplication multiplies by.
pub(super) fn times(word: &str) -> Option<u64> {
    match word {
        "twice" | "double" | "doubles" | "doubled" => Some(2),
        "thrice" | "triple" | "triples" | "tripled" => Some(3),
        "quadruple" | "quadruples" | "quadrupled" => Some(4),
        _ => None,
    }
}

/// What a plural in small letters stands for of which there are several, as in `seven eights`.
pub(super) fn plural(word: &str) -> Option<u64> {
    let singular = match word {
        "sixes" => "six".to_owned(),
        _ => word
            .strip_suffix("ies")
            .map_or_else(|| word.strip_suffix('s').map(str::to_owned), |it| Some(format!("{it}y")))?,
    };
    match term(&singular)? {
        Term::Unit(value) | Term::Teen(value) | Term::Tens(value) => (value > 1).then_some(value),
        Term::Zero | Term::Hundred | Term::Scale(_) => None,
    }
}

/// A word for a part, as in `two thirds`; in the singular most are ordinals too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    /// Into how many parts.
    pub(super) of: u64,
    pub(super) plural: bool,
    /// Half or quarter, which are never ordinals.
    pub(super) only_part: bool,
}

/// The part that a word in small letters names. `second` is none: it is an ordinal or a time.
pub(super) fn part(word: &str) -> Option<Part> {
    let (singular, plural) = match word {
        "halves" => ("half", true),
        _ => word.strip_suffix('s').map_or((word, false), |singular| (singular, true)),
    };
    let of = match singular {
        "half" => 2,
        "third" => 3,
        "quarter" | "fourth" => 4,
        "fifth" => 5,
        "sixth" => 6,
        "seventh" => 7,
        "eighth" => 8,
        "ninth" => 9,
        "tenth" => 10,
        "eleventh" => 11,
        "twelfth" => 12,
        "fifteenth" => 15,
        "sixteenth" => 16,
        "twentieth" => 20,
        "thirtieth" => 30,
        "fortieth" => 40,
        "fiftieth" => 50,
        "sixtieth" => 60,
        "hundredth" => 100,
        "thousandth" => 1_000,
        "millionth" => 1_000_000,
        _ => return None,
    };
    Some(Part { of, plural, only_part: matches!(singular, "half" | "quarter") })
}

/// Whether a word in small letters is an ordinal in the singular.
pub(super) fn is_ordinal(word: &str) -> bool {
    let other = ["first", "second", "thirteenth", "fourteenth", "seventeenth", "eighteenth", "nineteenth"];
    other.contains(&word) || part(word).is_some_and(|part| !part.plural && !part.only_part)
}

/// The value of a character that is a fraction, as numerator and denominator.
pub(super) fn vulgar(c: char) -> Option<(u64, u64)> {
    Some(match c {
        '½' => (1, 2),
        '⅓' => (1, 3),
        '⅔' => (2, 3),
        '¼' => (1, 4),
        '¾' => (3, 4),
        '⅕' => (1, 5),
        '⅖' => (2, 5),
        '⅗' => (3, 5),
        '⅘' => (4, 5),
        '⅙' => (1, 6),
        '⅚' => (5, 6),
        '⅐' => (1, 7),
        '⅛' => (1, 8),
        '⅜' => (3, 8),
        '⅝' => (5, 8),
        '⅞' => (7, 8),
        '⅑' => (1, 9),
        '⅒' => (1, 10),
        _ => return None,
    })
}

/// Words that make a fraction in digits before them a part of something, as in `1/4 as`, `3/5 fewer`, `1/6 are`.
const CLEAR: &str = "of as the that this these those his her its their my your our what it less more fewer longer \
                     shorter larger bigger smaller taller faster slower higher lower heavier lighter older younger off \
                     full empty are were have had each every a an";

/// Words that, beside those, can follow `a third` or `a fifth`; after others it is an ordinal, as in `a third person`.
const AFTER_PART: &str = "is was has and or but to in on from at by with into than per times for if when while then \
                          do does did will would can could";

/// Of those, the words after which digits such as `4/3` are a part even if they are more than a whole.
const OF: &str = "of as the";

/// Measures, in the singular, of which there are fractions: after `3/4`, or in `a third cup`.
const MEASURES: &str = "cup teaspoon tablespoon tsp tbsp pint quart gallon liter litre l ml milliliter inch inche foot \
                        feet ft yard yd mile mi meter metre m cm mm km centimeter centimetre kilometer kilometre ounce oz \
                        pound lb ton tonne gram g kg mg kilogram kilo acre hectare";

/// Other things, in the singular, that are counted in fractions: after `3/4`, or in `an hour and a half`.
const COUNTED: &str = "second sec minute min hour hr h day night week month year yr decade century mph degree dollar \
                       cent point dozen slice piece serving page pizza cake pie apple sandwich stick bottle glass \
                       jar can bag box pack";

/// Words that say that a plain `hundred` or `dozen` after them is no number.
const VAGUE: &str = "several few many some couple quarter";

/// Words after which a `minus` is a sign: what comes next must be a number, not an operator.
const BEFORE_NUMBER: &str = "is are was of and or to by from with at times plus minus negative than equals equal what's \
                             what’s whats calculate compute evaluate find solve simplify add subtract multiply divide \
                             adding subtracting multiplying dividing taking into between over";

/// Words that make no multiple of a `double` before them.
const DOUBLED: &str =
    "check checks checked checking click clicks clicked clicking digit digits room rooms bed beds decker";

/// Whether a word, in whatever case, is among a list's.
pub(super) fn among(list: &str, word: &Word<'_>) -> bool {
    let word = lower(word.text);
    !word.is_empty() && list.split_ascii_whitespace().any(|other| other == word)
}

/// Whether the word makes digits such as `1/4` before it a part of something.
pub(super) fn is_clear(word: &Word<'_>) -> bool {
    among(CLEAR, word)
}

/// Whether the word makes `a third` before it a part of something and no ordinal.
pub(super) fn is_after_part(word: &Word<'_>) -> bool {
    among(CLEAR, word) || among(AFTER_PART, word)
}

/// Whether the word is `of` or one that is used like it after a fraction.
pub(super) fn is_of(word: &Word<'_>) -> bool {
    among(OF, word)
}

/// Whether the word, in the singular or plural, is a measure such as a cup or a mile.
pub(super) fn is_measure(word: &Word<'_>) -> bool {
    among(MEASURES, word) || among(MEASURES, &singular(word))
}

/// Whether the word, in the singular or plural, is a measure or another thing that is counted in fractions.
pub(super) fn is_unit(word: &Word<'_>) -> bool {
    is_measure(word) || among(COUNTED, word) || among(COUNTED, &singular(word))
}

fn singular<'t>(word: &Word<'t>) -> Word<'t> {
    Word { text: word.text.strip_suffix(['s', 'S']).unwrap_or(word.text), ..*word }
}

/// Whether the word before a plain `hundred` or `dozen` leaves open how many.
pub(super) fn is_vague(word: &Word<'_>) -> bool {
    among(VAGUE, word)
}

/// Whether a `double` before the word means no multiple.
pub(super) fn is_doubled(word: &Word<'_>) -> bool {
    among(DOUBLED, word)
}

/// Whether a `minus` after the word is a sign.
pub(super) fn expects_number(word: &Word<'_>) -> bool {
    among(BEFORE_NUMBER, word)
}
