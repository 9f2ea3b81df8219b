//! Choosing a model, seeing it load, and what is known of it.

use leptos::{
    ev,
    html::Input,
    prelude::*,
    web_sys::{File, FileList, HtmlInputElement},
};
use wasm_bindgen::JsCast;
use wattage_engine::{DevicePreference, Stage};

use super::{field::ChoiceField, library::Library, store};
use crate::{
    actions::LoadSpec,
    format::{self, decimal, provenance},
    language::{key, t, told},
    library::Target,
    protocol::Loaded,
    state::{Loading, Store},
};

const INPUT: &str = "model-files";

/// Opens the browser's file dialogue.
pub fn choose_files() {
    let input = document().get_element_by_id(INPUT).and_then(|input| input.dyn_into::<HtmlInputElement>().ok());
    if let Some(input) = input {
        input.click();
    }
}

/// The files of a list.
pub fn file_list(list: Option<FileList>) -> Vec<File> {
    list.map(|list| (0..list.length()).filter_map(|index| list.get(index)).collect()).unwrap_or_default()
}

/// The one file input, which the buttons that choose files use.
#[component]
pub fn FileInput() -> impl IntoView {
    let store = store();
    let input = NodeRef::<Input>::new();
    let changed = move |_: ev::Event| {
        let Some(input) = input.get_untracked() else { return };
        let files = file_list(input.files());
        // The same file can be chosen again.
        input.set_value("");
        if !files.is_empty() {
            store.load(LoadSpec::Files(files));
        }
    };
    view! {
        <input
            node_ref=input
            id=INPUT
            class="visually-hidden"
            type="file"
            multiple
            accept=".gguf,.safetensors,.json"
            aria-label=t("Model files")
            tabindex="-1"
            on:change=changed
        />
    }
}

/// Files or an address; in the middle of the page while there is no model, and in the panel.
#[component]
pub fn Picker(
    /// Tells apart the elements of a page that shows it twice.
    id: &'static str,
) -> impl IntoView {
    let store = store();
    let (url, error) = (store.address, RwSignal::new(None::<String>));
    let with_address = move |then: fn(Store, LoadSpec)| match LoadSpec::read_urls(&url.read_untracked()) {
        Ok(spec) => {
            error.set(None);
            then(store, spec);
        }
        Err(why) => error.set(Some(why)),
    };
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        with_address(Store::load);
    };
    let download = move |_| {
        with_address(|store, spec| {
            if let LoadSpec::Urls(urls) = spec {
                urls.iter().for_each(|url| store.keep(Target::of_url(url), None));
            }
        });
    };
    let embedded_id = format!("{id}-embedded");
    let (input_id, error_id, device_id) = (format!("{id}-url"), format!("{id}-url-error"), format!("{id}-device"));
    view! {
        <div class="picker">
            <Library />
            <div class="field check">
                <input
                    id=embedded_id.clone()
                    type="checkbox"
                    prop:checked=move || store.settings.read().open_embedded
                    on:change=move |event| {
                        store.settings.update(|settings| settings.open_embedded = event_target_checked(&event));
                    }
                />
                <label for=embedded_id>{t("Open Wattage tiny with the page")}</label>
            </div>
            <div class="pick-files">
                <button type="button" on:click=move |_| choose_files()>
                    {t("Choose model files")}
                </button>
                <p class="hint">{t("or drop them anywhere on this page")}</p>
            </div>
            <form class="pick-url" novalidate on:submit=submit>
                <label for=input_id.clone()>{t("Model address")}</label>
                <div class="row">
                    <input
                        id=input_id
                        type="text"
                        inputmode="url"
                        autocomplete="off"
                        spellcheck="false"
                        placeholder="https://…/model.gguf"
                        aria-describedby=error_id.clone()
                        aria-invalid=move || error.read().is_some().then_some("true")
                        prop:value=url
                        on:input=move |event| url.set(event_target_value(&event))
                    />
                    <button type="submit">{t("Load")}</button>
                    <button
                        type="button"
                        title=t("Keeps it on this computer")
                        disabled=move || store.shelf.missing.read().is_some()
                        on:click=download
                    >
                        {t("Download")}
                    </button>
                </div>
                <p class="error" id=error_id aria-live="polite">
                    {error}
                </p>
            </form>
            <DeviceSelect id=device_id />
            <p class="hint">
                {t("Qwen2, Qwen2.5 or Qwen3: one .gguf file, or .safetensors together with config.json and tokenizer.json. The files stay on this computer. An address may end in #sha256= and the file's SHA-256, with which a download is then compared.")}
            </p>
        </div>
    }
}

/// Where models run.
#[component]
pub fn DeviceSelect(
    /// The element's name.
    id: String,
) -> impl IntoView {
    const CHOICES: [(DevicePreference, &str, &str); 3] = [
        (DevicePreference::Auto, "auto", key("Auto: the faster of the two")),
        (DevicePreference::Gpu, "gpu", "GPU (WebGPU)"),
        (DevicePreference::Cpu, "cpu", key("CPU: small models only")),
    ];
    view! {
        <ChoiceField
            id
            label=t("Run on")
            choices=&CHOICES
            get=|settings| settings.device
            set=|settings, choice| settings.device = choice
        />
    }
}

