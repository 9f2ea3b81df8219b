//! The real Qwen2.5-Coder-0.5B-Instruct (Q4_K_M) against transformers on its dequantised weights: `make test-real MODEL=file`.
//! Golden values and the script that made them: golden/real.json, golden/make_real.py.
#![allow(clippy::unwrap_used, reason = "a failure here fails the test that called")]

use std::time::Duration;

use harness::browser::Browser;
use harness::page::{Page, dist};
use harness::server::{Ranges, Server};
use serde::Deserialize;
use wattage_engine::{
    Cancel, ChatOptions, DevicePreference, LoadOptions, Message, Prompt, Role, Sampling, Session, Source, StopReason,
    TextVoice, Voice, splice,
};

/// Loading half a gigabyte and answering with it in a browser on a busy machine.
const PATIENCE: Duration = Duration::from_secs(300);

#[derive(Deserialize)]
struct Real {
    tokenizer: Vec<Text>,
    chat: Vec<Chat>,
    answers: Vec<Answer>,
    forced: Forced,
    taps: serde_json::Value,
}

#[derive(Deserialize)]
struct Text {
    text: String,
    ids: Vec<u32>,
}

#[derive(Deserialize)]
struct Chat {
    messages: Vec<Message>,
    text: String,
    ids: Vec<u32>,
}

#[derive(Deserialize)]
struct Answer {
    messages: Vec<Message>,
    prompt: Vec<u32>,
    top: Vec<(u32, f32)>,
    ids: Vec<u32>,
    margins: Vec<f32>,
    text: String,
}

#[derive(Deserialize)]
struct Forced {
    prompt: Vec<u32>,
    ids: Vec<u32>,
    argmax: Vec<u32>,
}

fn expected() -> Real {
    serde_json::from_str(&std::fs::read_to_string(harness::golden::folder().join("real.json")).unwrap()).unwrap()
}

/// The model that `WATTAGE_MODEL` names, on the CPU executor or, with `WATTAGE_DEVICE=gpu`, on the GPU.
fn session() -> Session {
    let path = std::env::var("WATTAGE_MODEL").unwrap();
    let gpu = std::env::var("WATTAGE_DEVICE").is_ok_and(|device| device == "gpu");
    let device = if gpu { DevicePreference::Gpu } else { DevicePreference::Cpu };
    let options = LoadOptions { device, context: 1024, taps: vec![3, 7, 11], ..LoadOptions::default() };
    let source = Source::file(path.as_ref()).unwrap();
    pollster::block_on(Session::load(vec![source], &options, &Cancel::new(), &mut |_| {})).unwrap()
}

fn best(logits: &[f32]) -> u32 {
    logits.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0 as u32
}

#[test]
fn token_ids_and_template_are_those_of_transformers() {
    let (session, real) = (session(), expected());
    let file = session.file();
    for text in &real.tokenizer {
        assert_eq!(file.tokenizer.encode(&text.text, false).unwrap(), text.ids, "{:?}", text.text);
    }
    for chat in &real.chat {
        assert_eq!(file.template.render(&chat.messages, true, true).unwrap(), chat.text);
        assert_eq!(file.template.encode_chat(&file.tokenizer, &chat.messages, true).unwrap(), chat.ids);
    }
}

#[test]
fn first_logits_taps_and_greedy_answers_are_those_of_transformers() {
    let (mut session, real) = (session(), expected());
    let vocab = session.model().vocab;
    let mut worst = 0f32;
    for answer in &real.answers {
        let (logits, _) = pollster::block_on(session.logits(&answer.prompt)).unwrap();
        let last = &logits[logits.len() - vocab..];
        for (token, logit) in &answer.top {
            worst = worst.max((last[*token as usize] - logit).abs());
        }
        assert_eq!(best(last), answer.top[0].0);
    }
    println!("first-token logits differ by {worst} at most");
    assert!(worst < 0.1, "a first-token logit differs by {worst}");

    for answer in &real.answers {
        // Beyond two tokens that nearly tie, either answer is right.
        let clear = answer.margins.iter().position(|margin| *margin < 0.1).unwrap_or(answer.ids.len());
        let options = ChatOptions { sampling: Sampling::greedy(), max_tokens: 128, ..ChatOptions::default() };
        let prompt = Prompt::Chat(&answer.messages);
        let found = pollster::block_on(session.complete(prompt, &options, &Cancel::new(), &mut |_| {})).unwrap();
        let count = clear.min(found.tokens.len()).min(answer.ids.len());
        assert_eq!(found.tokens[..count], answer.ids[..count]);
        println!("{count} of {} tokens compared", answer.ids.len());
        if clear == answer.ids.len() && found.stop == StopReason::EndOfTurn {
            assert_eq!(found.text, answer.text);
        }
    }

    let ids: Vec<u32> = serde_json::from_value(real.taps["ids"].clone()).unwrap();
    let (_, taps) = pollster::block_on(session.logits(&ids)).unwrap();
    for (layer, values) in taps {
        let expected = &real.taps[format!("tap.{layer}")];
        let last = &values[values.len() - session.model().hidden..];
        let norm = f64::from(last.iter().map(|v| v * v).sum::<f32>()).sqrt();
        let gap = (norm / expected["norm"].as_f64().unwrap() - 1.0).abs();
        assert!(gap < 0.01, "tap {layer} has the norm {norm}");
        for (found, expected) in last.iter().zip(expected["first"].as_array().unwrap()) {
            assert!(
                (f64::from(*found) - expected.as_f64().unwrap()).abs() < 0.02,
                "tap {layer}: {found} for {expected}"
            );
        }
    }
}

