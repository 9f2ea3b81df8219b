//! The generator as a whole: what it makes is the same every time, covers what it should, and is right.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use wattage_engine::sandbox::{Limits, Outcome, run};
use wattage_engine::wasm_layers::numbers::bind;
use wattage_engine::wasm_layers::program::{MOST_INSTRUCTIONS, Program};
use wattage_trainer::evaluate::{close, evaluate};
use wattage_trainer::example::Example;
use wattage_trainer::expression::canonical;
use wattage_trainer::generate::{Counts, Generator};
use wattage_trainer::verify::{Discard, verify};

fn made(seed: u64, count: u64) -> (Vec<Example>, Counts) {
    let generator = Generator::new(seed).unwrap();
    let mut counts = Counts::new();
    let examples = (0..count).map(|number| generator.example(number, &mut counts).unwrap()).collect();
    (examples, counts)
}

fn values(example: &Example) -> Vec<f64> {
    bind(&example.question).numbers.iter().map(|number| number.value).chain(example.previous).collect()
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let bytes = |seed| serde_json::to_string(&made(seed, 400).0).unwrap();
    assert_eq!(bytes(7), bytes(7));
    assert_ne!(bytes(7), bytes(8));
    // Every example has a stream of its own: one can be made again without those before it.
    let generator = Generator::new(7).unwrap();
    assert_eq!(generator.example(300, &mut Counts::new()).unwrap(), made(7, 301).0[300]);
}

#[test]
fn every_category_appears_and_loses_little() {
    let (examples, counts) = made(1, 60_000);
    let generator = Generator::new(1).unwrap();
    let seen: BTreeSet<&str> = examples.iter().map(|example| example.category.as_str()).collect();
    for category in generator.categories() {
        assert!(seen.contains(category), "{category}");
    }
    for (category, count) in &counts {
        assert!(count.lost() <= 0.2, "{category} loses {:.1} %: {:?}", count.lost() * 100.0, count.discarded);
    }
    let computed = examples.iter().filter(|example| example.program.is_some()).count();
    assert!((40_000..54_000).contains(&computed), "{computed} of {} ask for a computation", examples.len());
    let questions: BTreeSet<&str> = examples.iter().map(|example| example.question.as_str()).collect();
    assert!(questions.len() > 54_000, "only {} different questions", questions.len());
}

#[test]
fn every_line_of_the_grammar_makes_examples() {
    let generator = Generator::new(1).unwrap();
    let attempts = 40;
    let survey = generator.survey(attempts, &mut ChaCha8Rng::seed_from_u64(1));
    let lines = survey.len();
    let lost: Vec<String> = survey
        .into_iter()
        .filter(|(_, made)| *made < attempts / 2)
        .map(|(line, made)| format!("{made} of {attempts}: {line}"))
        .collect();
    assert!(lost.is_empty(), "{} of {lines} lines:\n{}", lost.len(), lost.join("\n"));
}

#[test]
fn programs_are_canonical_and_compute_the_answer() {
    for example in made(2, 20_000).0 {
        let Some(program) = &example.program else {
            assert!(example.answer.is_none() && !example.reply.is_empty() && !example.reply.contains("{v}"));
            continue;
        };
        let numbers = values(&example);
        assert!(program.instructions().len() <= MOST_INSTRUCTIONS);
        assert_eq!(canonical(program, numbers.len()).as_ref(), Some(program), "{}", example.question);
        assert_eq!(evaluate(program, &numbers), example.answer, "{}", example.question);
        assert!(example.reply.contains("{v}") && !example.reply.contains("{a}"), "{}", example.reply);
        assert!(!example.think.is_empty() && !example.think.contains(char::is_numeric), "{}", example.think);
    }
}

#[test]
fn the_sandbox_computes_the_same() {
    let limits = Limits::default();
    for example in made(3, 1500).0 {
        let Some(program) = &example.program else { continue };
        let numbers = values(&example);
        match run(&program.wat(numbers.len()), &numbers, &limits).outcome {
            Outcome::Value(value) => {
                assert!(close(value, example.answer.unwrap()), "{}: {value}, {:?}", example.question, example.answer);
            }
            other => panic!("{}: {other:?}", example.question),
        }
    }
}

