//! Numbers in digits: separators, decimals, exponents, suffixes, names, money, percents.

use wattage_engine::wasm_layers::numbers::{NumberKind, Why, bind};

use crate::check;

#[test]
fn groups_of_three_are_thousands_and_others_are_lists() {
    check(&[
        ("12,345", "12,345=12345"),
        ("1,234,567.5 kg", "1,234,567.5=2469135/2"),
        ("1 234 567", "1 234 567=1234567"),
        ("$80 000", "80 000=80000"),
        ("1\u{a0}234", "1\u{a0}234=1234"),
        ("1\u{202f}234\u{202f}567", "1\u{202f}234\u{202f}567=1234567"),
        ("1\u{2009}234", "1\u{2009}234=1234"),
        ("1,2,3", "1=1 | 2=2 | 3=3"),
        ("4, 5", "4=4 | 5=5"),
        ("3,14", "3=3 | 14=14"),
        ("1,23", "1=1 | 23=23"),
        ("1,234,56", "1=1 | 234=234 | 56=56"),
        ("1,2,345", "1=1 | 2=2 | 345=345"),
        ("0,123", "0=0 | 123=123"),
        ("1234,567", "1234=1234 | 567=567"),
        ("1.234,56", "1.234=617/500 | 56=56"),
        ("1 2 3", "1=1 | 2=2 | 3=3"),
        ("12 345 6", "12=12 | 345=345 | 6=6"),
        ("1  234", "1=1 | 234=234"),
        ("5 1,000 2", "5=5 | 1,000=1000 | 2=2"),
        ("3 100-gram bars", "3=3 | 100=100"),
        ("3 100ml cups", "3=3 | 100=100"),
        ("1/2 100", "1=1 | 2=2 | 100=100"),
        ("July 4 2024", "4=4 | 2024=2024"),
    ]);
}

#[test]
fn a_point_before_digits_is_decimal_and_else_ends_a_sentence() {
    check(&[
        ("3.14", "3.14=157/50"),
        ("It is .5 and $.25", ".5=1/2 | .25=1/4"),
        ("(.5)", ".5=1/2"),
        ("He has 5.", "5=5"),
        ("He has 5. 6 left", "5=5 | 6=6"),
        ("3...5", "3=3 | 5=5"),
        ("No.5", "5=5"),
        ("007", "007=7"),
        ("0.1", "0.1=1/10"),
    ]);
}

#[test]
fn digits_with_several_points_are_skipped_and_reported() {
    check(&[("1.2.3", ""), ("at 192.168.0.1 or 5", "5=5"), ("v1.2.3", ""), ("1,234.5.6", "")]);
    let binding = bind("é 1.2.3");
    assert_eq!(binding.skipped.len(), 1);
    let skipped = &binding.skipped[0];
    assert_eq!((skipped.text.as_str(), skipped.why), ("1.2.3", Why::Dotted));
    assert_eq!((skipped.start, skipped.end, skipped.start_byte, skipped.end_byte), (2, 7, 3, 8));
}

#[test]
fn exponents() {
    check(&[
        ("1e6", "1e6=1000000"),
        ("6.02E+3", "6.02E+3=6020"),
        ("5e-2", "5e-2=1/20"),
        ("5e", "5=5"),
        ("5e+", "5=5"),
        ("1e5x", ""),
        ("0e999999999999999999999", "0e999999999999999999999=0"),
    ]);
}

#[test]
fn what_no_finite_f64_stands_for_is_skipped() {
    let why = |text: &str| {
        let binding = bind(text);
        assert!(binding.numbers.is_empty(), "{text:.20}");
        binding.skipped.iter().map(|skipped| skipped.why).collect::<Vec<_>>()
    };
    assert_eq!(why(&"9".repeat(400)), [Why::TooLarge]);
    assert_eq!(why(&"9".repeat(801)), [Why::TooLong]);
    assert_eq!(why("1e309"), [Why::TooLarge]);
    assert_eq!(why("-1e999999999999999999999999"), [Why::TooLarge]);
    assert_eq!(why("1e-400"), [Why::TooSmall]);
    assert_eq!(why("1e-999999999999999999999999"), [Why::TooSmall]);
    assert_eq!(why(&format!("0.{}1", "0".repeat(500))), [Why::TooSmall]);
    assert_eq!(why(&format!("one point{}", " one".repeat(900))), [Why::TooLong]);
    let largest = "1".repeat(309);
    assert_eq!(bind(&largest).numbers[0].value, largest.parse::<f64>().unwrap());
    assert_eq!(bind("1.7976931348623157e308").numbers[0].value, f64::MAX);
    assert_eq!(bind("5e-324").numbers[0].value, 5e-324);
    // What comes after is still bound, at its place, even behind an operator that touches both.
    assert_eq!(bind(&format!("{}x5", "9".repeat(400))).numbers[0].value, 5.0);
    let after = &bind(&format!("{} + 5", "9".repeat(400))).numbers[0];
    assert_eq!((after.value, after.start), (5.0, 403));
}

