//! What holds for every text.

use std::time::Instant;

use harness::random::Rng;
use wattage_engine::wasm_layers::numbers::{Binding, bind};

/// Pieces of which texts are put together at random.
const PIECES: [&str; 72] = [
    "1", "23", "456", "0", "7,890", ".", ",", ".5", "-", "−", "--", "+", "/", "×", "x", "X", "*", "(", ")", "%", "$",
    "€", "½", "¾", "⁄", " ", " ", " ", "\u{a0}", "\u{202f}", "\n", "'", "’", "_", ":", "?", "!", "e5", "e-", "k", "th",
    "kg", "é", "你", "😀", "e\u{301}", "５", "٣", "one", "twenty", "hundred", "thousand", "million", "dozen", "half",
    "third", "quarters", "a", "an", "and", "of", "point", "percent", "per cent", "minus", "negative", "twice",
    "couple", "hour", "fifths", "many", "the",
];

fn holds(text: &str, binding: &Binding) {
    let numbers = binding.numbers.iter().map(|n| (n.start, n.end, n.start_byte, n.end_byte, &n.text));
    let skipped = binding.skipped.iter().map(|s| (s.start, s.end, s.start_byte, s.end_byte, &s.text));
    let mut spans: Vec<_> = numbers.chain(skipped).collect();
    for list in [binding.numbers.len(), spans.len()] {
        let mut last = 0;
        for (start, end, start_byte, end_byte, said) in &spans[..list] {
            assert!(start_byte < end_byte && last <= *start_byte, "{text:?}");
            // Slicing panics off character boundaries and outside the text.
            assert_eq!(&text[*start_byte..*end_byte], *said);
            assert_eq!(text.chars().skip(*start).take(end - start).collect::<String>(), **said);
            last = *end_byte;
        }
        // Then the numbers together with what was skipped.
        spans.sort();
    }
    for number in &binding.numbers {
        assert!(number.value.is_finite(), "{text:?}");
        // Twelve digits of the quotient are the value's.
        let (top, bottom) = (number.exact.numer().to_string(), number.exact.denom().to_string());
        let quotient = top.parse::<f64>().unwrap() / bottom.parse::<f64>().unwrap();
        if quotient.is_finite() {
            assert!((number.value - quotient).abs() <= 1e-12 * quotient.abs(), "{text:?}: {number:?}");
        }
    }
}

#[test]
fn spans_are_ordered_apart_and_say_what_stands_there() {
    let mut rng = Rng(1);
    let mut found = 0;
    for _ in 0..20_000 {
        let mut text = String::new();
        for _ in 0..rng.below(14) {
            text.push_str(PIECES[rng.below(PIECES.len())]);
            if rng.below(3) == 0 {
                text.push(' ');
            }
        }
        let binding = bind(&text);
        found += binding.numbers.len();
        holds(&text, &binding);
    }
    assert!(found > 20_000, "{found}");
}

#[test]
fn any_characters_at_all() {
    let mut rng = Rng(2);
    for _ in 0..5_000 {
        let draw = |rng: &mut Rng| match rng.below(3) {
            0 => char::from_u32(u32::try_from(rng.below(0x11_0000)).unwrap()),
            1 => char::from_u32(u32::try_from(rng.below(0x250)).unwrap()),
            _ => char::from_u32(u32::try_from(rng.below(0x60) + 0x20).unwrap()),
        };
        let text: String = (0..rng.below(40)).filter_map(|_| draw(&mut rng)).collect();
        holds(&text, &bind(&text));
    }
}

