//! Questions and follow-ups, and what is told while they are answered.

use harness::tiny::{ask, chat, load, load_with, options, user};
use wattage_engine::wasm_layers::Exactness;
use wattage_engine::{Cancel, ChatOptions, DevicePreference, Event, Message, Role, Status, StopReason, Voice, row_of};

#[test]
fn the_number_is_computed_and_said() {
    let mut session = load();
    for (question, value, said) in [
        ("What is 12 × 7?", 84.0, "84"),
        ("What is 12 * 11?", 132.0, "132"),
        ("605 × 1213", 733_865.0, "733865"),
        ("Calculate 12 * 11", 132.0, "132"),
    ] {
        let (answer, _) = ask(&mut session, question);
        let computation = answer.computation.unwrap_or_else(|| panic!("{question}: {}", answer.text));
        assert_eq!(computation.value, Some(value), "{question}");
        let winner = computation.winner().unwrap();
        assert_eq!((winner.status, winner.result), (Status::Chosen, Some(value)));
        assert_eq!(winner.exactness, Some(Exactness::Exact));
        assert!(winner.wat.contains("f64.mul") && winner.fuel > 0 && winner.module_bytes > 8);
        // The chosen one has the best score, and its parts are the score.
        for row in &computation.candidates {
            if row.result.is_some() {
                assert!(row.score <= winner.score, "{question}");
                assert!((row.parts.unwrap().sum() - row.score).abs() < 1e-5);
            }
        }
        assert_eq!(answer.stop, StopReason::EndOfTurn);
        let (thoughts, behind) = answer.text.split_once("<wat_model>").unwrap();
        assert!(thoughts.starts_with("<think>") && thoughts.contains("</think>"), "{}", answer.text);
        let (function, sentence) = behind.split_once(&format!("<computed>{said}</computed>")).unwrap();
        assert!(function.contains("(module") && function.contains("</wat_model>"), "{}", answer.text);
        assert!(sentence.contains(said), "{question}: the answer does not say {said}: {sentence}");
    }
}

#[test]
fn events_come_in_the_order_of_the_work() {
    let mut session = load();
    let (answer, events) = ask(&mut session, "What is 12 * 11?");
    let name = |event: &Event| match event {
        Event::Prefill { .. } => "prefill",
        Event::Gate(_) => "gate",
        Event::NotRead(_) => "not read",
        Event::Numbers(_) => "numbers",
        Event::Candidate(_) => "candidate",
        Event::Similar(_) => "similar",
        Event::Score(_) => "score",
        Event::Compile(_) => "compile",
        Event::Run(_) => "run",
        Event::Choice { .. } => "choice",
        Event::Splice { .. } => "splice",
        Event::Attention(_) => "attention",
        Event::Token { .. } => "token",
    };
    let mut names: Vec<&str> = events.iter().map(name).collect();
    names.dedup();
    let order = names.join(" ");
    assert!(order.starts_with("prefill gate numbers candidate similar score compile run"), "{order}");
    assert!(order.contains("run score choice token splice token"), "{order}");
    assert_eq!(order.matches("splice").count(), 1);
    // The text is what was told, and nothing else.
    let told: String = events
        .iter()
        .map(|event| match event {
            Event::Token { text, .. } | Event::Splice { text, .. } => text.as_str(),
            _ => "",
        })
        .collect();
    assert_eq!(told, answer.text);
    // A row for each layer, under its own number.
    let computation = answer.computation.unwrap();
    for layer in [3, 7, 11] {
        assert_eq!(row_of(&computation.candidates, Voice::Layer(layer)).unwrap().voice, Voice::Layer(layer));
    }
    assert_eq!(computation.candidates.iter().filter(|row| row.status == Status::Chosen).count(), 1);
    assert_eq!(computation.numbers.iter().map(|number| number.value).collect::<Vec<_>>(), [12.0, 11.0]);
    // The examples that are shown are the nearest, with the function of the chosen candidate among them.
    let similar = &computation.similar;
    assert_eq!(similar.len(), 3);
    assert!(similar.is_sorted_by(|a, b| a.similarity >= b.similarity) && similar[0].similarity > 0.5, "{similar:?}");
    assert!(similar.iter().all(|example| !example.text.is_empty() && example.wat.starts_with("(module")));
    let chosen = computation.chosen.unwrap();
    assert!(similar.iter().any(|example| example.candidates.contains(&chosen)), "{similar:?}");
    let spans: Vec<(usize, usize)> = computation.numbers.iter().map(|number| (number.start, number.end)).collect();
    assert_eq!(spans, [(8, 10), (13, 15)]);
}

#[test]
fn a_follow_up_computes_with_what_was_computed() {
    let mut session = load();
    let (first, _) = ask(&mut session, "What is 12 * 11?");
    let said = Message { role: Role::Assistant, content: first.text };
    let (second, _) = chat(&mut session, &[user("What is 12 * 11?"), said, user("Now add 10 to that.")]).unwrap();
    let computation = second.computation.unwrap();
    assert_eq!(computation.value, Some(142.0));
    let previous: Vec<f64> =
        computation.numbers.iter().filter(|number| number.previous).map(|number| number.value).collect();
    assert_eq!(previous, [132.0]);
}

