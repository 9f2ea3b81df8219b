//! Direct arithmetic by operation and number of digits: a set to measure with, in plain words only, so that what is seen is what
//! more digits do.

use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use crate::read::EvalItem;

/// Digits of the longest operands.
pub const MOST_DIGITS: u32 = 12;

/// An operation: its name and the ways in which it is asked, `a` and `b` standing for the operands.
const OPERATIONS: [(&str, [&str; 5]); 4] = [
    ("add", ["What is a + b?", "a + b =", "Calculate a + b.", "How much is a plus b?", "Add a and b."]),
    ("subtract", ["What is a - b?", "a - b =", "Calculate a - b.", "How much is a minus b?", "Subtract b from a."]),
    ("multiply", ["What is a * b?", "a * b =", "Calculate a × b.", "How much is a times b?", "Multiply a by b."]),
    ("divide", ["What is a / b?", "a / b =", "Calculate a ÷ b.", "How much is a divided by b?", "Divide a by b."]),
];

/// `count` questions for each operation and each number of digits from one to [`MOST_DIGITS`]; the category says which, such as
/// `add 3`. Both operands have so many digits; of a division the dividend has, the divisor half as many, and the quotient is
/// whole. The same seed gives the same questions.
pub fn direct(count: u64, seed: u64) -> Vec<EvalItem> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut items = Vec::new();
    for (operation, phrasings) in OPERATIONS {
        for digits in 1..=MOST_DIGITS {
            for _ in 0..count {
                let (a, b, answer) = operands(operation, digits, &mut random);
                let phrasing = phrasings.choose(&mut random).copied().unwrap_or(phrasings[0]);
                let question: Vec<String> = phrasing.split(' ').map(|word| filled(word, a, b)).collect();
                items.push(EvalItem {
                    question: question.join(" "),
                    answer: Some(answer),
                    category: format!("{operation} {digits}"),
                    ..EvalItem::default()
                });
            }
        }
    }
    items
}

/// Two operands and what comes out, rounded to a double once where it is not one.
fn operands(operation: &str, digits: u32, random: &mut ChaCha8Rng) -> (i64, i64, f64) {
    let mut draw = |digits: u32| random.random_range(10_i64.pow(digits - 1)..10_i64.pow(digits));
    match operation {
        "add" => {
            let (a, b) = (draw(digits), draw(digits));
            (a, b, (a + b) as f64)
        }
        "subtract" => {
            let (a, b) = (draw(digits), draw(digits));
            (a, b, (a - b) as f64)
        }
        "multiply" => {
            let (a, b) = (draw(digits), draw(digits));
            (a, b, (i128::from(a) * i128::from(b)) as f64)
        }
        _ => {
            let b = draw(digits.div_ceil(2));
            let (least, most) = (10_i64.pow(digits - 1), 10_i64.pow(digits) - 1);
            let quotient = random.random_range((least + b - 1) / b..=most / b);
            (b * quotient, b, quotient as f64)
        }
    }
}

fn filled(word: &str, a: i64, b: i64) -> String {
    let (stem, mark) = word.strip_suffix(['?', '.']).map_or((word, ""), |stem| (stem, &word[stem.len()..]));
    match stem {
        "a" => format!("{a}{mark}"),
        "b" => format!("{b}{mark}"),
        _ => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use wattage_engine::wasm_layers::numbers::bind;

    use super::*;

    #[test]
    fn questions_have_their_digits_and_their_answers() {
        let items = direct(30, 5);
        assert_eq!(items, direct(30, 5));
        assert_ne!(items, direct(30, 6));
        let mut counts = BTreeMap::new();
        for item in &items {
            let (operation, digits) = item.category.split_once(' ').unwrap();
            let digits: usize = digits.parse().unwrap();
            *counts.entry(item.category.as_str()).or_insert(0) += 1;
            let numbers: Vec<f64> = bind(&item.question).numbers.iter().map(|number| number.value).collect();
            let [first, second] = numbers[..] else { panic!("{}", item.question) };
            // "Subtract b from a" has them the other way round.
            let (a, b) = if item.question.starts_with("Subtract") { (second, first) } else { (first, second) };
            assert_eq!(format!("{a}").len(), digits, "{}", item.question);
            assert_eq!(format!("{b}").len(), if operation == "divide" { digits.div_ceil(2) } else { digits });
            let right = match operation {
                "add" => a + b,
                "subtract" => a - b,
                "multiply" => a * b,
                _ => a / b,
            };
            assert_eq!(item.answer, Some(right), "{}", item.question);
        }
        assert_eq!(counts.len(), 48);
        assert!(counts.values().all(|count| *count == 30));
    }
}
