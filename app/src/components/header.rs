//! The bar at the top: what runs, and the way to the panels.

use leptos::prelude::*;

use super::{focus, store};
use crate::{
    language::{t, told},
    state::{Engine, Panel},
};

/// The bar at the top.
#[component]
pub fn Header() -> impl IntoView {
    let store = store();
    view! {
        <header class="bar">
            <h1>"Wattage"</h1>
            <ModelState />
            <nav aria-label=t("Panels")>
                <PanelButton panel=Panel::History label=t("History") />
                <PanelButton panel=Panel::Scores label=t("Scores") />
                <PanelButton panel=Panel::Model label=t("Model") />
                <PanelButton panel=Panel::Settings label=t("Settings") />
                <PanelButton panel=Panel::Device label=t("Device") />
                <button
                    type="button"
                    class="quiet theme"
                    aria-label=move || told!("Colours: {}", store.theme.get().label())
                    title=t("Change the colours")
                    on:click=move |_| store.theme.update(|theme| *theme = theme.next())
                >
                    <span class="theme-mark" aria-hidden="true"></span>
                    <span class="theme-label">{move || store.theme.get().label()}</span>
                </button>
            </nav>
        </header>
    }
}

/// The element that opens a panel.
pub const fn button_id(panel: Panel) -> &'static str {
    match panel {
        Panel::Model => "open-model",
        Panel::Settings => "open-settings",
        Panel::Device => "open-device",
        Panel::History => "open-history",
        Panel::Scores => "open-scores",
    }
}

#[component]
fn PanelButton(panel: Panel, label: &'static str) -> impl IntoView {
    let store = store();
    let open = move || *store.panel.read() == Some(panel);
    let toggle = move |_| {
        if open() {
            store.panel.set(None);
        } else {
            store.panel.set(Some(panel));
            focus("panel-title");
        }
    };
    view! {
        <button
            id=button_id(panel)
            type="button"
            class="quiet"
            class:pressed=open
            aria-expanded=move || if open() { "true" } else { "false" }
            aria-controls="panel"
            on:click=toggle
        >
            {label}
        </button>
    }
}

#[component]
fn ModelState() -> impl IntoView {
    let store = store();
    let kind = move || {
        if matches!(*store.engine.read(), Engine::Crashed(_)) {
            "bad"
        } else if store.loaded.read().is_some() {
            "good"
        } else if store.loading.read().is_some() {
            "busy"
        } else {
            "none"
        }
    };
    let text = move || {
        if matches!(*store.engine.read(), Engine::Crashed(_)) {
            return t("Engine stopped").to_owned();
        }
        if let Some(loaded) = &*store.loaded.read() {
            return loaded.model.name.clone();
        }
        if let Some(loading) = &*store.loading.read() {
            return told!("Loading {}", loading.label);
        }
        t("No model").to_owned()
    };
    let detail = move || {
        store.loaded.read().as_ref().map(|loaded| {
            let device = if loaded.device.kind == "gpu" { "GPU" } else { "CPU" };
            format!("{} · {device}", loaded.model.quantisation)
        })
    };
    view! {
        <p class=move || format!("model-state {}", kind())>
            <span class="dot" aria-hidden="true"></span>
            <span class="model-name" title=text>{text}</span>
            <span class="model-detail">{detail}</span>
        </p>
    }
}
