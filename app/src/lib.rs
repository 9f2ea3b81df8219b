//! The page: a conversation with a model that runs in a worker of the visitor's own browser.
//!
//! [`mount`] puts the page up; `worker::start` runs the engine beside it. They share [`protocol`] and nothing else.

pub mod actions;
pub mod client;
pub mod components;
pub mod experiment;
pub mod figures;
pub mod files;
pub mod format;
pub mod history;
pub mod known;
pub mod language;
pub mod ledger;
pub mod library;
pub mod markup;
pub mod offline;
pub mod parts;
pub mod preferences;
pub mod protocol;
pub mod share;
pub mod state;
pub mod trace;
pub mod turn;
pub mod wat;
pub mod words;
#[cfg(target_arch = "wasm32")]
pub mod worker;

use leptos::prelude::*;
use wasm_bindgen::JsCast;

/// Puts the page in the place of the shell that the visitor has seen so far.
pub fn mount() {
    std::panic::set_hook(Box::new(|panic| {
        leptos::web_sys::console::error_1(&panic.to_string().into());
        show_failure(&panic.to_string());
    }));
    let Some(root) = document().get_element_by_id("app").and_then(|root| root.dyn_into().ok()) else {
        leptos::logging::error!("the page has no element #app");
        return;
    };
    let root: leptos::web_sys::HtmlElement = root;
    root.set_text_content(None);
    leptos::mount::mount_to(root, components::App).forget();
}

/// The last resort: the page itself broke down, so nothing of it can be relied upon to say so.
fn show_failure(what: &str) {
    let Some(body) = document().body() else { return };
    if let Ok(note) = document().create_element("p") {
        note.set_class_name("fatal");
        drop(note.set_attribute("role", "alert"));
        note.set_text_content(Some(&language::told!(
            "The page stopped working. Copy what you want to keep, then reload it. ({})",
            what
        )));
        drop(body.prepend_with_node_1(&note));
    }
}
