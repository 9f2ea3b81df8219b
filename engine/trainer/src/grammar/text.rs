//! The text of a grammar line: alternatives, slots for numbers, signs and words.
//!
//! `[the |]sum of {a} and {b}`: alternatives in brackets; a slot's number in braces, `{a.}` in digits, `{a=}` without separators, `{a%}` as a percentage,
//! `{a$}` with a currency, `{a|twice}` as this text; `{+} {-} {*} {/} {^}` signs; `<name>` a word of a list, `<name2>` another
//! one, `<name:1>` its second form, `<Name>` with a capital; `@` the place of the core in an opening. A backslash takes the next
//! character as it is.

use std::iter::Peekable;
use std::str::Chars;

use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

use super::draw::Drawn;
use super::lists::Lists;
use super::style::{Form, Sign, Style};

/// A piece of a line.
#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    /// As it stands.
    Text(String),
    /// One of these.
    Either(Vec<Vec<Self>>),
    /// A slot's number.
    Slot(char, Form),
    /// A slot's number as a given text.
    Spelled(char, String),
    /// An operation's sign.
    Sign(Sign),
    /// A word: the list's number, which of the words drawn for it, which form, whether with a capital.
    Word(usize, usize, usize, bool),
    /// Where the core goes.
    Core,
}

/// Words of one list that an example can use.
pub const WORDS_OF_A_LIST: usize = 3;

/// Deepest nesting of alternatives.
const DEEPEST: usize = 8;

/// Reads a line.
pub fn read(text: &str, lists: &Lists) -> Result<Vec<Piece>, String> {
    let mut reader = Reader { rest: text.chars().peekable(), lists };
    let pieces = reader.pieces(0)?;
    match reader.rest.next() {
        None => Ok(pieces),
        Some(c) => Err(format!("a '{c}' that closes nothing")),
    }
}

struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
    lists: &'a Lists,
}

impl Reader<'_> {
    fn pieces(&mut self, depth: usize) -> Result<Vec<Piece>, String> {
        let mut pieces = Vec::new();
        let mut text = String::new();
        while let Some(&c) = self.rest.peek() {
            if depth > 0 && matches!(c, '|' | ']') || c == ']' {
                break;
            }
            self.rest.next();
            let piece = match c {
                '\\' => {
                    text.push(self.rest.next().ok_or("a line ends in a backslash")?);
                    continue;
                }
                '[' => self.either(depth + 1)?,
                '{' => slot(&self.until('}')?)?,
                '<' => self.word()?,
                '@' => Piece::Core,
                _ => {
                    text.push(c);
                    continue;
                }
            };
            if !text.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut text)));
            }
            pieces.push(piece);
        }
        if !text.is_empty() {
            pieces.push(Piece::Text(text));
        }
        Ok(pieces)
    }

    fn either(&mut self, depth: usize) -> Result<Piece, String> {
        if depth > DEEPEST {
            return Err("alternatives nest too deep".into());
        }
        let mut all = vec![self.pieces(depth)?];
        loop {
            match self.rest.next() {
                Some('|') => all.push(self.pieces(depth)?),
                Some(']') => return Ok(Piece::Either(all)),
                _ => return Err("a '[' is not closed".into()),
            }
        }
    }

    fn until(&mut self, end: char) -> Result<String, String> {
        let mut inside = String::new();
        for c in self.rest.by_ref() {
            if c == end {
                return Ok(inside);
            }
            inside.push(c);
        }
        Err(format!("a '{end}' is missing"))
    }

    fn word(&mut self) -> Result<Piece, String> {
        let inside = self.until('>')?;
        let (name, form) = match inside.split_once(':') {
            Some((name, form)) => (name, form.parse().map_err(|_| format!("'{form}' is no form of a word"))?),
            None => (inside.as_str(), 0),
        };
        let digits = name.trim_start_matches(|c: char| c.is_ascii_alphabetic());
        let letters = &name[..name.len() - digits.len()];
        let nth: usize =
            if digits.is_empty() { 1 } else { digits.parse().map_err(|_| format!("'{name}' is no word"))? };
        if nth == 0 || nth > WORDS_OF_A_LIST {
            return Err(format!("'{name}': only {WORDS_OF_A_LIST} words of a list can be used"));
        }
        let list = self.lists.index(&letters.to_ascii_lowercase()).ok_or_else(|| format!("no list '{letters}'"))?;
        if form >= self.lists.forms(list) {
            return Err(format!("the words of '{letters}' have no form {form}"));
        }
        Ok(Piece::Word(list, nth - 1, form, letters.starts_with(|c: char| c.is_ascii_uppercase())))
    }
}

