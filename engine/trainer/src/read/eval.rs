//! Sets that a model is measured on: questions and answers, without programs.

use std::collections::HashSet;

use serde::Deserialize;

use super::gsm8k::final_answer;
use super::mawps;
use crate::skeleton::skeleton;
use crate::{Error, Result};

/// A question to measure with.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct EvalItem {
    /// What the user writes.
    pub question: String,
    /// The right answer; none where no computation is asked.
    pub answer: Option<f64>,
    /// The kind of question, where the set says it.
    #[serde(default)]
    pub category: String,
    /// The value computed in the turn before.
    #[serde(default)]
    pub previous: Option<f64>,
    /// What the set says is to be computed, where it says so. It tells kinds of mistakes apart, and is no program: nothing can be
    /// trained on it.
    #[serde(default)]
    pub equation: String,
}

/// A set to measure with. It has no programs: it must not be trained on.
#[derive(Debug, Clone, PartialEq)]
pub struct EvalSet {
    /// Its name.
    pub name: &'static str,
    /// The questions.
    pub items: Vec<EvalItem>,
}

impl EvalSet {
    /// The hand-written phrasings that are part of this crate: one JSON object a line.
    pub fn phrasings() -> Result<Self> {
        Self::jsonl("phrasings", include_str!("../../eval/phrasings.jsonl"))
    }

    /// More questions, written by somebody who had not seen how others are made.
    pub fn asked() -> Result<Self> {
        Self::jsonl("asked", include_str!("../../eval/asked.jsonl"))
    }

    /// For each question whether its form is among those that were trained on: see [`skeleton`].
    pub fn seen(&self, forms: &HashSet<String>) -> Vec<bool> {
        self.items.iter().map(|item| forms.contains(&skeleton(&item.question))).collect()
    }

    fn jsonl(name: &'static str, text: &str) -> Result<Self> {
        let items = text.lines().enumerate().map(|(index, line)| {
            serde_json::from_str(line).map_err(|why| Error::Set { set: name, entry: index + 1, why: why.to_string() })
        });
        Ok(Self { name, items: items.collect::<Result<_>>()? })
    }

    /// SVAMP, as its authors publish it: a list of objects with `Body`, `Question` and `Answer`.
    pub fn svamp(text: &str) -> Result<Self> {
        #[derive(Deserialize)]
        struct Entry {
            #[serde(rename = "Body")]
            body: String,
            #[serde(rename = "Question")]
            question: String,
            #[serde(rename = "Answer")]
            answer: f64,
            #[serde(rename = "Type", default)]
            kind: String,
            #[serde(rename = "Equation", default)]
            equation: String,
        }
        let entries: Vec<Entry> = serde_json::from_str(text).map_err(|why| json("SVAMP", &why))?;
        let item = |entry: Entry| EvalItem {
            question: joined(&entry.body, &entry.question),
            answer: Some(entry.answer),
            category: entry.kind,
            equation: entry.equation,
            ..EvalItem::default()
        };
        Ok(Self { name: "SVAMP", items: entries.into_iter().map(item).collect() })
    }

    /// The test or validation part of MAWPS.
    pub fn mawps(text: &str) -> Result<Self> {
        let item = |entry: mawps::Entry| EvalItem {
            question: entry.question.trim().to_owned(),
            answer: entry.solutions.first().copied(),
            ..EvalItem::default()
        };
        Ok(Self { name: "MAWPS", items: mawps::entries(text)?.into_iter().map(item).collect() })
    }

