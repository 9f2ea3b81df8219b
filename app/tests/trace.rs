//! How a computation's events fold into what the page shows.

use wattage_app::{
    trace::{Segment, Trace, parts, pieces, segments},
    words,
};
use wattage_engine::scorer::Parts;
use wattage_engine::wasm_layers::Exactness;
use wattage_engine::{BoundNumber, CandidateRow, Event, Gate, Similar, Status, Voice};

fn gate(logit: f64) -> Event {
    Event::Gate(Gate { open: logit > 0.0, logit, layers: vec![(3, logit), (7, logit), (11, logit)] })
}

fn number(text: &str, value: f64, start: usize) -> BoundNumber {
    BoundNumber { text: text.to_owned(), value, start, end: start + text.chars().count(), previous: false }
}

fn written(id: usize, layer: usize, rank: usize, op: &str) -> CandidateRow {
    CandidateRow {
        id,
        voice: Voice::Layer(layer),
        rank,
        wat: "(module\n  (func $compute (export \"compute\") (param f64 f64) (result f64)\n    local.get 1\n    local.get 0\n    f64.mul))".to_owned(),
        op: op.to_owned(),
        args: vec![12.0, 11.0],
        status: Status::Written,
        result: None,
        shown: None,
        exactness: None,
        error: None,
        score: 0.0,
        parts: None,
        logprob: -0.5,
        module_bytes: 0,
        fuel: 0,
        compile_us: 0,
        run_us: 0,
    }
}

fn executed(row: &CandidateRow, value: f64) -> CandidateRow {
    CandidateRow {
        status: Status::Executed,
        result: Some(value),
        shown: Some(value.to_string()),
        exactness: Some(Exactness::Exact),
        module_bytes: 87,
        fuel: 7,
        compile_us: 210,
        run_us: 12,
        ..row.clone()
    }
}

fn scored(row: &CandidateRow, parts: Parts) -> CandidateRow {
    CandidateRow { score: parts.sum(), parts: Some(parts), ..row.clone() }
}

fn fold(events: &[Event]) -> Trace {
    let mut trace = Trace::default();
    for event in events {
        trace.fold(event, 0);
    }
    trace
}

/// The design's example: three layers, of which the second is right by a candidate that is not its best.
fn example() -> Vec<Event> {
    let candidates =
        [(0, 3, 0), (1, 7, 0), (2, 7, 1), (3, 11, 0)].map(|(id, layer, rank)| written(id, layer, rank, "multiply"));
    let [first, best, right, unlikely] = candidates.clone();
    let parts = Parts { logprob: 1.5, verifier: 2.5, agreement: -0.75, retrieval: 0.25, base: None };
    let low = Parts { logprob: -0.5, verifier: -1.0, agreement: 0.25, retrieval: 0.0, base: None };
    let skipped = CandidateRow { status: Status::Skipped, score: -1.7, ..unlikely };
    let failed = CandidateRow { status: Status::Failed, error: Some("the result is infinite".into()), ..best };
    let chosen = CandidateRow { status: Status::Chosen, ..scored(&executed(&right, 132.0), parts) };
    let mut events = vec![gate(3.2), Event::Numbers(vec![number("12", 12.0, 8), number("11", 11.0, 13)])];
    events.extend(candidates.map(Event::Candidate));
    events.extend([
        Event::Score(skipped),
        Event::Compile(first.clone()),
        Event::Run(executed(&first, 144.0)),
        Event::Run(failed),
        Event::Run(executed(&right, 132.0)),
        Event::Score(scored(&executed(&first, 144.0), low)),
        Event::Score(scored(&executed(&right, 132.0), parts)),
        Event::Score(chosen),
        Event::Choice { chosen: Some(2), value: Some(132.0), error: None, micros: 41_000 },
    ]);
    events
}

