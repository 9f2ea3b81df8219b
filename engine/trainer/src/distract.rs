//! Harder questions from those of data sets: a sentence of another question is put between their own, whose numbers are of no use.

use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use wattage_engine::wasm_layers::program::{Instruction, Program};

use crate::example::Example;
use crate::numbers::bound_values;
use crate::verify::verify;

/// Longest sentence that is taken, in bytes.
const LONGEST: usize = 110;
/// Most numbers that it brings.
const MOST: usize = 2;

/// Sentences that tell something with numbers, from questions that may be trained on.
#[derive(Debug, Clone, Default)]
pub struct Sentences(Vec<String>);

impl Sentences {
    /// Those of these questions.
    pub fn of<'a>(questions: impl IntoIterator<Item = &'a str>) -> Self {
        let told =
            questions.into_iter().flat_map(|question| parts(question).0).map(|sentence| sentence.trim().to_owned());
        let usable = |sentence: &String| {
            let begins = sentence.chars().next().is_some_and(|first| first.is_uppercase() || first.is_ascii_digit());
            begins && sentence.len() <= LONGEST && (1..=MOST).contains(&bound_values(sentence).len())
        };
        Self(told.filter(usable).collect())
    }

    /// The example, of which a share `share` gets one of the sentences where that is possible.
    pub fn among(&self, example: Example, share: f64, random: &mut ChaCha8Rng) -> Example {
        if share <= 0.0 || !random.random_bool(share.min(1.0)) {
            return example;
        }
        distract(&example, self, random).unwrap_or(example)
    }
}

/// The example with a sentence of another question before, between or behind its own statements; none where it has none, or
/// its numbers would be read otherwise then.
pub fn distract(example: &Example, sentences: &Sentences, random: &mut ChaCha8Rng) -> Option<Example> {
    let program = example.program.as_ref()?;
    let (told, asked) = parts(&example.question);
    if told.is_empty() {
        return None;
    }
    let other = sentences.0.choose(random)?;
    if example.question.contains(other.as_str()) {
        return None;
    }
    let place = random.random_range(0..=told.len());
    let (before, behind) = told.split_at(place);
    let (before, behind) = (before.concat(), behind.concat());
    let first = bound_values(&before).len();
    let brought = bound_values(other);
    let mut numbers = bound_values(&example.question);
    if first > numbers.len() {
        return None;
    }
    numbers.splice(first..first, brought.iter().copied());
    let between = if before.is_empty() || before.ends_with(' ') { "" } else { " " };
    let question = format!("{before}{between}{other} {}{asked}", behind.trim_start());
    let moved = |it: &Instruction| match *it {
        Instruction::Local(k) if usize::from(k) >= first => Instruction::Local(k + brought.len() as u8),
        same => same,
    };
    let program = Program::new(program.instructions().iter().map(moved).collect(), numbers.len())?;
    let answer = verify(&question, &numbers, example.previous, &program, example.answer).ok()?;
    Some(Example { question, program: Some(program), answer: Some(answer), ..example.clone() })
}

/// What a question tells, sentence by sentence, and what it asks: the last sentence. Each keeps the space behind it.
fn parts(question: &str) -> (Vec<&str>, &str) {
    let mut sentences = Vec::new();
    let mut start = 0;
    for (at, _) in question.match_indices(". ") {
        // No sentence ends within `Mr. Smith`, nor before a small letter.
        let next = question[at + 2..].trim_start().chars().next();
        let word = question[..at].rsplit(' ').next().unwrap_or_default();
        if next.is_some_and(|next| next.is_uppercase() || next.is_ascii_digit()) && word.len() > 2 {
            sentences.push(&question[start..at + 2]);
            start = at + 2;
        }
    }
    (sentences, &question[start..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::evaluate;
    use crate::read::mawps;
    use rand::SeedableRng;

    fn example() -> Example {
        let text = r#"[{"sQuestion": "Mr. Hill had 27 hats. Mary put 7 on each shelf. After 6 were sold, how many shelves were used?",
            "lEquations": ["X=((27.0-6.0)/7.0)"], "lSolutions": [3.0]}]"#;
        mawps(text).unwrap().examples.remove(0)
    }

    #[test]
    fn sentences_are_those_that_tell_of_numbers() {
        let Sentences(found) = Sentences::of([
            "Ann has 5 pens. Bob is tall. Dr. No has 9 cats and 2 dogs. How many pens has Ann?",
            "There are 1, 2, 3 and 4 of them. What is 3 + 4?",
        ]);
        assert_eq!(found, ["Ann has 5 pens.", "Dr. No has 9 cats and 2 dogs."]);
        assert_eq!(parts("What is 3.5 times 4?"), (vec![], "What is 3.5 times 4?"));
    }

    #[test]
    fn a_sentence_goes_anywhere_but_behind_the_question_and_the_program_follows() {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let sentences = Sentences(vec!["Ann has 5 pens and 11 books.".to_owned()]);
        let example = example();
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..40 {
            let Some(other) = distract(&example, &sentences, &mut random) else { continue };
            assert!(other.question.ends_with("After 6 were sold, how many shelves were used?"), "{}", other.question);
            assert_eq!(other.answer, example.answer);
            let values = bound_values(&other.question);
            assert_eq!(values.len(), 5);
            assert_eq!(evaluate(other.program.as_ref().unwrap(), &values), other.answer);
            seen.insert(other.question);
        }
        assert_eq!(seen.len(), 3, "{seen:?}");
        assert!(seen.contains("Mr. Hill had 27 hats. Ann has 5 pens and 11 books. Mary put 7 on each shelf. After 6 were sold, how many shelves were used?"));
        // A question without statements stays as it is.
        let bare = Example { question: "What is 27 - 6 over 7?".into(), ..example };
        assert!(distract(&bare, &sentences, &mut random).is_none());
    }
}
