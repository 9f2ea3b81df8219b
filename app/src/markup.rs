//! Takes an answer apart into the blocks that the page shows. The result is plain text in every part: nothing of an
//! answer is ever read as HTML.

use std::ops::Range;

use wattage_engine::splice;

use crate::language::t;

const THINK: &str = "<think>";
const THINK_END: &str = "</think>";

/// A piece of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// What the model thought before it answered.
    Think {
        /// The thoughts.
        text: String,
        /// Whether it still thinks, or was stopped at it.
        open: bool,
    },
    /// Lines without a blank one between them.
    Paragraph(String),
    /// A heading.
    Heading(String),
    /// A function and what it computed, which the engine put here.
    Spliced(Spliced),
    /// A fenced piece of code.
    Code {
        /// What the fence says of the language; may be empty.
        language: String,
        /// The code.
        text: String,
    },
}

/// What the engine put into an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spliced {
    /// The function's text; empty where there is none.
    pub wat: String,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The number, as it is written.
    Value(String),
    /// Why there is none.
    Error(String),
}

/// A piece of a paragraph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Span {
    /// Plain text.
    Text(String),
    /// Between backquotes.
    Code(String),
    /// Between double asterisks.
    Strong(String),
}

/// Takes an answer apart; one that is still being written as far as it goes. `splices` are the bytes of it that the engine put
/// there: nothing else is taken for a computation.
pub fn blocks(answer: &str, splices: &[Range<usize>]) -> Vec<Block> {
    let mut blocks = Vec::new();
    let (mut from, mut thinking) = (0, false);
    for splice in splices {
        let (Some(before), Some(text)) = (answer.get(from..splice.start), answer.get(splice.clone())) else { continue };
        thinking = read_piece(before, thinking, &mut blocks);
        // The thoughts may go on behind it, but as a block of their own.
        if let Some(Block::Think { open, .. }) = blocks.last_mut() {
            *open = false;
        }
        blocks.push(Block::Spliced(read_splice(text)));
        from = splice.end;
    }
    let rest = answer.get(from..).unwrap_or_default();
    read_piece(if from > 0 { rest.trim_start() } else { rest }, thinking, &mut blocks);
    blocks
}

/// Takes a piece of an answer apart, and says whether it ends within thoughts.
fn read_piece(piece: &str, thinking: bool, blocks: &mut Vec<Block>) -> bool {
    let (thoughts, rest) = match (thinking, piece.split_once(THINK_END)) {
        (false, _) => split_thoughts(piece),
        (true, Some((text, rest))) => (Some(Thoughts { text, open: false }), rest),
        (true, None) => (Some(Thoughts { text: piece, open: true }), ""),
    };
    let ends_within = thoughts.as_ref().is_some_and(|thoughts| thoughts.open);
    if let Some(Thoughts { text, open }) = thoughts {
        let text = text.trim();
        if open || !text.is_empty() {
            blocks.push(Block::Think { text: text.to_owned(), open });
        }
    }
    read_text(rest, blocks);
    ends_within
}

fn read_splice(text: &str) -> Spliced {
    let inside = text.trim_start().strip_prefix(splice::OPEN).unwrap_or(text);
    let (wat, behind) = inside.split_once(splice::CLOSE).unwrap_or((inside, ""));
    let between = |(open, close): (&str, &str)| {
        let inside = behind.trim().strip_prefix(open)?;
        // What leads a model that was not trained on the form into its sentence stands behind it.
        Some(inside.split_once(close).map_or(inside, |(inside, _)| inside).to_owned())
    };
    let error = || Outcome::Error(between(splice::ERROR).unwrap_or_else(|| t("there is no result").to_owned()));
    Spliced { wat: wat.trim().to_owned(), outcome: between(splice::VALUE).map_or_else(error, Outcome::Value) }
}

/// What the model itself wrote of an answer.
pub fn without_splices(answer: &str, splices: &[Range<usize>]) -> String {
    outside(answer, splices, |own| own.to_owned(), |_| String::new())
}

/// An answer as a model with WASM layers may read it: what looks like a result and is none is spelt so that it cannot be taken
/// for one.
pub fn for_layers(answer: &str, splices: &[Range<usize>]) -> String {
    let tags = [splice::OPEN, splice::CLOSE, splice::VALUE.0, splice::VALUE.1, splice::ERROR.0, splice::ERROR.1];
    let spell = |own: &str| tags.iter().fold(own.to_owned(), |own, tag| own.replace(tag, &tag.replacen('<', "< ", 1)));
    outside(answer, splices, spell, str::to_owned)
}

