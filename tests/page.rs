//! Wattage's page in a real browser, from opening it to reading an answer.
#![allow(clippy::unwrap_used, reason = "a failure here fails the test that called")]

#[path = "page/compare.rs"]
mod compare;
#[path = "page/computes.rs"]
mod computes;
#[path = "page/history.rs"]
mod history;
#[path = "page/keyboard.rs"]
mod keyboard;
#[path = "page/language.rs"]
mod language;
#[path = "page/library.rs"]
mod library;
#[path = "page/offline.rs"]
mod offline;
#[path = "page/scores.rs"]
mod scores;
#[path = "page/share.rs"]
mod share;
#[path = "page/single.rs"]
mod single;
#[path = "page/stalls.rs"]
mod stalls;

use std::path::{Path, PathBuf};
use std::time::Duration;

use harness::browser::{Browser, Key};
use harness::line::Line;
use harness::page::{Page, dist};
use harness::server::{Ranges, Server};
use serde_json::Value;

/// Loading a small model and answering with it, on a busy machine's software GPU.
const PATIENCE: Duration = Duration::from_secs(120);
const MESSAGE: &str = "Hello there";

fn golden(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(path)
}

/// What transformers answers to a user's message greedily, with the number of its tokens.
fn expected_answer(file: &str, message: &str, think: bool) -> (String, u32) {
    let expected: Value = serde_json::from_str(&std::fs::read_to_string(golden(file)).unwrap()).unwrap();
    let prompt = expected["chat"]
        .as_array()
        .unwrap()
        .iter()
        .find(|chat| {
            let messages = chat["messages"].as_array().unwrap();
            messages.len() == 1 && messages[0]["content"] == message && chat["think"] == think
        })
        .map(|chat| &chat["ids"])
        .unwrap();
    let answer = expected["greedy"].as_array().unwrap().iter().find(|greedy| greedy["prompt"] == *prompt).unwrap();
    let tokens = u32::try_from(answer["ids"].as_array().unwrap().len()).unwrap();
    (answer["text"].as_str().unwrap().to_owned(), tokens)
}

#[test]
fn a_visitor_reads_an_answer_from_the_gpu_as_it_grows() {
    loads_asks_and_reads("gpu");
}

#[test]
fn a_visitor_reads_an_answer_from_the_cpu_as_it_grows() {
    loads_asks_and_reads("cpu");
}

fn loads_asks_and_reads(device: &str) {
    let server = Server::start(&dist(), Ranges::On);
    let browser = Browser::start();
    let page = Page::open(&browser, &server);
    page.run_on(device);
    page.load_model(&[&golden("qwen2-tiny.gguf")], PATIENCE);
    let (expected, tokens) = expected_answer("qwen2-tiny.gguf.expected.json", MESSAGE, true);
    page.answer_exactly(tokens);

    page.note_lengths();
    page.send(MESSAGE);
    page.wait_answer(PATIENCE);
    let lengths = page.noted_lengths();
    assert!(lengths.len() > 4, "the answer did not grow step by step: its lengths were {lengths:?}");

    // Token for token what another implementation computes from the same file.
    assert_eq!(page.copy_last_answer(), expected.trim());
    assert!(page.log().contains(MESSAGE), "the question is not in the conversation: {}", page.log());

    // The same settings give the same answer, and the page counts its tokens.
    page.press("Regenerate");
    let again = page.wait_answer(PATIENCE);
    assert_eq!(page.copy_last_answer(), expected.trim());
    assert!(again.contains(&format!("{tokens} tokens")), "{again}");
    browser.assert_no_console_errors();
}

#[test]
fn a_checkpoint_of_several_files_answers_without_thinking() {
    let server = Server::start(&dist(), Ranges::On);
    let browser = Browser::start();
    let page = Page::open(&browser, &server);
    let files: Vec<PathBuf> = ["model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json"]
        .iter()
        .map(|name| golden("qwen3-tiny").join(name))
        .collect();
    page.load_model(&files.iter().map(PathBuf::as_path).collect::<Vec<_>>(), PATIENCE);
    let (expected, tokens) = expected_answer("qwen3-tiny/expected.json", MESSAGE, false);
    page.answer_exactly(tokens);
    page.press("Settings");
    browser.click("checkbox", "Think before answering", PATIENCE);
    page.press("Settings");
    page.send(MESSAGE);
    page.wait_answer(PATIENCE);
    assert_eq!(page.copy_last_answer(), expected.trim());
    browser.assert_no_console_errors();
}

#[test]
fn an_answer_is_stopped_midway_and_the_next_one_comes() {
    let server = Server::start(&dist(), Ranges::On);
    let browser = Browser::start();
    let page = Page::open(&browser, &server);
    page.load_model(&[&golden("qwen3-tiny.gguf")], PATIENCE);
    page.answer_exactly(1500);

    page.write(MESSAGE);
    // Sent and stopped with the keyboard this time.
    browser.press(&Key::Enter.to_string());
    browser.wait_for("some of the answer", PATIENCE, || page.answers().pop().filter(|text| text.len() > 20));
    browser.press(&Key::Escape.to_string());
    let stopped = page.wait_answer(PATIENCE);
    assert!(stopped.contains("stopped"), "nothing says that the answer was stopped: {stopped}");
    let text = page.copy_last_answer();
    assert!(!text.is_empty());
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(page.copy_last_answer(), text, "a stopped answer grew");

    page.send("<img src=x> <b>again</b>");
    browser.wait_for("some of the next answer", PATIENCE, || {
        page.answers().get(1).filter(|text| text.len() > 20).cloned()
    });
    page.stop();
    page.wait_answer(PATIENCE);
    assert!(page.log().contains("<img src=x> <b>again</b>"), "text was read as markup: {}", page.log());
    assert_eq!(browser.script("return document.querySelectorAll('[role=log] img, [role=log] b').length;", vec![]), 0);
    browser.assert_no_console_errors();
}

