//! The generator: seeded, so that the same seed gives the same examples, whatever the machine.

mod chain;
mod convert;
mod sources;
mod steps;
mod surface;

use std::collections::BTreeMap;

use rand::distr::weighted::WeightedIndex;
use rand::prelude::*;
use rand_chacha::ChaCha8Rng;

use crate::augment::{rename, resample};
use crate::example::Example;
use crate::expression::Expression;
use crate::grammar::{
    Conditions, Draw, Drawn, Family, Filling, Line, Lists, Piece, Rule, Shape, Style, Written, write,
};
use crate::think;
use crate::verify::{Discard, verify};
use crate::{Error, Result};

use sources::{Made, Openings, Source};
use surface::{Case, roughen};

/// Examples from this number on are measured on and never trained on.
pub const HELD_OUT: u64 = 1 << 40;
/// The category of questions that no layer is trained on: stories told in other ways than any that it has seen.
pub const APART: &str = "story-apart";
/// How often numbers are drawn again until they meet a rule's conditions.
const DRAWS: usize = 200;
/// How often an example is tried again before the generator gives up on it.
const ATTEMPTS: usize = 400;
/// Largest result that is asked for, in magnitude.
const LARGEST: f64 = 1e15;
/// Chance that a message comes after a computed value that it does not refer to.
const AFTER_ANOTHER: f64 = 0.05;
/// Chance that a story begins or ends with a number that has nothing to do with it.
const DISTRACTED: f64 = 0.15;
/// Digits of the longest number that a final sentence repeats: a base as small as this one miscopies longer ones (of those of five
/// digits it got one in six wrong, of six nearly half).
const COPIED: usize = 4;
/// Chance that something such as `Thanks!` follows a question.
const ENDED: f64 = 0.12;

/// Makes examples.
pub struct Generator {
    lists: Lists,
    sources: Vec<Source>,
    choice: WeightedIndex<f64>,
    openings: BTreeMap<Shape, Openings>,
    endings: Vec<Vec<Piece>>,
    distractors: Vec<Rule>,
    seed: u64,
}

/// What became of a category's attempts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Count {
    /// Examples made.
    pub made: usize,
    /// Attempts thrown away, by reason.
    pub discarded: BTreeMap<Discard, usize>,
}

impl Count {
    /// Attempts thrown away of all attempts.
    pub fn lost(&self) -> f64 {
        let lost: usize = self.discarded.values().sum();
        lost as f64 / (lost + self.made).max(1) as f64
    }
}

/// What became of all attempts, by category.
pub type Counts = BTreeMap<String, Count>;

impl Generator {
    /// Reads the grammar.
    pub fn new(seed: u64) -> Result<Self> {
        let lists = sources::lists()?;
        let sources = sources::all(&lists)?;
        let choice = WeightedIndex::new(sources.iter().map(|source| source.family.share))
            .map_err(|why| Error::Generator(format!("the shares of the grammar's families: {why}")))?;
        let openings = sources::openings(&lists)?;
        let endings = sources::endings(&lists)?;
        let distractors = sources::distractors(&lists)?;
        Ok(Self { lists, sources, choice, openings, endings, distractors, seed })
    }

