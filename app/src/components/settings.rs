//! The settings panel.

use leptos::prelude::*;
use wattage_engine::TextVoice;

use super::{
    CopyButton,
    field::{Bounds, ChoiceField, NumberField},
    model_library::DeviceSelect,
    store,
};
use crate::preferences::{MAX_SEED, Preset, Settings};

const fn between(low: f64, high: f64) -> Bounds {
    Bounds { low, high, whole: false, empty: None }
}

const fn whole(low: f64, high: f64, empty: Option<&'static str>) -> Bounds {
    Bounds { low, high, whole: true, empty }
}

/// A number that [`NumberField`] has checked against its bounds.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked whole and within bounds")]
fn index(value: Option<f64>) -> Option<u32> {
    value.map(|value| value as u32)
}

/// When a model's own text has functions.
const TEXT_VOICES: [(TextVoice, &str, &str); 3] = [
    (TextVoice::Alone, "alone", "Where a model has no WASM layers"),
    (TextVoice::On, "on", "Always"),
    (TextVoice::Off, "off", "Never"),
];

/// Sampling, instructions and what a model is loaded with.
#[component]
pub fn SettingsPanel() -> impl IntoView {
    view! {
        <Instructions />
        <SamplingFields />
        <LoadFields />
        <Share />
        <Reset />
    }
}

#[component]
fn Share() -> impl IntoView {
    let store = store();
    let link = Memo::new(move |_| store.link());
    view! {
        <fieldset>
            <legend>"Link"</legend>
            <p class="hint">
                "It holds the question that you write, or asked last, and these settings; never the conversation."
            </p>
            <Show
                when=move || link.read().is_some()
                fallback=|| view! { <p class="error">"The question is too long for a link."</p> }
            >
                <div class="row">
                    <CopyButton text=move || link.get_untracked().unwrap_or_default() />
                </div>
            </Show>
        </fieldset>
    }
}

#[component]
fn Instructions() -> impl IntoView {
    let store = store();
    let cannot_think = move || store.loaded.read().as_ref().is_some_and(|loaded| !loaded.model.can_think);
    view! {
        <fieldset>
            <legend>"Answers"</legend>
            <div class="field">
                <label for="system">"System prompt"</label>
                <textarea
                    id="system"
                    rows="3"
                    placeholder="None"
                    prop:value=move || store.settings.read().system.clone()
                    on:input=move |event| store.settings.update(|settings| settings.system = event_target_value(&event))
                ></textarea>
            </div>
            <div class="field check">
                <input
                    id="think"
                    type="checkbox"
                    aria-describedby="think-help"
                    prop:checked=move || store.settings.read().think
                    on:change=move |event| store.settings.update(|settings| settings.think = event_target_checked(&event))
                />
                <label for="think">"Think before answering"</label>
                <p class="hint" id="think-help">
                    {move || if cannot_think() { "This model does not think aloud." } else { "Qwen3 models only." }}
                </p>
            </div>
            <div class="field check">
                <input
                    id="layers"
                    type="checkbox"
                    aria-describedby="layers-help"
                    prop:checked=move || store.settings.read().layers
                    on:change=move |event| store.settings.update(|settings| settings.layers = event_target_checked(&event))
                />
                <label for="layers">"WASM layers"</label>
                <p class="hint" id="layers-help">
                    {move || match (&*store.loaded.read(), store.has_layers(), store.computes()) {
                        (Some(_), false, false) => "This model has none.",
                        (Some(_), false, true) => "This model has none; what its own text has it compute is switched here.",
                        _ => "They compute what a message asks for; without them the model answers alone.",
                    }}
                </p>
            </div>
            <NumberField
                id="threshold"
                label="Skip candidates under"
                help="Their score before a run, from -50 to 50; what lies under it is not run."
                bounds=Bounds { empty: Some("the scorer's own"), ..between(-50.0, 50.0) }
                get=|settings| settings.threshold
                set=|settings, value| settings.threshold = value
            />
            <NumberField
                id="max-tokens"
                label="Longest answer"
                help="In tokens, thinking included."
                bounds=whole(1.0, 131_072.0, None)
                get=|settings| Some(f64::from(settings.max_tokens))
                set=|settings, value| settings.max_tokens = index(value).unwrap_or(1)
            />
        </fieldset>
    }
}