/// An answer's text, put together from what is outside of splices and what is inside.
fn outside(
    answer: &str,
    splices: &[Range<usize>],
    own: impl Fn(&str) -> String,
    spliced: impl Fn(&str) -> String,
) -> String {
    let mut text = String::with_capacity(answer.len());
    let mut from = 0;
    for splice in splices {
        let (Some(before), Some(inside)) = (answer.get(from..splice.start), answer.get(splice.clone())) else {
            continue;
        };
        text.push_str(&own(before));
        text.push_str(&spliced(inside));
        from = splice.end;
    }
    text.push_str(&own(answer.get(from..).unwrap_or_default()));
    text
}

/// Whether an answer ends within its thoughts.
pub fn thoughts_open(answer: &str) -> bool {
    matches!(split_thoughts(answer), (Some(Thoughts { open: true, .. }), _))
}

/// The answer without the thoughts before it.
pub fn answer_only(answer: &str) -> &str {
    split_thoughts(answer).1.trim()
}

struct Thoughts<'a> {
    text: &'a str,
    open: bool,
}

/// Parts the thoughts from the answer. Some templates open the thoughts themselves, so the answer may begin within them.
fn split_thoughts(answer: &str) -> (Option<Thoughts<'_>>, &str) {
    let start = answer.trim_start();
    if let Some(inside) = start.strip_prefix(THINK) {
        return match inside.split_once(THINK_END) {
            Some((text, rest)) => (Some(Thoughts { text, open: false }), rest),
            None => (Some(Thoughts { text: inside, open: true }), ""),
        };
    }
    // A tag that has begun to arrive is not shown as text.
    if !start.is_empty() && THINK.starts_with(start) {
        return (None, "");
    }
    match answer.split_once(THINK_END) {
        Some((text, rest)) if !text.contains("```") && !text.contains(THINK) => {
            (Some(Thoughts { text, open: false }), rest)
        }
        _ => (None, answer),
    }
}

fn read_text(text: &str, blocks: &mut Vec<Block>) {
    let mut paragraph = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let trimmed = line.trim_start();
        if let Some(info) = fence(trimmed) {
            flush(&mut paragraph, blocks);
            let ticks = trimmed.len() - trimmed.trim_start_matches('`').len();
            let mut code = String::new();
            for inner in lines.by_ref() {
                if closes(inner, ticks) {
                    break;
                }
                if !code.is_empty() {
                    code.push('\n');
                }
                code.push_str(inner);
            }
            blocks.push(Block::Code { language: info.to_owned(), text: code });
        } else if trimmed.is_empty() {
            flush(&mut paragraph, blocks);
        } else if let Some(title) = heading(line) {
            flush(&mut paragraph, blocks);
            blocks.push(Block::Heading(title.to_owned()));
        } else {
            if !paragraph.is_empty() {
                paragraph.push('\n');
            }
            paragraph.push_str(line.trim_end());
        }
    }
    flush(&mut paragraph, blocks);
}

fn flush(paragraph: &mut String, blocks: &mut Vec<Block>) {
    if !paragraph.is_empty() {
        blocks.push(Block::Paragraph(std::mem::take(paragraph)));
    }
}

/// The info text of a line that opens a fence.
fn fence(line: &str) -> Option<&str> {
    let info = line.strip_prefix("```")?.trim_start_matches('`').trim();
    (!info.contains('`')).then_some(info)
}

fn closes(line: &str, ticks: usize) -> bool {
    let line = line.trim();
    line.len() >= ticks && line.bytes().all(|byte| byte == b'`')
}

fn heading(line: &str) -> Option<&str> {
    let title = line.trim_start_matches('#');
    let level = line.len() - title.len();
    ((1..=6).contains(&level) && title.starts_with(' ')).then(|| title.trim())
}

/// Takes a paragraph apart. A mark without its partner stays as it is.
pub fn spans(text: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['`', '*']) {
        let (before, marked) = rest.split_at(at);
        plain.push_str(before);
        let mark = if marked.starts_with("**") { "**" } else { &marked[..1] };
        let inside = &marked[mark.len()..];
        let end = if mark == "*" { None } else { inside.find(mark).filter(|&end| end > 0) };
        let Some(end) = end else {
            plain.push_str(mark);
            rest = inside;
            continue;
        };
        if !plain.is_empty() {
            spans.push(Span::Text(std::mem::take(&mut plain)));
        }
        let content = inside[..end].to_owned();
        spans.push(if mark == "`" { Span::Code(content) } else { Span::Strong(content) });
        rest = &inside[end + mark.len()..];
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        spans.push(Span::Text(plain));
    }
    spans
}

#[cfg(test)]
mod tests;
