//! A button that reads text files of the visitor's.

use leptos::{
    ev,
    html::Input,
    prelude::*,
    task::spawn_local,
    web_sys::{File, HtmlInputElement},
};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use super::model_library::file_list;
use crate::language::{t, told};

/// The largest file that is read: more than any number of conversations that people have.
const LARGEST: f64 = 256e6;

/// A button that reads a text file.
#[component]
pub fn FileButton(
    /// The element's name.
    id: &'static str,
    /// What the user reads.
    label: &'static str,
    /// The endings of such files.
    accept: &'static str,
    /// What a screen reader says of the files.
    files: &'static str,
    /// Whether several can be chosen.
    #[prop(optional)]
    multiple: bool,
    /// Whether it cannot be pressed now.
    #[prop(optional, into)]
    disabled: Signal<bool>,
    /// Where it is told that a file could not be read.
    failure: RwSignal<Option<String>>,
    /// Takes the file's name and text.
    take: impl Fn(String, String) + Copy + 'static,
) -> impl IntoView {
    let input = NodeRef::<Input>::new();
    let changed = move |_: ev::Event| {
        let Some(input) = input.get_untracked() else { return };
        let chosen = file_list(input.files());
        // The same file can be chosen again.
        input.set_value("");
        for file in chosen {
            spawn_local(async move {
                match text_of(&file).await {
                    Ok(text) => take(file.name(), text),
                    Err(why) => failure.set(Some(told!("{} could not be read: {}.", file.name(), why))),
                }
            });
        }
    };
    let choose = move |_| {
        if let Some(input) = input.get_untracked() {
            input.unchecked_ref::<HtmlInputElement>().click();
        }
    };
    view! {
        <button type="button" disabled=disabled on:click=choose>
            {label}
        </button>
        <input
            node_ref=input
            id=id
            class="visually-hidden"
            type="file"
            multiple=multiple
            accept=accept
            aria-label=files
            tabindex="-1"
            on:change=changed
        />
    }
}

/// The text of a file.
async fn text_of(file: &File) -> Result<String, String> {
    if file.size() > LARGEST {
        return Err(t("it is too large").into());
    }
    let told = |error: JsValue| format!("{error:?}");
    let text = JsFuture::from(file.text()).await.map_err(told)?;
    text.as_string().ok_or_else(|| t("it is no text").into())
}
