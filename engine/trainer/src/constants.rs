//! The constants that programs may contain.

use std::f64::consts::PI;

/// Every constant of every program, in the order of the layers' vocabulary. Other factors are products of these: an acre is
/// 4,840 square yards, a yard three feet.
pub const CONSTANTS: [f64; 48] = [
    1.0,
    2.0,
    3.0,
    4.0,
    5.0,
    6.0,
    7.0,
    8.0,
    9.0,
    10.0,
    12.0,
    14.0,
    15.0,
    16.0,
    20.0,
    24.0,
    25.0,
    30.0,
    32.0,
    40.0,
    50.0,
    52.0,
    60.0,
    90.0,
    100.0,
    180.0,
    360.0,
    365.0,
    1000.0,
    1024.0,
    3600.0,
    5280.0,
    0.25,
    0.5,
    0.75,
    1.5,
    1.8,
    3.6,
    273.15,
    // A centimetre and a metre in inches and feet.
    2.54,
    0.3048,
    // Kilometres in a mile, a nautical mile.
    1.609344,
    1.852,
    // Kilograms in a pound, grams in an ounce, litres in a gallon of the United States.
    0.45359237,
    28.349523125,
    3.785411784,
    4046.8564224,
    PI,
];

/// Whether a program may contain it.
pub fn is_known(value: f64) -> bool {
    CONSTANTS.contains(&value)
}