    /// The categories that it makes.
    pub fn categories(&self) -> Vec<&str> {
        let mut all: Vec<&str> = self.sources.iter().map(|source| source.family.category.as_str()).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The example of this number; what was thrown away on the way is counted.
    pub fn example(&self, number: u64, counts: &mut Counts) -> Result<Example> {
        // Each example has its own stream, so that one more draw in one changes no other.
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        random.set_stream(number);
        for _ in 0..ATTEMPTS {
            let source = &self.sources[self.choice.sample(&mut random)];
            let count = match counts.get_mut(&source.family.category) {
                Some(count) => count,
                None => counts.entry(source.family.category.clone()).or_default(),
            };
            match self.attempt(source, &mut random) {
                Ok(example) => {
                    count.made += 1;
                    return Ok(example);
                }
                Err(reason) => *count.discarded.entry(reason).or_default() += 1,
            }
        }
        Err(Error::Generator(format!("example {number} failed {ATTEMPTS} times: the grammar and the binder disagree")))
    }

    /// A data set's example with other numbers and other names, as far as that can be done.
    pub fn vary(&self, example: &Example, random: &mut ChaCha8Rng) -> Example {
        let other = resample(example, random).unwrap_or_else(|| example.clone());
        rename(&other, &self.lists, random).unwrap_or(other)
    }

    /// An example of one family, for tests and statistics.
    pub fn of_category(&self, category: &str, random: &mut ChaCha8Rng) -> Option<Result<Example, Discard>> {
        let all: Vec<&Source> = self.sources.iter().filter(|source| source.family.category == category).collect();
        all.choose(random).map(|source| self.attempt(source, random))
    }

    fn attempt(&self, source: &Source, random: &mut ChaCha8Rng) -> Result<Example, Discard> {
        match &source.made {
            Made::Written(choice) => {
                let rule = &source.family.rules[choice.sample(random)];
                self.any(&source.family, rule, random)
            }
            Made::Chain => self.any(&source.family, &chain::rule(&self.lists, random).map_err(bug)?, random),
            Made::Steps(steps) => self.any(&source.family, &steps.rule(&self.lists, random).map_err(bug)?, random),
        }
    }

    fn any(&self, family: &Family, rule: &Rule, random: &mut ChaCha8Rng) -> Result<Example, Discard> {
        self.fill(family, rule, rule.lines.choose(random).ok_or(Discard::Draw)?, random)
    }

    /// For each line of the grammar how many of so many attempts made an example: lines that never do say nothing.
    pub fn survey(&self, attempts: usize, random: &mut ChaCha8Rng) -> Vec<(String, usize)> {
        let mut all = Vec::new();
        for source in &self.sources {
            for rule in &source.family.rules {
                for line in &rule.lines {
                    let made = (0..attempts).filter(|_| self.fill(&source.family, rule, line, random).is_ok()).count();
                    all.push((format!("{}: {}", source.family.category, line.text), made));
                }
            }
        }
        all
    }

    fn fill(&self, family: &Family, rule: &Rule, line: &Line, random: &mut ChaCha8Rng) -> Result<Example, Discard> {
        let Line { shape, pieces: core, .. } = line;
        let mut numbers = draw(rule, random)?;
        let style = Style::draw(random);
        let words = self.lists.draw(random);
        let mut before: &[Piece] = &[];
        if *shape == Shape::Story && rule.formula.is_some() && random.random_bool(DISTRACTED) {
            let distractor = self.distractors.choose(random).ok_or(Discard::Draw)?;
            numbers.extend(draw(distractor, random)?);
            before = &distractor.lines.choose(random).ok_or(Discard::Draw)?.pieces;
        }
        let with = Filling { numbers: &numbers, style: &style, lists: &self.lists, words: &words };
        let mut written = Written::default();
        write(before, &[], &with, random, &mut written);
        if !before.is_empty() {
            written.text.push(' ');
        }
        let openings = self.openings.get(shape).ok_or(Discard::Draw)?;
        write(openings.choose(random), core, &with, random, &mut written);
        if rule.formula.is_some()
            && random.random_bool(ENDED)
            && let Some(ending) = self.endings.choose(random)
        {
            if written.text.ends_with(char::is_alphanumeric) && random.random_bool(0.7) {
                written.text.push('.');
            }
            write(ending, &[], &with, random, &mut written);
        }
        roughen(&mut written, random);
        Case::draw(random).apply(&mut written.text);
        tidy(&mut written.text);
        // A slip of the hand can take the only letter there is.
        if written.text.is_empty() {
            return Err(Discard::Draw);
        }

        let mut previous = numbers.iter().find(|(slot, _)| *slot == 'P').and_then(|(_, drawn)| drawn.first());
        let unrelated = [Drawn::plain(f64::from(random.random_range(1..2000)))];
        if previous.is_none() && !rule.conditions.alone && random.random_bool(AFTER_ANOTHER) {
            previous = unrelated.first();
        }
        let previous = previous.map(|drawn| drawn.value);
        let Some(formula) = &rule.formula else {
            return Ok(Example {
                question: written.text,
                program: None,
                answer: None,
                category: family.category.clone(),
                think: family.topic.clone(),
                reply: family.reply.clone(),
                previous,
            });
        };
        let place = |name: &str| places(name, &written.meant);
        let count = written.meant.len() + usize::from(previous.is_some());
        let program = Expression::from_formula(formula, &place)
            .and_then(|expression| expression.simplified().canonical().program(count))
            .ok_or(Discard::Program)?;
        let meant: Vec<f64> = written.meant.iter().map(|(_, value)| *value).collect();
        let answer = verify(&written.text, &meant, previous, &program, None)?;
        Ok(Example {
            think: think::positive(&family.topic, &program),
            reply: reply(rule.reply.as_ref().unwrap_or(&family.reply), &family.spoken, &written),
            question: written.text,
            program: Some(program),
            answer: Some(answer),
            category: family.category.clone(),
            previous,
        })
    }
}

/// A grammar that was read and then cannot be filled is a mistake in it: counted, so that statistics show it.
fn bug(_: String) -> Discard {
    Discard::Program
}

/// Which numbers of the text a slot stands for: the value before comes after all of them.
fn places(name: &str, meant: &[(char, f64)]) -> Vec<u8> {
    let index = |k: usize| u8::try_from(k).unwrap_or(u8::MAX);
    if name == "P" {
        return vec![index(meant.len())];
    }
    meant.iter().enumerate().filter(|(_, (slot, _))| name.starts_with(*slot)).map(|(k, _)| index(k)).collect()
}

/// Numbers for a rule's slots that meet its conditions.
fn draw(rule: &Rule, random: &mut ChaCha8Rng) -> Result<Vec<(char, Vec<Drawn>)>, Discard> {
    for _ in 0..DRAWS {
        let mut numbers: Vec<(char, Vec<Drawn>)> = Vec::with_capacity(rule.draws.len());
        for (slot, kind) in &rule.draws {
            let drawn = many(kind, &numbers, random).ok_or(Discard::Draw)?;
            numbers.push((*slot, drawn));
        }
        if meets(rule, &numbers) {
            return Ok(numbers);
        }
    }
    Err(Discard::Draw)
}

fn many(kind: &Draw, before: &[(char, Vec<Drawn>)], random: &mut ChaCha8Rng) -> Option<Vec<Drawn>> {
    let value = |slot: char| {
        let (_, drawn) = before.iter().find(|(own, _)| *own == slot)?;
        drawn.first().map(|drawn| drawn.value)
    };
    (0..kind.count(random)).map(|_| kind.one(random, &value)).collect()
}

fn meets(rule: &Rule, numbers: &[(char, Vec<Drawn>)]) -> bool {
    let Some(formula) = &rule.formula else { return true };
    let Conditions { whole, positive, distinct, broken, alone: _ } = rule.conditions;
    let mut slots = Vec::new();
    let mut values = Vec::new();
    for (slot, drawn) in numbers {
        for drawn in drawn {
            slots.push((*slot, drawn.value));
            values.push(drawn.value);
        }
    }
    if distinct && (1..values.len()).any(|k| values[..k].contains(&values[k])) {
        return false;
    }
    let place = |name: &str| {
        let index = |k: usize| u8::try_from(k).unwrap_or(u8::MAX);
        slots.iter().enumerate().filter(|(_, (slot, _))| name.starts_with(*slot)).map(|(k, _)| index(k)).collect()
    };
    let Some(program) = Expression::from_formula(formula, &place).and_then(|tree| tree.program(values.len())) else {
        // Not a matter of the numbers: found again, and counted, when the program is made.
        return true;
    };
    let mut met = true;
    let value = crate::evaluate::trace(&program, &values, |value| {
        // Sums of decimals are whole but for the last bits.
        met &= (!whole || (value - value.round()).abs() < 1e-9) && (!positive || value > 0.0);
    });
    value.is_some_and(|value| met && value.abs() <= LARGEST && (!broken || value.fract() != 0.0))
}

/// The final sentence, with the digits that the question has where they are few.
fn reply(reply: &str, spoken: &str, written: &Written) -> String {
    let mut reply = reply.to_owned();
    while let Some((start, slot)) = reply.match_indices('{').find_map(|(at, _)| {
        let slot = reply[at + 1..].chars().next()?;
        (!reply[at..].starts_with("{v}")).then_some((at, slot))
    }) {
        let found = written.digits.iter().find(|(own, _)| *own == slot);
        let short = |digits: &str| digits.bytes().filter(u8::is_ascii_digit).count() <= COPIED;
        let Some((_, digits)) = found.filter(|(_, digits)| short(digits)) else { return spoken.to_owned() };
        let end = reply[start..].find('}').map_or(reply.len(), |end| start + end + 1);
        reply.replace_range(start..end, digits);
    }
    reply
}

/// Takes out doubled spaces and those at the ends, which alternatives leave behind.
fn tidy(text: &mut String) {
    while text.contains("  ") {
        *text = text.replace("  ", " ");
    }
    if text.starts_with(' ') || text.ends_with(' ') {
        *text = text.trim().to_owned();
    }
}