#[test]
fn forced_decoding_agrees_on_99_of_100_tokens() {
    let (mut session, real) = (session(), expected());
    let vocab = session.model().vocab;
    let mut tokens = real.forced.prompt.clone();
    tokens.extend(&real.forced.ids);
    let (logits, _) = pollster::block_on(session.logits(&tokens)).unwrap();
    let first = real.forced.prompt.len() - 1;
    let agreed = real
        .forced
        .argmax
        .iter()
        .enumerate()
        .filter(|(i, token)| best(&logits[(first + i) * vocab..(first + i + 1) * vocab]) == **token)
        .count();
    println!("{agreed} of {} tokens agree", real.forced.argmax.len());
    assert!(agreed as f64 >= 0.99 * real.forced.argmax.len() as f64, "only {agreed} agree");
}

/// As a visitor asks it, on the device that the page chooses by itself.
#[test]
fn the_page_computes_token_by_token() {
    let model = std::env::var("WATTAGE_MODEL").unwrap();
    let server = Server::start(&dist(), Ranges::On);
    let browser = Browser::start();
    let page = Page::open(&browser, &server);
    page.load_model(&[model.as_ref()], PATIENCE);
    page.answer_exactly(64);
    page.note_lengths();
    page.send("What is 12 * 11?");
    let shown = page.wait_answer(PATIENCE);
    println!("{shown}");
    let answer = page.copy_last_answer();
    assert!(answer.contains("132"), "{answer}");
    let lengths = page.noted_lengths();
    assert!(lengths.len() >= 3, "the answer did not grow token by token: its lengths were {lengths:?}");

    // The page has layers for this base, and takes them by itself.
    page.send("Anna has 17 apples and gives 5 to each of her 2 brothers. How many are left?");
    println!("{}", page.wait_answer(PATIENCE));
    let chosen = browser.script(
        "const rows = Array.from(document.querySelectorAll('tr[data-layer]')).slice(-3);
         const of = (row, field) => row.querySelector(`[data-field=${field}]`).innerText.trim();
         return rows.filter(row => of(row, 'status').includes('chosen')).map(row => [row.dataset.layer, of(row, 'result')]);",
        vec![],
    );
    assert_eq!((&chosen[0][1], &chosen[1]), (&"7".into(), &serde_json::Value::Null), "{chosen}");
    let value =
        browser.script("return Array.from(document.querySelectorAll('[data-field=value]')).pop().innerText;", vec![]);
    assert_eq!(value, "7");
    browser.assert_no_console_errors();
    if let Some(file) = std::env::var_os("WATTAGE_SCREENSHOT") {
        browser.screenshot(file.as_ref());
    }
}

/// What a model computes, and says of it.
fn computes(sources: Vec<Source>, text_voice: TextVoice, voices: &[Voice]) {
    let options = LoadOptions { device: DevicePreference::Cpu, text_voice, ..LoadOptions::default() };
    let mut session = pollster::block_on(Session::load(sources, &options, &Cancel::new(), &mut |_| {})).unwrap();
    let mut ask = |question: &str| {
        let options = ChatOptions { sampling: Sampling::greedy(), max_tokens: 80, ..ChatOptions::default() };
        let messages = [Message { role: Role::User, content: question.to_owned() }];
        pollster::block_on(session.chat(&messages, &options, &Cancel::new(), &mut |_| {})).unwrap()
    };
    for (question, value) in [
        ("What is 12 × 11?", 132.0),
        ("What is 605 × 1213?", 733_865.0),
        ("Anna has 17 apples and gives 5 to each of her 2 brothers. How many are left?", 7.0),
    ] {
        let answer = ask(question);
        let computation = answer.computation.unwrap();
        assert_eq!(computation.value, Some(value), "{question}");
        assert!(voices.contains(&computation.winner().unwrap().voice), "{question}");
        let (_, said) = answer.text.rsplit_once(splice::VALUE.1).unwrap();
        assert!(said.replace(',', "").contains(&value.to_string()), "{said:?} does not say {value}");
    }
    for question in ["Hello, who are you?", "My flight BA 117 leaves from gate 42. Where can I eat?"] {
        assert!(ask(question).computation.is_none(), "{question}");
    }
}

fn model() -> Source {
    Source::file(std::env::var("WATTAGE_MODEL").unwrap().as_ref()).unwrap()
}

#[test]
fn without_layers_its_own_text_computes() {
    computes(vec![model()], TextVoice::Alone, &[Voice::Text]);
}

#[test]
fn its_layers_compute() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../public/models/qwen2.5-coder-0.5b/");
    let own = ["wasm_layers.safetensors", "scorer.safetensors"];
    let own = own.map(|name| Source::file(format!("{folder}{name}").as_ref()).unwrap());
    let layers = [3, 7, 11].map(Voice::Layer);
    computes([model()].into_iter().chain(own).collect(), TextVoice::Off, &layers);
}
