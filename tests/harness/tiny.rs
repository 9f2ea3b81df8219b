//! The embedded model, as the page and the command line get it.
#![allow(clippy::panic, reason = "a harness that cannot do its work fails the test, and says why")]

use std::path::{Path, PathBuf};

use wattage_engine::{
    Cancel, ChatOptions, Completion, DevicePreference, Event, LoadOptions, Message, Prompt, Result, Role, Sampling,
    Session, Source,
};

/// Its files.
pub const FILES: [&str; 3] = ["base.gguf", "wasm_layers.safetensors", "scorer.safetensors"];

/// Where they are.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../public/models/wattage-tiny")
}

/// One of its files.
pub fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).unwrap_or_else(|why| panic!("{name}: {why}"))
}

/// Loads it, with these bytes in place of a file's.
pub fn load_with(device: DevicePreference, changed: &[(&str, Vec<u8>)]) -> Result<Session> {
    let source = |name: &str| {
        let own = changed.iter().find(|(other, _)| *other == name);
        Source::bytes(name, own.map_or_else(|| bytes(name), |(_, bytes)| bytes.clone()))
    };
    let options = LoadOptions { device, ..LoadOptions::default() };
    pollster::block_on(Session::load(FILES.map(source).into(), &options, &Cancel::new(), &mut |_| {}))
}

/// Loads it onto the CPU executor.
pub fn load() -> Session {
    load_with(DevicePreference::Cpu, &[]).unwrap()
}

/// A user's message.
pub fn user(text: &str) -> Message {
    Message { role: Role::User, content: text.to_owned() }
}

/// The likeliest token each time.
pub fn options() -> ChatOptions {
    ChatOptions { sampling: Sampling::greedy(), max_tokens: 400, ..ChatOptions::default() }
}

/// Answers a conversation greedily, and gives all that was told on the way.
pub fn chat(session: &mut Session, messages: &[Message]) -> Result<(Completion, Vec<Event>)> {
    let mut events = Vec::new();
    let mut on_event = |event| events.push(event);
    let answer =
        pollster::block_on(session.complete(Prompt::Chat(messages), &options(), &Cancel::new(), &mut on_event))?;
    Ok((answer, events))
}

/// Answers one message greedily.
pub fn ask(session: &mut Session, text: &str) -> (Completion, Vec<Event>) {
    chat(session, &[user(text)]).unwrap()
}

/// What was computed for a message.
pub fn computed(session: &mut Session, text: &str) -> Option<f64> {
    ask(session, text).0.computation.and_then(|computation| computation.value)
}