#[test]
fn rows_are_kept_by_number_and_the_last_word_counts() {
    let events = example();
    let early = fold(&events[..4]);
    assert_eq!((early.rows.len(), early.voices()), (2, [3, 7, 11].map(Voice::Layer).to_vec()));
    assert!(early.row_of(Voice::Layer(11)).is_none() && early.chosen().is_none());

    let trace = fold(&events);
    let fates: Vec<&str> = trace.rows.iter().map(|row| words::fate(row.status)).collect();
    assert_eq!(fates, ["executed", "failed", "chosen", "skipped"]);
    let row = trace.row_of(Voice::Layer(7)).unwrap();
    assert_eq!((row.id, row.rank, row.shown.as_deref()), (2, 1, Some("132")));
    assert_eq!(trace.chosen(), Some(row));
    assert_eq!(words::function(trace.spliced_row()), "Function (multiply), layer 7");
    assert_eq!(words::arguments(row), "1 = 11, 0 = 12");
    assert_eq!(words::remark(trace.row_of(Voice::Layer(11)).unwrap()).as_deref(), Some("unlikely to be right"));
    assert_eq!(words::remark(&trace.rows[1]).as_deref(), Some("the result is infinite"));
    let facts = words::facts(&trace).unwrap();
    assert_eq!(facts, "4 candidates, 3 run, in 41 ms · compiled in 210 µs to 87 bytes · ran for 12 µs on 7 fuel");
}

#[test]
fn without_a_number_the_likeliest_failure_stands_for_the_function() {
    let mut events = vec![gate(1.0)];
    for (id, score) in [(0, -1.0), (1, -0.5), (2, -2.0)] {
        let row = CandidateRow { status: Status::Failed, score, ..written(id, 3, id, "divide") };
        events.push(Event::Run(row));
    }
    let error = Some("the result is infinite".to_owned());
    events.push(Event::Choice { chosen: None, value: None, error, micros: 5 });
    let trace = fold(&events);
    assert_eq!((trace.chosen(), trace.spliced_row().map(|row| row.id)), (None, Some(1)));
}

#[test]
fn what_the_gate_says() {
    assert_eq!(words::gate(&Trace::default()), None);
    assert_eq!(words::gate(&fold(&[gate(-4.2)])).as_deref(), Some("No computation asked for (gate -4.2)"));
    assert_eq!(words::gate(&fold(&[gate(3.2)])).as_deref(), Some("Computation asked for (gate 3.2)"));
    let own = fold(&[gate(-4.2), Event::Candidate(written(0, 3, 0, "add"))]);
    assert_eq!(
        words::gate(&own).as_deref(),
        Some("The gate was closed (-4.2); the model itself asked for a computation")
    );
    let unread = fold(&[Event::NotRead("it is too long".into())]);
    assert_eq!(words::gate(&unread).as_deref(), Some("The WASM layers did not read this message. It is too long."));
}

#[test]
fn only_a_splice_is_text_that_was_computed() {
    let mut trace = Trace::default();
    let splice = |text: &str| Event::Splice { text: text.to_owned(), tokens: 3, context_used: 9 };
    let token = Event::Token { id: 1, text: "<computed>7</computed>".into(), context_used: 1, tokens_per_second: 1.0 };
    trace.fold(&token, 0);
    assert!(trace.splices.is_empty());
    trace.fold(&splice("é132"), 22);
    assert_eq!(trace.splices.first(), Some(&(22..27)));
    // A text that differs from what was streamed keeps only what is before the difference.
    let mut same = trace.clone();
    same.replaced(27);
    assert_eq!(same.splices.first(), Some(&(22..27)));
    trace.replaced(26);
    assert!(trace.splices.is_empty());
}

#[test]
fn a_bar_goes_both_ways_from_zero() {
    let parts_of = Parts { logprob: -0.5, verifier: 2.0, agreement: -1.0, retrieval: 0.25, base: None };
    let row = scored(&executed(&written(0, 3, 0, "add"), 1.0), parts_of);
    let segment = |part, from, to| Segment { part, from, to };
    assert_eq!(
        segments(&row),
        [
            segment("logprob", -0.5, 0.0),
            segment("verifier", 0.0, 2.0),
            segment("agreement", -1.5, -0.5),
            segment("retrieval", 2.0, 2.25)
        ]
    );
    assert_eq!(words::score(&row), "score 0.75: logprob -0.50, verifier 2.00, agreement -1.00, retrieval 0.25");
    // Where the base judges too, that is a part.
    let judged = scored(&row, Parts { base: Some(1.0), ..parts_of });
    assert_eq!(segments(&judged).last(), Some(&segment("base", 2.25, 3.25)));
    assert!(words::score(&judged).ends_with("retrieval 0.25, base 1.00"), "{}", words::score(&judged));
    let skipped = CandidateRow { status: Status::Skipped, score: -6.0, ..written(1, 7, 0, "add") };
    assert_eq!(segments(&skipped), [segment("prior", -6.0, 0.0)]);
    assert_eq!((parts(&skipped), segments(&written(2, 7, 0, "add"))), (vec![], vec![]));
    assert_eq!(fold(&[Event::Run(row), Event::Run(skipped)]).span(), 6.0);
    assert_eq!(Trace::default().span(), 4.0);
}

