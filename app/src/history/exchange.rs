//! Conversations as files: JSON, which can be read again, and Markdown, which people read.

use serde::{Deserialize, Serialize};
use wattage_engine::Voice;

use super::Conversation;
use crate::language::told;
use crate::markup::{answer_only, without_splices};
use crate::trace::Trace;

/// What a file of conversations calls itself.
const FORMAT: &str = "wattage-conversations";
const VERSION: u32 = 1;
/// The most messages that a file may have: more would hold up the page.
const MOST: usize = 100_000;

#[derive(Serialize, Deserialize)]
struct File {
    format: String,
    version: u32,
    conversations: Vec<Conversation>,
}

/// A file with these conversations.
pub fn to_json(conversations: Vec<Conversation>) -> String {
    let file = File { format: FORMAT.into(), version: VERSION, conversations };
    serde_json::to_string_pretty(&file).unwrap_or_default()
}

/// The conversations of a file, marked as having come from one.
///
/// # Errors
/// It is no such file, or too large a one.
pub fn from_json(text: &str) -> Result<Vec<Conversation>, String> {
    let file: File =
        serde_json::from_str(text).map_err(|why| told!("this is not a file of conversations ({})", why))?;
    if file.format != FORMAT || file.version != VERSION {
        return Err(told!("this is not a file of conversations of version {}, as this page writes them", VERSION));
    }
    if file.conversations.iter().map(|one| one.messages.len()).sum::<usize>() > MOST {
        return Err(told!("it has more than {} messages", MOST));
    }
    let mut conversations = file.conversations;
    for conversation in &mut conversations {
        conversation.head.imported = true;
    }
    Ok(conversations)
}

/// A conversation to be read: what was asked and answered, and what was computed for it.
pub fn to_markdown(conversation: &Conversation) -> String {
    let mut text = format!("# {}\n", conversation.head.title);
    for line in &conversation.messages {
        if !line.answer {
            // Each line quoted, so that nothing of it is taken for a heading or a list.
            text.push_str(&format!("\n> {}\n", line.text.replace('\n', "\n> ")));
            continue;
        }
        let trace: Trace = line.trace.as_ref().and_then(|trace| serde_json::from_str(trace).ok()).unwrap_or_default();
        let trace = trace.within(&line.text);
        if let Some(row) = trace.chosen() {
            let of = match row.voice {
                Voice::Layer(layer) => format!("layer {layer}"),
                Voice::Text => "the model's own text".to_owned(),
            };
            text.push_str(&format!("\nComputed by {of}: `{}`\n", trace.told_value().unwrap_or_default()));
            text.push_str(&format!("\n```wat\n{}\n```\n", row.wat.replace("```", "` ` `")));
        }
        let own = without_splices(&line.text, &trace.splices);
        text.push_str(&format!("\n{}\n", answer_only(&own).trim()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::{Head, Line};
    use super::*;

    fn conversation() -> Conversation {
        let line = |answer, text: &str| Line {
            conversation: "a".into(),
            index: 0,
            answer,
            text: text.into(),
            complete: true,
            failure: None,
            trace: None,
            other: None,
        };
        let head =
            Head { id: "a".into(), title: "Sums".into(), created: 1.0, updated: 2.0, from: None, imported: false };
        Conversation {
            head,
            messages: vec![line(false, "12 × 11?\n# not a heading"), line(true, "<think>hm</think>\nIt is 132.")],
        }
    }

    #[test]
    fn what_is_exported_is_imported_again_and_says_so() {
        let before = conversation();
        let after = from_json(&to_json(vec![before.clone()])).unwrap();
        assert_eq!(after[0].messages, before.messages);
        assert!(after[0].head.imported && after[0].head.title == "Sums");
        for bad in [
            "",
            "[]",
            "{\"format\":\"other\",\"version\":1,\"conversations\":[]}",
            "{\"format\":\"wattage-conversations\",\"version\":2,\"conversations\":[]}",
        ] {
            assert!(from_json(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn markdown_has_questions_and_answers() {
        assert_eq!(to_markdown(&conversation()), "# Sums\n\n> 12 × 11?\n> # not a heading\n\nIt is 132.\n");
    }
}
