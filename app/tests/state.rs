//! How the page's state takes what the worker says, without a browser.

use leptos::prelude::*;
use wattage_app::{
    preferences::{Settings, Theme},
    protocol::{Failure, FailureKind, FromWorker, Reply},
    state::{Engine, KernelCheck, Loading, Phase, Rate, Store, Turn},
};
use wattage_engine::{Completion, Event, Gate, Progress, Role, Stage, StopReason};

const ANSWER: u32 = 7;

fn with_store(test: impl FnOnce(Store)) {
    Owner::new().with(|| test(Store::new(Settings::default(), Theme::Auto)));
}

/// A question and the beginning of its answer, which is under way.
fn ask(store: Store) -> Turn {
    let turn = |id, role, text: &str, phase| Turn::new(id, role, text.to_owned(), phase);
    let answer = turn(2, Role::Assistant, "", Phase::Waiting);
    store.turns.set(vec![turn(1, Role::User, "12 * 11?", Phase::Done(None)), answer.clone()]);
    store.written.set_value(Some(answer.clone()));
    store.answering.set(Some(ANSWER));
    answer
}

fn reply(store: Store, job: u32, reply: Reply) {
    store.receive(FromWorker::Reply { job, reply: Box::new(reply) }, 0.0);
}

fn token(text: &str) -> Reply {
    Reply::Event(Event::Token { id: 1, text: text.to_owned(), context_used: 40, tokens_per_second: 9.5 })
}

fn failure(kind: FailureKind) -> Failure {
    Failure { kind, message: "it broke".to_owned() }
}

fn completion(text: &str) -> Completion {
    Completion {
        text: text.to_owned(),
        tokens: vec![1, 2],
        prompt_tokens: 38,
        reused_tokens: 0,
        prefill_tps: 90.0,
        decode_tps: 9.0,
        stop: StopReason::EndOfTurn,
        context_used: 41,
        gate: None,
        computation: None,
    }
}

#[test]
fn an_answer_grows_and_ends() {
    with_store(|store| {
        let answer = ask(store);
        reply(store, ANSWER, Reply::Event(Event::Prefill { done: 16, total: 38, reused: 0 }));
        assert_eq!(answer.phase.get_untracked(), Phase::Reading(16, 38));
        reply(store, ANSWER, token("1"));
        reply(store, ANSWER, token("32"));
        assert_eq!(answer.phase.get_untracked(), Phase::Writing);
        assert_eq!((answer.text.get_untracked().as_str(), store.context_used.get_untracked()), ("132", 40));
        reply(store, ANSWER, Reply::Answered(completion("132")));
        assert_eq!(answer.phase.get_untracked(), Phase::Done(Some(Box::new(completion("132")))));
        assert_eq!((store.answering.get_untracked(), store.context_used.get_untracked()), (None, 41));
    });
}

#[test]
fn what_was_computed_is_the_splice_and_nothing_else() {
    with_store(|store| {
        let answer = ask(store);
        let gate = Gate { open: true, logit: 3.2, layers: vec![(3, 3.2)] };
        let splice = "<wat_model>\n(module)\n</wat_model>\n<computed>132</computed>\n";
        let spliced = Event::Splice { text: splice.to_owned(), tokens: 9, context_used: 60 };
        for event in [Event::Gate(gate), Event::Numbers(Vec::new())] {
            reply(store, ANSWER, Reply::Event(event));
        }
        assert_eq!(answer.phase.get_untracked(), Phase::Computing);
        reply(store, ANSWER, token("<computed>7</computed>"));
        reply(store, ANSWER, Reply::Event(spliced));
        assert_eq!((answer.phase.get_untracked(), store.context_used.get_untracked()), (Phase::Writing, 60));
        reply(store, ANSWER, token("132."));
        let text = format!("<computed>7</computed>{splice}132.");
        reply(store, ANSWER, Reply::Answered(completion(&text)));
        assert_eq!(answer.text.get_untracked(), text);
        let computed: Vec<String> = answer
            .trace
            .with_untracked(|trace| trace.splices.iter().map(|bytes| text[bytes.clone()].to_owned()).collect());
        assert_eq!(computed, [splice]);
    });
}

