//! Fields of the settings.

use leptos::{ev, prelude::*};

use super::store;
use crate::{
    language::t,
    preferences::{Settings, read_number},
};

/// What a number may be.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Least.
    pub low: f64,
    /// Most.
    pub high: f64,
    /// Whole numbers only.
    pub whole: bool,
    /// Whether the field may be empty, and what that means.
    pub empty: Option<&'static str>,
}

/// A field for a number. What is not a number within the bounds is pointed out and not taken over.
#[component]
pub fn NumberField(
    /// The element's name.
    id: &'static str,
    /// What the user reads.
    label: &'static str,
    /// What it does, in a sentence.
    help: &'static str,
    /// What it may be.
    bounds: Bounds,
    /// Reads the setting.
    get: fn(&Settings) -> Option<f64>,
    /// Changes the setting.
    set: fn(&mut Settings, Option<f64>),
    /// Whether it is one of how tokens are sampled.
    #[prop(optional)]
    sampling: bool,
) -> impl IntoView {
    let store = store();
    let show = move |value: Option<f64>| value.map(|value| value.to_string().replace('.', t("."))).unwrap_or_default();
    let in_use = move || store.settings.read().in_use(store.has_layers());
    let text = RwSignal::new(show(get(&untrack(in_use))));
    let error = RwSignal::new(None::<String>);
    let value = Memo::new(move |_| get(&in_use()));
    // A preset or a reset, or another model, writes over what was typed.
    Effect::new(move || {
        let value = value.get();
        let typed = read_number(&text.read_untracked(), bounds.low, bounds.high, bounds.whole);
        if typed != Ok(value) {
            text.set(show(value));
            error.set(None);
        }
    });
    let input = move |event: ev::Event| {
        text.set(event_target_value(&event));
        match read_number(&text.read_untracked(), bounds.low, bounds.high, bounds.whole) {
            Ok(None) if bounds.empty.is_none() => error.set(Some(t("Give a number.").into())),
            Ok(value) => {
                error.set(None);
                let own = sampling.then(|| untrack(in_use));
                store.settings.update(|settings| {
                    if let Some(own) = own {
                        *settings = Settings { own_sampling: true, ..own };
                    }
                    set(settings, value);
                });
            }
            Err(why) => error.set(Some(why)),
        }
    };
    let leave = move |_| {
        // What could not be taken over does not stay to look as if it were.
        if error.read_untracked().is_some() {
            text.set(show(value.get_untracked()));
            error.update(|error| {
                if let Some(why) = error {
                    why.push_str(t(" The value before it is kept."));
                }
            });
        }
    };
    let (help_id, error_id) = (format!("{id}-help"), format!("{id}-error"));
    view! {
        <div class="field number">
            <label for=id>{label}</label>
            <input
                id=id
                type="text"
                inputmode=if bounds.whole { "numeric" } else { "decimal" }
                autocomplete="off"
                placeholder=bounds.empty.unwrap_or_default()
                aria-describedby=format!("{help_id} {error_id}")
                aria-invalid=move || error.read().is_some().then_some("true")
                prop:value=text
                on:input=input
                on:blur=leave
            />
            <p class="hint" id=help_id>
                {help}
            </p>
            <p class="error" id=error_id aria-live="polite">
                {error}
            </p>
        </div>
    }
}

/// A field for one of a few values.
#[component]
pub fn ChoiceField<T: Copy + PartialEq + Send + Sync + 'static>(
    /// The element's name.
    id: String,
    /// What the user reads.
    label: &'static str,
    /// The values, each with its name and what the user reads.
    choices: &'static [(T, &'static str, &'static str)],
    /// Reads the setting.
    get: fn(&Settings) -> T,
    /// Changes the setting.
    set: fn(&mut Settings, T),
    /// What there is to say of it.
    #[prop(optional)]
    help: Option<&'static str>,
) -> impl IntoView {
    let store = store();
    let change = move |event: ev::Event| {
        let value = event_target_value(&event);
        if let Some((choice, ..)) = choices.iter().find(|(_, name, _)| *name == value) {
            store.settings.update(|settings| set(settings, *choice));
        }
    };
    let option = move |(choice, value, label): &'static (T, &'static str, &'static str)| {
        view! {
            <option value=*value prop:selected=move || get(&store.settings.read()) == *choice>
                {t(label)}
            </option>
        }
    };
    let help_id = format!("{id}-help");
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            <select id=id aria-describedby=help.map(|_| help_id.clone()) on:change=change>
                {choices.iter().map(option).collect_view()}
            </select>
            {help.map(|help| view! { <p class="hint" id=help_id.clone()>{help}</p> })}
        </div>
    }
}
