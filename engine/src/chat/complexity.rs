//! A bound on how deep a template's program can nest. The Jinja parser recurses without limit over chains such as
//! `not not not …` or `elif … elif …`, and a stack that overflows takes the whole program with it.

use crate::{Error, Result};

/// Most tags (`{{ … }}`, `{% … %}`) in a template; those of current models have at most a few hundred.
const MAX_TAGS: usize = 1000;
/// Most `elif` tags in all: each nests the parser by one, at about 1 KiB of stack.
const MAX_ELIFS: usize = 100;
/// Most words and signs in one tag, string literals counting as one.
const MAX_PARTS: usize = 400;

/// Counts tags and what is in them.
///
/// # Errors
/// [`Error::Template`] for a template that no parser should be given.
pub(super) fn check(source: &str) -> Result<()> {
    let too_deep = |what: String| Err(Error::Template(format!("it has {what}; the file may be hostile")));
    let bytes = source.as_bytes();
    let (mut at, mut tags, mut elifs) = (0, 0, 0);
    while at + 1 < bytes.len() {
        match [bytes[at], bytes[at + 1]] {
            [b'{', b'#'] => {
                let Some(len) = source.get(at + 2..).and_then(|rest| rest.find("#}")) else { return Ok(()) };
                at += len + 4;
            }
            [b'{', b'{' | b'%'] => {
                tags += 1;
                if tags > MAX_TAGS {
                    return too_deep(format!("over {MAX_TAGS} tags"));
                }
                let word = source.get(at + 2..).unwrap_or_default().trim_start_matches(['-', '+']).trim_start();
                elifs += usize::from(word.starts_with("elif"));
                if elifs > MAX_ELIFS {
                    return too_deep(format!("over {MAX_ELIFS} elif branches"));
                }
                let close = if bytes[at + 1] == b'{' { b'}' } else { b'%' };
                let (end, parts) = tag(bytes, at + 2, close);
                if parts > MAX_PARTS {
                    return too_deep(format!("a tag of over {MAX_PARTS} words and signs"));
                }
                at = end;
            }
            _ => at += 1,
        }
    }
    Ok(())
}

/// The end of a tag that begins at `at`, and the number of words and signs up to there.
fn tag(bytes: &[u8], mut at: usize, close: u8) -> (usize, usize) {
    let mut parts = 0;
    // Braces of dict literals within a tag: `}}` may close two of them.
    let mut open = 0_usize;
    while let Some(&byte) = bytes.get(at) {
        let ends = byte == close && bytes.get(at + 1) == Some(&b'}') && open == 0;
        if ends {
            return (at + 2, parts);
        }
        match byte {
            b'\'' | b'"' => {
                parts += 1;
                at += 1;
                while bytes.get(at).is_some_and(|b| *b != byte) {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                at += 1;
                continue;
            }
            b'{' => open += 1,
            b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b >= 0x80;
        if word(byte) {
            parts += 1;
            while bytes.get(at).is_some_and(|b| word(*b)) {
                at += 1;
            }
        } else {
            parts += usize::from(!byte.is_ascii_whitespace());
            at += 1;
        }
    }
    (at, parts)
}
