//! Numbers as a person writes them, and the exact value of what is written.

use num_bigint::BigInt;
use num_rational::BigRational;

/// Most significant digits of a number that is not whole, or of one with an exponent.
const DIGITS: usize = 15;
/// From here on whole numbers are shown in full: 15 digits would not reach the point.
const FULL: f64 = 1e15;
/// From here on numbers are shown with an exponent.
const LARGE: f64 = 1e21;
/// Below this numbers are shown with an exponent.
const SMALL: f64 = 1e-6;

/// The way a person writes a number: whole numbers below 10^21 in full, others with at most 15 significant digits and no
/// trailing zeros; below 10^-6 and from 10^21 on like `1.5 × 10^30`. There is no negative zero.
///
/// ```
/// use wattage_engine::wasm_layers::display;
///
/// assert_eq!(display(0.1 + 0.2), "0.3");
/// assert_eq!(display(-1.5e30), "-1.5 × 10^30");
/// ```
pub fn display(value: f64) -> String {
    if !value.is_finite() {
        return value.to_string();
    }
    let (digits, exponent) = shown(value);
    let sign = if value < 0.0 { "-" } else { "" };
    let size = value.abs();
    if size != 0.0 && !(SMALL..LARGE).contains(&size) {
        let (first, others) = digits.split_at(1);
        let point = if others.is_empty() { "" } else { "." };
        return format!("{sign}{first}{point}{others} × 10^{}", exponent + others.len() as i64);
    }
    match usize::try_from(exponent) {
        Ok(zeros) => format!("{sign}{digits}{}", "0".repeat(zeros)),
        Err(_) => {
            let behind = usize::try_from(exponent.unsigned_abs()).unwrap_or(usize::MAX);
            // At least one digit stands before the point.
            let padded = format!("{digits:0>width$}", width = behind + 1);
            let (before, after) = padded.split_at(padded.len() - behind);
            format!("{sign}{before}.{after}")
        }
    }
}

/// What [`display`] shows of a finite number, without its sign: digits, and the power of ten that they are multiplied with.
fn shown(value: f64) -> (String, i64) {
    let size = value.abs();
    if (FULL..LARGE).contains(&size) {
        return trimmed(format!("{size:.0}"), 0);
    }
    scientific(&format!("{size:.*e}", DIGITS - 1))
}

/// Digits and power of ten of a number as Rust writes it with an exponent.
fn scientific(text: &str) -> (String, i64) {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    // Rust writes the exponent of any f64 in four characters or fewer.
    let exponent: i64 = exponent.parse().unwrap_or_default();
    trimmed(format!("{before}{after}"), exponent - after.len() as i64)
}

/// The same number without zeros at its end.
fn trimmed(mut digits: String, mut exponent: i64) -> (String, i64) {
    while digits.len() > 1 && digits.ends_with('0') {
        digits.pop();
        exponent += 1;
    }
    if digits == "0" { (digits, 0) } else { (digits, exponent) }
}

/// The exact value of digits times a power of ten.
fn value_of(negative: bool, digits: &str, exponent: i64) -> Option<BigRational> {
    let digits: BigInt = digits.parse().ok()?;
    let digits = if negative { -digits } else { digits };
    let power = BigInt::from(10).pow(u32::try_from(exponent.unsigned_abs()).ok()?);
    Some(if exponent < 0 { BigRational::new(digits, power) } else { BigRational::from_integer(digits * power) })
}

/// The number that somebody means who writes a finite `f64`: of its shortest text, so 1/10 for `0.1`; `None` if not finite.
pub fn rational(value: f64) -> Option<BigRational> {
    if !value.is_finite() {
        return None;
    }
    let (digits, exponent) = scientific(&format!("{:e}", value.abs()));
    value_of(value < 0.0, &digits, exponent)
}

/// The exact value of the text that [`display`] shows, if reading that text back gives this very number.
pub(super) fn shown_exactly(value: f64) -> Option<BigRational> {
    if !value.is_finite() {
        return None;
    }
    let (digits, exponent) = shown(value);
    let read: f64 = format!("{digits}e{exponent}").parse().ok()?;
    if read == value.abs() { value_of(value < 0.0, &digits, exponent) } else { None }
}

/// Whether two results are the same number but for rounding: within this share of the larger, or nothing beside 1.
pub fn near(a: f64, b: f64, share: f64) -> bool {
    (a - b).abs() <= share * a.abs().max(b.abs()) + 1e-15
}

/// The nearest `f64`.
pub(super) fn nearest(value: &BigRational) -> Option<f64> {
    num_traits::ToPrimitive::to_f64(value).filter(|nearest| nearest.is_finite())
}

/// An exact number as a person writes it: whole ones of up to 40 digits in full, others as [`display`] does.
pub(super) fn text(value: &BigRational) -> Option<String> {
    if value.is_integer() {
        let digits = value.to_integer().to_string();
        if digits.len() <= 40 {
            return Some(digits);
        }
    }
    nearest(value).map(display)
}