#[test]
fn suffixes_scale_and_units_do_not() {
    check(&[
        ("5k", "5k=5000"),
        ("3M people", "3M=3000000"),
        ("2bn", "2bn=2000000000"),
        ("$3m, $1.5B", "3m=3000000 | 1.5B=1500000000"),
        ("3m of rope", "3=3"),
        ("5kg 10km 20cm 7pm", "5=5 | 10=10 | 20=20 | 7=7"),
        ("12apples", "12=12"),
        ("75m2 and 100²", "75=75 | 100=100"),
        ("1.5 million", "1.5 million=1500000"),
        ("3 hundred", "3 hundred=300"),
        ("5 hundred thousand", "5 hundred thousand=500000"),
        ("2 million", "2 million=2000000"),
        ("2 millionaires, 5 million2", "2=2 | 5=5"),
    ]);
}

#[test]
fn ordinals_in_digits_are_plain_values() {
    check(&[("1st 2nd 3RD 12th", "1st=1 | 2nd=2 | 3RD=3 | 12th=12"), ("1.5th", "1.5=3/2"), ("4thing", "4=4")]);
    assert_eq!(bind("12th").numbers[0].kind, NumberKind::Ordinal);
    assert_eq!(bind("2nd million").numbers[0].value, 2.0);
}

#[test]
fn x_between_numbers_is_an_operator() {
    check(&[
        ("3x4", "3=3 | 4=4"),
        ("3 x 4", "3=3 | 4=4"),
        ("3 x4", "3=3 | 4=4"),
        ("2X3x4cm", "2=2 | 3=3 | 4=4"),
        ("2x as many", "2=2"),
        ("2x + 3", "2=2 | 3=3"),
        ("6.02×10^23", "6.02=301/50 | 10=10 | 23=23"),
        ("x4", ""),
        ("box4", ""),
    ]);
}

#[test]
fn digits_inside_words_are_names() {
    check(&[
        ("mp3 B2B H2O A4 x_1 _5", ""),
        ("COVID-19 F-16", ""),
        ("0x1F 3a4", ""),
        ("v2.0", ""),
        ("gate 42, BA 117, #5", "42=42 | 117=117 | 5=5"),
        ("buy-9-get-8", "9=9 | 8=8"),
        ("2X-5", "2=2 | 5=5"),
        ("りんご5個", "5=5"),
    ]);
}

#[test]
fn dates_times_and_ratios_bind_their_parts() {
    check(&[
        ("10:30", "10=10 | 30=30"),
        ("3:4", "3=3 | 4=4"),
        ("2024-01-15", "2024=2024 | 01=1 | 15=15"),
        ("1/2/2024", "1=1 | 2=2 | 2024=2024"),
    ]);
}

#[test]
fn digits_of_any_script() {
    check(&[
        ("５＋３", "５=5 | ３=3"),
        ("１２，３４５．５", "１２，３４５．５=24691/2"),
        ("٣٫١٤", "٣٫١٤=157/50"),
        ("१२३", "१२३=123"),
        ("𝟙𝟚", "𝟙𝟚=12"),
        ("² ① Ⅷ 五", ""),
    ]);
}

#[test]
fn every_decimal_digit_of_unicode_has_its_value() {
    let mut count = 0;
    for c in '\0'..=char::MAX {
        let binding = bind(&c.to_string());
        let Some(number) = binding.numbers.first().filter(|number| number.kind == NumberKind::Digits) else { continue };
        // Digits stand in rows of ten.
        assert_eq!(number.value, f64::from(count % 10), "{c:?}");
        assert!(c.is_numeric() && !c.is_alphabetic(), "{c:?}");
        count += 1;
    }
    assert!(count >= 600 && count % 10 == 0, "{count}");
}

#[test]
fn money_binds_the_number() {
    check(&[
        ("$5 €3.50 £2", "5=5 | 3.50=7/2 | 2=2"),
        ("5 dollars, USD 7", "5=5 | 7=7"),
        ("5€", "5=5"),
        ("$5 million", "5 million=5000000"),
        ("-$5 and $-5", "-$5=-5 | $-5=-5"),
    ]);
    for text in ["$5", "$ 5", "5€", "5 dollars", "50 cents", "USD 7", "7 EUR", "-$5", "$-5", "five dollars"] {
        assert_eq!(bind(text).numbers[0].kind, NumberKind::Money, "{text}");
    }
    assert_eq!(bind("5 apples").numbers[0].kind, NumberKind::Digits);
}

#[test]
fn percents_are_hundredths() {
    check(&[
        ("15%", "15%=3/20"),
        ("15 % of 40", "15 %=3/20 | 40=40"),
        ("15 percent", "15 percent=3/20"),
        ("15 per cent", "15 per cent=3/20"),
        ("50-percent", "50-percent=1/2"),
        ("fifteen percent", "fifteen percent=3/20"),
        ("one percent", "one percent=1/100"),
        ("2½% and 1/2%", "2½%=1/40 | 1/2%=1/200"),
        ("half a percent", "half a percent=1/200"),
        ("-5%", "-5%=-1/20"),
        ("15％", "15％=3/20"),
        ("5 percentage points", "5=5"),
        ("17 % 5", "17=17 | 5=5"),
        ("17%5", "17=17 | 5=5"),
        ("17 % (5)", "17=17 | 5=5"),
        ("10%, 20%", "10%=1/10 | 20%=1/5"),
        ("10% 20", "10%=1/10 | 20=20"),
        ("5% (of 4)", "5%=1/20 | 4=4"),
        ("5 per cent. 5 per person", "5 per cent=1/20 | 5=5"),
    ]);
    assert_eq!(bind("15%").numbers[0].value, 0.15);
    assert_eq!(bind("15%").numbers[0].kind, NumberKind::Percent);
}
