//! Numbers as a person writes them.

use harness::random::Rng;
use num_bigint::BigInt;
use num_rational::BigRational;
use wattage_engine::wasm_layers::{display, rational};

#[test]
fn numbers_are_written_as_people_do() {
    let table = [
        (0.0, "0"),
        (-0.0, "0"),
        (132.0, "132"),
        (-7.0, "-7"),
        (0.1 + 0.2, "0.3"),
        (0.3, "0.3"),
        (1.0 / 3.0, "0.333333333333333"),
        (-2.0 / 3.0, "-0.666666666666667"),
        (100.0 / 3.0, "33.3333333333333"),
        (2.5, "2.5"),
        (1e-6, "0.000001"),
        (0.000_012_34, "0.00001234"),
        (9.99e-7, "9.99 × 10^-7"),
        (-1.5e-9, "-1.5 × 10^-9"),
        (5e-324, "4.94065645841247 × 10^-324"),
        (123_456_789.125, "123456789.125"),
        (0.1 * 3.0, "0.3"),
        (1.1 * 1.1, "1.21"),
        (999_999_999_999_999.9, "1000000000000000"),
        (123_456_789_012_345.67, "123456789012346"),
        (9_007_199_254_740_991.0, "9007199254740991"),
        (9_007_199_254_740_993.0, "9007199254740992"),
        (4_503_599_627_370_495.5, "4503599627370496"),
        (1_152_921_504_606_846_976.0, "1152921504606846976"),
        (1e20, "100000000000000000000"),
        (999_999_999_999_999_868_928.0, "999999999999999868928"),
        (1e21, "1 × 10^21"),
        (1.5e30, "1.5 × 10^30"),
        (-1.234_567_890_123_456_7e300, "-1.23456789012346 × 10^300"),
        (f64::MAX, "1.79769313486232 × 10^308"),
        (1e23, "1 × 10^23"),
        (f64::NAN, "NaN"),
        (f64::INFINITY, "inf"),
    ];
    for (value, text) in table {
        assert_eq!(display(value), text);
    }
}

#[test]
fn what_is_shown_is_near_and_short() {
    let mut rng = Rng(61);
    for _ in 0..50_000 {
        let value = f64::from_bits(rng.bits());
        if !value.is_finite() {
            continue;
        }
        let shown = display(value);
        let (number, power) = shown.split_once(" × 10^").unwrap_or((&shown, "0"));
        let read: f64 = format!("{number}e{power}").parse().unwrap();
        // The last of 15 digits may be off by half.
        assert!((read - value).abs() <= value.abs() * 5.01e-15 || value.abs() < 1e-300, "{value:e} as {shown}");
        let digits = number.trim_start_matches(['-', '0', '.']).replace('.', "");
        let full = (1e15..1e21).contains(&value.abs());
        assert!(digits.len() <= if full { 21 } else { 15 }, "{value:e} as {shown}");
        assert!(!number.contains('.') || !number.ends_with('0'), "{value:e} as {shown}");
        assert_eq!(shown.contains('×'), !(1e-6..1e21).contains(&value.abs()), "{value:e} as {shown}");
    }
}

#[test]
fn a_double_stands_for_its_shortest_text() {
    let ratio = |p: i64, q: i64| Some(BigRational::new(p.into(), q.into()));
    assert_eq!(rational(0.1), ratio(1, 10));
    assert_eq!(rational(-0.75), ratio(-3, 4));
    assert_eq!(rational(-0.0), ratio(0, 1));
    assert_eq!(rational(12.0), ratio(12, 1));
    assert_eq!(rational(0.1 + 0.2), ratio(30_000_000_000_000_004, 100_000_000_000_000_000));
    assert_eq!(rational(1e300), Some(BigRational::from_integer(BigInt::from(10).pow(300))));
    assert_eq!(rational(5e-324), Some(BigRational::new(5.into(), BigInt::from(10).pow(324))));
    assert_eq!(rational(f64::NAN), None);
    assert_eq!(rational(f64::NEG_INFINITY), None);
}
