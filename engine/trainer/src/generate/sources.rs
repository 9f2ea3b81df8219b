//! The grammar's files, which are part of the program.

use std::collections::BTreeMap;

use rand::distr::Distribution;
use rand::distr::weighted::WeightedIndex;
use rand_chacha::ChaCha8Rng;

use super::convert;
use super::steps::{self, Steps};
use crate::grammar::{Family, Lists, Piece, Rule, Shape, families, read};
use crate::{Error, Result};

/// How a family's rules come about.
pub enum Made {
    /// They are in the family; chosen by how many lines each has.
    Written(WeightedIndex<f64>),
    /// By the generator of chains.
    Chain,
    /// From steps.
    Steps(Steps),
}

/// A family, and how its rules come about.
pub struct Source {
    pub family: Family,
    pub made: Made,
}

macro_rules! grammar {
    ($name:literal) => {
        ($name, include_str!(concat!("../../grammar/", $name)))
    };
}

const FAMILIES: [(&str, &str); 71] = [
    grammar!("add_subtract.txt"),
    grammar!("multiply_divide.txt"),
    grammar!("chain.txt"),
    grammar!("percent.txt"),
    grammar!("lists.txt"),
    grammar!("powers.txt"),
    grammar!("integers.txt"),
    grammar!("geometry.txt"),
    grammar!("money.txt"),
    grammar!("convert_two.txt"),
    grammar!("rates.txt"),
    grammar!("story.txt"),
    grammar!("unknown.txt"),
    grammar!("follow_up.txt"),
    grammar!("talk.txt"),
    grammar!("statements.txt"),
    grammar!("requests.txt"),
    grammar!("noise.txt"),
    grammar!("direct_sums.txt"),
    grammar!("direct_products.txt"),
    grammar!("direct_chains.txt"),
    grammar!("everyday_percent.txt"),
    grammar!("everyday_numbers.txt"),
    grammar!("everyday_money.txt"),
    grammar!("problems_sums.txt"),
    grammar!("problems_sums_two.txt"),
    grammar!("problems_groups.txt"),
    grammar!("problems_rates.txt"),
    grammar!("problems_daily.txt"),
    grammar!("lists_told.txt"),
    grammar!("numbers_said.txt"),
    grammar!("lists_asked.txt"),
    grammar!("letters.txt"),
    grammar!("spoken_sums.txt"),
    grammar!("spoken_products.txt"),
    grammar!("scenes_counts.txt"),
    grammar!("scenes_rates.txt"),
    grammar!("scenes_compare.txt"),
    grammar!("scenes_asked.txt"),
    grammar!("scenes_budgets.txt"),
    grammar!("scenes_crafts.txt"),
    grammar!("scenes_crowded.txt"),
    grammar!("scenes_events.txt"),
    grammar!("scenes_frames.txt"),
    grammar!("scenes_games.txt"),
    grammar!("scenes_giving.txt"),
    grammar!("scenes_groups.txt"),
    grammar!("scenes_home.txt"),
    grammar!("scenes_meals.txt"),
    grammar!("scenes_measures.txt"),
    grammar!("scenes_modern.txt"),
    grammar!("scenes_nature.txt"),
    grammar!("scenes_nuances.txt"),
    grammar!("scenes_parts.txt"),
    grammar!("scenes_people.txt"),
    grammar!("scenes_per.txt"),
    grammar!("scenes_plain.txt"),
    grammar!("scenes_prices.txt"),
    grammar!("scenes_relations.txt"),
    grammar!("scenes_school.txt"),
    grammar!("scenes_shops.txt"),
    grammar!("scenes_short.txt"),
    grammar!("scenes_spans.txt"),
    grammar!("scenes_tables.txt"),
    grammar!("scenes_tasks.txt"),
    grammar!("scenes_trips.txt"),
    grammar!("scenes_turned.txt"),
    grammar!("scenes_twins.txt"),
    grammar!("scenes_unknown.txt"),
    grammar!("scenes_work.txt"),
    grammar!("asked_directly.txt"),
];
const STEPS: (&str, &str) = grammar!("steps.txt");
const UNITS: (&str, &str) = grammar!("units.txt");
const WORDS: (&str, &str) = grammar!("words.txt");
const OPENINGS: (&str, &str) = grammar!("openings.txt");
const ENDINGS: (&str, &str) = grammar!("endings.txt");
const DISTRACTORS: (&str, &str) = grammar!("distractors.txt");