/// The program of each question that the generator makes of a category, by its shape: the operands' places in it.
#[test]
fn operands_are_in_the_order_that_the_words_ask_for() {
    let generator = Generator::new(4).unwrap();
    let mut random = ChaCha8Rng::seed_from_u64(4);
    let mut seen = BTreeMap::<&str, usize>::new();
    for category in ["subtract", "divide"] {
        for _ in 0..20_000 {
            let Some(Ok(example)) = generator.of_category(category, &mut random) else { continue };
            let question = example.question.to_lowercase();
            let numbers = values(&example);
            let [a, b] = numbers[..] else { continue };
            for (words, expected) in [
                ("subtract {} from {}", b - a),
                ("deduct {} from {}", b - a),
                ("take {} away from {}", b - a),
                ("take {} off {}", b - a),
                ("{} less than {}", b - a),
                ("{} subtracted from {}", b - a),
                ("{} minus {}", a - b),
                // What lies between two numbers has no sign.
                ("difference between {} and {}", (a - b).abs()),
                ("how far apart are {} and {}", (a - b).abs()),
                ("from {} subtract {}", a - b),
                ("{} less {}", a - b),
                ("how much more is {} than {}", a - b),
                ("divide {} into {}", b / a),
                ("does {} go into {}", b / a),
                ("divide {} by {}", a / b),
                ("{} over {}", a / b),
                ("divide {} into {} equal", a / b),
            ] {
                let spans: Vec<(usize, usize)> =
                    bind(&question).numbers.iter().map(|number| (number.start_byte, number.end_byte)).collect();
                let [first, second] = spans[..] else { continue };
                let parts: Vec<&str> = words.split("{}").collect();
                let matches = question[..first.0].ends_with(parts[0])
                    && question[first.1..second.0] == *parts[1]
                    && question[second.1..].starts_with(parts[2]);
                // "divide 60 into 5 equal parts" is not "divide 60 into 5".
                let other = words == "divide {} into {}" && question[second.1..].contains(['p', 'g', 's']);
                let times = question.contains("can you subtract");
                // One leads over another by a difference.
                let lead = category == "subtract" && words == "{} over {}";
                if matches && !other && !times && !lead {
                    assert!(close(example.answer.unwrap(), expected), "{question}: {:?}", example.answer);
                    *seen.entry(words).or_default() += 1;
                }
            }
        }
    }
    assert!(seen.len() >= 13, "{seen:?}");
}

#[test]
fn a_wrong_program_is_caught() {
    let question = "Subtract 4 from 10";
    let meant = [4.0, 10.0];
    let program = |words: &[&str]| {
        let instructions = words.iter().map(|word| wattage_trainer::example::instruction(word).unwrap()).collect();
        Program::new(instructions, 3).unwrap()
    };
    let right = program(&["local.get 1", "local.get 0", "f64.sub"]);
    assert_eq!(verify(question, &meant, None, &right, Some(6.0)), Ok(6.0));
    let swapped = program(&["local.get 0", "local.get 1", "f64.sub"]);
    assert_eq!(verify(question, &meant, None, &swapped, Some(6.0)), Err(Discard::Value));
    // Other numbers, fewer numbers, another order.
    for meant in [[4.0, 11.0].as_slice(), &[4.0], &[10.0, 4.0]] {
        assert_eq!(verify(question, meant, None, &right, Some(6.0)), Err(Discard::Bound));
    }
    // A number that is not there, unless a value was computed before.
    let third = program(&["local.get 2", "local.get 0", "f64.sub"]);
    assert_eq!(verify(question, &meant, None, &third, None), Err(Discard::Program));
    assert_eq!(verify(question, &meant, Some(9.0), &third, None), Ok(5.0));
    let unknown = program(&["local.get 1", "f64.const 41", "f64.sub"]);
    assert_eq!(verify(question, &meant, None, &unknown, None), Err(Discard::Program));
    let nothing = program(&["local.get 1", "local.get 0", "local.get 0", "f64.sub", "f64.div"]);
    assert_eq!(verify(question, &meant, None, &nothing, None), Err(Discard::Value));
}
