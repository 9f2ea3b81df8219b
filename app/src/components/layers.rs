//! The layer panel: what each WASM layer wrote for an answer, how it was judged, and what became of it.

use leptos::prelude::*;
use wattage_engine::{CandidateRow, Similar, Status, Voice};

use super::{CopyButton, attention::AttentionMaps, computed::coloured, score::Score};
use crate::{
    format,
    language::{key, t, told},
    trace::{Trace, parts},
    wat, words,
};

/// The WASM layers' part in an answer; nothing where they had none.
#[component]
pub fn LayerPanel(
    /// What is known of it.
    trace: RwSignal<Trace>,
    /// Whether more may come.
    growing: Signal<bool>,
) -> impl IntoView {
    let gate = Memo::new(move |_| words::gate(&trace.read()));
    let each = move || {
        let layers = trace.read().gate.as_ref().map(|gate| gate.layers.clone()).unwrap_or_default();
        layers
            .iter()
            .map(|(layer, logit)| told!("layer {}: {}", layer, format::decimal(*logit, 1)))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let error = Memo::new(move |_| trace.read().choice.as_ref().and_then(|choice| choice.error.clone()));
    let facts = Memo::new(move |_| words::facts(&trace.read()));
    let has_rows = Memo::new(move |_| !trace.read().rows.is_empty());
    view! {
        <Show when=move || gate.read().is_some()>
            <section class="layer-panel" aria-label=t("WASM layers")>
                <p class="numbers" data-field="gate" title=each>
                    {gate}
                </p>
                {move || {
                    error.get().map(|why| view! { <p class="error">{told!("Nothing was computed: {}", format::sentence(&why))}</p> })
                }}
                <Show when=move || has_rows.get()>
                    <Layers trace growing />
                    <p class="numbers" data-field="facts">
                        {facts}
                    </p>
                    <Candidates trace />
                    <AttentionMaps trace />
                    <Examples trace />
                    <details>
                        <summary>{t("As text")}</summary>
                        <figure class="code">
                            <figcaption>
                                <span>{t("trace")}</span>
                                <CopyButton text=move || trace.read_untracked().text() />
                            </figcaption>
                            <pre tabindex="0">
                                <code data-field="trace">{move || trace.read().text()}</code>
                            </pre>
                        </figure>
                    </details>
                </Show>
            </section>
        </Show>
    }
}

#[component]
fn Layers(trace: RwSignal<Trace>, growing: Signal<bool>) -> impl IntoView {
    let span = Memo::new(move |_| trace.read().span());
    let voices = Memo::new(move |_| trace.read().voices());
    view! {
        // A narrow screen scrolls it, so the keyboard must reach it.
        <div class="table-scroll" tabindex="0" role="region" aria-label=t("Layers, a table that scrolls")>
            <table class="candidates cards" role="table">
                // By this name the table is known to programs too.
                <caption lang="en">"Layer candidates"</caption>
                <thead>
                    <tr>
                        <th scope="col">{t("Layer")}</th>
                        <th scope="col">{t("Operation")}</th>
                        <th scope="col">{t("Function")}</th>
                        <th scope="col">{t("Numbers")}</th>
                        <th scope="col">{t("Result")}</th>
                        <th scope="col">{t("Score")}</th>
                        <th scope="col">{t("Fate")}</th>
                        // The bar says it to those who see it.
                        <th scope="col" class="unseen">
                            <span class="visually-hidden">{t("Parts of the score")}</span>
                        </th>
                    </tr>
                </thead>
                <tbody>
                    <For
                        each=move || voices.get()
                        key=|voice| *voice
                        children=move |voice| view! { <LayerRow voice trace growing span /> }
                    />
                </tbody>
            </table>
        </div>
    }
}

#[component]
fn LayerRow(voice: Voice, trace: RwSignal<Trace>, growing: Signal<bool>, span: Memo<f32>) -> impl IntoView {
    let row = Memo::new(move |_| trace.read().row_of(voice).cloned());
    let wat = Memo::new(move |_| row.read().as_ref().map(|row| row.wat.clone()));
    let read = move |read: fn(&CandidateRow) -> String| move || row.read().as_ref().map(read);
    let line = move || wat.read().as_deref().map(|wat| coloured(&wat::one_line(wat)));
    let whole = move || wat.read().as_deref().map(coloured);
    let none = move || if growing.get() { t("writing…") } else { t("wrote nothing") };
    let remark = move || {
        let remark = words::remark(row.read().as_ref()?)?;
        Some(view! { <span class="remark line">{format::sentence(&remark)}</span> })
    };
    let alternative = move || {
        let row = row.read();
        let row = row.as_ref().filter(|row| row.rank > 0)?;
        Some(
            view! { <span class="remark line">{told!("Candidate {} of this layer, not its best.", row.rank + 1)}</span> },
        )
    };
    view! {
        <tr role="row" data-layer=voice.to_string() class=move || row.read().as_ref().map(|row| words::fate(row.status))>
            <th scope="row" role="rowheader" data-field="layer" data-label=t("Layer")>
                {words::who(voice)}
            </th>
            <td role="cell" data-field="op" data-label=t("Operation")>{read(|row| row.op.clone())}</td>
            <td role="cell" data-field="wat" data-label=t("Function")>
                <Show when=move || wat.read().is_some()>
                    <details>
                        <summary>
                            <code>{line}</code>
                        </summary>
                        <pre tabindex="0">
                            <code>{whole}</code>
                        </pre>
                        <CopyButton text=move || wat.get_untracked().unwrap_or_default() />
                    </details>
                </Show>
                {remark}
                {alternative}
            </td>
            <td role="cell" data-field="args" data-label=t("Numbers")>{read(words::arguments)}</td>
            <td role="cell" data-field="result" data-label=t("Result")>
                <strong>{move || row.read().as_ref().and_then(|row| row.shown.clone())}</strong>
            </td>
            <td role="cell" data-field="score" data-label=t("Score")>
                <Score row span />
            </td>
            <td role="cell" data-field="status" data-label=t("Fate")>
                {move || row.read().as_ref().map_or_else(none, |row| t(words::fate(row.status)))}
            </td>
            <td role="cell" class="unseen">
                <span class="visually-hidden" data-field="parts">
                    {move || row.read().as_ref().and_then(words::parts_of)}
                </span>
            </td>
        </tr>
    }
}

#[component]
fn Fate(row: CandidateRow) -> impl IntoView {
    let separator = if matches!(row.status, Status::Failed | Status::Skipped) { ": " } else { ", " };
    view! {
        <span data-field="status">{t(words::fate(row.status))}</span>
        {words::remark(&row).map(|remark| view! { <span class="remark">{separator} {remark}</span> })}
    }
}

/// The verified examples that are nearest to the question: what the scorer's retrieval goes by.
#[component]
fn Examples(trace: RwSignal<Trace>) -> impl IntoView {
    let similar = Memo::new(move |_| trace.read().similar.clone());
    let example = move |example: Similar| {
        let remark = trace.with(|trace| words::similar(&example, &trace.rows));
        view! {
            <li data-field="similar">
                <span class="asked">{example.text}</span>
                <code>{coloured(&wat::one_line(&example.wat))}</code>
                <span class="remark line">{remark}</span>
            </li>
        }
    };
    view! {
        <Show when=move || !similar.read().is_empty()>
            <details>
                <summary>{move || told!("The {} most similar questions that it knows", similar.read().len())}</summary>
                <ol class="similar">{move || similar.get().into_iter().map(example).collect_view()}</ol>
            </details>
        </Show>
    }
}

/// Every candidate, those among them that are not their layer's best.
#[component]
fn Candidates(trace: RwSignal<Trace>) -> impl IntoView {
    let ids = Memo::new(move |_| trace.read().rows.iter().map(|row| row.id).collect::<Vec<_>>());
    let open = RwSignal::new(false);
    let asks_base =
        Memo::new(move |_| trace.read().rows.iter().any(|row| row.parts.is_some_and(|parts| parts.base.is_some())));
    let names = move || {
        let before = [key("Layer"), key("Rank"), key("Function"), key("Result")];
        let parts = [key("Logprob"), key("Verifier"), key("Agreement"), key("Retrieval")].into_iter();
        let parts = parts.chain(asks_base.get().then_some(key("Base")));
        let all = before.into_iter().chain(parts).chain([key("Score"), key("Fate")]);
        all.map(|name| view! { <th scope="col">{t(name)}</th> }).collect_view()
    };
    let rows = move || {
        let row = move |id: usize| {
            let row = Memo::new(move |_| trace.read().rows.iter().find(|row| row.id == id).cloned());
            move || row.get().map(|row| view! { <Candidate row asks_base=asks_base.get() /> })
        };
        view! { <For each=move || ids.get() key=|id| *id children=row /> }
    };
    view! {
        <details on:toggle=move |event| {
            let details: leptos::web_sys::Element = event_target(&event);
            open.set(details.has_attribute("open"));
        }>
            <summary>{move || told!("All {} candidates, and the parts of their scores", ids.read().len())}</summary>
            <Show when=move || open.get()>
                <div class="table-scroll" tabindex="0" role="region" aria-label=t("Candidates, a table that scrolls")>
                    <table class="candidates">
                        <caption class="visually-hidden">{t("All candidates")}</caption>
                        <thead>
                            <tr>
                                {names}
                            </tr>
                        </thead>
                        <tbody>{rows}</tbody>
                    </table>
                </div>
            </Show>
        </details>
    }
}

#[component]
fn Candidate(
    row: CandidateRow,
    /// Whether the table has a column for what the base thinks.
    asks_base: bool,
) -> impl IntoView {
    let known = row.status != Status::Written;
    let mut parts: Vec<String> = parts(&row).into_iter().map(|(_, size)| format::decimal(size, 2)).collect();
    parts.resize(4 + usize::from(asks_base), String::new());
    let fate = words::fate(row.status);
    view! {
        <tr class=fate>
            <th scope="row">{words::who(row.voice)}</th>
            <td>{row.rank + 1}</td>
            <td>
                <code>{coloured(&wat::one_line(&row.wat))}</code>
            </td>
            <td>
                <strong>{row.shown.clone()}</strong>
            </td>
            {parts.into_iter().map(|size| view! { <td class="figure">{size}</td> }).collect_view()}
            <td class="figure">{known.then(|| format::decimal(row.score, 2))}</td>
            <td>
                <Fate row=row.clone() />
            </td>
        </tr>
    }
}