    /// The test part of GSM8K.
    pub fn gsm8k(text: &str) -> Result<Self> {
        #[derive(Deserialize)]
        struct Entry {
            question: String,
            answer: String,
        }
        let mut items = Vec::new();
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let fail = |why: String| Error::Set { set: "GSM8K", entry: index + 1, why };
            let entry: Entry = serde_json::from_str(line).map_err(|why| fail(why.to_string()))?;
            let answer = final_answer(&entry.answer).ok_or_else(|| fail("no answer after '####'".into()))?;
            items.push(EvalItem { question: entry.question, answer: Some(answer), ..EvalItem::default() });
        }
        Ok(Self { name: "GSM8K", items })
    }

    /// ASDiv, an XML file of `Problem` elements: all of them, or those with these IDs, such as the arithmetic ones that its authors
    /// list for their cross-validation (ASDiv-A). Problems whose answer is not one number are left out.
    pub fn asdiv(text: &str, only: Option<&HashSet<&str>>) -> Result<Self> {
        let mut items = Vec::new();
        let mut rest = text;
        while let Some((_, after)) = rest.split_once("<Problem ") {
            let fail = |why: &str| Error::Set { set: "ASDiv", entry: items.len() + 1, why: why.to_owned() };
            let (problem, after) = after.split_once("</Problem>").ok_or_else(|| fail("a problem has no end"))?;
            rest = after;
            let id = problem.split_once("ID=\"").and_then(|(_, after)| after.split_once('"')).map(|(id, _)| id);
            if only.is_some_and(|only| !id.is_some_and(|id| only.contains(id))) {
                continue;
            }
            let field = |name: &str| {
                let (_, after) = problem.split_once(&format!("<{name}>"))?;
                after.split_once(&format!("</{name}>")).map(|(inside, _)| unescaped(inside))
            };
            let (Some(body), Some(question), Some(answer)) = (field("Body"), field("Question"), field("Answer")) else {
                return Err(fail("no body, question or answer"));
            };
            // "9 (apples)"; "red" and "1/2" are not numbers that programs compute.
            let number = answer.split_whitespace().next().and_then(|word| word.replace(',', "").parse().ok());
            if let Some(answer) = number {
                items.push(EvalItem {
                    question: joined(&body, &question),
                    answer: Some(answer),
                    category: field("Solution-Type").unwrap_or_default(),
                    // "7+2=9"
                    equation: field("Formula")
                        .and_then(|text| Some(text.split_once('=')?.0.to_owned()))
                        .unwrap_or_default(),
                    ..EvalItem::default()
                });
            }
        }
        Ok(Self { name: "ASDiv", items })
    }
}

fn json(set: &'static str, why: &serde_json::Error) -> Error {
    Error::Set { set, entry: why.line(), why: why.to_string() }
}

fn joined(body: &str, question: &str) -> String {
    let body = body.trim();
    let stop = if body.ends_with(['.', '!', '?', ',', ':', ';']) || body.is_empty() { "" } else { "," };
    format!("{body}{stop} {}", question.trim()).trim().to_owned()
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn svamp() {
        let text = r#"[{"ID": "a", "Body": "A pen costs 3 dollars", "Question": "What do 4 cost?",
            "Equation": "( 3.0 * 4.0 )", "Answer": 12.0, "Type": "Multiplication"}]"#;
        let set = EvalSet::svamp(text).unwrap();
        assert_eq!(set.items[0].question, "A pen costs 3 dollars, What do 4 cost?");
        assert_eq!((set.items[0].answer, set.items[0].category.as_str()), (Some(12.0), "Multiplication"));
        assert_eq!(set.items[0].equation, "( 3.0 * 4.0 )");
        assert!(EvalSet::svamp("{}").is_err());
    }

    #[test]
    fn asdiv() {
        let text = "<ProblemSet><Problem ID=\"1\"><Body>Ann &amp; Bob have 7 pens.</Body><Question>How many?</Question>\
            <Solution-Type>Addition</Solution-Type><Answer>7 (pens)</Answer><Formula>5+2=7</Formula></Problem>\
            <Problem ID=\"2\"><Body>A</Body><Question>Who?</Question><Answer>Bob</Answer></Problem></ProblemSet>";
        let set = EvalSet::asdiv(text, None).unwrap();
        assert_eq!(EvalSet::asdiv(text, Some(&HashSet::from(["1"]))).unwrap(), set);
        assert!(EvalSet::asdiv(text, Some(&HashSet::from(["2", "3"]))).unwrap().items.is_empty());
        assert_eq!(set.items.len(), 1);
        assert_eq!(set.items[0].question, "Ann & Bob have 7 pens. How many?");
        assert_eq!((set.items[0].answer, set.items[0].equation.as_str()), (Some(7.0), "5+2"));
        assert!(EvalSet::asdiv("<Problem ID=\"1\"><Body>", None).is_err());
    }

    #[test]
    fn tests_of_the_training_sets() {
        let set = EvalSet::gsm8k("{\"question\": \"2 and 2?\", \"answer\": \"<<2+2=4>>4\\n#### 1,004\"}\n").unwrap();
        assert_eq!(set.items[0].answer, Some(1004.0));
        let set = EvalSet::mawps(r#"[{"sQuestion": " a? ", "lEquations": ["x=1"], "lSolutions": [1.0]}]"#).unwrap();
        assert_eq!((set.items[0].question.as_str(), set.items[0].answer), ("a?", Some(1.0)));
    }
}