/// A number with commas between its thousands.
fn with_commas(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (place, digit) in digits.char_indices() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number below a thousand million in words.
fn in_words(n: u64) -> String {
    const SMALL: &str = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen \
                         sixteen seventeen eighteen nineteen";
    const TENS: &str = "twenty thirty forty fifty sixty seventy eighty ninety";
    let word = |list: &str, index: u64| list.split(' ').nth(usize::try_from(index).unwrap()).unwrap().to_owned();
    let rest = |n: u64, joint: &str| if n == 0 { String::new() } else { format!("{joint}{}", in_words(n)) };
    match n {
        0..20 => word(SMALL, n),
        20..100 => word(TENS, n / 10 - 2) + &rest(n % 10, "-"),
        100..1_000 => format!("{} hundred{}", word(SMALL, n / 100), rest(n % 100, " and ")),
        1_000..1_000_000 => format!("{} thousand{}", in_words(n / 1_000), rest(n % 1_000, " ")),
        _ => format!("{} million{}", in_words(n / 1_000_000), rest(n % 1_000_000, " ")),
    }
}

#[test]
fn numbers_that_are_written_out_are_read_back() {
    let mut rng = Rng(3);
    let one = |text: &str, exact: &str| {
        let binding = bind(&format!("What about {text} apples?"));
        let said: Vec<_> = binding.numbers.iter().map(|n| (n.text.as_str(), n.exact.to_string())).collect();
        assert_eq!(said, [(text, exact.to_owned())]);
        binding.numbers[0].value
    };
    for _ in 0..3_000 {
        let digits = 1 + rng.below(9);
        let n = rng.bits() % 10_u64.pow(u32::try_from(digits).unwrap());
        let exact = n.to_string();
        for text in [exact.clone(), with_commas(n), in_words(n), in_words(n).replace('-', " ")] {
            one(&text, &exact);
        }
        let spaced = with_commas(n).replace(',', "\u{202f}");
        one(&spaced, &exact);
        one(&format!("-{n}.0"), &if n == 0 { exact.clone() } else { format!("-{n}") });
        // The nearest f64 is the one that Rust reads.
        let decimal = format!("{n}.{}", rng.bits());
        let read = bind(&decimal).numbers[0].value;
        assert_eq!(read, decimal.parse::<f64>().unwrap(), "{decimal}");
        let power = format!("{n}e{}", rng.below(600) as i64 - 300);
        match bind(&power).numbers.first() {
            Some(number) => assert_eq!(number.value, power.parse::<f64>().unwrap(), "{power}"),
            None => assert!(power.parse::<f64>().unwrap().is_infinite(), "{power}"),
        }
        for percent in ["%", " %", " percent", " per cent"] {
            let text = format!("{n}{percent}");
            let number = &bind(&text).numbers[0];
            assert_eq!(number.text, text);
            assert_eq!(number.value, format!("{n}e-2").parse::<f64>().unwrap());
        }
    }
}

#[test]
fn a_megabyte_of_anything_takes_linear_time() {
    let units = [
        "1",
        "9 ",
        "1,",
        "1,234",
        "1,234,",
        "1 234 ",
        "1.",
        "-",
        "--5",
        "- 5 ",
        " ",
        "a ",
        "a",
        "a'",
        "one ",
        "hundred and ",
        "3x",
        "1e",
        "1/",
        "1/2 ",
        "2 1/2 of ",
        "2½",
        "5% ",
        "half ",
        "point one ",
        "minus -",
        "twenty-",
        "A-1-",
        "an hour and a half ",
        "dozen ",
        "５",
        "x_",
        "$-",
        "5 \u{a0}",
        "よ1",
    ];
    for unit in units {
        let time = |bytes: usize| {
            let text = unit.repeat(bytes / unit.len());
            let begun = Instant::now();
            let binding = bind(&text);
            assert!(binding.numbers.iter().all(|number| number.value.is_finite()));
            begun.elapsed().as_secs_f64()
        };
        // Eight times the text: quadratic work would take 64 times as long, and minutes. A busy machine may stop in the
        // middle, so one good measurement of three is enough.
        let linear = || {
            let (small, large) = (time(1 << 17), time(1 << 20));
            large < 2.0 || large < 32.0 * small
        };
        assert!((0..3).any(|_| linear()), "{unit:?}");
    }
}
