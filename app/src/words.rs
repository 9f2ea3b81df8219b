//! What is said of a computation, in plain words.

use wattage_engine::wasm_layers::{Exactness, display};
use wattage_engine::{CandidateRow, Similar, Status, Voice};

use crate::{
    format,
    trace::{Trace, parts},
    wat,
};

/// What became of a candidate, in a word.
pub const fn fate(status: Status) -> &'static str {
    match status {
        Status::Written => "written",
        Status::Skipped => "skipped",
        Status::Executed => "executed",
        Status::Failed => "failed",
        Status::Chosen => "chosen",
    }
}

/// What there is to say beyond that word.
pub fn remark(row: &CandidateRow) -> Option<String> {
    match row.status {
        Status::Written => None,
        Status::Skipped => Some("unlikely to be right".to_owned()),
        Status::Failed => row.error.clone(),
        Status::Executed | Status::Chosen => match row.exactness.as_ref() {
            Some(Exactness::Exact) | None => None,
            Some(other) => Some(exactness(other)),
        },
    }
}

/// How a computed number stands to the exact result.
pub fn exactness(exactness: &Exactness) -> String {
    match exactness {
        Exactness::Exact => "exact".to_owned(),
        Exactness::Rounded => "rounded".to_owned(),
        Exactness::Lost { exact } => format!("lost to rounding; exactly {exact}"),
        Exactness::Undefined => "has no exact result".to_owned(),
    }
}

/// The parameters that a candidate's function takes, with their values.
pub fn arguments(row: &CandidateRow) -> String {
    let used = wat::parameters(&row.wat).into_iter();
    let named = used.filter_map(|place| Some(format!("{place} = {}", display(*row.args.get(place)?))));
    named.collect::<Vec<_>>().join(", ")
}

/// The parts of a score, or what it is where it has none.
pub fn parts_of(row: &CandidateRow) -> Option<String> {
    let parts: Vec<String> = parts(row).into_iter().map(|(part, size)| format!("{part} {size:.2}")).collect();
    match (parts.is_empty(), row.status) {
        (false, _) => Some(parts.join(", ")),
        (true, Status::Written) => None,
        (true, _) => Some("by what was known before it is run".to_owned()),
    }
}

/// How an example compares with the question and its candidates.
pub fn similar(example: &Similar, rows: &[CandidateRow]) -> String {
    let mut voices: Vec<Voice> =
        rows.iter().filter(|row| example.candidates.contains(&row.id)).map(|row| row.voice).collect();
    voices.sort_unstable();
    voices.dedup();
    let layers: Vec<String> = voices.iter().filter(|one| **one != Voice::Text).map(|layer| layer.to_string()).collect();
    let all = match layers.as_slice() {
        [] => Vec::new(),
        [layer] => vec![format!("layer {layer}")],
        layers => vec![format!("layers {}", layers.join(", "))],
    };
    let text = voices.iter().filter(|one| **one == Voice::Text).map(|text| voice(*text));
    let all: Vec<String> = all.into_iter().chain(text).collect();
    let same = match voices.len() {
        0 => "No candidate is this function.".to_owned(),
        1 => format!("A candidate of {} is this function.", all.join(" and ")),
        _ => format!("Candidates of {} are this function.", all.join(" and ")),
    };
    format!("Similarity {:.2}, {}. {same}", example.similarity, example.op)
}

/// A score and what it is made of, in full.
pub fn score(row: &CandidateRow) -> String {
    parts_of(row).map(|parts| format!("score {:.2}: {parts}", row.score)).unwrap_or_default()
}

/// What the layers made of the question; none where they had no say.
pub fn gate(trace: &Trace) -> Option<String> {
    if let Some(why) = &trace.unread {
        return Some(format!("The WASM layers did not read this message. {}", format::sentence(why)));
    }
    let gate = trace.gate.as_ref()?;
    let logit = gate.logit;
    Some(match (gate.open, trace.computes()) {
        (true, _) => format!("Computation asked for (gate {logit:.1})"),
        (false, true) => format!("The gate was closed ({logit:.1}); the model itself asked for a computation"),
        (false, false) => format!("No computation asked for (gate {logit:.1})"),
    })
}

/// What the computation took.
pub fn facts(trace: &Trace) -> Option<String> {
    let choice = trace.choice.as_ref()?;
    let ran = trace.rows.iter().filter(|row| !matches!(row.status, Status::Written | Status::Skipped)).count();
    let mut facts = vec![format!("{} candidates, {ran} run, in {}", trace.rows.len(), format::micros(choice.micros))];
    if let Some(row) = trace.spliced_row() {
        facts.push(format!(
            "compiled in {} to {}",
            format::micros(row.compile_us),
            format::bytes(row.module_bytes as u64)
        ));
        facts.push(format!("ran for {} on {} fuel", format::micros(row.run_us), format::count(row.fuel)));
    }
    Some(facts.join(" · "))
}

/// Who wrote a candidate.
fn voice(voice: Voice) -> String {
    match voice {
        Voice::Layer(layer) => format!("layer {layer}"),
        Voice::Text => "the text".to_owned(),
    }
}

/// A function in a few words: `Function (multiply), layer 7`.
pub fn function(row: Option<&CandidateRow>) -> String {
    row.map_or_else(|| "Function".to_owned(), |row| format!("Function ({}), {}", row.op, voice(row.voice)))
}
