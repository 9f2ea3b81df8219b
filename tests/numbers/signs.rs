//! Signs and operators.

use crate::check;

#[test]
fn a_minus_is_a_sign_where_nothing_stands_that_it_could_be_taken_from() {
    check(&[
        ("-5", "-5=-5"),
        ("−5", "−5=-5"),
        ("(-5)", "-5=-5"),
        ("3 * -5", "3=3 | -5=-5"),
        ("3*-5", "3=3 | -5=-5"),
        ("is -5 and -8", "-5=-5 | -8=-8"),
        ("3, -5", "3=3 | -5=-5"),
        ("were:-5", "-5=-5"),
        ("5 - -3", "5=5 | -3=-3"),
        ("5--3", "5=5 | -3=-3"),
        ("1\n-5", "1=1 | -5=-5"),
        ("-.5", "-.5=-1/2"),
        ("-2 1/2 miles", "-2 1/2=-5/2"),
        ("-½", "-½=-1/2"),
        ("-1/2 of 8", "-1/2=-1/2 | 8=8"),
    ]);
}

#[test]
fn after_an_operand_it_is_an_operator() {
    check(&[
        ("7-5", "7=7 | 5=5"),
        ("7 - 5", "7=7 | 5=5"),
        ("7 -5", "7=7 | 5=5"),
        ("7 −5", "7=7 | 5=5"),
        ("7−5", "7=7 | 5=5"),
        ("(3) -5", "3=3 | 5=5"),
        ("50% -5", "50%=1/2 | 5=5"),
        ("seven -5", "seven=7 | 5=5"),
        ("2x -3", "2=2 | 3=3"),
        ("5$-3", "5=5 | 3=3"),
        ("- 5", "5=5"),
        ("tomatoes - 5 of each", "5=5"),
    ]);
}

#[test]
fn dashes_are_no_signs() {
    check(&[
        ("10-20", "10=10 | 20=20"),
        ("10–20 and –5", "10=10 | 20=20 | 5=5"),
        ("20-foot", "20=20"),
        ("3-4-year-olds", "3=3 | 4=4"),
        ("the room--9", "9=9"),
        ("twenty-foot", "twenty=20"),
    ]);
}

#[test]
fn words_for_signs() {
    check(&[
        ("minus 4 plus 2", "minus 4=-4 | 2=2"),
        ("What is minus four?", "minus four=-4"),
        ("3 times minus 2", "3=3 | minus 2=-2"),
        ("adding minus 12 to 5, divide 8 into minus 40", "minus 12=-12 | 5=5 | 8=8 | minus 40=-40"),
        ("7 minus minus 3", "7=7 | minus 3=-3"),
        ("negative seven", "negative seven=-7"),
        ("the result is negative 2.5", "negative 2.5=-5/2"),
        ("5 minus 3", "5=5 | 3=3"),
        ("five minus three", "five=5 | three=3"),
        ("five and six minus three", "five=5 | six=6 | three=3"),
        ("(2) minus 3", "2=2 | 3=3"),
        ("the total minus 5", "5=5"),
        ("negative -5", "-5=-5"),
        ("negative effects", ""),
        ("minus a half", "minus a half=-1/2"),
        ("minus x 5", "5=5"),
    ]);
}
