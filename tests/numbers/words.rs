//! Numbers in words.

use wattage_engine::wasm_layers::numbers::{NumberKind, bind};

use crate::check;

#[test]
fn cardinals() {
    check(&[
        ("twelve", "twelve=12"),
        ("TWENTY-FIVE, Twenty five", "TWENTY-FIVE=25 | Twenty five=25"),
        ("one hundred and five", "one hundred and five=105"),
        ("two thousand three hundred", "two thousand three hundred=2300"),
        ("two thousand and five", "two thousand and five=2005"),
        ("nineteen hundred", "nineteen hundred=1900"),
        ("a hundred and one", "a hundred and one=101"),
        ("the hundred students", "hundred=100"),
        ("three million four hundred thousand and six", "three million four hundred thousand and six=3400006"),
        ("one trillion", "one trillion=1000000000000"),
        ("zero, nought", "zero=0 | nought=0"),
        ("a one hundred dollar bill", "one hundred=100"),
    ]);
    assert_eq!(bind("twelve").numbers[0].kind, NumberKind::Word);
}

#[test]
fn words_that_do_not_go_on_are_numbers_of_their_own() {
    check(&[
        ("one two three", "one=1 | two=2 | three=3"),
        ("twenty twelve", "twenty=20 | twelve=12"),
        ("twenty and five", "twenty=20 | five=5"),
        ("two hundred one hundred", "two hundred=200 | one hundred=100"),
        ("two thousand three thousand", "two thousand=2000 | three thousand=3000"),
        ("one hundred and", "one hundred=100"),
        ("twenty\none", "twenty=20 | one=1"),
        ("two, three", "two=2 | three=3"),
    ]);
}

#[test]
fn decimals_after_a_point() {
    check(&[
        ("three point one four", "three point one four=157/50"),
        ("zero point zero five", "zero point zero five=1/20"),
        ("three point fourteen", "three point fourteen=157/50"),
        ("two point five million", "two point five million=2500000"),
        ("one point", "one=1"),
        ("two-point shots", "two=2"),
        ("at this point five left", "five=5"),
    ]);
}

#[test]
fn dozens() {
    check(&[
        ("a dozen", "a dozen=12"),
        ("two dozen eggs, 3 dozens", "two dozen=24 | 3 dozens=36"),
        ("$3 per dozen", "3=3 | dozen=12"),
        ("how many dozen, how many dozens of eggs", "dozen=12 | dozens=12"),
        ("dozens of people", ""),
        ("several dozen, a few hundred, many thousand, some million", ""),
        ("hundreds of thousands", ""),
    ]);
}

#[test]
fn multiples_and_what_is_none() {
    check(&[
        ("twice as many", "twice=2"),
        ("double the, doubled", "double=2 | doubled=2"),
        ("thrice, triple, quadruple", "thrice=3 | triple=3 | quadruple=4"),
        ("double-check: 3 + 4, please double check, triple-checked", "3=3 | 4=4"),
        ("seven eights, 7 sixes, how many nines in 81", "seven=7 | eights=8 | 7=7 | sixes=6 | nines=9 | 81=81"),
        ("3 twenties and 4 fives", "3=3 | twenties=20 | 4=4 | fives=5"),
        ("in his twenties, all sixes, the eights", ""),
        ("In 2020 tens of thousands fled, the 3 ones with nuts, how many ones", "2020=2020 | 3=3"),
        ("it doubled clicks, tripled beds", "doubled=2 | tripled=3"),
        ("three times", "three=3"),
        ("a couple of, a couple dozen", "a couple=2 | a couple dozen=24"),
        ("a couple married, the couple", ""),
        ("a pair, a score, once, both, single", ""),
        ("no, none, nil, NaN, inf, infinity, XIV, MMXX", ""),
        ("a, an, an apple", ""),
        ("someone, tent, often, weighty, onetime, fourteens", ""),
    ]);
}

#[test]
fn one_counts_or_points() {
    check(&[
        ("one apple", "one=1"),
        ("one plus one is two", "one=1 | one=1 | two=2"),
        ("the sum of one and two", "one=1 | two=2"),
        ("in one day", "one=1"),
        ("one more than one-tenth", "one=1 | one-tenth=1/10"),
        ("one hundred", "one hundred=100"),
        ("there is only one.", "one=1"),
        ("a one-hour trip", "one=1"),
        ("this one, that one, which one", ""),
        ("no one knew, every one lasts", ""),
        ("one of them", ""),
        ("no one, each one, every one, another one", ""),
        ("One day, he ran", ""),
        ("the red one is", ""),
        ("a new one.", ""),
        ("one another, one who", ""),
        ("one-way, a one-time fee", ""),
        ("one's own", ""),
    ]);
}
