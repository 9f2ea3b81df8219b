//! Remainder, factorial and greatest common divisor against exact arithmetic.

use harness::random::Rng;
use num_bigint::BigInt;
use num_rational::BigRational;
use wattage_engine::wasm_layers::program::Op;
use wattage_engine::wasm_layers::rational;

use crate::{assert_rounded_once, binary, result};

/// A whole number of any size.
fn whole(rng: &mut Rng) -> f64 {
    let sign = if rng.below(2) == 0 { -1.0 } else { 1.0 };
    let digits = (rng.bits() >> (11 + rng.below(53))) as f64;
    let power = if rng.below(2) == 0 { 0 } else { rng.below(960) };
    sign * digits * 2_f64.powi(power.try_into().unwrap())
}

fn exact_remainder(x: &BigRational, y: &BigRational) -> BigRational {
    x - y * (x / y).floor()
}

#[test]
fn remainder_has_the_divisors_sign() {
    let table = [
        (7.0, 3.0, 1.0),
        (-7.0, 3.0, 2.0),
        (7.0, -3.0, -2.0),
        (-7.0, -3.0, -1.0),
        (6.0, 3.0, 0.0),
        (-6.0, 3.0, 0.0),
        (0.0, 5.0, 0.0),
        (7.5, 2.0, 1.5),
        (-7.5, 2.0, 0.5),
        (5.0, 7.0, 5.0),
        (1e20, 7.0, 2.0),
        (1e300, 1e300, 0.0),
        (f64::MAX, 3.0, 2.0),
        (5e-324, 1.0, 5e-324),
        (1.0, 5e-324, 0.0),
        (9_007_199_254_740_991.0, 2.0, 1.0),
    ];
    for (x, y, expected) in table {
        assert_eq!(result(Op::Remainder, &[x, y]), expected, "{x} by {y}");
    }
    for (x, y) in
        [(1.0, 0.0), (0.0, -0.0), (f64::NAN, 1.0), (1.0, f64::NAN), (f64::INFINITY, 2.0), (2.0, f64::INFINITY)]
    {
        assert!(result(Op::Remainder, &[x, y]).is_nan(), "{x} by {y}");
    }
}

#[test]
fn remainder_of_whole_numbers_is_exact() {
    let mut rng = Rng(21);
    for _ in 0..3000 {
        let (x, y) = (whole(&mut rng), whole(&mut rng));
        if y == 0.0 {
            continue;
        }
        let exact = exact_remainder(&binary(x), &binary(y));
        let value = result(Op::Remainder, &[x, y]);
        if (x < 0.0) == (y < 0.0) {
            assert_eq!(binary(value), exact, "{x} by {y}");
        } else {
            // The difference from y need not be a double.
            assert_rounded_once(value, &exact, &format!("{x} by {y}"));
        }
    }
}

/// Doubles only stand for decimals: a remainder must be that of the decimals.
#[test]
fn remainder_of_decimals_is_that_of_what_was_written() {
    let mut rng = Rng(22);
    let mut none = 0;
    for _ in 0..3000 {
        let places = 10_f64.powi(1 + i32::try_from(rng.below(4)).unwrap());
        let y = (1 + rng.below(2000)) as f64 / places;
        // Half of them come out even.
        let times = rng.below(1000);
        let x = if rng.below(2) == 0 { (y * places).round() * times as f64 / places } else { times as f64 / places };
        let exact = exact_remainder(&rational(x).unwrap(), &rational(y).unwrap());
        let value = result(Op::Remainder, &[x, y]);
        let off = (value - num_traits::ToPrimitive::to_f64(&exact).unwrap()).abs();
        assert!(off <= x.abs() * 1e-15, "{x} by {y} gives {value}, not {exact}");
        none += usize::from(exact == BigRational::from_integer(0.into()));
    }
    assert!(none > 1000);
    assert_eq!(result(Op::Remainder, &[5.5, 1.1]), 0.0);
    assert_eq!(result(Op::Remainder, &[0.3, 0.1]), 0.0);
    assert_eq!(result(Op::Remainder, &[0.1 + 0.2, 0.1]), 0.0);
}

#[test]
fn factorials_are_rounded_once() {
    let mut exact = BigInt::from(1);
    for n in 0..=170_u32 {
        exact *= n.max(1);
        let value = result(Op::Factorial, &[f64::from(n)]);
        assert_rounded_once(value, &BigRational::from_integer(exact.clone()), &format!("{n}!"));
        if n <= 22 {
            assert_eq!(BigRational::from_integer(exact.clone()), binary(value), "{n}!");
        }
    }
    for n in [-1.0, 0.5, 170.5, 171.0, 1e300, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert!(result(Op::Factorial, &[n]).is_nan(), "{n}!");
    }
    assert_eq!(result(Op::Factorial, &[-0.0]), 1.0);
}

fn euclid(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { euclid(b, a % b) }
}

#[test]
fn gcd_is_euclids() {
    let mut rng = Rng(23);
    for _ in 0..3000 {
        let mut up_to = |bits: usize| {
            let bits = rng.below(bits);
            rng.below(1 << bits) as u64
        };
        let common = up_to(20);
        let (a, b) = (common * up_to(30), common * up_to(30));
        let (sign_a, sign_b) = (if rng.below(2) == 0 { 1.0 } else { -1.0 }, if rng.below(2) == 0 { 1.0 } else { -1.0 });
        let value = result(Op::Gcd, &[sign_a * a as f64, sign_b * b as f64]);
        assert_eq!(value, euclid(a, b) as f64, "{a} and {b}");
    }
    let most = 9_007_199_254_740_992.0;
    let table = [
        (0.0, 0.0, 0.0),
        (0.0, -5.0, 5.0),
        (7.0, 0.0, 7.0),
        (most, most, most),
        (most, 6.0, 2.0),
        // Two neighbours in Fibonacci's sequence: the longest way.
        (8_944_394_323_791_464.0, 5_527_939_700_884_757.0, 1.0),
    ];
    for (a, b, expected) in table {
        assert_eq!(result(Op::Gcd, &[a, b]), expected, "{a} and {b}");
    }
    for bad in [0.5, 9_007_199_254_740_994.0, 1e300, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert!(result(Op::Gcd, &[bad, 4.0]).is_nan(), "{bad} and 4");
        assert!(result(Op::Gcd, &[4.0, bad]).is_nan(), "4 and {bad}");
    }
}
