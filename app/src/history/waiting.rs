//! Changes that wait to be written.

use std::collections::VecDeque;

use super::database::Change;

/// Adds a change to those that wait: one of a conversation takes in the one that waits already, and a deletion comes first and
/// leaves nothing else of it.
pub fn queue(waiting: &mut VecDeque<Change>, change: Change) {
    match change {
        Change::Delete(id) => {
            waiting.retain(|other| other.id() != id);
            waiting.push_front(Change::Delete(id));
        }
        Change::Keep { head, lines, count } => {
            let same = waiting.iter_mut().find_map(|other| match other {
                Change::Keep { head: known, lines, count } if known.id == head.id => Some((known, lines, count)),
                _ => None,
            });
            let Some((known, known_lines, known_count)) = same else {
                return waiting.push_back(Change::Keep { head, lines, count });
            };
            *known = head;
            known_lines.retain(|line| line.index < count && !lines.iter().any(|new| new.index == line.index));
            known_lines.extend(lines);
            *known_count = count.min(if count == u32::MAX { *known_count } else { count });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Head, Line};
    use super::*;

    #[test]
    fn what_waits_is_one_change_a_conversation() {
        let head = |id: &str, title: &str| Head {
            id: id.into(),
            title: title.into(),
            created: 0.0,
            updated: 0.0,
            from: None,
            imported: false,
        };
        let line = |index, text: &str| Line {
            conversation: "a".into(),
            index,
            answer: false,
            text: text.into(),
            complete: true,
            failure: None,
            trace: None,
            other: None,
        };
        let keep = |title: &str, lines: Vec<Line>, count| Change::Keep { head: head("a", title), lines, count };
        let mut waiting = VecDeque::new();
        queue(&mut waiting, keep("one", vec![line(0, "x"), line(1, "y"), line(2, "z")], 3));
        queue(&mut waiting, keep("two", vec![line(1, "new")], 2));
        queue(&mut waiting, keep("three", vec![], u32::MAX));
        assert_eq!(waiting, [keep("three", vec![line(0, "x"), line(1, "new")], 2)]);
        queue(&mut waiting, Change::Keep { head: head("b", "other"), lines: vec![], count: 0 });
        queue(&mut waiting, Change::Delete("a".into()));
        assert_eq!(waiting.len(), 2);
        assert_eq!(waiting[0], Change::Delete("a".into()));
    }
}
