//! What the engine put into an answer: a function and what it computed.

use leptos::prelude::*;

use crate::{
    format,
    language::{t, told},
    markup::{Block, Outcome},
    trace::Trace,
    wat, words,
};

/// A program, coloured; text nodes only, whatever it is.
pub fn coloured(program: &str) -> impl IntoView + use<> {
    wat::pieces(program)
        .into_iter()
        .map(|(kind, piece)| match kind.class() {
            Some(class) => view! { <span class=class>{piece.to_owned()}</span> }.into_any(),
            None => piece.to_owned().into_any(),
        })
        .collect_view()
}

/// The computed number, or why there is none, and the function behind it.
#[component]
pub fn Computed(
    /// What stands in the answer.
    block: Memo<Option<Block>>,
    /// The computation that it came from.
    trace: RwSignal<Trace>,
) -> impl IntoView {
    let spliced = Memo::new(move |_| match &*block.read() {
        Some(Block::Spliced(spliced)) => Some(spliced.clone()),
        _ => None,
    });
    let exactness = move || trace.read().chosen()?.exactness.as_ref().map(words::exactness);
    let outcome = move || {
        let outcome = spliced.read().as_ref().map(|spliced| spliced.outcome.clone())?;
        Some(match outcome {
            Outcome::Value(value) => view! {
                <p class="chip">
                    <span class="visually-hidden">{t("Computed: ")}</span>
                    <strong data-field="value">{value}</strong>
                    {exactness().map(|words| view! { <span data-field="exactness">" · " {words}</span> })}
                </p>
            }
            .into_any(),
            Outcome::Error(why) => view! {
                <p class="chip bad" data-field="error">{told!("Not computed: {}", format::sentence(&why))}</p>
            }
            .into_any(),
        })
    };
    let title = move || words::function(trace.read().spliced_row());
    let program = move || spliced.read().as_ref().map(|spliced| coloured(&spliced.wat));
    let has_program = move || spliced.read().as_ref().is_some_and(|spliced| !spliced.wat.is_empty());
    view! {
        <section class="computed" aria-label=t("Computation")>
            {outcome}
            <Show when=has_program>
                <details>
                    <summary>{title}</summary>
                    <pre tabindex="0">
                        <code>{program}</code>
                    </pre>
                </details>
            </Show>
        </section>
    }
}
