//! More of the same: the questions of data sets with other numbers and other names. The program stays, and is run again.

use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use wattage_engine::wasm_layers::numbers::{Binding, NumberKind, bind};
use wattage_engine::wasm_layers::program::{Instruction, Program};

use crate::evaluate::trace;
use crate::example::Example;
use crate::grammar::{Lists, Spelling, in_words};
use crate::verify::verify;

/// How often numbers are drawn until the results are as sensible as they were.
const TRIES: usize = 40;
/// Whole numbers up to here are left alone: they are rarely quantities that could be others.
const SMALLEST: f64 = 2.0;

/// The example with other numbers of like size; `None` where none were found that leave its results as sensible: whole
/// where they were whole, positive where they were positive.
pub fn resample(example: &Example, random: &mut ChaCha8Rng) -> Option<Example> {
    let program = example.program.as_ref()?;
    let binding = bind(&example.question);
    let values: Vec<f64> = binding.numbers.iter().map(|number| number.value).chain(example.previous).collect();
    let mut whole = true;
    let mut positive = true;
    trace(program, &values, |value| {
        whole &= near_whole(value);
        positive &= value > 0.0;
    })?;
    let scale = trace(program, &values, |_| {})?.abs().max(1.0);
    for _ in 0..TRIES {
        let (question, meant) = renumbered(&example.question, &binding, program, random)?;
        let mut sensible = true;
        let all: Vec<f64> = meant.iter().copied().chain(example.previous).collect();
        let value = trace(program, &all, |value| {
            sensible &= (!whole || near_whole(value)) && (!positive || value > 0.0);
        });
        if !sensible || value.is_none_or(|value| value.abs() > scale * 1000.0) {
            continue;
        }
        if let Ok(answer) = verify(&question, &meant, example.previous, program, None) {
            return Some(Example { question, answer: Some(answer), ..example.clone() });
        }
    }
    None
}

fn near_whole(value: f64) -> bool {
    (value - value.round()).abs() < 1e-9
}

/// The text with other numbers, and their values. Numbers that were the same stay the same, and so do words that the program
/// does not use: `those two days` are the days that were told of.
fn renumbered(text: &str, binding: &Binding, program: &Program, random: &mut ChaCha8Rng) -> Option<(String, Vec<f64>)> {
    let mut out = String::with_capacity(text.len() + 8);
    let mut meant = Vec::with_capacity(binding.numbers.len());
    let mut changed: Vec<(f64, f64)> = Vec::new();
    let mut at = 0;
    for (k, number) in binding.numbers.iter().enumerate() {
        let used =
            program.instructions().iter().any(|it| matches!(it, Instruction::Local(own) if usize::from(*own) == k));
        if !used && number.kind == NumberKind::Word {
            changed.push((number.value, number.value));
        }
        out.push_str(text.get(at..number.start_byte)?);
        at = number.end_byte;
        let new = match changed.iter().find(|(old, _)| *old == number.value) {
            Some((_, new)) => *new,
            None => {
                let new = like(number.value, number.kind, &number.text, random);
                changed.push((number.value, new));
                new
            }
        };
        match rewritten(&number.text, number.value, new, number.kind) {
            Some(written) => {
                out.push_str(&written);
                meant.push(new);
            }
            None => {
                // Kept, and so is every other number of this value.
                out.push_str(&number.text);
                meant.push(number.value);
                changed.retain(|(old, _)| *old != number.value);
                changed.push((number.value, number.value));
            }
        }
    }
    out.push_str(text.get(at..)?);
    Some((out, meant))
}

