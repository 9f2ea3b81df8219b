//! What went wrong, and the way out.

use leptos::prelude::*;
use wattage_engine::DevicePreference;

use super::{model_library::choose_files, store};
use crate::{
    actions::LoadSpec,
    format::sentence,
    language::{key, t, told},
    protocol::{Failure, FailureKind},
    share::adopted,
    state::{Engine, Panel},
};

/// Messages above the conversation.
#[component]
pub fn Notices() -> impl IntoView {
    let store = store();
    let crashed = move || match store.engine.get() {
        Engine::Crashed(why) => Some(why),
        _ => None,
    };
    let without_gpu = move || {
        store.adapter.read().as_ref().is_some_and(Result::is_err)
            && store.loaded.read().is_none()
            && store.loading.read().is_none()
    };
    view! {
        <div class="notices">
            <div role="alert">
                {move || crashed().map(|why| view! { <Crash why /> })}
                {move || store.notice.get().map(|failure| view! { <LoadFailure failure /> })}
                {move || {
                    store
                        .history
                        .unkept
                        .get()
                        .map(|why| {
                            view! {
                                <div class="notice bad">
                                    <p>{why}</p>
                                    <p class="hint">{t("What you see here is lost when the page is closed: copy what you want to keep.")}</p>
                                </div>
                            }
                        })
                }}
            </div>
            <Show when=without_gpu>
                <NoWebGpu />
            </Show>
            <Show when=move || store.offered.read().is_some()>
                <Offered />
            </Show>
            <Show when=move || store.offline.read().newer>
                <NewerPage />
            </Show>
        </div>
    }
}

#[component]
fn Crash(why: String) -> impl IntoView {
    let store = store();
    let again = store.last_load.with_value(Option::is_some);
    view! {
        <section class="notice bad">
            <h2>{t("The engine stopped")}</h2>
            <p>{sentence(&why)}</p>
            <p>
                {t("Your conversation is kept. ")}
                {if again {
                    t("Restarting loads the model again. If the engine stops there once more, the model is probably too large for this device.")
                } else {
                    t("Restart the engine to go on.")
                }}
            </p>
            <div class="row">
                <button type="button" class="primary" on:click=move |_| store.restart_engine()>
                    {t("Restart engine")}
                </button>
            </div>
        </section>
    }
}

#[component]
fn LoadFailure(failure: Failure) -> impl IntoView {
    let store = store();
    let before = StoredValue::new_local(store.model_before());
    let embedded = store.asked_for_embedded();
    let (files, adapter) = (failure.kind == FailureKind::Files, failure.kind == FailureKind::Adapter);
    view! {
        <section class="notice bad">
            <h2>{if embedded { t("Wattage tiny was not loaded") } else { t("The model was not loaded") }}</h2>
            <p>{sentence(&failure.message)}</p>
            <Show when=move || embedded>
                <p class="hint">
                    {t("It comes with the page, from the folder models/wattage-tiny beside it. A model of your own works without it.")}
                </p>
            </Show>
            <Show when=move || files && !embedded>
                <p class="hint">
                    {t("A model is one .gguf file, or .safetensors files chosen together with config.json and tokenizer.json, of the Qwen2, Qwen2.5 or Qwen3 family.")}
                </p>
            </Show>
            <div class="row">
                <button type="button" class="primary" on:click=move |_| choose_files()>
                    {t("Choose other files")}
                </button>
                <Show when=move || adapter>
                    <button type="button" on:click=move |_| store.use_cpu()>
                        {t("Run on the CPU")}
                    </button>
                </Show>
                {before
                    .with_value(|before| before.as_ref().map(LoadSpec::label))
                    .map(|label| {
                        let back = move |_| {
                            if let Some(spec) = before.get_value() {
                                store.load(spec);
                            }
                        };
                        view! {
                            <button type="button" on:click=back>
                                {told!("Back to {}", label)}
                            </button>
                        }
                    })}
                <button type="button" on:click=move |_| store.reload()>
                    {t("Try again")}
                </button>
                <button type="button" class="quiet" on:click=move |_| store.notice.set(None)>
                    {t("Dismiss")}
                </button>
            </div>
        </section>
    }
}

/// A newer build of the page has been kept.
#[component]
fn NewerPage() -> impl IntoView {
    let store = store();
    view! {
        <section class="notice" role="status">
            <h2>{t("There is a newer version of this page")}</h2>
            <p>{t("It is used from the next visit on. To use it at once the page starts anew; conversations are kept, an experiment is not.")}</p>
            <div class="row">
                <button
                    type="button"
                    disabled=move || store.answering.read().is_some() || store.experiment.job.read().is_some()
                    on:click=move |_| store.take_newer()
                >
                    {t("Use it now")}
                </button>
            </div>
        </section>
    }
}

/// The engine uses WebGPU; without it, small models run on the CPU.
#[component]
fn NoWebGpu() -> impl IntoView {
    let store = store();
    let chosen = move || store.settings.read().device == DevicePreference::Cpu;
    view! {
        <section class="notice">
            <h2>{t("WebGPU is not available here")}</h2>
            <p>
                {t("This browser gives the page no GPU. A current Chrome, Edge, Safari or Firefox with hardware acceleration switched on usually does. Small models, up to about 1 B parameters, also run on the CPU, more slowly.")}
            </p>
            <div class="row">
                <button
                    type="button"
                    aria-pressed=move || if chosen() { "true" } else { "false" }
                    on:click=move |_| store.use_cpu()
                >
                    {move || if chosen() { t("Models run on the CPU") } else { t("Run on the CPU") }}
                </button>
                <button type="button" class="quiet" on:click=move |_| store.panel.set(Some(Panel::Device))>
                    {t("Device details")}
                </button>
            </div>
        </section>
    }
}

/// A link's settings, which are somebody else's.
#[component]
fn Offered() -> impl IntoView {
    let store = store();
    let system = move || {
        store
            .offered
            .read()
            .as_ref()
            .map(|offered| offered.system.trim().to_owned())
            .filter(|system| !system.is_empty())
    };
    let switched = move || {
        let (offered, own) = (store.offered.get()?, store.settings.get());
        let word = |on, yes, no| t(if on { yes } else { no });
        let layers = word(offered.layers, key("WASM layers on"), key("WASM layers off"));
        let think = word(offered.think, key("thinking on"), key("thinking off"));
        let layers = (offered.layers != own.layers).then_some(layers);
        let switched: Vec<&str> = layers.into_iter().chain((offered.think != own.think).then_some(think)).collect();
        (!switched.is_empty()).then(|| told!("With them: {}.", switched.join(", ")))
    };
    let take = move |_| {
        if let Some(offered) = store.offered.get_untracked() {
            store.settings.update(|own| *own = adopted(own, &offered));
        }
        store.offered.set(None);
    };
    view! {
        <section class="notice" aria-label=t("Settings of a link")>
            <h2>{t("The link that you followed has settings of its own")}</h2>
            <p>{t("They say how answers are sampled and what goes before a conversation. Your own stay unless you take them over.")}</p>
            {move || switched().map(|switched| view! { <p>{switched}</p> })}
            {move || system().map(|system| view! { <p>{t("Its instructions: ")} <q>{system}</q></p> })}
            <div class="row">
                <button type="button" class="primary" on:click=take>
                    {t("Use its settings")}
                </button>
                <button type="button" on:click=move |_| store.offered.set(None)>
                    {t("Keep mine")}
                </button>
            </div>
        </section>
    }
}