#[component]
fn SamplingFields() -> impl IntoView {
    let store = store();
    let given = move || store.settings.read().in_use(store.has_layers()) != *store.settings.read();
    view! {
        <fieldset>
            <legend>"Sampling"</legend>
            <div class="row" role="group" aria-label="Presets">
                {Preset::ALL
                    .map(|preset| {
                        let active = move || preset.is_that_of(&store.settings.read().in_use(store.has_layers()));
                        view! {
                            <button
                                type="button"
                                class:pressed=active
                                aria-pressed=move || if active() { "true" } else { "false" }
                                on:click=move |_| store.settings.update(|settings| *settings = preset.apply(settings))
                            >
                                {preset.label()}
                            </button>
                        }
                    })
                    .collect_view()}
            </div>
            <Show when=given>
                <p class="hint">
                    "A model with WASM layers takes the likeliest token each time, until something else is chosen here."
                </p>
            </Show>
            <div class="grid">
                <NumberField
                    id="temperature"
                    sampling=true
                    label="Temperature"
                    help="0 to 2; 0 takes the likeliest token."
                    bounds=between(0.0, 2.0)
                    get=|settings| Some(settings.temperature)
                    set=|settings, value| settings.temperature = value.unwrap_or_default()
                />
                <NumberField
                    id="top-k"
                    sampling=true
                    label="Top-k"
                    help="Likeliest tokens to choose from; 0 for all."
                    bounds=whole(0.0, 1_000_000.0, None)
                    get=|settings| Some(f64::from(settings.top_k))
                    set=|settings, value| settings.top_k = index(value).unwrap_or_default()
                />
                <NumberField
                    id="top-p"
                    sampling=true
                    label="Top-p"
                    help="Probability mass to choose from."
                    bounds=between(0.01, 1.0)
                    get=|settings| Some(settings.top_p)
                    set=|settings, value| settings.top_p = value.unwrap_or(1.0)
                />
                <NumberField
                    id="min-p"
                    sampling=true
                    label="Min-p"
                    help="Least probability, as a share of the likeliest's."
                    bounds=between(0.0, 1.0)
                    get=|settings| Some(settings.min_p)
                    set=|settings, value| settings.min_p = value.unwrap_or_default()
                />
                <NumberField
                    id="repetition"
                    sampling=true
                    label="Repetition penalty"
                    help="1 is off; more avoids seen tokens."
                    bounds=between(0.5, 2.0)
                    get=|settings| Some(settings.repetition)
                    set=|settings, value| settings.repetition = value.unwrap_or(1.0)
                />
                <NumberField
                    id="frequency"
                    sampling=true
                    label="Frequency penalty"
                    help="For each time a token was written."
                    bounds=between(-2.0, 2.0)
                    get=|settings| Some(settings.frequency)
                    set=|settings, value| settings.frequency = value.unwrap_or_default()
                />
                <NumberField
                    id="presence"
                    sampling=true
                    label="Presence penalty"
                    help="Once a token was written."
                    bounds=between(-2.0, 2.0)
                    get=|settings| Some(settings.presence)
                    set=|settings, value| settings.presence = value.unwrap_or_default()
                />
                <NumberField
                    id="seed"
                    label="Seed"
                    help="The same seed gives the same answer."
                    bounds=whole(0.0, MAX_SEED as f64, Some("random"))
                    get=|settings| settings.seed.map(|seed| seed as f64)
                    set=|settings, value| settings.seed = value.map(|value| value as u64)
                />
            </div>
        </fieldset>
    }
}

#[component]
fn LoadFields() -> impl IntoView {
    let store = store();
    let stale = move || store.loaded.read().is_some() && store.settings.read().reloads(&store.loaded_with.read());
    view! {
        <fieldset>
            <legend>"Loading"</legend>
            <DeviceSelect id="settings-device".to_owned() />
            <ChoiceField
                id="text-voice".to_owned()
                label="Functions in the model's own text"
                choices=&TEXT_VOICES
                get=|settings| settings.text_voice
                set=|settings, choice| settings.text_voice = choice
            />
            <NumberField
                id="context"
                label="Context length"
                help="In tokens; longer takes more memory."
                bounds=whole(64.0, 1_048_576.0, Some("automatic"))
                get=|settings| settings.context.map(f64::from)
                set=|settings, value| settings.context = index(value)
            />
            <p class="hint">"Both take effect when a model is loaded."</p>
            <Show when=stale>
                <button type="button" on:click=move |_| store.reload()>
                    "Load the model again with these"
                </button>
            </Show>
        </fieldset>
    }
}

#[component]
fn Reset() -> impl IntoView {
    let store = store();
    view! {
        <button
            type="button"
            disabled=move || *store.settings.read() == Settings::default()
            on:click=move |_| store.settings.set(Settings::default())
        >
            "Reset all settings"
        </button>
    }
}