fn slot(inside: &str) -> Result<Piece, String> {
    if let Some((slot, text)) = inside.split_once('|') {
        return Ok(Piece::Spelled(letter(slot)?, text.to_owned()));
    }
    let sign = match inside {
        "+" => Some(Sign::Plus),
        "-" => Some(Sign::Minus),
        "*" => Some(Sign::Times),
        "/" => Some(Sign::Over),
        "^" => Some(Sign::Power),
        _ => None,
    };
    if let Some(sign) = sign {
        return Ok(Piece::Sign(sign));
    }
    let (name, form) = match inside.strip_suffix(['.', '=', '%', '$']) {
        Some(name) if inside.ends_with('.') => (name, Form::Digits),
        Some(name) if inside.ends_with('=') => (name, Form::Bare),
        Some(name) if inside.ends_with('%') => (name, Form::Percent),
        Some(name) => (name, Form::Money),
        None => (inside, Form::Plain),
    };
    Ok(Piece::Slot(letter(name)?, form))
}

fn letter(name: &str) -> Result<char, String> {
    let mut all = name.chars();
    match (all.next(), all.next()) {
        (Some(letter), None) if letter.is_ascii_alphabetic() || letter == '#' => Ok(letter),
        _ => Err(format!("'{{{name}}}' is no slot")),
    }
}

/// The slots of a line, in the order of the first alternatives.
pub fn slots(pieces: &[Piece], out: &mut Vec<char>) {
    for piece in pieces {
        match piece {
            Piece::Slot(slot, _) | Piece::Spelled(slot, _) => out.push(*slot),
            Piece::Either(all) => all.iter().for_each(|pieces| slots(pieces, out)),
            _ => {}
        }
    }
}

/// What a line is filled with.
pub struct Filling<'a> {
    /// The numbers of each slot.
    pub numbers: &'a [(char, Vec<Drawn>)],
    /// The choices of this example.
    pub style: &'a Style,
    /// The words that lists come from.
    pub lists: &'a Lists,
    /// The words drawn, one row for each list.
    pub words: &'a [[usize; WORDS_OF_A_LIST]],
}

/// A text in the making.
#[derive(Debug, Clone, Default)]
pub struct Written {
    /// The text.
    pub text: String,
    /// Byte ranges that no later change may touch: numbers.
    pub kept: Vec<(usize, usize)>,
    /// Slot and value of every number, in order.
    pub meant: Vec<(char, f64)>,
    /// Slots' numbers in digits, for replies that repeat them.
    pub digits: Vec<(char, String)>,
}

/// Writes pieces; `core` is written where an opening has its place for it.
pub fn write(pieces: &[Piece], core: &[Piece], with: &Filling<'_>, random: &mut ChaCha8Rng, out: &mut Written) {
    for piece in pieces {
        match piece {
            Piece::Text(text) => out.text.push_str(text),
            Piece::Either(all) => {
                if let Some(chosen) = all.choose(random) {
                    write(chosen, core, with, random, out);
                }
            }
            Piece::Slot(slot, form) => number(*slot, *form, with, random, out),
            Piece::Spelled(slot, text) => {
                if let Some(drawn) = drawn(*slot, with).first() {
                    let start = out.text.len();
                    out.text.push_str(text);
                    out.kept.push((start, out.text.len()));
                    out.meant.push((*slot, drawn.value));
                }
            }
            Piece::Sign(sign) => out.text.push_str(&with.style.sign(*sign)),
            Piece::Word(list, nth, form, capital) => {
                let row = with.words.get(*list).map_or(0, |drawn| drawn[*nth]);
                let word = with.lists.word(*list, row, *form);
                match word.chars().next() {
                    Some(first) if *capital => {
                        out.text.extend(first.to_uppercase());
                        out.text.push_str(&word[first.len_utf8()..]);
                    }
                    _ => out.text.push_str(word),
                }
            }
            Piece::Core => write(core, &[], with, random, out),
        }
    }
}

