//! Computations told step by step: a start, some steps that each change the value, and a question.
//!
//! ```text
//! :: story                        a family; share, topic and reply as in other grammar files
//! shape s                         the shape of the whole
//! steps 1..3                      how many
//! when whole positive             conditions
//! between [ | then ]              what stands between the parts
//! start ; #=2..60 | <Name> has {#} <things>.
//! step _+# ; #=2..60 | <He> buys {#} more.
//! end | How many <things> does <he> have?
//! ```
//!
//! `#` is a part's own number, `_` the value so far.

use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

use crate::grammar::{Family, Lists, Rule, families};
use crate::{Error, Result};

/// Most steps of one computation: every letter stands for a number.
const MOST_STEPS: usize = 6;

/// A part: its formula, its draw, its text.
#[derive(Debug, Clone)]
struct Part {
    formula: String,
    draw: String,
    text: String,
}

/// A family of such computations.
#[derive(Debug, Clone)]
pub struct Steps {
    shape: String,
    fewest: usize,
    most: usize,
    conditions: String,
    between: String,
    starts: Vec<Part>,
    steps: Vec<Part>,
    ends: Vec<String>,
}

/// Reads a file of step families: each with a family that has no rules of its own.
pub fn read(file: &str, text: &str, lists: &Lists) -> Result<Vec<(Family, Steps)>> {
    let mut all: Vec<(Family, Steps)> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let fail = |why: String| Error::Grammar { file: file.to_owned(), line: index + 1, why };
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (word, rest) = line.split_once(' ').ok_or_else(|| fail(format!("'{line}' is no line of steps")))?;
        if word == "::" {
            // The other settings are read below; a rule makes the family whole.
            let family = families(file, &format!("{line}\n= a ; a=n\nn {{a}}\n"), lists)?.remove(0);
            let steps = Steps {
                shape: "s".into(),
                fewest: 1,
                most: 3,
                conditions: String::new(),
                between: " ".into(),
                starts: Vec::new(),
                steps: Vec::new(),
                ends: Vec::new(),
            };
            all.push((family, steps));
            continue;
        }
        let (family, steps) = all.last_mut().ok_or_else(|| fail("no family before this line".into()))?;
        match word {
            "share" => family.share = rest.trim().parse().map_err(|_| fail(format!("'{rest}' is no share")))?,
            "topic" => family.topic = rest.trim().to_owned(),
            "reply" => {
                family.reply = rest.trim().to_owned();
                family.spoken.clone_from(&family.reply);
            }
            "shape" => steps.shape = rest.trim().to_owned(),
            "when" => steps.conditions = rest.trim().to_owned(),
            "between" => steps.between = rest.trim_start().to_owned(),
            "steps" => {
                let range = rest.trim().split_once("..").and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
                match range {
                    Some((fewest, most)) if fewest <= most && most <= MOST_STEPS => {
                        (steps.fewest, steps.most) = (fewest, most);
                    }
                    _ => return Err(fail(format!("'{rest}' is no range of up to {MOST_STEPS} steps"))),
                }
            }
            "start" | "step" => {
                let (head, text) = rest.split_once('|').ok_or_else(|| fail("a part has a text after '|'".into()))?;
                let (formula, draw) = head.split_once(';').unwrap_or((head, ""));
                let part = Part {
                    formula: if word == "start" && formula.trim().is_empty() { "#" } else { formula.trim() }.to_owned(),
                    draw: draw.trim().to_owned(),
                    text: text.trim().to_owned(),
                };
                if word == "start" { &mut steps.starts } else { &mut steps.steps }.push(part);
            }
            "end" => steps.ends.push(rest.trim_start_matches('|').trim().to_owned()),
            _ => return Err(fail(format!("'{word}' begins no line of steps"))),
        }
    }
    for (family, steps) in &mut all {
        family.rules.clear();
        let fail = |why| Error::Grammar { file: file.to_owned(), line: text.lines().count(), why };
        if steps.starts.is_empty() || steps.steps.is_empty() {
            return Err(fail(format!("'{}' has no start or no step", family.category)));
        }
        if steps.ends.is_empty() {
            steps.ends.push(String::new());
        }
        // Every part must make a rule, so that mistakes show when the grammar is read.
        for start in &steps.starts {
            for step in &steps.steps {
                for end in &steps.ends {
                    steps.join(start, &[step], end, lists).map_err(fail)?;
                }
            }
        }
    }
    Ok(all)
}

impl Steps {
    /// A rule for one computation.
    pub fn rule(&self, lists: &Lists, random: &mut ChaCha8Rng) -> Result<Rule, String> {
        let count = random.random_range(self.fewest..=self.most);
        let start = self.starts.choose(random).ok_or("no start")?;
        let steps: Vec<&Part> = (0..count).filter_map(|_| self.steps.choose(random)).collect();
        let end = self.ends.choose(random).map_or("", String::as_str);
        self.join(start, &steps, end, lists)
    }

    fn join(&self, start: &Part, steps: &[&Part], end: &str, lists: &Lists) -> Result<Rule, String> {
        let mut formula = String::new();
        let mut draws = Vec::new();
        let mut text = String::new();
        for (part, letter) in std::iter::once(start).chain(steps.iter().copied()).zip("abcdefgh".chars()) {
            let own = letter.to_string();
            formula = part.formula.replace('_', &format!("({formula})")).replace('#', &own);
            if !part.draw.is_empty() {
                draws.push(part.draw.replace('#', &own));
            }
            if !text.is_empty() {
                text.push_str(&self.between);
            }
            text.push_str(&part.text.replace("{#", &format!("{{{own}")));
        }
        if !end.is_empty() {
            text.push_str(if self.shape == "s" { " " } else { "" });
            text.push_str(end);
        }
        let mut rule = Rule::read(&format!("{formula} ; {} ; {}", draws.join(" "), self.conditions))?;
        rule.add(&format!("{} {text}", self.shape), lists)?;
        Ok(rule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    const TEXT: &str = ":: spoken\nshape v\nsteps 2..2\nbetween [, then ]\nstart ; #=n | take {#}\n\
                        step _+# ; #=n | add {#}\nstep #-_ ; #=n | subtract it from {#}\n";

    #[test]
    fn steps_become_one_formula() {
        let lists = Lists::default();
        let (_, steps) = read("f", TEXT, &lists).unwrap().remove(0);
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let formulas: Vec<String> =
            (0..50).map(|_| format!("{:?}", steps.rule(&lists, &mut random).unwrap().formula)).collect();
        let wanted = Rule::read("c - (a + b) ; ;").unwrap().formula;
        assert!(formulas.contains(&format!("{wanted:?}")));
    }

    #[test]
    fn malformed_steps_say_where() {
        for (text, line) in [
            ("start | x\n", 1),
            (":: a\nsteps 3..99\n", 2),
            (":: a\nstep _+# ; #=n add\n", 2),
            (":: a\nhop x\n", 2),
            (":: a\nstart ; #=n | {#}\n", 2),
        ] {
            match read("f", text, &Lists::default()) {
                Err(Error::Grammar { line: found, .. }) => assert_eq!(found, line, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }
}
