//! A computation as text: a line a voice.

use crate::computation::{CandidateRow, Gate, Status, Voice, row_of};

/// What each voice had, how it was scored, and which was chosen:
///
/// ```text
/// Gate: a computation is asked for [10.29]
/// Layer  3:  144 (multiply) [score: -0.62]
/// Layer  7:  132 (multiply) [score:  3.44]  <- chosen
/// Layer 11:  SKIPPED        [score: -1.70]
/// ```
pub fn trace(gate: Option<&Gate>, rows: &[CandidateRow], voices: &[Voice], error: Option<&str>) -> String {
    let gate = gate.map(|gate| {
        let word = if gate.open { "a computation is asked for" } else { "no computation is asked for" };
        format!("Gate: {word} [{:.2}]", gate.logit)
    });
    let mut lines: Vec<String> = gate.into_iter().collect();
    let told = |voice: &Voice| {
        let row = row_of(rows, *voice)?;
        let name = match voice {
            Voice::Layer(layer) => format!("Layer {layer:>2}:"),
            Voice::Text => "Text:".to_owned(),
        };
        let what = match (row.status, &row.shown, &row.error) {
            (Status::Skipped, ..) => "SKIPPED".to_owned(),
            (_, Some(shown), _) => format!("{shown} ({})", row.op),
            (_, None, Some(error)) => format!("FAILED: {error} ({})", row.op),
            (_, None, None) => "nothing".to_owned(),
        };
        Some((name, what, row))
    };
    let rows: Vec<_> = voices.iter().filter_map(told).collect();
    let longest = |lengths: &mut dyn Iterator<Item = usize>| lengths.max().unwrap_or(0);
    let names = longest(&mut rows.iter().map(|(name, ..)| name.chars().count()));
    let whats = longest(&mut rows.iter().map(|(_, what, _)| what.chars().count()));
    for (name, what, row) in &rows {
        let mark = if row.status == Status::Chosen { "  <- chosen" } else { "" };
        lines.push(format!("{name:names$}  {what:whats$} [score: {:>5.2}]{mark}", row.score));
    }
    lines.extend(error.map(|error| format!("Nothing was computed: {error}")));
    lines.join("\n")
}