fn drawn<'a>(slot: char, with: &Filling<'a>) -> &'a [Drawn] {
    with.numbers.iter().find(|(own, _)| *own == slot).map_or(&[], |(_, drawn)| drawn)
}

fn number(slot: char, form: Form, with: &Filling<'_>, random: &mut ChaCha8Rng, out: &mut Written) {
    let all = drawn(slot, with);
    // How the list's numbers are set apart: between two, and before the last.
    let (between, last) = match random.random_range(0..12) {
        0..4 => (", ", " and "),
        4 => (", ", ", and "),
        5 | 6 => (", ", ", "),
        7 => (" and ", " and "),
        8 => (",", ","),
        9 => ("; ", "; "),
        10 => (", ", " & "),
        _ => (" ", " "),
    };
    for (index, drawn) in all.iter().enumerate() {
        if index > 0 {
            out.text.push_str(if index + 1 == all.len() { last } else { between });
        }
        let start = out.text.len();
        if let Some(text) = &drawn.text {
            out.text.push_str(text);
        } else {
            let written = with.style.number(drawn.shown, form, random);
            out.text.push_str(written.before);
            out.text.push_str(&written.number);
            out.text.push_str(written.after);
            if written.digits {
                out.digits.push((slot, written.number));
            }
        }
        out.kept.push((start, out.text.len()));
        out.meant.push((slot, drawn.value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn all(text: &str, numbers: &[(char, f64)]) -> Vec<Written> {
        let lists = Lists::read("name = Ann/she | Bob/he\n").unwrap();
        let pieces = read(text, &lists).unwrap();
        let numbers: Vec<(char, Vec<Drawn>)> =
            numbers.iter().map(|(slot, value)| (*slot, vec![Drawn::plain(*value)])).collect();
        let style = Style::plain();
        let with = Filling { numbers: &numbers, style: &style, lists: &lists, words: &[[1, 0, 0]] };
        let mut random = ChaCha8Rng::seed_from_u64(5);
        (0..60)
            .map(|_| {
                let mut out = Written::default();
                write(&pieces, &[Piece::Text("core".into())], &with, &mut random, &mut out);
                out
            })
            .collect()
    }

    #[test]
    fn alternatives_all_occur() {
        let texts: Vec<String> = all("[a|b[c|]] @", &[]).into_iter().map(|written| written.text).collect();
        for text in ["a core", "bc core", "b core"] {
            assert!(texts.iter().any(|other| other == text), "{text}");
        }
        assert!(texts.iter().all(|text| ["a core", "bc core", "b core"].contains(&text.as_str())));
    }

    #[test]
    fn slots_words_and_signs() {
        let written = all("<name:1> has {b}{*}{a|twice}, \\[<Name2>\\]", &[('a', 2.0), ('b', 7.0)]).remove(0);
        assert_eq!(written.text, "he has 7 * twice, [Ann]");
        assert_eq!(written.meant, [('b', 7.0), ('a', 2.0)]);
        assert_eq!(written.digits, [('b', "7".to_owned())]);
        let (start, end) = written.kept[1];
        assert_eq!(&written.text[start..end], "twice");
    }

    #[test]
    fn malformed_lines() {
        let lists = Lists::read("name = Ann/she | Bob/he\n").unwrap();
        for text in ["[a", "a]", "{ab}", "{a", "<nobody>", "<name9>", "<name:2>", "{1}"] {
            assert!(read(text, &lists).is_err(), "{text}");
        }
    }
}
