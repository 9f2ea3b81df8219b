//! The power helper against exact arithmetic, and against the platform's `powf` where there is none.

use harness::random::Rng;
use num_rational::BigRational;
use wattage_engine::wasm_layers::program::Op;

use crate::{assert_rounded_once, binary, result};

fn power(x: f64, y: f64) -> f64 {
    result(Op::Power, &[x, y])
}

/// A number between 1/1000 and 1000 or so, whole, short or long.
fn base(rng: &mut Rng) -> f64 {
    match rng.below(3) {
        0 => (1 + rng.below(1000)) as f64,
        1 => (1 + rng.below(10_000)) as f64 / 100.0,
        _ => f64::from_bits(((1013 + rng.below(20) as u64) << 52) | (rng.bits() >> 12)),
    }
}

#[test]
fn whole_powers_are_rounded_once() {
    let mut rng = Rng(31);
    for _ in 0..1500 {
        let sign = if rng.below(3) == 0 { -1.0 } else { 1.0 };
        let (x, n) = (sign * base(&mut rng), i32::try_from(rng.below(81)).unwrap() - 40);
        let exact = binary(x).pow(n);
        assert_rounded_once(power(x, f64::from(n)), &exact, &format!("{x} to the {n}"));
    }
}

#[test]
fn powers_at_the_edges() {
    let (inf, tiny) = (f64::INFINITY, f64::from_bits(1));
    let table = [
        (0.0, 0.0, 1.0),
        (5.0, 0.0, 1.0),
        (-5.0, 0.0, 1.0),
        (0.0, 3.0, 0.0),
        (0.0, 0.5, 0.0),
        (0.0, -1.0, inf),
        (0.0, -0.5, inf),
        (1.0, 1e308, 1.0),
        (-1.0, 1e308, 1.0),
        (-1.0, 9_007_199_254_740_991.0, -1.0),
        (-2.0, 3.0, -8.0),
        (-2.0, 4.0, 16.0),
        (-2.0, -3.0, -0.125),
        (2.0, 10.0, 1024.0),
        (2.0, 1023.0, 2_f64.powi(1023)),
        (2.0, 1024.0, inf),
        (-2.0, 1025.0, -inf),
        (2.0, -1022.0, f64::MIN_POSITIVE),
        (2.0, -1074.0, tiny),
        (2.0, -1076.0, 0.0),
        (10.0, 22.0, 1e22),
        (10.0, 308.0, 1e308),
        (10.0, -5.0, 1e-5),
        (10.0, -308.0, 1e-308),
        (3.0, 33.0, 5_559_060_566_555_523.0),
        (1e300, 2.0, inf),
        (1e300, -2.0, 0.0),
        (1e-300, 2.0, 0.0),
        (1e-300, -2.0, inf),
        (tiny, 0.5, 2_f64.powi(-537)),
        (f64::MAX, 1.0, f64::MAX),
        (f64::MAX, -1.0, 1.0 / f64::MAX),
        (0.5, 1e308, 0.0),
        (0.5, -1e308, inf),
        (4.0, 0.5, 2.0),
        (4.0, -0.5, 0.5),
        (4.0, 1.5, 8.0),
        (2.25, 2.5, 7.59375),
        (27.0, 1.0 / 3.0, 3.0),
        (1000.0, 1.0 / 3.0, 10.0),
        (8.0, 2.0 / 3.0, 4.0),
        (8.0, -2.0 / 3.0, 0.25),
        (0.125, 1.0 / 3.0, 0.5),
        (15.625, 1.0 / 3.0, 2.5),
        (0.001, 1.0 / 3.0, 0.1),
        (32.0, 0.2, 2.0),
        (1e300, 1.0 / 3.0, 1e100),
        (1024.0, 0.1, 2.0),
        (1024.0, 1.3, 8192.0),
    ];
    for (x, y, expected) in table {
        assert_eq!(power(x, y), expected, "{x} to the {y}");
    }
    for (x, y) in [
        (-8.0, 1.0 / 3.0),
        (-4.0, 0.5),
        (-4.0, -1.5),
        (f64::NAN, 0.0),
        (1.0, f64::NAN),
        (inf, 0.0),
        (inf, 1.0),
        (2.0, inf),
    ] {
        assert!(power(x, y).is_nan(), "{x} to the {y}");
    }
}

#[test]
fn square_roots_are_those_of_the_machine() {
    let mut rng = Rng(32);
    for _ in 0..1500 {
        let x = f64::from_bits(rng.bits() >> 1);
        if x.is_finite() {
            assert_eq!(power(x, 0.5), x.sqrt(), "{x}");
        }
    }
}

#[test]
fn perfect_roots_are_whole() {
    for degree in 2..=20_u32 {
        for root in (2_u64..).take_while(|root| root.checked_pow(degree).is_some_and(|x| x <= 1 << 53)).take(60) {
            let x = root.pow(degree) as f64;
            assert_eq!(power(x, 1.0 / f64::from(degree)), root as f64, "root {degree} of {x}");
            // And a number beside it has another root.
            assert_ne!(power(x * (1.0 + 1e-13), 1.0 / f64::from(degree)), root as f64);
        }
    }
}

/// An exponent that is the double nearest to p/q is p/q: v = x^(p/q) means v^q = x^p.
#[test]
fn powers_of_fractions_are_rounded_once() {
    let mut rng = Rng(33);
    for _ in 0..600 {
        let x = base(&mut rng);
        let (p, q) = (1 + rng.below(20), 2 + rng.below(24));
        let y = p as f64 / q as f64;
        let (p, q) = (i32::try_from(p).unwrap(), i32::try_from(q).unwrap());
        let value = power(x, y);
        let step = binary(value.next_up()) - binary(value);
        let most = step * BigRational::new(51.into(), 100.into());
        let exact = binary(x).pow(p);
        let (below, above) = ((binary(value) - &most).pow(q), (binary(value) + &most).pow(q));
        assert!(below <= exact && exact <= above, "{x} to the {p}/{q} gives {value}");
    }
}

#[test]
fn other_powers_are_those_of_the_platform() {
    let mut rng = Rng(34);
    for _ in 0..3000 {
        let x = base(&mut rng) * if rng.below(2) == 0 { 1.0 } else { 1e-3 };
        // Of no small fraction's double.
        let y = f64::from_bits(((1016 + rng.below(13) as u64) << 52) | (rng.bits() >> 12));
        let y = if rng.below(2) == 0 { y } else { -y };
        let (value, expected) = (power(x, y), x.powf(y));
        if (1e-300..1e300).contains(&expected) {
            assert!(((value - expected) / expected).abs() <= 4e-16, "{x} to the {y}: {value} and {expected}");
        } else {
            assert!(value == expected || value / expected < 1.0 + 1e-9, "{x} to the {y}: {value} and {expected}");
        }
    }
}
