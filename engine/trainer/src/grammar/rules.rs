//! A grammar file: families of rules, each with the lines that ask for it.
//!
//! ```text
//! :: percent                          a family, which is the examples' category
//! share 3                             how often, against the other families
//! topic Percentage                    what its thought begins with
//! reply The answer is {v}.            the final sentence; {a} repeats a slot's digits
//! spoken The answer is {v}.           the same where a repeated slot was not in digits
//! = a*b ; a=% b=n ; positive          a rule: formula, draws, conditions
//! reply {a}% of {b} is {v}.           its own final sentence, if it has one
//! n {a%} of {b}                       its lines, each with its shape
//! ```

use super::draw::Draw;
use super::lists::Lists;
use super::text::{Piece, read, slots};
use crate::formula::Formula;
use crate::{Error, Result};

/// What kind of phrase a line is: which openings and endings go with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Shape {
    /// `n`: a noun phrase or an expression.
    Noun,
    /// `v`: an order.
    Verb,
    /// `q`: a question.
    Question,
    /// `s`: one or more sentences, with their punctuation.
    Story,
    /// `f`: a follow-up to the answer before.
    Follow,
    /// `x`: not to be touched: a message that asks for no computation.
    Other,
}

impl Shape {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Noun, Self::Verb, Self::Question, Self::Story, Self::Follow, Self::Other];

    /// The shape that a line's first letter names.
    pub fn of(letter: &str) -> Option<Self> {
        Some(match letter {
            "n" => Self::Noun,
            "v" => Self::Verb,
            "q" => Self::Question,
            "s" => Self::Story,
            "f" => Self::Follow,
            "x" => Self::Other,
            _ => return None,
        })
    }
}

/// What the numbers drawn for a rule must meet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Conditions {
    /// Every operation's result is whole.
    pub whole: bool,
    /// Every operation's result is above zero.
    pub positive: bool,
    /// No two numbers are the same.
    pub distinct: bool,
    /// The result is not whole.
    pub broken: bool,
    /// No value was computed before.
    pub alone: bool,
}

/// A line of a rule.
#[derive(Debug, Clone)]
pub struct Line {
    /// Which openings and endings go with it.
    pub shape: Shape,
    /// What it is made of.
    pub pieces: Vec<Piece>,
    /// As the grammar has it, for messages.
    pub text: String,
}

/// A formula, and the lines that ask for it.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The formula over the slots; none for a message that asks for no computation. `P` is the value computed before.
    pub formula: Option<Formula>,
    /// How each slot is drawn.
    pub draws: Vec<(char, Draw)>,
    /// What the drawn numbers must meet.
    pub conditions: Conditions,
    /// The final sentence, if it is not the family's.
    pub reply: Option<String>,
    /// The lines.
    pub lines: Vec<Line>,
}

impl Rule {
    /// Reads `formula ; draws ; conditions`; the formula `none` is no formula.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut parts = text.split(';').map(str::trim);
        let formula = match parts.next() {
            Some("none") => None,
            Some(formula) => Some(Formula::read(formula).ok_or_else(|| format!("'{formula}' is no formula"))?),
            None => return Err("a rule without a formula".into()),
        };
        let mut draws = Vec::new();
        for draw in parts.next().unwrap_or_default().split_whitespace() {
            let (slot, kind) = draw.split_once('=').ok_or_else(|| format!("'{draw}' is no slot and its draw"))?;
            let mut letters = slot.chars();
            match (letters.next(), letters.next(), Draw::read(kind)) {
                (Some(letter), None, Some(kind)) => draws.push((letter, kind)),
                _ => return Err(format!("'{draw}' is no slot and its draw")),
            }
        }
        let mut conditions = Conditions::default();
        for word in parts.next().unwrap_or_default().split_whitespace() {
            match word {
                "whole" => conditions.whole = true,
                "positive" => conditions.positive = true,
                "distinct" => conditions.distinct = true,
                "broken" => conditions.broken = true,
                "alone" => conditions.alone = true,
                _ => return Err(format!("no condition is called '{word}'")),
            }
        }
        Ok(Self { formula, draws, conditions, reply: None, lines: Vec::new() })
    }

    /// Adds a line such as `n {a} plus {b}`.
    pub fn add(&mut self, line: &str, lists: &Lists) -> Result<(), String> {
        let (letter, text) = line.split_once(' ').ok_or("a line has a shape and a text")?;
        let shape = Shape::of(letter).ok_or_else(|| format!("no shape is called '{letter}'"))?;
        let pieces = read(text.trim(), lists)?;
        let mut used = Vec::new();
        slots(&pieces, &mut used);
        if let Some(slot) = used.iter().find(|slot| !self.draws.iter().any(|(own, _)| own == *slot)) {
            return Err(format!("slot '{slot}' is not drawn"));
        }
        self.lines.push(Line { shape, pieces, text: line.to_owned() });
        Ok(())
    }
}

