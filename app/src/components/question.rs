//! A message of the user's, with the numbers that functions compute with.

use leptos::prelude::*;

use super::store;
use crate::{state::Turn, trace::pieces};

/// A message of the user's.
#[component]
pub fn Question(turn: Turn) -> impl IntoView {
    let store = store();
    let Turn { id, text, .. } = turn;
    let numbers = Memo::new(move |_| {
        let turns = store.turns.read();
        let place = turns.iter().position(|turn| turn.id == id)?;
        Some(turns.get(place + 1)?.trace.read().numbers.clone())
    });
    let marked = move || {
        let numbers = numbers.get().unwrap_or_default();
        let piece = |(text, place): (String, Option<usize>)| match place {
            Some(place) => view! { <mark title=format!("Parameter {place} of the functions")>{text}</mark> }.into_any(),
            None => text.into_any(),
        };
        pieces(&text.read(), &numbers).into_iter().map(piece).collect_view()
    };
    view! {
        <article class="message user" aria-label="You">
            <p class="paragraph">{marked}</p>
        </article>
    }
}
