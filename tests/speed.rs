//! Speed in the browser, with the real model: `make compare MODEL=file`. Figures are printed; the ones that the project promises
//! are asserted, on pairs that are timed in turn.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failure here fails the test that called")]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use harness::browser::Browser;
use harness::gguf;
use harness::page::{Page, dist};
use harness::server::{Ranges, Server};
use serde_json::json;
use wattage_engine::{Architecture, Config, DType};

const PATIENCE: Duration = Duration::from_secs(300);
const QUESTION: &str = "Write a short story about a lighthouse keeper who counts ships.";
const TOKENS: u32 = 48;
const ROUNDS: usize = 3;
/// How long a load may take to show its progress.
const LOOK: Duration = Duration::from_secs(3);

/// A file that an environment variable names.
fn named(variable: &str) -> PathBuf {
    std::env::var_os(variable).unwrap_or_else(|| panic!("{variable} is not set: run `make compare MODEL=…`")).into()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Tokens a second that the page shows under an answer.
fn speed(answer: &str) -> f64 {
    let words: Vec<&str> = answer.split_whitespace().collect();
    let at =
        words.iter().rposition(|word| word.starts_with("tokens/s")).unwrap_or_else(|| panic!("no speed: {answer}"));
    words[at - 1].parse().unwrap()
}

/// Bytes that the model panel shows beside a name.
fn fact(page: &Page<'_>, name: &str) -> f64 {
    let text = page.browser.script(
        "const term = Array.from(document.querySelectorAll('#panel dt')).find(node => node.innerText === arguments[0]);
         return term ? term.nextElementSibling.innerText : '';",
        vec![json!(name)],
    );
    let text = text.as_str().unwrap();
    let (number, unit) = text.split_once(' ').unwrap_or_else(|| panic!("{name}: {text:?}"));
    let scale = match unit {
        "GB" => 1e9,
        "MB" => 1e6,
        "kB" => 1e3,
        other => panic!("{name} is given in {other}"),
    };
    number.parse::<f64>().unwrap() * scale
}

/// What a load and an answer on the page came to.
struct Measured {
    /// Seconds of the whole load.
    load: f64,
    /// Bytes a second while the weights came in.
    rate: f64,
    /// Tokens a second.
    decode: f64,
    /// Bytes of the engine's memory.
    heap: f64,
}

/// Loads a model and answers once.
fn on_the_page(model: &std::path::Path, device: &str, tokens: u32) -> Measured {
    let server = Server::start(&dist(), Ranges::On);
    let browser = Browser::start();
    let page = Page::open(&browser, &server);
    page.run_on(device);
    let began = Instant::now();
    page.choose_files(&[model]);
    // A small model may be there before any of its progress is seen.
    let (at, done) = browser.wait_for("the weights to come in", PATIENCE, || {
        let shown = browser.script("return document.querySelector('progress')?.parentElement.innerText;", vec![]);
        let Some(text) = shown.as_str() else { return (began.elapsed() > LOOK).then_some((began, 0.0)) };
        let megabytes = text.split(" MB of ").next()?.split_whitespace().next_back()?;
        Some((Instant::now(), megabytes.parse::<f64>().ok()? * 1e6))
    });
    page.wait_loaded(PATIENCE);
    let (load, weights) = (began.elapsed().as_secs_f64(), at.elapsed().as_secs_f64());
    let rate = (std::fs::metadata(model).unwrap().len() as f64 - done) / weights;
    page.answer_exactly(tokens);
    page.press("Model");
    let heap = fact(&page, "Memory of the engine");
    page.press("Model");
    page.send(QUESTION);
    let answer = page.wait_answer(PATIENCE);
    Measured { load, rate, decode: speed(&answer), heap }
}

fn on_wllama(folder: &std::path::Path, model: &std::path::Path) -> (f64, f64) {
    let server = Server::start(folder, Ranges::On);
    let browser = Browser::start();
    browser.open(&server.url("wllama.html"));
    browser.wait_for("wllama's script", PATIENCE, || {
        (browser.script("return !!window.ready;", vec![]) == true).then_some(())
    });
    browser.type_into("input", &model.canonicalize().unwrap().display().to_string());
    let seconds = browser.script("return await window.load();", vec![]).as_f64().unwrap();
    let reply = browser.script("return await window.answer(...arguments);", vec![json!(QUESTION), json!(TOKENS)]);
    assert_eq!(reply["threads"], 1, "wllama ran on more than one thread: {reply}");
    (seconds, reply["decode"].as_f64().unwrap())
}

#[test]
fn the_cpu_executor_decodes_at_least_as_fast_as_wllama() {
    let (model, folder) = (named("WATTAGE_MODEL"), named("WATTAGE_WLLAMA"));
    let mut ratios = Vec::new();
    for round in 0..ROUNDS {
        let (their_load, theirs) = on_wllama(&folder, &model);
        let ours = on_the_page(&model, "cpu", TOKENS);
        println!(
            "round {round}: Wattage {:.1} tokens/s, load {:.1} s; wllama {theirs:.1} tokens/s, load {their_load:.1} s",
            ours.decode, ours.load
        );
        ratios.push(ours.decode / theirs);
    }
    let ratio = median(ratios);
    println!("decoding on one thread: Wattage is {ratio:.2} times as fast as wllama (median of {ROUNDS} pairs)");
    assert!(ratio >= 1.0);
}

#[test]
fn loading_takes_in_100_mb_a_second_and_little_memory() {
    let model = named("WATTAGE_MODEL");
    for device in ["cpu", "gpu"] {
        let Measured { load, rate, decode, heap } = on_the_page(&model, device, 4);
        println!(
            "{device}: {:.0} MB/s ({load:.1} s in all), {:.0} MB of WebAssembly memory, {decode:.2} tokens/s",
            rate / 1e6,
            heap / 1e6
        );
        // On the CPU executor the weights themselves lie there.
        assert!(device == "cpu" || heap < 256.0 * 1024.0 * 1024.0, "loading took {heap} bytes of WebAssembly memory");
        assert!(rate >= 100e6, "weights came in at {rate} bytes a second");
    }
}

#[test]
fn a_small_model_decodes_15_tokens_a_second_on_software_webgpu() {
    let config = Config {
        arch: Architecture::Qwen3,
        layers: 12,
        hidden: 160,
        heads: 5,
        kv_heads: 1,
        head_dim: 32,
        ffn: 480,
        vocab: 4096,
        context: 2048,
        rope_theta: 1e6,
        rms_eps: 1e-6,
        tied_head: true,
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("qwen3-4m.gguf");
    std::fs::write(&file, gguf::model(&config, DType::Q8_0, 7).write()).unwrap();
    let speed = on_the_page(&file, "gpu", TOKENS).decode;
    println!("a model of 4 M parameters: {speed:.1} tokens/s on software WebGPU");
    assert!(speed >= 15.0);
}