#[test]
fn numbers_are_found_in_the_message_by_characters() {
    let whole = |text: &str| (text.to_owned(), None);
    let bound = |text: &str, place| (text.to_owned(), Some(place));
    let mut before = number("132", 132.0, 0);
    (before.end, before.previous) = (0, true);
    let numbers = [number("12", 12.0, 3), number("½", 0.5, 8), before.clone()];
    assert_eq!(pieces("é: 12 × ½!", &numbers), [whole("é: "), bound("12", 0), whole(" × "), bound("½", 1), whole("!")]);
    // What does not fit is left alone.
    assert_eq!(pieces("12", &[number("12", 12.0, 1), before]), [whole("12")]);
    assert_eq!(pieces("123", &[number("12", 12.0, 0), number("23", 23.0, 1)]), [bound("12", 0), whole("3")]);
    assert!(pieces("", &[]).is_empty());
}

#[test]
fn examples_say_which_candidates_they_are() {
    let similar = |candidates: &[usize]| Similar {
        text: "What is 3 times 4?".into(),
        wat: String::new(),
        op: "multiply".into(),
        similarity: 0.935,
        candidates: candidates.to_vec(),
    };
    let trace = fold(&[&example()[..], &[Event::Similar(vec![similar(&[2])])]].concat());
    assert_eq!(trace.similar, [similar(&[2])]);
    let said = |candidates: &[usize]| words::similar(&similar(candidates), &trace.rows);
    assert_eq!(said(&[2, 1]), "Similarity 0.94, multiply. A candidate of layer 7 is this function.");
    assert!(said(&[3, 0]).ends_with("Candidates of layers 3, 11 are this function."));
    assert!(said(&[]).ends_with("No candidate is this function."));
    let mut rows = trace.rows.clone();
    rows[0].voice = Voice::Text;
    let both = words::similar(&similar(&[3, 0]), &rows);
    assert!(both.ends_with("Candidates of layer 11 and the text are this function."), "{both}");
}

#[test]
fn words_for_exactness() {
    let lost = Exactness::Lost { exact: "1".into() };
    assert_eq!(words::exactness(&lost), "lost to rounding; exactly 1");
    assert_eq!(words::exactness(&Exactness::Exact), "exact");
}

#[test]
fn a_trace_survives_being_kept() {
    let trace = fold(&example());
    let kept = serde_json::to_value(&trace).unwrap();
    assert_eq!(serde_json::from_value::<Trace>(kept).unwrap(), trace);
}

#[test]
fn a_trace_is_a_line_a_layer() {
    let [mut first, mut second, mut third] = [3, 7, 11].map(|layer| written(layer, layer, 0, "multiply"));
    first = CandidateRow { score: -0.62, ..executed(&first, 144.0) };
    second = CandidateRow { score: 3.44, status: Status::Chosen, ..executed(&second, 132.0) };
    third = CandidateRow { score: -1.7, status: Status::Skipped, ..third };
    let trace = fold(&[gate(2.0), Event::Candidate(first), Event::Candidate(second), Event::Candidate(third)]);
    let wanted = "Gate: a computation is asked for [2.00]\n\
                  Layer  3:  144 (multiply) [score: -0.62]\n\
                  Layer  7:  132 (multiply) [score:  3.44]  <- chosen\n\
                  Layer 11:  SKIPPED        [score: -1.70]";
    assert_eq!(trace.text(), wanted);
}
