//! The page's parts.

mod answer;
mod attention;
mod chat;
mod composer;
mod computed;
mod device;
mod drop;
mod experiment;
mod field;
mod file_button;
mod header;
mod history;
mod keyboard;
mod layers;
mod library;
mod model_library;
mod notice;
mod question;
mod score;
mod scores;
mod settings;

use std::time::Duration;

use leptos::{ev, prelude::*, web_sys};
use wasm_bindgen::JsCast;

pub(crate) use self::keyboard::{focus, focused};
use crate::{
    actions::LoadSpec,
    language::{Language, speak, t},
    preferences::{Settings, Theme},
    state::{Panel, Store},
};

/// The store that the page has put into its context.
pub(crate) fn store() -> Store {
    expect_context()
}

/// The whole page.
#[component]
pub fn App() -> impl IntoView {
    let store = Store::new(Settings::restore(), Theme::restore());
    provide_context(store);
    let language = Memo::new(move |_| Language::of(store.settings.read().language));
    // Before anything is said.
    speak(language.get_untracked());
    store.keep_conversations();
    store.follow_link();
    let link = window_event_listener(ev::hashchange, move |_| store.follow_link());
    on_cleanup(move || link.remove());
    keyboard::keep_focus();
    store.start_engine();
    if store.settings.read_untracked().open_embedded {
        store.load(LoadSpec::Embedded);
    }
    store.follow_offline();
    store.look_at_shelf();

    Effect::new(move || store.settings.read().keep());
    Effect::new(move || {
        let theme = store.theme.get();
        theme.keep();
        if let Some(root) = document().document_element() {
            drop(root.set_attribute("data-theme", theme.attribute()));
        }
    });
    Effect::new(move |before: Option<()>| {
        if let Some(root) = document().document_element() {
            drop(root.set_attribute("lang", language.get().code()));
        }
        if before.is_some() {
            // What the keyboard was at is gone with the rest.
            focus("language");
        }
    });
    let escape = window_event_listener(ev::keydown, move |event| {
        if event.key() != "Escape" || event.default_prevented() {
            return;
        }
        if store.answering.get_untracked().is_some() {
            store.stop();
        } else if store.panel.get_untracked().is_some() {
            close_panel(store);
        }
    });
    on_cleanup(move || escape.remove());

    // Shown anew in each language.
    let page = |language| {
        speak(language);
        view! { <Page /> }
    };
    view! { <For each=move || [language.get()] key=|language| *language children=page /> }
}

#[component]
fn Page() -> impl IntoView {
    let store = store();
    view! {
        <a class="skip" href="#message">{t("Skip to the message box")}</a>
        <header::Header />
        <div class="body" class:with-panel=move || store.panel.read().is_some()>
            <main id="main">
                <notice::Notices />
                <chat::Chat />
                <composer::Composer />
                <model_library::FileInput />
            </main>
            {move || store.panel.get().map(|panel| view! { <SidePanel panel /> })}
        </div>
        <drop::DropTarget />
        <p class="visually-hidden" role="status">{move || store.said.get()}</p>
    }
}

#[component]
fn SidePanel(panel: Panel) -> impl IntoView {
    let store = store();
    let (title, body) = match panel {
        Panel::Model => (t("Model"), view! { <model_library::ModelPanel /> }.into_any()),
        Panel::Settings => (t("Settings"), view! { <settings::SettingsPanel /> }.into_any()),
        Panel::Device => (t("Device"), view! { <device::DevicePanel /> }.into_any()),
        Panel::Scores => (t("Scores"), view! { <scores::ScoresPanel /> }.into_any()),
        Panel::History => (t("History"), view! { <history::HistoryPanel /> }.into_any()),
    };
    view! {
        <aside id="panel" aria-labelledby="panel-title">
            <div class="panel-head">
                <h2 id="panel-title" tabindex="-1">
                    {title}
                </h2>
                <button type="button" class="quiet" on:click=move |_| close_panel(store)>
                    {t("Close")}
                </button>
            </div>
            {body}
        </aside>
    }
}

/// Closes the panel and goes back to the button that had opened it.
fn close_panel(store: Store) {
    if let Some(panel) = store.panel.get_untracked() {
        store.panel.set(None);
        focus(header::button_id(panel));
    }
}

/// A button that copies a text and says whether that worked.
#[component]
pub(crate) fn CopyButton(
    /// What to copy.
    text: impl Fn() -> String + 'static,
) -> impl IntoView {
    let label = RwSignal::new(t("Copy"));
    let copy = move |_| {
        let text = text();
        leptos::task::spawn_local(async move {
            // Missing where the page is not served securely.
            let clipboard = js_sys::Reflect::get(&window().navigator(), &"clipboard".into());
            let clipboard = clipboard.ok().and_then(|clipboard| clipboard.dyn_into::<web_sys::Clipboard>().ok());
            let copied = match clipboard {
                Some(clipboard) => wasm_bindgen_futures::JsFuture::from(clipboard.write_text(&text)).await.is_ok(),
                None => false,
            };
            let _ = label.try_set(if copied { t("Copied") } else { t("Not allowed") });
            set_timeout(
                move || {
                    let _ = label.try_set(t("Copy"));
                },
                Duration::from_secs(2),
            );
        });
    };
    view! {
        <button type="button" class="quiet" on:click=copy>
            <span aria-live="polite">{label}</span>
        </button>
    }
}
