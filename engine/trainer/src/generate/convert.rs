//! Unit conversions: one set of phrasings for every pair of units, in both directions.
//!
//! ```text
//! unit km | kilometers, kilometres | km, kms       a key, names in the plural, signs
//! one km kilometer                                 how one of it is named
//! pair km mi | a/1.609344 | a*1.609344 | 1..500    there, back, and how the number is drawn
//! pair in cm | a*2.54 | a/2.54 | n | 4             the same, four times as often
//! how km | far                                     "how far is"
//! ```

use std::collections::HashMap;

use crate::formula::Formula;
use crate::grammar::{Family, Lists, Rule, families};
use crate::{Error, Result};

/// What is asked about so many of one unit. `FROM` and `TO` stand for alternatives of units' names, `SIGN` for the first
/// unit's signs, `HOW` for an adverb.
const LINES: [&str; 22] = [
    "n {a} FROM [in|in|to|to|into|as] TO",
    "n {a} FROM [in|to] TO",
    "n {a}[|-| ]SIGN [in|to|into|as] TO",
    "v convert {a} FROM [to|to|into|in] TO",
    "v convert {a}[ |]SIGN [to|into] TO",
    "v [turn|change|express|write|give|put] {a} FROM [in|into|as] TO",
    "q how many TO [are|is|are there|do you have|do I get] in {a} FROM",
    "q how many TO in {a} FROM",
    "q how many TO [is|are|make|make up|equal] {a} FROM",
    "q how many TO [does|do|would|will] {a} FROM [make|equal|give|contain|have|be]",
    "q {a} FROM [is|are|equals|makes|would be|corresponds to] how many TO",
    "q HOW is {a} FROM in TO",
    "q what [would|is|are|do] {a} FROM [be |make |come to |]in TO",
    "n FROM to TO: {a}",
    "n [the |]number of TO in {a} FROM",
    "n TO [in|for|from] {a} FROM",
    "s {a} FROM [=|equals|is] [?|how many|what] TO",
    "s I [have|need|got|measured|was told] {a} FROM. [How many TO is that?|What is that in TO?|How many TO are they?|Please convert to TO.]",
    "s [It says|The label says|The answer was|The book says|They told me] {a} FROM[, how many TO is that?|. What's that in TO?|. I need it in TO.]",
    "s {a} FROM, [please |]in TO[ please|!|.|]",
    "s [Can you give me|I need|I'd like|Show me] {a} FROM [in|as] TO[.|, please.| please|]",
    "s [My recipe|The sign|The map|The manual|My friend] says {a} FROM. [What is this in TO?|How many TO would that be?|In TO?]",
];

/// What is asked about one of a unit: the factor itself.
const ONE: [&str; 3] = [
    "q how many TO [are|are there|do you have|make up|fit] in [a|one|1] ONE",
    "q how many TO [in|make|per|does it take for] [a|one|1] ONE",
    "n [the |]number of TO in [a|one|1] ONE",
];

/// Reads the table of units into a family of rules.
pub fn family(file: &str, text: &str, lists: &Lists) -> Result<Family> {
    // Settings are those of other grammar files; a rule makes the family whole.
    let settings = ":: convert\ntopic Unit conversion\n= a ; a=n\nn {a}\n";
    let mut family = families(file, settings, lists)?.remove(0);
    family.rules.clear();
    let mut table = Table::default();
    for (index, line) in text.lines().enumerate() {
        let fail = |why: String| Error::Grammar { file: file.to_owned(), line: index + 1, why };
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (word, rest) = line.split_once(' ').ok_or_else(|| fail(format!("'{line}' is no line of units")))?;
        let fields: Vec<&str> = rest.split('|').map(str::trim).collect();
        match (word, fields.as_slice()) {
            ("share", [share]) => family.share = share.parse().map_err(|_| fail(format!("'{share}' is no share")))?,
            ("unit", [key, names, signs]) => {
                table.units.insert((*key).to_owned(), Unit::new(names, signs));
            }
            ("one", [pair]) => {
                let (key, name) = pair.split_once(' ').ok_or_else(|| fail("a unit and its name".into()))?;
                table.unit(key).map_err(fail)?.one = Some(name.to_owned());
            }
            ("how", [key, adverb]) => table.unit(key).map_err(fail)?.how = Some((*adverb).to_owned()),
            ("pair", [keys, there, back, draw, often @ ..]) if often.len() < 2 => {
                let often = often.first().map_or(Ok(1), |often| often.parse());
                let often: usize = often.map_err(|_| fail("a pair is drawn a whole number of times".into()))?;
                let (from, to) = keys.split_once(' ').ok_or_else(|| fail("a pair has two units".into()))?;
                for _ in 0..often {
                    family.rules.extend(table.rules(from, to, there, draw, lists).map_err(fail)?);
                    family.rules.extend(table.rules(to, from, back, draw, lists).map_err(fail)?);
                }
            }
            _ => return Err(fail(format!("'{line}' is no line of units"))),
        }
    }
    Ok(family)
}

