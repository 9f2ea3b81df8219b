//! The list of models: those that are known and those that are kept.

use leptos::prelude::*;

use super::{focused, store};
use crate::{
    actions::LoadSpec,
    format,
    language::{t, told},
    library::{Download, KNOWN, Known, Record, Target},
    protocol::JobId,
};

/// A model of the list.
#[derive(Clone, PartialEq)]
struct Entry {
    target: Target,
    known: Option<&'static Known>,
    record: Option<Record>,
}

/// The models that are known, and those that are kept besides.
fn entries(records: &[Record], downloads: &[Download]) -> Vec<Entry> {
    let record_of = |target: &Target| records.iter().find(|record| record.id == target.id).cloned();
    let mut entries: Vec<Entry> = KNOWN
        .iter()
        .map(|known| {
            let target = known.target();
            Entry { record: record_of(&target), target, known: Some(known) }
        })
        .collect();
    let others = records.iter().map(Record::target).chain(downloads.iter().map(|download| download.target.clone()));
    for target in others {
        if !entries.iter().any(|entry| entry.target.id == target.id) {
            entries.push(Entry { record: record_of(&target), target, known: None });
        }
    }
    entries
}

/// The list, with what can be done to each model.
#[component]
pub fn Library() -> impl IntoView {
    let store = store();
    let shelf = store.shelf;
    let entries = Memo::new(move |_| entries(&shelf.records.read(), &shelf.downloads.read()));
    let space = move || {
        shelf.space.get().map(|space| {
            told!(
                "{} of {} that this browser gives the page are used.",
                format::bytes(space.used),
                format::bytes(space.quota)
            )
        })
    };
    view! {
        <ul class="library" aria-label=t("Models")>
            <li>
                <p class="model-name">"Wattage Tiny"</p>
                <p class="hint">{t("Comes with this page · MIT or Apache-2.0 · WASM layers that compute")}</p>
                <div class="row">
                    <button
                        type="button"
                        class="primary"
                        disabled=move || store.loading.read().is_some()
                        on:click=move |_| store.load(LoadSpec::Embedded)
                    >
                        {t("Open Wattage tiny")}
                    </button>
                </div>
            </li>
            <For each=move || entries.get() key=|entry| entry.target.id.clone() let:entry>
                <Row entry entries />
            </For>
        </ul>
        <p class="hint">{space}</p>
        {move || shelf.missing.get().map(|why| view! { <p class="hint">{told!("Models cannot be kept here: {}.", why)}</p> })}
        <p class="error" role="alert">
            {move || shelf.failure.get()}
        </p>
    }
}

#[component]
fn Row(entry: Entry, entries: Memo<Vec<Entry>>) -> impl IntoView {
    let store = store();
    let shelf = store.shelf;
    let Entry { target, known, .. } = entry;
    // The row stays while what is kept of the model grows, so that the keyboard stays in it.
    let own = target.id.clone();
    let record = Memo::new(move |_| entries.read().iter().find(|entry| entry.target.id == own)?.record.clone());
    let name = known.map_or_else(|| target.name.clone(), |known| known.name.to_owned());
    let bytes = target.bytes;
    let facts = move || {
        let size = bytes.or_else(|| Some(record.read().as_ref()?.bytes)).map(format::bytes);
        let layers =
            known.map(|known| if known.has_layers() { t("WASM layers that compute") } else { t("no WASM layers yet") });
        let facts = [size, known.map(|known| known.licence.to_owned()), layers.map(str::to_owned)];
        facts.into_iter().flatten().collect::<Vec<String>>().join(" · ")
    };
    let source = match (known, &target.url) {
        (Some(known), _) => Some((t(known.source.0).to_owned(), known.source.1.to_owned())),
        (None, Some(url)) => Some((url.clone(), url.clone())),
        (None, None) => None,
    };
    let state = move || match &*record.read() {
        Some(record) if record.complete() => t("On this computer").to_owned(),
        Some(record) => {
            told!("{} of {} are on this computer", format::bytes(record.kept()), format::bytes(record.bytes))
        }
        None => t("Not on this computer").to_owned(),
    };
    let id = target.id.clone();
    let download = Memo::new(move |_| shelf.download(&id));
    let under_way = Memo::new(move |_| download.get().map(|download| (download.job, download.failure)));
    let sha256 = move || record.read().as_ref().and_then(|record| Some(format!("SHA-256 {}", record.sha256.as_ref()?)));
    view! {
        <li>
            <p class="model-name">{name.clone()}</p>
            <p class="hint">
                {facts}
                {source
                    .map(|(text, url)| view! { " · " <a href=url target="_blank" rel="noreferrer">{text}</a> })}
            </p>
            <p class="numbers" title=sha256>{state}</p>
            {move || match under_way.get() {
                None => view! { <Actions target=target.clone() record=record.get() name=name.clone() /> }.into_any(),
                Some((job, None)) => view! { <Progress job download name=name.clone() /> }.into_any(),
                Some((job, Some(why))) => view! { <Failed job download why /> }.into_any(),
            }}
        </li>
    }
}

