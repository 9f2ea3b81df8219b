//! A message of the user's, with the numbers that functions compute with.

use leptos::{ev, prelude::*};

use super::{focus, focused, store};
use crate::{
    language::{t, told},
    state::Turn,
    trace::pieces,
};

/// A message of the user's.
#[component]
pub fn Question(turn: Turn) -> impl IntoView {
    let store = store();
    let Turn { id, text, edited, .. } = turn;
    let edited = RwSignal::from(edited);
    let numbers = Memo::new(move |_| {
        let turns = store.turns.read();
        let place = turns.iter().position(|turn| turn.id == id)?;
        Some(turns.get(place + 1)?.trace.read().numbers.clone())
    });
    let marked = {
        let text = text.clone();
        move || {
            let numbers = numbers.get().unwrap_or_default();
            let piece = |(text, place): (String, Option<usize>)| match place {
                Some(place) => {
                    view! { <mark title=told!("Parameter {} of the functions", place)>{text}</mark> }.into_any()
                }
                None => text.into_any(),
            };
            pieces(&text.read(), &numbers).into_iter().map(piece).collect_view()
        }
    };
    view! {
        <article class="message user" aria-label=t("You")>
            <p class="paragraph">{marked}</p>
            <Show
                when=move || edited.read().is_some()
                fallback=move || {
                    let text = text.clone();
                    view! {
                        <button
                            type="button"
                            class="quiet edit"
                            title=t("Asks it in other words, in a conversation that branches off here")
                            disabled=move || !store.can_send()
                            on:click=move |_| edited.set(Some(text.get_untracked()))
                        >
                            {t("Edit")}
                        </button>
                    }
                }
            >
                <Edit id edited />
            </Show>
        </article>
    }
}

#[component]
fn Edit(id: u32, edited: RwSignal<Option<String>>) -> impl IntoView {
    let store = store();
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        store.branch(id, &edited.get_untracked().unwrap_or_default());
        focus("message");
    };
    view! {
        <form class="edit" on:submit=submit>
            <textarea
                node_ref=focused()
                rows="2"
                aria-label=t("The message in other words")
                prop:value=move || edited.get().unwrap_or_default()
                on:input=move |event| edited.set(Some(event_target_value(&event)))
            ></textarea>
            <div class="row">
                <button type="submit" disabled=move || !store.can_send()>
                    {t("Ask in a new branch")}
                </button>
                <button type="button" class="quiet" on:click=move |_| {
                    edited.set(None);
                    focus("message");
                }>
                    {t("Cancel")}
                </button>
            </div>
        </form>
    }
}
