//! What is said of a computation, in plain words.

use wattage_engine::wasm_layers::{Exactness, display};
use wattage_engine::{CandidateRow, Similar, Status, Voice};

use crate::{
    format,
    language::{key, t, told},
    trace::{Trace, parts},
    wat,
};

/// What became of a candidate, in a word that files and the style sheet know too.
pub const fn fate(status: Status) -> &'static str {
    match status {
        Status::Written => key("written"),
        Status::Skipped => key("skipped"),
        Status::Executed => key("executed"),
        Status::Failed => key("failed"),
        Status::Chosen => key("chosen"),
    }
}

/// What there is to say beyond that word.
pub fn remark(row: &CandidateRow) -> Option<String> {
    match row.status {
        Status::Written => None,
        Status::Skipped => Some(t("unlikely to be right").to_owned()),
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
        Exactness::Exact => t("exact").to_owned(),
        Exactness::Rounded => t("rounded").to_owned(),
        Exactness::Lost { exact } => told!("lost to rounding; exactly {}", exact),
        Exactness::Undefined => t("has no exact result").to_owned(),
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
    let told = |(part, size)| format!("{} {}", t(part), format::decimal(size, 2));
    let parts: Vec<String> = parts(row).into_iter().map(told).collect();
    match (parts.is_empty(), row.status) {
        (false, _) => Some(parts.join(", ")),
        (true, Status::Written) => None,
        (true, _) => Some(t("by what was known before it is run").to_owned()),
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
        [layer] => vec![told!("layer {}", layer)],
        layers => vec![told!("layers {}", layers.join(", "))],
    };
    let text = voices.contains(&Voice::Text).then(|| t("the text").to_owned());
    let all = all.into_iter().chain(text).collect::<Vec<_>>().join(t(" and "));
    let same = match voices.len() {
        0 => t("No candidate is this function.").to_owned(),
        1 => told!("A candidate of {} is this function.", all),
        _ => told!("Candidates of {} are this function.", all),
    };
    told!("Similarity {}, {}. {}", format::decimal(example.similarity, 2), example.op, same)
}

/// A score and what it is made of, in full.
pub fn score(row: &CandidateRow) -> String {
    parts_of(row).map(|parts| told!("score {}: {}", format::decimal(row.score, 2), parts)).unwrap_or_default()
}

/// What the layers made of the question; none where they had no say.
pub fn gate(trace: &Trace) -> Option<String> {
    if let Some(why) = &trace.unread {
        return Some(told!("The WASM layers did not read this message. {}", format::sentence(why)));
    }
    let gate = trace.gate.as_ref()?;
    let logit = format::decimal(gate.logit, 1);
    Some(match (gate.open, trace.computes()) {
        (true, _) => told!("Computation asked for (gate {})", logit),
        (false, true) => told!("The gate was closed ({}); the model itself asked for a computation", logit),
        (false, false) => told!("No computation asked for (gate {})", logit),
    })
}

/// What the computation took.
pub fn facts(trace: &Trace) -> Option<String> {
    let choice = trace.choice.as_ref()?;
    let ran = trace.rows.iter().filter(|row| !matches!(row.status, Status::Written | Status::Skipped)).count();
    let mut facts = vec![told!("{} candidates, {} run, in {}", trace.rows.len(), ran, format::micros(choice.micros))];
    if let Some(row) = trace.spliced_row() {
        facts.push(told!(
            "compiled in {} to {}",
            format::micros(row.compile_us),
            format::bytes(row.module_bytes as u64)
        ));
        facts.push(told!("ran for {} on {} fuel", format::micros(row.run_us), format::count(row.fuel)));
    }
    Some(facts.join(" · "))
}

/// Who wrote a candidate, in as few letters as can be.
pub fn who(voice: Voice) -> String {
    match voice {
        Voice::Layer(layer) => layer.to_string(),
        Voice::Text => t("text").to_owned(),
    }
}

/// A function in a few words: `Function (multiply), layer 7`.
pub fn function(row: Option<&CandidateRow>) -> String {
    match row.map(|row| (&row.op, row.voice)) {
        None => t("Function").to_owned(),
        Some((op, Voice::Layer(layer))) => told!("Function ({}), layer {}", op, layer),
        Some((op, Voice::Text)) => told!("Function ({}), the text", op),
    }
}