/// The state of the load under way.
#[component]
pub fn LoadProgress() -> impl IntoView {
    let store = store();
    let with = move |read: fn(&Loading) -> String| move || store.loading.read().as_ref().map(read).unwrap_or_default();
    let percent = move || store.loading.read().as_ref().and_then(share);
    view! {
        <section class="loading" aria-label=t("Loading the model")>
            <p class="loading-title">{with(|loading| loading.label.clone())}</p>
            <progress
                max="100"
                aria-label=t("Loading progress")
                prop:value=move || percent().unwrap_or(0.0)
                class:unknown=move || percent().is_none()
            ></progress>
            <div class="row spread">
                <p class="numbers">{with(describe)}</p>
                <button type="button" on:click=move |_| store.cancel_load()>
                    {with(|loading| if loading.cancelling { t("Cancelling…") } else { t("Cancel") }.into())}
                </button>
            </div>
        </section>
    }
}

fn share(loading: &Loading) -> Option<f64> {
    let progress = loading.progress;
    #[allow(clippy::cast_precision_loss, reason = "for display")]
    let share = (progress.total > 0).then(|| 100.0 * progress.done as f64 / progress.total as f64);
    share
}

fn describe(loading: &Loading) -> String {
    let progress = loading.progress;
    match progress.stage {
        Stage::Header => t("Reading the header and the tokenizer").into(),
        Stage::SelfCheck => told!("Checking the device, {} of {}", progress.done, progress.total),
        Stage::Measuring => t("Measuring which device is faster").into(),
        Stage::Weights => {
            let mut text = told!("{} of {}", format::bytes(progress.done), format::bytes(progress.total));
            if let Some(rate) = loading.rate.per_second() {
                #[allow(clippy::cast_precision_loss, reason = "for display")]
                let left = progress.total.saturating_sub(progress.done) as f64 / rate;
                text.push_str(&told!(" · {} MB/s · {} left", decimal(rate / 1e6, 0), format::duration(left)));
            }
            text
        }
    }
}

/// The panel: the model in use, and choosing another.
#[component]
pub fn ModelPanel() -> impl IntoView {
    let store = store();
    view! {
        {move || store.loaded.get().map(|loaded| view! { <Facts loaded /> })}
        <Show when=move || store.loading.read().is_some()>
            <LoadProgress />
        </Show>
        <h3>{move || if store.loaded.read().is_some() { t("Load another") } else { t("Load a model") }}</h3>
        <Picker id="panel-picker" />
    }
}

#[component]
fn Facts(loaded: Loaded) -> impl IntoView {
    let store = store();
    let keep = store.own_file().filter(|_| store.shelf.missing.read_untracked().is_none()).map(|file| {
        let keep = move |_| {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of bytes")]
            store.keep(Target::of_file(&file.name(), file.size() as u64, file.last_modified()), Some(&file));
        };
        view! {
            <div class="row">
                <button type="button" on:click=keep>{t("Keep a copy in this browser")}</button>
            </div>
        }
    });
    let Loaded { model, device, without_layers, heap_bytes } = loaded;
    let layers = match &model.wasm_layers[..] {
        [] if model.text_voice => t("none; its own text has functions").to_owned(),
        [] => t("none").to_owned(),
        layers => {
            let layers: Vec<String> = layers.iter().map(usize::to_string).collect();
            told!("on decoder layers {}", layers.join(", "))
        }
    };
    let facts = [
        (t("Architecture"), model.architecture),
        (t("Parameters"), format::parameters(model.parameters)),
        (t("Stored as"), model.quantisation),
        (t("Memory of the model"), format::bytes(model.gpu_bytes)),
        (t("Memory of the engine"), format::bytes(heap_bytes)),
        (t("Read for each token"), format::bytes(model.weight_bytes)),
        (t("Layers"), told!("{} of width {}", model.layers, model.hidden)),
        (t("Vocabulary"), format::count(model.vocab as u64)),
        (t("Context"), told!("{} tokens", format::count(model.context as u64))),
        (t("Thinks aloud"), if model.can_think { t("yes") } else { t("no") }.into()),
        (t("WASM layers"), layers),
        (t("Runs on"), device.adapter),
    ];
    let made = provenance(&model.provenance);
    view! {
        <h3>{model.name}</h3>
        <dl class="facts">
            {facts
                .map(|(name, value)| {
                    view! {
                        <dt>{name}</dt>
                        <dd>{value}</dd>
                    }
                })
                .collect_view()}
        </dl>
        {(!made.is_empty())
            .then(|| {
                view! {
                    <details>
                        <summary>{t("How the WASM layers were made")}</summary>
                        <dl class="facts">
                            {made
                                .into_iter()
                                .map(|(name, value)| {
                                    view! {
                                        <dt>{name}</dt>
                                        <dd>{value}</dd>
                                    }
                                })
                                .collect_view()}
                        </dl>
                    </details>
                }
            })}
        {keep}
        {without_layers.map(|why| view! { <p class="error">{why}</p> })}
        {device.note.map(|note| view! { <p class="hint">{note}</p> })}
    }
}
