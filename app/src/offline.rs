//! Whether the page works without a network. `offline.js` sees to it, and tells.

use js_sys::{Array, Reflect};
use leptos::{ev, prelude::*, web_sys::CustomEvent};
use wasm_bindgen::{JsCast, JsValue};

use crate::{language::key, state::Store};

/// Where `offline.js` leaves what it said last.
const SAID: &str = "wattageOffline";
/// What it says it with.
const SAYS: &str = "wattage-offline";
/// What it hears.
const TAKE_NEWER: &str = "wattage-take-newer";

/// What it says, all but what a browser's error adds: its English texts are looked up where they are shown.
pub const SAYINGS: [&str; 5] = [
    key("This page and its embedded model work without a network."),
    key("This page and its embedded model are being kept for use without a network."),
    key("This page is a file on this computer. It needs no network."),
    key("This page needs a network each time: its parts could not all be fetched, and the next visit tries again."),
    key("This page needs a network each time: this browser, or the way that it is served, allows no service worker."),
];

/// Whether the page works without a network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offline {
    /// What there is to say of it; nothing before it is known.
    pub text: String,
    /// Whether a newer build is kept, which waits to be used.
    pub newer: bool,
}

impl Offline {
    fn of(said: &JsValue) -> Self {
        let Some(said) = said.dyn_ref::<Array>() else { return Self::default() };
        Self { text: said.get(0).as_string().unwrap_or_default(), newer: said.get(1).is_truthy() }
    }
}

impl Store {
    /// Follows what becomes of keeping the page.
    pub fn follow_offline(self) {
        let hear = move |event: CustomEvent| self.offline.set(Offline::of(&event.detail()));
        window_event_listener(ev::Custom::new(SAYS), hear);
        // It may have spoken before the page listened.
        self.offline.set(Offline::of(&Reflect::get(&window(), &SAID.into()).unwrap_or_default()));
    }

    /// Uses the newer build: the page starts anew with it.
    pub fn take_newer(self) {
        if let Ok(event) = CustomEvent::new(TAKE_NEWER) {
            drop(window().dispatch_event(&event));
        }
    }
}