/// The family whose rules the generator of chains makes.
const CHAIN: &str = "chain-made";

/// The lists of words.
pub fn lists() -> Result<Lists> {
    let (file, text) = WORDS;
    Lists::read(text).map_err(|(line, why)| Error::Grammar { file: file.into(), line, why })
}

/// All families.
pub fn all(lists: &Lists) -> Result<Vec<Source>> {
    let mut all = Vec::new();
    for (file, text) in FAMILIES {
        for family in families(file, text, lists)? {
            let made = if family.category == CHAIN { Made::Chain } else { written(&family)? };
            all.push(Source { family, made });
        }
    }
    let (file, text) = UNITS;
    let family = convert::family(file, text, lists)?;
    let made = written(&family)?;
    all.push(Source { family, made });
    let (file, text) = STEPS;
    for (family, steps) in steps::read(file, text, lists)? {
        all.push(Source { family, made: Made::Steps(steps) });
    }
    Ok(all)
}

fn written(family: &Family) -> Result<Made> {
    // A phrasing is as likely as any other; rules with hundreds of lines do not drown the rest.
    let weights = family.rules.iter().map(|rule| (rule.lines.len() as f64).powf(0.7));
    WeightedIndex::new(weights)
        .map(Made::Written)
        .map_err(|why| Error::Generator(format!("the rules of '{}': {why}", family.category)))
}

/// The openings of one shape.
pub struct Openings {
    all: Vec<Vec<Piece>>,
    choice: WeightedIndex<f64>,
}

impl Openings {
    /// One of them, by their weights.
    pub fn choose(&self, random: &mut ChaCha8Rng) -> &[Piece] {
        &self.all[self.choice.sample(random)]
    }
}

/// The openings of each shape: lines of a shape, a weight, and a text with `@` where the core goes.
pub fn openings(lists: &Lists) -> Result<BTreeMap<Shape, Openings>> {
    let (file, text) = OPENINGS;
    let mut read_so_far: BTreeMap<Shape, (Vec<Vec<Piece>>, Vec<f64>)> = BTreeMap::new();
    for (index, line) in text.lines().enumerate() {
        let fail = |why: String| Error::Grammar { file: file.into(), line: index + 1, why };
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let mut words = line.splitn(3, ' ');
        let (Some(shape), Some(weight), Some(text)) =
            (words.next().and_then(Shape::of), words.next().and_then(|weight| weight.parse().ok()), words.next())
        else {
            return Err(fail(format!("'{line}' is no shape, weight and text")));
        };
        let pieces = read(text.trim(), lists).map_err(fail)?;
        if pieces.iter().filter(|piece| **piece == Piece::Core).count() != 1 {
            return Err(fail("an opening has one '@', outside of alternatives".into()));
        }
        let of_shape = read_so_far.entry(shape).or_default();
        of_shape.0.push(pieces);
        of_shape.1.push(weight);
    }
    let mut all = BTreeMap::new();
    for shape in Shape::ALL {
        let (pieces, weights) = read_so_far.remove(&shape).unwrap_or_default();
        let choice = WeightedIndex::new(weights)
            .map_err(|why| Error::Generator(format!("the openings of {shape:?} in {file}: {why}")))?;
        all.insert(shape, Openings { all: pieces, choice });
    }
    Ok(all)
}

/// What can follow a question.
pub fn endings(lists: &Lists) -> Result<Vec<Vec<Piece>>> {
    let (file, text) = ENDINGS;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
    lines
        .map(|(index, line)| {
            read(&format!(" {}", line.trim()), lists).map_err(|why| Error::Grammar {
                file: file.into(),
                line: index + 1,
                why,
            })
        })
        .collect()
}

/// Sentences with a number that has nothing to do with the question. Their slots are capitals, so that they meet no rule's.
pub fn distractors(lists: &Lists) -> Result<Vec<Rule>> {
    let (file, text) = DISTRACTORS;
    Ok(families(file, text, lists)?.into_iter().flat_map(|family| family.rules).collect())
}
