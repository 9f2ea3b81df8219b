//! An answer's text, built from text nodes only.

use leptos::prelude::*;

use super::{CopyButton, computed::Computed};
use crate::{
    figures::{Known, Origin},
    language::t,
    markup::{Block, Span, blocks, spans},
    trace::Trace,
};

/// The text of an answer, which may still be growing.
#[component]
pub fn AnswerText(
    /// The text so far.
    text: ArcRwSignal<String>,
    /// The computation that it was made with.
    trace: RwSignal<Trace>,
    /// Whether it still grows.
    #[prop(into)]
    growing: Signal<bool>,
    /// The numbers that it may say without having made them up, where it answers a question that asks for a computation.
    #[prop(into)]
    known: Signal<Option<Known>>,
) -> impl IntoView {
    let splices = Memo::new(move |_| trace.read().splices.clone());
    let parts = Memo::new(move |_| blocks(&text.read(), &splices.read()));
    // A block keeps its element while it grows, so a selection or a folded thought stays as it is.
    let keys = move || parts.read().iter().map(discriminant).enumerate().collect::<Vec<_>>();
    let part =
        move |(index, kind): (usize, u8)| {
            let block = Memo::new(move |_| parts.read().get(index).cloned());
            match kind {
            0 => view! { <Thoughts block growing /> }.into_any(),
            1 => view! { <p class="paragraph">{move || block.get().map(|block| inline(block_text(&block), known))}</p> }
                .into_any(),
            2 => view! { <p class="heading">{move || block.get().map(|block| inline(block_text(&block), known))}</p> }
                .into_any(),
            4 => view! { <Computed block trace /> }.into_any(),
            _ => view! { <Code block /> }.into_any(),
        }
        };
    view! { <For each=keys key=|key| *key children=part /> }
}

fn discriminant(block: &Block) -> u8 {
    match block {
        Block::Think { .. } => 0,
        Block::Paragraph(_) => 1,
        Block::Heading(_) => 2,
        Block::Code { .. } => 3,
        Block::Spliced(_) => 4,
    }
}

fn block_text(block: &Block) -> &str {
    match block {
        Block::Paragraph(text) | Block::Heading(text) | Block::Think { text, .. } | Block::Code { text, .. } => text,
        Block::Spliced(spliced) => &spliced.wat,
    }
}

fn inline(text: &str, known: Signal<Option<Known>>) -> impl IntoView + use<> {
    let known = known.get();
    let marked = |text: String| match &known {
        Some(known) => known.pieces(&text).into_iter().map(number).collect_view().into_any(),
        None => text.into_any(),
    };
    spans(text)
        .into_iter()
        .map(|span| match span {
            Span::Text(text) => marked(text),
            Span::Code(text) => view! { <code>{text}</code> }.into_any(),
            Span::Strong(text) => view! { <strong>{marked(text)}</strong> }.into_any(),
        })
        .collect_view()
}

/// A piece of a text, with where its number comes from.
fn number((text, origin): (String, Option<Origin>)) -> AnyView {
    let (class, title) = match origin {
        None => return text.into_any(),
        Some(Origin::Computed) => ("is-computed", t("Computed by a function")),
        Some(Origin::Given) => ("is-given", t("From the question")),
        Some(Origin::Written) => ("is-written", t("Not computed: the model wrote it")),
    };
    let note = (origin == Some(Origin::Written))
        .then(|| view! { <span class="visually-hidden">{t(" (not computed)")}</span> });
    view! {
        <span class=format!("figure {class}") title=title>
            {text}
        </span>
        {note}
    }
    .into_any()
}

/// Thoughts: open while the model thinks, folded once it answers.
#[component]
fn Thoughts(block: Memo<Option<Block>>, growing: Signal<bool>) -> impl IntoView {
    let open = Memo::new(move |_| matches!(&*block.read(), Some(Block::Think { open: true, .. })));
    let label = move || match (open.get(), growing.get()) {
        (true, true) => t("Thinking…"),
        (true, false) => t("Thoughts, unfinished"),
        (false, _) => t("Thoughts"),
    };
    let text = move || block.read().as_ref().map(|block| block_text(block).to_owned());
    view! {
        <details class="thoughts" prop:open=open>
            <summary>{label}</summary>
            <p class="paragraph">{text}</p>
        </details>
    }
}

#[component]
fn Code(block: Memo<Option<Block>>) -> impl IntoView {
    let text = move || block.read().as_ref().map(|block| block_text(block).to_owned()).unwrap_or_default();
    let language = move || match &*block.read() {
        Some(Block::Code { language, .. }) if !language.is_empty() => language.clone(),
        _ => t("code").to_owned(),
    };
    let copied = move || {
        block.with_untracked(|block| block.as_ref().map(|block| block_text(block).to_owned())).unwrap_or_default()
    };
    view! {
        <figure class="code">
            <figcaption>
                <span>{language}</span>
                <CopyButton text=copied />
            </figcaption>
            // Wide code scrolls, so the keyboard must reach it.
            <pre tabindex="0">
                <code>{text}</code>
            </pre>
        </figure>
    }
}
