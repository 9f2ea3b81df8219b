//! Files dropped anywhere on the page.

use leptos::{ev, prelude::*, web_sys::DragEvent};

use super::{model_library::file_list, store};
use crate::{actions::LoadSpec, language::t};

/// Takes dropped files, and shows that they can be dropped.
#[component]
pub fn DropTarget() -> impl IntoView {
    let store = store();
    let over = RwSignal::new(false);
    let enter = window_event_listener(ev::dragenter, move |event| {
        if carries_files(&event) {
            event.prevent_default();
            over.set(true);
        }
    });
    // Without this the browser opens the file instead.
    let hover = window_event_listener(ev::dragover, move |event| {
        if carries_files(&event) {
            event.prevent_default();
        }
    });
    let leave = window_event_listener(ev::dragleave, move |event| {
        // Moving between elements is no leaving.
        if event.related_target().is_none() {
            over.set(false);
        }
    });
    let take = window_event_listener(ev::drop, move |event| {
        over.set(false);
        if !carries_files(&event) {
            return;
        }
        event.prevent_default();
        let files = file_list(event.data_transfer().and_then(|data| data.files()));
        if !files.is_empty() {
            store.load(LoadSpec::Files(files));
        }
    });
    on_cleanup(move || {
        enter.remove();
        hover.remove();
        leave.remove();
        take.remove();
    });
    view! {
        <Show when=move || over.get()>
            <div class="drop" aria-hidden="true">
                <p>{t("Drop the model's files anywhere")}</p>
            </div>
        </Show>
    }
}

fn carries_files(event: &DragEvent) -> bool {
    event.data_transfer().is_some_and(|data| data.types().includes(&"Files".into(), 0))
}
