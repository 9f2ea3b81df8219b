//! The settings panel.

use leptos::prelude::*;
use wattage_engine::TextVoice;

use super::{
    CopyButton,
    field::{Bounds, ChoiceField, NumberField},
    model_library::DeviceSelect,
    store,
};
use crate::{
    language::{Language, key, t},
    preferences::{MAX_SEED, Preset, Settings},
};

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
    (TextVoice::Alone, "alone", key("Where a model has no WASM layers")),
    (TextVoice::On, "on", key("Always")),
    (TextVoice::Off, "off", key("Never")),
];

const LANGUAGES: [(Option<Language>, &str, &str); 3] = [
    (None, "browser", key("As the browser asks")),
    (Some(Language::English), Language::English.code(), Language::English.label()),
    (Some(Language::German), Language::German.code(), Language::German.label()),
];

/// Sampling, instructions and what a model is loaded with.
#[component]
pub fn SettingsPanel() -> impl IntoView {
    view! {
        <Instructions />
        <SamplingFields />
        <LoadFields />
        <Share />
        <Interface />
        <Reset />
    }
}

#[component]
fn Interface() -> impl IntoView {
    view! {
        <fieldset>
            <legend>{t("Interface")}</legend>
            <ChoiceField
                id="language".to_owned()
                label=t("Language of the interface")
                choices=&LANGUAGES
                get=|settings| settings.language
                set=|settings, choice| settings.language = choice
                help=t("Messages of the engine and answers stay in the language that they come in.")
            />
        </fieldset>
    }
}

#[component]
fn Share() -> impl IntoView {
    let store = store();
    let link = Memo::new(move |_| store.link());
    view! {
        <fieldset>
            <legend>{t("Link")}</legend>
            <p class="hint">
                {t("It holds the question that you write, or asked last, and these settings; never the conversation.")}
            </p>
            <Show
                when=move || link.read().is_some()
                fallback=|| view! { <p class="error">{t("The question is too long for a link.")}</p> }
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
            <legend>{t("Answers")}</legend>
            <div class="field">
                <label for="system">{t("System prompt")}</label>
                <textarea
                    id="system"
                    rows="3"
                    placeholder=t("None")
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
                <label for="think">{t("Think before answering")}</label>
                <p class="hint" id="think-help">
                    {move || if cannot_think() { t("This model does not think aloud.") } else { t("Qwen3 models only.") }}
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
                <label for="layers">{t("WASM layers")}</label>
                <p class="hint" id="layers-help">
                    {move || match (&*store.loaded.read(), store.has_layers(), store.computes()) {
                        (Some(_), false, false) => t("This model has none."),
                        (Some(_), false, true) => t("This model has none; what its own text has it compute is switched here."),
                        _ => t("They compute what a message asks for; without them the model answers alone."),
                    }}
                </p>
            </div>
            <NumberField
                id="threshold"
                label=t("Skip candidates under")
                help=t("Their score before a run, from -50 to 50; what lies under it is not run.")
                bounds=Bounds { empty: Some(t("the scorer's own")), ..between(-50.0, 50.0) }
                get=|settings| settings.threshold
                set=|settings, value| settings.threshold = value
            />
            <NumberField
                id="max-tokens"
                label=t("Longest answer")
                help=t("In tokens, thinking included.")
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
            <legend>{t("Sampling")}</legend>
            <div class="row" role="group" aria-label=t("Presets")>
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
                    {t("A model with WASM layers takes the likeliest token each time, until something else is chosen here.")}
                </p>
            </Show>
            <div class="grid">
                <NumberField
                    id="temperature"
                    sampling=true
                    label=t("Temperature")
                    help=t("0 to 2; 0 takes the likeliest token.")
                    bounds=between(0.0, 2.0)
                    get=|settings| Some(settings.temperature)
                    set=|settings, value| settings.temperature = value.unwrap_or_default()
                />
                <NumberField
                    id="top-k"
                    sampling=true
                    label=t("Top-k")
                    help=t("Likeliest tokens to choose from; 0 for all.")
                    bounds=whole(0.0, 1_000_000.0, None)
                    get=|settings| Some(f64::from(settings.top_k))
                    set=|settings, value| settings.top_k = index(value).unwrap_or_default()
                />
                <NumberField
                    id="top-p"
                    sampling=true
                    label=t("Top-p")
                    help=t("Probability mass to choose from.")
                    bounds=between(0.01, 1.0)
                    get=|settings| Some(settings.top_p)
                    set=|settings, value| settings.top_p = value.unwrap_or(1.0)
                />
                <NumberField
                    id="min-p"
                    sampling=true
                    label=t("Min-p")
                    help=t("Least probability, as a share of the likeliest's.")
                    bounds=between(0.0, 1.0)
                    get=|settings| Some(settings.min_p)
                    set=|settings, value| settings.min_p = value.unwrap_or_default()
                />
                <NumberField
                    id="repetition"
                    sampling=true
                    label=t("Repetition penalty")
                    help=t("1 is off; more avoids seen tokens.")
                    bounds=between(0.5, 2.0)
                    get=|settings| Some(settings.repetition)
                    set=|settings, value| settings.repetition = value.unwrap_or(1.0)
                />
                <NumberField
                    id="frequency"
                    sampling=true
                    label=t("Frequency penalty")
                    help=t("For each time a token was written.")
                    bounds=between(-2.0, 2.0)
                    get=|settings| Some(settings.frequency)
                    set=|settings, value| settings.frequency = value.unwrap_or_default()
                />
                <NumberField
                    id="presence"
                    sampling=true
                    label=t("Presence penalty")
                    help=t("Once a token was written.")
                    bounds=between(-2.0, 2.0)
                    get=|settings| Some(settings.presence)
                    set=|settings, value| settings.presence = value.unwrap_or_default()
                />
                <NumberField
                    id="seed"
                    label=t("Seed")
                    help=t("The same seed gives the same answer.")
                    bounds=whole(0.0, MAX_SEED as f64, Some(t("random")))
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
            <legend>{t("Loading")}</legend>
            <DeviceSelect id="settings-device".to_owned() />
            <ChoiceField
                id="text-voice".to_owned()
                label=t("Functions in the model's own text")
                choices=&TEXT_VOICES
                get=|settings| settings.text_voice
                set=|settings, choice| settings.text_voice = choice
            />
            <NumberField
                id="context"
                label=t("Context length")
                help=t("In tokens; longer takes more memory.")
                bounds=whole(64.0, 1_048_576.0, Some(t("automatic")))
                get=|settings| settings.context.map(f64::from)
                set=|settings, value| settings.context = index(value)
            />
            <p class="hint">{t("Both take effect when a model is loaded.")}</p>
            <Show when=stale>
                <button type="button" on:click=move |_| store.reload()>
                    {t("Load the model again with these")}
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
            {t("Reset all settings")}
        </button>
    }
}