#[component]
fn Actions(target: Target, record: Option<Record>, name: String) -> impl IntoView {
    let store = store();
    let doomed = RwSignal::new(false);
    let whole = record.as_ref().is_some_and(Record::complete);
    let fetch = {
        let (label, full) = match record {
            Some(_) => (t("Resume"), told!("Resume {}", name)),
            None => (t("Download"), told!("Download {}", name)),
        };
        let target = target.clone();
        let can = target.url.is_some() && !whole;
        let keep = move |_| store.keep(target.clone(), None);
        let disabled = move || store.shelf.missing.read().is_some();
        can.then(|| {
            view! {
                <button type="button" aria-label=full disabled=disabled on:click=keep>
                    {label}
                </button>
            }
        })
    };
    let open = {
        let (file, url) = (record.clone().filter(|_| whole), target.url.clone());
        // What is not kept can be used all the same.
        let label = if whole { t("Load") } else { t("Load without keeping") };
        let load = move |_| match (&file, &url) {
            (Some(file), _) => store.open_kept(file.clone()),
            (None, Some(url)) => store.load(LoadSpec::Urls(vec![url.clone()])),
            (None, None) => {}
        };
        let can = whole || target.url.is_some();
        can.then(|| {
            view! {
                <button
                    type="button"
                    aria-label=format!("{label}: {name}")
                    disabled=move || store.loading.read().is_some()
                    on:click=load
                >
                    {label}
                </button>
            }
        })
    };
    let delete = record.map(|record| {
        let size = format::bytes(record.kept());
        let name = name.clone();
        view! {
            {move || {
                let (record, size) = (record.clone(), size.clone());
                if doomed.get() {
                    view! {
                        <button type="button" node_ref=focused() on:click=move |_| store.delete_kept(record.clone())>
                            {told!("Delete {} for good", size)}
                        </button>
                        <button type="button" class="quiet" on:click=move |_| doomed.set(false)>
                            {t("Keep it")}
                        </button>
                    }
                        .into_any()
                } else {
                    view! {
                        <button
                            type="button"
                            class="quiet"
                            aria-label=told!("Delete {}", name)
                            on:click=move |_| doomed.set(true)
                        >
                            {t("Delete")}
                        </button>
                    }
                        .into_any()
                }
            }}
        }
    });
    view! { <div class="row">{open} {fetch} {delete}</div> }
}

#[component]
fn Failed(job: JobId, download: Memo<Option<Download>>, why: String) -> impl IntoView {
    let store = store();
    // A file of this computer has to be chosen again.
    let target = download.get_untracked().map(|download| download.target).filter(|target| target.url.is_some());
    let again = target.map(|target| {
        view! { <button type="button" on:click=move |_| store.keep(target.clone(), None)>{t("Try again")}</button> }
    });
    view! {
        <p class="error" role="alert">{why}</p>
        <div class="row">
            {again} <button type="button" class="quiet" on:click=move |_| store.forget_download(job)>{t("Dismiss")}</button>
        </div>
    }
}

#[component]
fn Progress(job: JobId, download: Memo<Option<Download>>, name: String) -> impl IntoView {
    let store = store();
    let told = move || download.read().as_ref().map(Download::told);
    let share = move || download.read().as_ref().and_then(Download::share);
    view! {
        <progress
            max="100"
            aria-label=told!("Download of {}", name)
            class:unknown=move || share().is_none()
            prop:value=move || share().unwrap_or(0.0)
        ></progress>
        <div class="row spread">
            <p class="numbers">{told}</p>
            <button
                type="button"
                aria-label=told!("Stop the download of {}", name)
                disabled=move || download.read().as_ref().is_some_and(|download| download.cancelling)
                on:click=move |_| store.cancel_keep(job)
            >
                {t("Stop")}
            </button>
        </div>
    }
}