/// A number of like size and precision.
fn like(value: f64, kind: NumberKind, text: &str, random: &mut ChaCha8Rng) -> f64 {
    let percent = kind == NumberKind::Percent;
    let shown = if percent { value * 100.0 } else { value };
    let decimals = text.split_once('.').map_or(0, |(_, rest)| rest.chars().take_while(char::is_ascii_digit).count());
    let scale = 10_f64.powi(i32::try_from(decimals).unwrap_or(0));
    let units = (shown * scale).round();
    let year = decimals == 0 && !percent && (1500.0..2100.0).contains(&shown);
    let (low, high) = if year {
        (units - 30.0, units + 30.0)
    } else if percent {
        (1.0, (units * 2.0).clamp(10.0, 100.0 * scale))
    } else {
        ((units / 2.5).max(SMALLEST), (units * 2.5).max(12.0))
    };
    if units < SMALLEST || !high.is_finite() || high > 1e12 {
        return value;
    }
    // Round numbers stay round.
    let step = [1000.0, 100.0, 50.0, 10.0, 5.0].into_iter().find(|step| units % step == 0.0 && units > *step);
    let step = step.filter(|_| random.random_bool(0.7)).unwrap_or(1.0);
    let drawn = ((random.random_range(low..=high) / step).round() * step).max(SMALLEST.max(step)) / scale;
    if percent { drawn / 100.0 } else { drawn }
}

/// The text of a number with another value in the same way of writing; `None` for words that stand for one value only.
fn rewritten(text: &str, old: f64, new: f64, kind: NumberKind) -> Option<String> {
    if old == new {
        return Some(text.to_owned());
    }
    let shown = if kind == NumberKind::Percent { (new * 100.0 * 1e9).round() / 1e9 } else { new };
    match kind {
        NumberKind::Fraction | NumberKind::Ordinal => None,
        NumberKind::Word => {
            let spelling = Spelling { hyphens: text.contains('-'), and: text.contains(" and "), article: false };
            let plain = old.fract() == 0.0 && (SMALLEST..1e6).contains(&old);
            // Only what is a plain cardinal is written as another one: not a dozen, twice or a couple.
            (plain
                && [true, false].into_iter().any(|and| {
                    [true, false].into_iter().any(|hyphens| {
                        in_words(old as u64, Spelling { and, hyphens, article: false }).eq_ignore_ascii_case(text)
                    })
                }))
            .then(|| in_words(shown as u64, spelling))
        }
        NumberKind::Digits | NumberKind::Money | NumberKind::Percent => {
            let start = text.find(|c: char| c.is_ascii_digit())?;
            let length = text[start..].find(|c: char| !c.is_ascii_digit() && !matches!(c, ',' | '.'));
            let end = length.map_or(text.len(), |length| start + length);
            let digits = text.get(start..end)?;
            if old < 0.0
                || digits.replace(',', "").parse()
                    != Ok(if kind == NumberKind::Percent { (old * 100.0 * 1e9).round() / 1e9 } else { old })
            {
                return None;
            }
            let decimals = digits.split_once('.').map_or(0, |(_, decimals)| decimals.len());
            let mut written = format!("{shown:.decimals$}");
            if digits.contains(',') || digits.len() <= 3 && shown >= 10_000.0 {
                let point = written.find('.').unwrap_or(written.len());
                for at in (1..point).rev().filter(|at| (point - at).is_multiple_of(3)) {
                    written.insert(at, ',');
                }
            }
            Some(format!("{}{written}{}", &text[..start], &text[end..]))
        }
    }
}

