//! Takes an answer apart into the blocks that the page shows. The result is plain text in every part: nothing of an
//! answer is ever read as HTML.

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
    /// A fenced piece of code.
    Code {
        /// What the fence says of the language; may be empty.
        language: String,
        /// The code.
        text: String,
    },
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

/// Takes an answer apart; one that is still being written as far as it goes.
pub fn blocks(answer: &str) -> Vec<Block> {
    let (thoughts, rest) = split_thoughts(answer);
    let mut blocks = Vec::new();
    if let Some(Thoughts { text, open }) = thoughts {
        let text = text.trim();
        if open || !text.is_empty() {
            blocks.push(Block::Think { text: text.to_owned(), open });
        }
    }
    read_text(rest, &mut blocks);
    blocks
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
mod tests {
    use super::*;

    fn paragraph(text: &str) -> Block {
        Block::Paragraph(text.into())
    }

    fn think(text: &str, open: bool) -> Block {
        Block::Think { text: text.into(), open }
    }

    #[test]
    fn thoughts_are_parted_from_the_answer() {
        assert_eq!(blocks("<think>\nhm\n</think>\n\n132"), [think("hm", false), paragraph("132")]);
        assert_eq!(blocks("hm\n</think>\n132"), [think("hm", false), paragraph("132")]);
        assert_eq!(blocks("<think>\n\n</think>\n\n132"), [paragraph("132")]);
        assert_eq!(answer_only("<think>hm</think>\n\n132\n"), "132");
    }

    #[test]
    fn unfinished_thoughts_are_shown() {
        assert_eq!(blocks("<think>\nTwelve tim"), [think("Twelve tim", true)]);
        assert!(thoughts_open("<think>\nTwelve tim"));
        assert!(!thoughts_open("<think>\nTwelve</think>") && !thoughts_open("132"));
        assert_eq!(blocks("<thi"), []);
        assert_eq!(blocks("<this>"), [paragraph("<this>")]);
        assert_eq!(blocks(""), []);
    }

    #[test]
    fn code_is_kept_as_it_is() {
        let code = |language: &str, text: &str| Block::Code { language: language.into(), text: text.into() };
        assert_eq!(
            blocks("a\nb\n```rust\nfn f() {\n\n    <b>\n}\n```\nc"),
            [paragraph("a\nb"), code("rust", "fn f() {\n\n    <b>\n}"), paragraph("c")]
        );
        assert_eq!(blocks("```\nhalf"), [code("", "half")]);
        assert_eq!(blocks("````\n```\n````"), [code("", "```")]);
    }

    #[test]
    fn headings_and_paragraphs() {
        assert_eq!(
            blocks("## A b\ntext\n\n#tag"),
            [Block::Heading("A b".into()), paragraph("text"), paragraph("#tag")]
        );
    }

    #[test]
    fn spans_pair_their_marks() {
        assert_eq!(
            spans("a **b** `c*` 2*3"),
            [
                Span::Text("a ".into()),
                Span::Strong("b".into()),
                Span::Text(" ".into()),
                Span::Code("c*".into()),
                Span::Text(" 2*3".into())
            ]
        );
        for odd in ["**", "`", "a ** b", "****", "``", "é*ü"] {
            assert_eq!(spans(odd), [Span::Text(odd.into())], "{odd}");
        }
    }
}