#[test]
fn messages_that_ask_for_nothing_are_left_alone() {
    let mut session = load();
    for text in ["Hello", "Thanks!", "My flight is BA 117 at gate 42"] {
        let (answer, events) = ask(&mut session, text);
        assert!(!answer.gate.unwrap().open, "{text}");
        assert!(answer.computation.is_none() && !answer.text.contains("<computed>"), "{text}: {}", answer.text);
        assert!(!events.iter().any(|event| matches!(event, Event::Candidate(_) | Event::Splice { .. })));
        assert!(!answer.text.is_empty());
    }
}

/// GPU and CPU executors write the same candidates.
#[test]
fn the_gpu_computes_the_same() {
    let (mut cpu, mut gpu) = (load(), load_with(DevicePreference::Gpu, &[]).unwrap());
    for question in ["What is 12 * 11?", "What is 15% of 80?"] {
        let of = |session| {
            let computation = ask(session, question).0.computation.unwrap();
            let rows = computation.candidates.iter().filter(|row| row.rank == 0);
            (computation.value, rows.map(|row| row.wat.clone()).collect::<Vec<_>>())
        };
        assert_eq!(of(&mut cpu), of(&mut gpu), "{question}");
    }
}

/// The compute step is a few round trips, and takes less time than ten decoded tokens.
#[test]
fn computing_is_cheap() {
    let mut session = load();
    let mut ratios: Vec<f64> = (0..5)
        .map(|_| {
            session.reset();
            let (answer, _) = ask(&mut session, "What is 12 * 11?");
            let computation = answer.computation.unwrap();
            computation.micros as f64 / 1e6 * answer.decode_tps / 10.0
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    // The middle of five; on a machine with other work single runs are noise.
    assert!(ratios[2] < 1.0, "the compute step takes {ratios:.2?} of ten tokens' time");
}

/// The attention of each layer's shown candidate: an instruction a row, all of the attention spread over the question's tokens.
#[test]
fn it_is_told_where_the_layers_looked() {
    for device in [DevicePreference::Cpu, DevicePreference::Gpu] {
        let mut session = load_with(device, &[]).unwrap();
        let options = ChatOptions { attention: true, ..options() };
        let mut attention = Vec::new();
        let mut spliced = false;
        let mut on_event = |event| match event {
            Event::Attention(told) => {
                assert!(spliced, "it delays the answer");
                attention.push(told);
            }
            Event::Splice { .. } => spliced = true,
            _ => {}
        };
        let question = [user("What is 605 * 1213?")];
        let answer = pollster::block_on(session.chat(&question, &options, &Cancel::new(), &mut on_event)).unwrap();
        let computation = answer.computation.unwrap();
        let [told] = &attention[..] else { panic!("told {} times", attention.len()) };
        // Markers stand before the numbers.
        assert_eq!(told.tokens.concat(), "What is <|n0|>605 * <|n1|>1213?");
        assert_eq!(told.of.len(), 3);
        for (looked, layer) in told.of.iter().zip([3, 7, 11]) {
            let row = row_of(&computation.candidates, Voice::Layer(layer)).unwrap();
            assert_eq!(looked.candidate, row.id);
            let written = row.wat.split(" (result f64)").nth(1).unwrap();
            for (instruction, shares) in &looked.steps[..looked.steps.len() - 1] {
                assert!(written.contains(instruction), "{instruction} in {written}");
                assert_eq!(shares.len(), told.tokens.len());
                let sum: u16 = shares.iter().sum();
                assert!(sum.abs_diff(1000) < told.tokens.len() as u16, "{shares:?}");
            }
            assert_eq!(looked.steps.last().unwrap().0, "end");
        }
    }
}

/// A threshold that nothing reaches skips all, and the answer says so; one that all reach skips none.
#[test]
fn the_threshold_decides_what_is_skipped() {
    let mut session = load();
    let question = [user("What is 605 * 1213?")];
    let mut with = |threshold| {
        let options = ChatOptions { threshold: Some(threshold), ..options() };
        pollster::block_on(session.chat(&question, &options, &Cancel::new(), &mut |_| {})).map(|answer| {
            let computation = answer.computation.unwrap();
            let skipped = computation.candidates.iter().filter(|row| row.status == Status::Skipped).count();
            (computation.value, skipped, computation.candidates.len())
        })
    };
    let (value, skipped, all) = with(1e6).unwrap();
    assert_eq!((value, skipped), (None, all));
    assert!(all > 0);
    let (value, skipped, _) = with(-1e6).unwrap();
    assert_eq!((value, skipped), (Some(733_865.0), 0));
    assert!(with(f32::NAN).is_err());
}