struct Unit {
    /// What replies call so many of it.
    name: String,
    names: String,
    signs: String,
    one: Option<String>,
    how: Option<String>,
}

impl Unit {
    fn new(names: &str, signs: &str) -> Self {
        let name = names.split(',').next().unwrap_or(names).trim().to_owned();
        let alternatives = |all: &str| all.split(',').map(str::trim).collect::<Vec<_>>().join("|");
        let (names, signs) = (alternatives(names), alternatives(signs));
        // Names are written out more often than not.
        let all = if signs.is_empty() { names.clone() } else { format!("{names}|{names}|{signs}") };
        Self { name, names: format!("[{all}]"), signs: format!("[{signs}]"), one: None, how: None }
    }
}

#[derive(Default)]
struct Table {
    units: HashMap<String, Unit>,
}

impl Table {
    fn unit(&mut self, key: &str) -> Result<&mut Unit, String> {
        self.units.get_mut(key).ok_or_else(|| format!("no unit is called '{key}'"))
    }

    /// The rules of one direction.
    fn rules(&self, from: &str, to: &str, formula: &str, draw: &str, lists: &Lists) -> Result<Vec<Rule>, String> {
        let unit = |key: &str| self.units.get(key).ok_or_else(|| format!("no unit is called '{key}'"));
        let (from, to) = (unit(from)?, unit(to)?);
        let mut rule = Rule::read(&format!("{formula} ; a={draw} ;"))?;
        rule.reply = Some(format!("{{a}} {} = {{v}} {}.", from.name, to.name));
        for line in LINES {
            if line.contains("SIGN") && from.signs == "[]" || line.contains("HOW") && from.how.is_none() {
                continue;
            }
            let how = from.how.as_ref().map_or(String::new(), |how| format!("how {how}"));
            let line = line
                .replace("FROM", &from.names)
                .replace("TO", &to.names)
                .replace("SIGN", &from.signs)
                .replace("HOW", &how);
            rule.add(&line, lists)?;
        }
        let mut rules = vec![rule];
        // Only factors above one are asked for in this way, and only where the number itself is a constant.
        let factor = formula.strip_prefix("a*").filter(|factor| Formula::read(factor).is_some());
        if let (Some(one), Some(factor)) = (&from.one, factor) {
            for (line, form) in ONE.iter().flat_map(|line| [(line, "[a|one|1]"), (line, "1")]) {
                let name = line.replace("TO", &to.names).replace("ONE", one);
                let article = if one.starts_with(['a', 'e', 'i', 'o', 'u']) || one == "hour" { "an" } else { "a" };
                let (text, rule) = if form == "1" {
                    (name.replace("[a|one|1]", "{a}"), format!("a*{factor} ; a=1..1 ;"))
                } else {
                    (name.replace("[a|one|1]", article), format!("{factor} ; ;"))
                };
                let mut rule = Rule::read(&rule)?;
                rule.reply = Some(format!("1 {one} = {{v}} {}.", to.name));
                rule.add(&text, lists)?;
                rules.push(rule);
            }
        }
        Ok(rules)
    }
}
