//! Writing a message, and how the engine does.

use leptos::{ev, prelude::*};

use super::{focus, store};
use crate::{
    format,
    language::{t, told},
    state::{Engine, Panel},
};

/// The message box with its buttons and gauges.
#[component]
pub fn Composer() -> impl IntoView {
    let store = store();
    let answering = move || store.answering.read().is_some();
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        store.send();
        // The button that was pressed makes way for another.
        focus("message");
    };
    let key = move |event: ev::KeyboardEvent| {
        // Enter also ends the composition of a character, which sends nothing.
        if event.key() == "Enter" && !event.shift_key() && !event.is_composing() {
            event.prevent_default();
            store.send();
        }
    };
    let cannot_send = move || !store.can_send() || store.draft.read().trim().is_empty();
    view! {
        <form class="composer" on:submit=submit>
            <label class="visually-hidden" for="message">
                {t("Message")}
            </label>
            <textarea
                id="message"
                rows="1"
                placeholder=t("Write a message")
                aria-describedby="composer-hint"
                prop:value=store.draft
                on:input=move |event| store.draft.set(event_target_value(&event))
                on:keydown=key
            ></textarea>
            <Show
                when=answering
                fallback=move || view! { <button type="submit" class="primary" disabled=cannot_send>{t("Send")}</button> }
            >
                <button
                    type="button"
                    class="primary"
                    on:click=move |_| {
                        store.stop();
                        focus("message");
                    }
                >
                    {t("Stop")}
                </button>
            </Show>
            <div class="below">
                <p class="hint" id="composer-hint">
                    <Hint />
                </p>
                <Gauges />
                <button
                    type="button"
                    class="quiet"
                    disabled=move || store.turns.read().is_empty()
                    on:click=move |_| {
                        store.new_chat();
                        focus("message");
                    }
                >
                    {t("New chat")}
                </button>
            </div>
        </form>
    }
}

#[component]
fn Hint() -> impl IntoView {
    let store = store();
    move || {
        if store.answering.read().is_some() {
            return view! { <span class="keys">{t("Escape stops the answer.")}</span> }.into_any();
        }
        if store.loaded.read().is_some() {
            return view! { <span class="keys">{t("Enter sends, Shift+Enter begins a line.")}</span> }.into_any();
        }
        if store.loading.read().is_some() || matches!(*store.engine.read(), Engine::Crashed(_)) {
            return t("You can send once the model is loaded.").into_any();
        }
        view! {
            {t("No model is loaded. ")}
            <button type="button" class="link" on:click=move |_| store.panel.set(Some(Panel::Model))>
                {t("Load one")}
            </button>
        }
        .into_any()
    }
}

/// Speed and how full the context is.
#[component]
fn Gauges() -> impl IntoView {
    let store = store();
    let limit = move || store.loaded.read().as_ref().map(|loaded| loaded.model.context);
    let used = move || store.context_used.get();
    view! {
        <div class="gauges">
            <span class="numbers">{move || store.speed.get().map(format::speed)}</span>
            {move || {
                limit()
                    .map(|limit| {
                        view! {
                            <span class="context">
                                <meter
                                    aria-label=t("Context used")
                                    min="0"
                                    max=limit
                                    high=limit * 4 / 5
                                    optimum="0"
                                    prop:value=move || used() as f64
                                ></meter>
                                <span class="numbers">{move || told!("{} of {} tokens", used(), limit)}</span>
                            </span>
                        }
                    })
            }}
        </div>
    }
}
