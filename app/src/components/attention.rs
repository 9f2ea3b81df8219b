//! Where the WASM layers looked: a heat map a layer, the question's tokens by the instructions that were written.

use leptos::prelude::*;
use wattage_engine::{Attention, Looked};

use crate::{
    language::{t, told},
    trace::Trace,
    words,
};

/// The heat maps; nothing where it was not told where the layers looked.
#[component]
pub fn AttentionMaps(
    /// The computation.
    trace: RwSignal<Trace>,
) -> impl IntoView {
    let attention = Memo::new(move |_| trace.read().attention.clone().filter(|attention| !attention.of.is_empty()));
    let open = RwSignal::new(false);
    let maps = move || {
        let Attention { tokens, of } = attention.get()?;
        let map = |looked: Looked| {
            let title = trace.with_untracked(|trace| {
                let row = trace.rows.iter().find(|row| row.id == looked.candidate)?;
                Some(told!("Layer {}: {}", words::who(row.voice), row.op))
            });
            view! { <Map title=title.unwrap_or_default() tokens=tokens.clone() looked /> }
        };
        Some(of.into_iter().map(map).collect_view())
    };
    view! {
        <Show when=move || attention.read().is_some()>
            <details on:toggle=move |event| {
                let details: leptos::web_sys::Element = event_target(&event);
                open.set(details.has_attribute("open"));
            }>
                <summary>{t("Where the layers looked")}</summary>
                <p class="hint">
                    {t("Of its cross-attention, what share in percent each token of the question got while an instruction was written: the mean over heads and decoder blocks.")}
                </p>
                <Show when=move || open.get()>{maps}</Show>
            </details>
        </Show>
    }
}

#[component]
fn Map(title: String, tokens: Vec<String>, looked: Looked) -> impl IntoView {
    let label = told!("{}, a table that scrolls", title);
    let heads = tokens.iter().map(|token| view! { <th scope="col"><span>{shown(token)}</span></th> }).collect_view();
    let cell = |share: u16| {
        let percent = (share + 5) / 10;
        let text = (percent > 0).then(|| percent.to_string());
        view! { <td style=("--share", format!("{percent}%"))>{text}</td> }
    };
    let step = |(instruction, shares): (String, Vec<u16>)| {
        view! {
            <tr>
                <th scope="row">
                    <code>{instruction}</code>
                </th>
                {shares.into_iter().map(cell).collect_view()}
            </tr>
        }
    };
    view! {
        <div class="table-scroll" tabindex="0" role="region" aria-label=label>
            <table class="heat">
                <caption>{title}</caption>
                <thead>
                    <tr>
                        <th scope="col">
                            <span class="visually-hidden">{t("Instruction")}</span>
                        </th>
                        {heads}
                    </tr>
                </thead>
                <tbody>{looked.steps.into_iter().map(step).collect_view()}</tbody>
            </table>
        </div>
    }
}

/// A token as it can be seen.
fn shown(token: &str) -> String {
    match token.trim() {
        "" if token.contains('\n') => "↵".to_owned(),
        "" => "␣".to_owned(),
        // A marker, which stands before a number, under its name alone.
        text => text.strip_prefix("<|").and_then(|text| text.strip_suffix("|>")).unwrap_or(text).to_owned(),
    }
}
