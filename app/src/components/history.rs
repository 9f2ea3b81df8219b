//! The panel with all conversations.

use leptos::{ev, prelude::*};
use wasm_bindgen::JsValue;

use super::{file_button::FileButton, focus, focused, store};
use crate::{
    files::{file_name, save},
    history::{Conversation, Head, to_json, to_markdown},
    language::{t, told},
    state::Store,
};

/// The panel.
#[component]
pub fn HistoryPanel() -> impl IntoView {
    let store = store();
    let history = store.history;
    store.look_at_history();
    // A search stays with the list that it made.
    let search = RwSignal::new(
        history.found.with_untracked(|found| found.as_ref().map(|(text, _)| text.clone()).unwrap_or_default()),
    );
    let shown = Memo::new(move |_| {
        let heads = history.heads.get();
        let Some((text, found)) = history.found.get() else { return heads };
        let text = text.to_lowercase();
        heads.into_iter().filter(|head| head.title.to_lowercase().contains(&text) || found.contains(&head.id)).collect()
    });
    let none = move || {
        shown.read().is_empty().then(|| {
            if history.found.read().is_some() {
                t("No conversation has this.")
            } else {
                t("No conversation is kept yet.")
            }
        })
    };
    view! {
        <p class="hint">{t("Conversations are kept by this browser and go nowhere else.")}</p>
        <label for="history-search">{t("Search")}</label>
        <input
            id="history-search"
            type="text"
            inputmode="search"
            autocomplete="off"
            prop:value=search
            on:input=move |event| {
                search.set(event_target_value(&event));
                store.search_history(search.get_untracked());
            }
        />
        <p class="error" role="alert">
            {move || history.failure.get()}
        </p>
        <ul class="library" aria-label=t("Conversations")>
            <For each=move || shown.get() key=|head| (head.id.clone(), head.title.clone(), head.imported) let:head>
                <Row head />
            </For>
        </ul>
        <p class="hint">{none}</p>
        <div class="row">
            <button
                type="button"
                disabled=move || history.heads.read().is_empty()
                on:click=move |_| {
                    store.with_conversations(
                        None,
                        move |all| store.take_home("wattage-conversations.json", "application/json", &to_json(all)),
                    );
                }
            >
                {t("Export all")}
            </button>
            <FileButton
                id="history-file"
                label=t("Import")
                files=t("Files of conversations")
                accept=".json,application/json"
                multiple=true
                failure=history.failure
                take=move |_, text| store.import_conversations(&text)
            />
        </div>
    }
}

#[component]
fn Row(head: Head) -> impl IntoView {
    let store = store();
    let (id, title) = (StoredValue::new(head.id.clone()), StoredValue::new(head.title.clone()));
    let (renaming, doomed) = (RwSignal::new(false), RwSignal::new(false));
    let open = move || store.history.open.read().as_ref().is_some_and(|open| open.id == id.get_value());
    let updated = Memo::new(move |_| {
        let heads = store.history.heads.read();
        heads.iter().find(|head| head.id == id.get_value()).map_or(head.updated, |head| head.updated)
    });
    let when = move || {
        String::from(js_sys::Date::new(&updated.get().into()).to_locale_string(t("default"), &JsValue::UNDEFINED))
    };
    let mut facts = vec![String::new()];
    facts.extend(head.from.map(|from| told!("branches off “{}”", from)));
    facts.extend(head.imported.then(|| t("imported").to_owned()));
    let export = move |ending: &'static str, mime: &'static str, write: fn(Conversation) -> String| {
        store.with_conversations(Some(id.get_value()), move |all| {
            for conversation in all {
                let name = file_name(&conversation.head.title, ending);
                store.take_home(&name, mime, &write(conversation));
            }
        });
    };
    let label = move |what: &str| format!("{what}: {}", title.get_value());
    view! {
        <li>
            <Show
                when=move || renaming.get()
                fallback=move || {
                    view! {
                        <button
                            type="button"
                            class="link title"
                            aria-current=move || open().then_some("true")
                            on:click=move |_| store.open_conversation(id.get_value())
                        >
                            {title.get_value()}
                        </button>
                    }
                }
            >
                <Rename id=id.get_value() title=title.get_value() renaming />
            </Show>
            <p class="numbers">{when} {facts.join(" · ")}</p>
            <div class="row tight">
                <button type="button" class="quiet" aria-label=label(t("Rename")) on:click=move |_| renaming.set(true)>
                    {t("Rename")}
                </button>
                <button
                    type="button"
                    class="quiet"
                    aria-label=label(t("Export as JSON"))
                    on:click=move |_| export("json", "application/json", |one| to_json(vec![one]))
                >
                    "JSON"
                </button>
                <button
                    type="button"
                    class="quiet"
                    aria-label=label(t("Export as Markdown"))
                    on:click=move |_| export("md", "text/markdown", |one| to_markdown(&one))
                >
                    "Markdown"
                </button>
                <Show
                    when=move || doomed.get()
                    fallback=move || {
                        view! {
                            <button type="button" class="quiet" aria-label=label(t("Delete")) on:click=move |_| doomed.set(true)>
                                {t("Delete")}
                            </button>
                        }
                    }
                >
                    <button
                        type="button"
                        node_ref=focused()
                        aria-label=label(t("Delete for good"))
                        on:click=move |_| {
                            store.delete_conversation(id.get_value());
                            focus("history-search");
                        }
                    >
                        {t("Delete for good")}
                    </button>
                    <button type="button" class="quiet" on:click=move |_| doomed.set(false)>
                        {t("Keep it")}
                    </button>
                </Show>
            </div>
        </li>
    }
}

#[component]
fn Rename(id: String, title: String, renaming: RwSignal<bool>) -> impl IntoView {
    let store = store();
    let text = RwSignal::new(title);
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        renaming.set(false);
        store.rename_conversation(id.clone(), &text.get_untracked());
        focus("history-search");
    };
    view! {
        <form class="row" on:submit=submit>
            <input
                node_ref=focused()
                type="text"
                autocomplete="off"
                aria-label=t("Title")
                prop:value=text
                on:input=move |event| text.set(event_target_value(&event))
            />
            <button type="submit">{t("Save")}</button>
        </form>
    }
}

impl Store {
    /// Saves a file, or says why not.
    fn take_home(self, name: &str, mime: &str, text: &str) {
        match save(name, mime, text) {
            Ok(()) => self.said.set(told!("{} is saved.", name)),
            Err(why) => self.history.failure.set(Some(why)),
        }
    }
}