/// The example with other first names, each exchanged for one of the same gender; `None` where it has none that are known.
pub fn rename(example: &Example, lists: &Lists, random: &mut ChaCha8Rng) -> Option<Example> {
    let rows = lists.rows("name");
    let mut exchanged: Vec<(&str, &str)> = Vec::new();
    let mut question = String::with_capacity(example.question.len());
    let mut rest = example.question.as_str();
    while let Some(start) = rest.find(char::is_alphabetic) {
        let end = rest[start..].find(|c: char| !c.is_alphabetic()).map_or(rest.len(), |length| start + length);
        let word = &rest[start..end];
        question.push_str(&rest[..start]);
        rest = &rest[end..];
        let known = exchanged.iter().find(|(old, _)| *old == word).map(|(_, new)| *new);
        let new = known.or_else(|| {
            let own = rows.iter().find(|row| row.first().is_some_and(|name| name == word))?;
            // One that is not in the question and was not taken for another name.
            let free: Vec<&str> = rows
                .iter()
                .filter(|row| row.get(1) == own.get(1))
                .filter_map(|row| row.first())
                .map(String::as_str)
                .filter(|name| !name.contains('.') && !example.question.contains(name))
                .filter(|name| exchanged.iter().all(|(_, new)| new != name))
                .collect();
            let new = free.choose(random)?;
            exchanged.push((word, new));
            Some(new)
        });
        question.push_str(new.unwrap_or(word));
    }
    question.push_str(rest);
    (!exchanged.is_empty()).then(|| Example { question, ..example.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::evaluate;
    use crate::read::mawps;
    use rand::SeedableRng;

    fn example() -> Example {
        let text = r#"[{"sQuestion": "Mary had 27 hats and sold six of them to John. Mary put 7 on each shelf. How many shelves did Mary use?",
            "lEquations": ["X=((27.0-6.0)/7.0)"], "lSolutions": [3.0]}]"#;
        mawps(text).unwrap().examples.remove(0)
    }

    #[test]
    fn numbers_change_and_the_program_stays() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let example = example();
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..200 {
            let Some(other) = resample(&example, &mut random) else { continue };
            let program = other.program.as_ref().unwrap();
            assert_eq!(Some(program), example.program.as_ref());
            let values: Vec<f64> = bind(&other.question).numbers.iter().map(|number| number.value).collect();
            assert_eq!(evaluate(program, &values), other.answer);
            let answer = other.answer.unwrap();
            assert!(answer > 0.0 && answer.fract() == 0.0, "{}", other.question);
            assert!(other.question.starts_with("Mary had ") && other.question.contains(" of them to John"));
            seen.insert(other.question);
        }
        assert!(seen.len() > 20, "{}", seen.len());
    }

    #[test]
    fn equal_numbers_stay_equal_and_special_words_stay() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let text = r#"[{"sQuestion": "A box of 8 costs $1,200 and 20% tax. Twice a dozen of 8 are how many?",
            "lEquations": ["x=8*2"], "lSolutions": [16.0]}]"#;
        let example = mawps(text).unwrap().examples.remove(0);
        for _ in 0..50 {
            let Some(other) = resample(&example, &mut random) else { continue };
            let values: Vec<f64> = bind(&other.question).numbers.iter().map(|number| number.value).collect();
            assert_eq!(values[0], values[values.len() - 1], "{}", other.question);
            assert!(
                other.question.contains("Twice a dozen")
                    && other.question.contains('$')
                    && other.question.contains('%')
            );
        }
    }

    #[test]
    fn words_that_only_point_back_stay() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let text = r#"[{"sQuestion": "Ann earns 6 dollars an hour. She worked 5 hours and then 4. How much did she make in those two days?",
            "lEquations": ["x=6*(5+4)"], "lSolutions": [54.0]}]"#;
        let example = mawps(text).unwrap().examples.remove(0);
        for _ in 0..50 {
            let Some(other) = resample(&example, &mut random) else { continue };
            assert!(other.question.ends_with("in those two days?"), "{}", other.question);
        }
    }

    #[test]
    fn names_are_exchanged() {
        let lists = Lists::read("name = Mary/she/her | John/he/his | Rosa/she/her | Omar/he/his\n").unwrap();
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let other = rename(&example(), &lists, &mut random).unwrap();
        assert!(other.question.starts_with("Rosa had 27 hats") && other.question.contains("to Omar. Rosa put"));
        let plain = Example { question: "What is 2 + 2?".into(), ..example() };
        assert_eq!(rename(&plain, &lists, &mut random), None);
    }
}