#[test]
fn a_failure_keeps_the_text_so_far() {
    with_store(|store| {
        let answer = ask(store);
        reply(store, ANSWER, token("13"));
        reply(store, ANSWER, Reply::Failed(failure(FailureKind::Device)));
        assert_eq!(answer.text.get_untracked(), "13");
        assert_eq!(answer.phase.get_untracked(), Phase::Failed(failure(FailureKind::Device)));
        assert_eq!(store.answering.get_untracked(), None);
    });
}

#[test]
fn a_crash_ends_everything_but_the_conversation_and_its_first_report_stays() {
    with_store(|store| {
        let answer = ask(store);
        store.check.set(KernelCheck { job: Some(9), ..KernelCheck::default() });
        reply(store, ANSWER, token("13"));
        store.receive(FromWorker::Crashed("index out of bounds".into()), 0.0);
        store.receive(FromWorker::Crashed("unreachable executed".into()), 0.0);
        assert_eq!(store.engine.get_untracked(), Engine::Crashed("index out of bounds".into()));
        assert_eq!((store.turns.read_untracked().len(), answer.text.get_untracked().as_str()), (2, "13"));
        assert!(matches!(answer.phase.get_untracked(), Phase::Failed(Failure { kind: FailureKind::Crashed, .. })));
        assert_eq!(store.answering.get_untracked(), None);
        let check = store.check.get_untracked();
        assert!(check.job.is_none() && check.failure.is_some() && !check.complete);
    });
}

#[test]
fn words_about_what_was_given_up_are_ignored() {
    with_store(|store| {
        let answer = ask(store);
        reply(store, ANSWER + 1, token("old"));
        reply(store, ANSWER + 1, Reply::Answered(completion("old")));
        reply(store, ANSWER + 1, Reply::Failed(failure(FailureKind::Files)));
        assert_eq!(answer.phase.get_untracked(), Phase::Waiting);
        assert_eq!((answer.text.get_untracked(), store.notice.get_untracked()), (String::new(), None));
        assert_eq!(store.answering.get_untracked(), Some(ANSWER));
    });
}

#[test]
fn a_load_that_fails_is_noticed_and_one_that_is_cancelled_is_not() {
    let loading = Loading {
        job: 3,
        label: "m.gguf".into(),
        progress: Progress { stage: Stage::Header, done: 0, total: 0 },
        rate: Rate::default(),
        cancelling: false,
    };
    for (kind, noticed) in [(FailureKind::Files, true), (FailureKind::Cancelled, false)] {
        with_store(|store| {
            ask(store);
            store.loading.set(Some(loading.clone()));
            reply(store, 3, Reply::Progress(Progress { stage: Stage::Weights, done: 5, total: 9 }));
            assert_eq!(store.loading.get_untracked().map(|loading| loading.progress.done), Some(5));
            reply(store, 3, Reply::Failed(failure(kind)));
            assert_eq!(store.notice.get_untracked().is_some(), noticed);
            assert_eq!((store.loading.get_untracked(), store.turns.read_untracked().len()), (None, 2));
        });
    }
}

#[test]
fn a_rate_is_that_of_the_last_seconds() {
    let mut rate = Rate::default();
    rate.note(0.0, 0);
    assert_eq!(rate.per_second(), None);
    for tick in 1..=100_u32 {
        // Slow for nine seconds, then ten times as fast.
        let done = if tick <= 90 { tick * 10 } else { 900 + (tick - 90) * 100 };
        rate.note(f64::from(tick) * 100.0, u64::from(done));
    }
    let speed = rate.per_second().unwrap();
    assert!((300.0..400.0).contains(&speed), "{speed}");
}
