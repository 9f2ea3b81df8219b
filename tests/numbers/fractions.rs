//! Fractions in digits and words, and what looks like one.

use wattage_engine::wasm_layers::numbers::{NumberKind, bind};

use crate::check;

#[test]
fn a_slash_is_a_division_unless_a_part_of_something_is_meant() {
    check(&[
        ("12/4", "12=12 | 4=4"),
        ("What is 3/4?", "3=3 | 4=4"),
        ("3/4 + 1/2", "3=3 | 4=4 | 1=1 | 2=2"),
        ("3/4 times 8", "3=3 | 4=4 | 8=8"),
        ("1 / 2 of", "1=1 | 2=2"),
        ("12/4 pounds", "12=12 | 4=4"),
        ("1/0 of", "1=1 | 0=0"),
        ("24/7", "24=24 | 7=7"),
        ("1/2/3 of", "1=1 | 2=2 | 3=3"),
        ("12345/2 of", "12345=12345 | 2=2"),
        ("3/4 of 8", "3/4=3/4 | 8=8"),
        ("4/3 the age", "4/3=4/3"),
        ("1/4 as many", "1/4=1/4"),
        ("1/3 times as many", "1/3=1/3"),
        ("3/5 fewer", "3/5=3/5"),
        ("1/6 are small", "1/6=1/6"),
        ("3/4 cup, 1/2-inch", "3/4=3/4 | 1/2=1/2"),
        ("1/2 dozen", "1/2 dozen=6"),
        ("1/3rd, 2/5ths, 3/5th of", "1/3rd=1/3 | 2/5ths=2/5 | 3/5th=3/5"),
        ("1⁄2", "1⁄2=1/2"),
    ]);
}

#[test]
fn mixed_numbers() {
    check(&[
        ("2 3/4", "2 3/4=11/4"),
        ("1 1/2 hours", "1 1/2=3/2"),
        ("2½ and 2 ½", "2½=5/2 | 2 ½=5/2"),
        ("¾ cup", "¾=3/4"),
        ("2 and 1/2 hours", "2 and 1/2=5/2"),
        ("2 and a half", "2 and a half=5/2"),
        ("the sum of 2 and 1/2?", "2=2 | 1=1 | 2=2"),
        ("2 5/4", "2=2 | 5=5 | 4=4"),
        ("2020 1/2", "2020=2020 | 1=1 | 2=2"),
        ("1.5 1/2", "1.5=3/2 | 1=1 | 2=2"),
        ("1/2 1/2", "1=1 | 2=2 | 1=1 | 2=2"),
    ]);
    assert_eq!(bind("2 3/4").numbers[0].kind, NumberKind::Fraction);
}

#[test]
fn characters_that_are_fractions() {
    check(&[
        ("½ ¼ ¾ ⅓ ⅔", "½=1/2 | ¼=1/4 | ¾=3/4 | ⅓=1/3 | ⅔=2/3"),
        ("⅕ ⅖ ⅗ ⅘ ⅙ ⅚", "⅕=1/5 | ⅖=2/5 | ⅗=3/5 | ⅘=4/5 | ⅙=1/6 | ⅚=5/6"),
        ("⅛ ⅜ ⅝ ⅞ ⅐ ⅑ ⅒", "⅛=1/8 | ⅜=3/8 | ⅝=5/8 | ⅞=7/8 | ⅐=1/7 | ⅑=1/9 | ⅒=1/10"),
    ]);
}

#[test]
fn halves() {
    check(&[
        ("half of them", "half=1/2"),
        ("half as many, half the price", "half=1/2 | half=1/2"),
        ("Half eat meat", "Half=1/2"),
        ("a half, one half", "a half=1/2 | one half=1/2"),
        ("one-half", "one-half=1/2"),
        ("in half an hour", "half=1/2"),
        ("3 half cups", "3=3 | half=1/2"),
        ("half a dozen, half a million", "half a dozen=6 | half a million=500000"),
        ("one and a half", "one and a half=3/2"),
        ("One and half times", "One and half=3/2"),
        ("two-and-a-half-hour", "two-and-a-half=5/2"),
        ("two and a half million", "two and a half million=2500000"),
        ("an hour and a half", "an hour and a half=3/2"),
        ("the other half of it", ""),
        ("first half, second half", ""),
        ("cut in half", ""),
        ("half brother, half-time", ""),
        ("halves", ""),
    ]);
}

#[test]
fn parts_in_words() {
    check(&[
        ("two thirds", "two thirds=2/3"),
        ("Two-thirds of 9", "Two-thirds=2/3 | 9=9"),
        ("one third, one-fifth", "one third=1/3 | one-fifth=1/5"),
        ("a third of", "a third=1/3"),
        ("a third are red", "a third=1/3"),
        ("by a fifth.", "a fifth=1/5"),
        ("an eighth", "an eighth=1/8"),
        ("a quarter of, a quarter cup", "a quarter=1/4 | a quarter=1/4"),
        ("a quarter million", "a quarter million=250000"),
        ("five hundredths", "five hundredths=1/20"),
        ("2 thirds of", "2 thirds=2/3"),
        ("two and three quarters", "two and three quarters=11/4"),
        ("three and a third", "three and a third=10/3"),
    ]);
}

#[test]
fn ordinals_are_no_parts() {
    check(&[
        ("the third day", ""),
        ("a third person", ""),
        ("in second place", ""),
        ("a second", ""),
        ("fourth grade", ""),
        ("two fourth graders", "two=2"),
        ("the twenty-third", ""),
        ("twenty-fifth", ""),
        ("the two hundredth", ""),
        ("one second, one thirds", "one=1 | one=1"),
        ("thirty-second ad", "thirty=30"),
    ]);
}

#[test]
fn quarters_are_coins_unless_they_are_of_something() {
    check(&[
        ("three quarters of it", "three quarters=3/4"),
        ("three-quarters", "three-quarters=3/4"),
        ("3 quarters of a box", "3 quarters=3/4"),
        ("three quarters full", "three quarters=3/4"),
        ("has 5 quarters", "5=5"),
        ("5 quarters of", "5=5"),
        ("three quarters and a dime", "three=3"),
        ("1 quarter", "1=1"),
        ("1 quarter of it", "1 quarter=1/4"),
        ("the first quarter", ""),
    ]);
}