#[test]
fn bad_files_are_refused_in_words_and_the_conversation_stays() {
    let folder = tempfile::tempdir().unwrap();
    let whole = std::fs::read(golden("qwen3-tiny.gguf")).unwrap();
    let broken = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let mut hostile = whole.clone();
    // The number of tensors, of which no file can hold so many.
    hostile[8..16].copy_from_slice(&(1_u64 << 60).to_le_bytes());
    let files = [
        broken("text.gguf", b"This is no model, but a letter to its author."),
        broken("empty.gguf", b""),
        broken("truncated.gguf", &whole[..whole.len() / 2]),
        broken("hostile.gguf", &hostile),
    ];

    let server = Server::start(&dist(), Ranges::On);
    let browser = Browser::start();
    let page = Page::open(&browser, &server);
    page.load_model(&[&golden("qwen3-tiny.gguf")], PATIENCE);
    page.answer_exactly(8);
    page.send(MESSAGE);
    page.wait_answer(PATIENCE);
    let answer = page.copy_last_answer();

    for file in &files {
        page.choose_files(&[file]);
        let alert = page.wait_alert(PATIENCE);
        assert!(alert.contains("not loaded"), "{}: {alert}", file.display());
        page.press("Dismiss");
        browser.wait_for("the alert to go", PATIENCE, || page.alert().is_none().then_some(()));
        assert_eq!(page.copy_last_answer(), answer, "{}: the conversation was lost", file.display());
    }
    // A good file is taken after all that, and the conversation goes on.
    page.load_model(&[&golden("qwen2-tiny.gguf")], PATIENCE);
    page.send("Go on");
    page.wait_answer(PATIENCE);
    assert_eq!(page.answers().len(), 2);
    browser.assert_no_console_errors();
}

#[test]
fn a_model_comes_from_an_address_that_serves_ranges_and_from_no_other() {
    let server = Server::start(&dist(), Ranges::On);
    let (with, without) = (Server::start(&golden(""), Ranges::On), Server::start(&golden(""), Ranges::Off));
    let browser = Browser::start();
    let page = Page::open(&browser, &server);

    page.fill("Model address", &without.url("qwen3-tiny.gguf"));
    page.press("Load");
    let alert = page.wait_alert(PATIENCE);
    assert!(alert.to_lowercase().contains("range"), "{alert}");
    page.press("Dismiss");

    page.fill("Model address", &with.url("qwen3-tiny.gguf"));
    page.press("Load");
    page.wait_loaded(PATIENCE);
    assert!(with.partial_answers() > 0, "the file was not read by ranges");
    page.answer_exactly(4);
    page.send(MESSAGE);
    assert!(page.wait_answer(PATIENCE).contains("4 tokens"));
    browser.assert_no_console_errors();
}

#[test]
fn the_device_panel_shows_the_adapter_and_a_passed_self_check() {
    let server = Server::start(&dist(), Ranges::On);
    let browser = Browser::start();
    let page = Page::open(&browser, &server);
    page.run_on("gpu");
    page.press("Device");
    let panel =
        browser.wait_for("the adapter", PATIENCE, || browser.text("#panel").filter(|text| text.contains("webgpu")));
    assert!(panel.contains("Limits"), "{panel}");
    page.load_model(&[&golden("qwen3-tiny.gguf")], PATIENCE);
    let panel = browser.wait_for("the self-check", PATIENCE, || {
        browser.text("#panel").filter(|text| text.contains("Self-check at load"))
    });
    assert!(panel.contains("passes") && !panel.contains("fails"), "{panel}");
    browser.assert_no_console_errors();
}

/// What another WGSL compiler takes and computes: browsers do not use the one that the native tests have.
#[test]
fn every_kernel_variant_computes_in_the_browser_what_its_twin_does() {
    let server = Server::start(&dist(), Ranges::On);
    let browser = Browser::start();
    let page = Page::open(&browser, &server);
    page.run_on("gpu");
    page.press("Device");
    page.load_model(&[&golden("qwen3-tiny.gguf")], PATIENCE);
    page.press("Run kernel check");
    let panel = browser.wait_for("the kernel check", PATIENCE, || {
        browser.text("#panel").filter(|text| text.contains("agree with the CPU") || text.contains("compute wrongly"))
    });
    let offers = |feature: &str| {
        let ask = "return (await navigator.gpu.requestAdapter()).features.has(arguments[0]);";
        browser.script(ask, vec![feature.into()]) == true
    };
    let (subgroups, f16) = (offers("subgroups"), offers("shader-f16"));
    // The browser's adapter here is a software one.
    let runs = |variant: &&wattage_engine::kernels::Variant| (!variant.subgroups || subgroups) && (!variant.f16 || f16);
    let all = wattage_engine::kernels::VARIANTS.iter().filter(runs).count();
    let summary = panel.lines().find(|line| line.contains("agree with the CPU"));
    let count: usize = summary.and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).unwrap_or_default();
    assert_eq!(count, all, "not every variant that this browser can run agrees: {panel}");
    browser.assert_no_console_errors();
}