/// Rules of one category.
#[derive(Debug, Clone)]
pub struct Family {
    /// The category.
    pub category: String,
    /// How often, against the other families.
    pub share: f64,
    /// What its thought says: for a message without computation all of it, else what comes before the operations.
    pub topic: String,
    /// The final sentence.
    pub reply: String,
    /// The final sentence where the reply repeats a number that was not in digits.
    pub spoken: String,
    /// The rules.
    pub rules: Vec<Rule>,
}

/// Reads a grammar file; `file` is its name for messages.
pub fn families(file: &str, text: &str, lists: &Lists) -> Result<Vec<Family>> {
    let mut all: Vec<Family> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let fail = |why: String| Error::Grammar { file: file.to_owned(), line: index + 1, why };
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(category) = line.strip_prefix(":: ") {
            all.push(Family {
                category: category.trim().to_owned(),
                share: 1.0,
                topic: String::new(),
                reply: "The answer is {v}.".into(),
                spoken: "The answer is {v}.".into(),
                rules: Vec::new(),
            });
            continue;
        }
        let family = all.last_mut().ok_or_else(|| fail("no family before this line".into()))?;
        let (word, rest) = line.split_once(' ').ok_or_else(|| fail(format!("'{line}' is no line of a grammar")))?;
        match word {
            "share" => family.share = rest.trim().parse().map_err(|_| fail(format!("'{rest}' is no share")))?,
            "topic" => family.topic = rest.trim().to_owned(),
            "reply" if let Some(rule) = family.rules.last_mut() => rule.reply = Some(rest.trim().to_owned()),
            "reply" => {
                family.reply = rest.trim().to_owned();
                if !family.reply.contains('{') {
                    family.spoken.clone_from(&family.reply);
                }
            }
            "spoken" => family.spoken = rest.trim().to_owned(),
            "=" => family.rules.push(Rule::read(rest).map_err(fail)?),
            _ => {
                let rule = family.rules.last_mut().ok_or_else(|| fail("no rule before this line".into()))?;
                rule.add(line, lists).map_err(fail)?;
            }
        }
    }
    for family in &all {
        if family.rules.iter().any(|rule| rule.lines.is_empty()) || family.rules.is_empty() {
            return Err(Error::Grammar {
                file: file.to_owned(),
                line: text.lines().count(),
                why: format!("'{}' has a rule without lines", family.category),
            });
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family() {
        let lists = Lists::default();
        let text = ":: add\nshare 2.5\nreply It is {v}.\n# note\n= a+b ; a=n b=2..9 ; whole distinct\nn {a} plus {b}\nv add {a} and {b}\n\
                    = a+1 ; a=n\nreply {a} and one make {v}.\nn one more than {a}\n";
        let all = families("add", text, &lists).unwrap();
        assert_eq!((all.len(), all[0].share, all[0].rules.len()), (1, 2.5, 2));
        assert_eq!(all[0].reply, "It is {v}.");
        assert_eq!(all[0].rules[1].reply.as_deref(), Some("{a} and one make {v}."));
        let rule = &all[0].rules[0];
        assert_eq!(rule.reply, None);
        assert_eq!((rule.lines.len(), rule.lines[1].shape, rule.draws.len()), (2, Shape::Verb, 2));
        assert!(rule.conditions.whole && rule.conditions.distinct && !rule.conditions.positive);
    }

    #[test]
    fn malformed_grammars_say_where() {
        let lists = Lists::default();
        for (text, line) in [
            ("share 2\n", 1),
            (":: a\n= a++ ; a=n\n", 2),
            (":: a\n= a ; a=q\n", 2),
            (":: a\n= a ; a=n ; odd\n", 2),
            (":: a\nn {a}\n", 2),
            (":: a\n= a ; a=n\nz {a}\n", 3),
            (":: a\n= a ; a=n\nn {b}\n", 3),
            (":: a\nshare many\n", 2),
            (":: a\n= a ; a=n\n", 2),
        ] {
            match families("f", text, &lists) {
                Err(Error::Grammar { line: found, .. }) => assert_eq!(found, line, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }
}
