//! The panel with what the layers scored: in this conversation, and in an experiment.

use std::collections::BTreeMap;

use leptos::prelude::*;
use wattage_engine::wasm_layers::display;
use wattage_engine::{Role, Voice};

use super::{experiment::ExperimentPart, store};
use crate::{
    files::save,
    format::decimal,
    language::{t, told},
    ledger::{Entry, Share, Summary, Vote, to_csv, to_json},
    state::Store,
    words::who,
};

/// The panel.
#[component]
pub fn ScoresPanel() -> impl IntoView {
    let store = store();
    let rows = Memo::new(move |_| session(store));
    let entries = Memo::new(move |_| rows.read().iter().map(|(_, entry)| entry.clone()).collect::<Vec<_>>());
    view! {
        <section aria-labelledby="session-title">
            <h3 id="session-title">{t("This conversation")}</h3>
            <Show
                when=move || !entries.read().is_empty()
                fallback=|| view! { <p class="hint">{t("Nothing was computed in it yet.")}</p> }
            >
                <Chart entries />
                <Sums entries />
                <ol class="ledger" aria-label=t("Questions of this conversation")>
                    <For each=move || rows.get() key=|(id, _)| *id let:row>
                        <SessionRow id=row.0 rows />
                    </For>
                </ol>
                <TakeHome name="wattage-session" entries />
            </Show>
        </section>
        <ExperimentPart />
    }
}

/// The computed answers of the open conversation, by their messages.
fn session(store: Store) -> Vec<(u32, Entry)> {
    let turns = store.turns.read();
    let known = store.known_answers.read();
    let pairs = turns.windows(2).filter(|pair| pair[0].role == Role::User && pair[1].role == Role::Assistant);
    let entry = |pair: &[crate::state::Turn]| {
        let id = pair[1].id;
        let entry = Entry::of_trace(&pair[0].text.read(), &pair[1].trace.read(), known.get(&id).copied())?;
        Some((id, entry))
    };
    pairs.filter_map(entry).collect()
}

#[component]
fn SessionRow(id: u32, rows: Memo<Vec<(u32, Entry)>>) -> impl IntoView {
    let store = store();
    let entry = Memo::new(move |_| rows.read().iter().find(|(other, _)| *other == id).map(|(_, entry)| entry.clone()));
    let told = move || {
        let entry = entry.get()?;
        let number = |number: Option<f64>| number.map_or_else(|| t("nothing").to_owned(), display);
        let answer = number(entry.answer);
        let mut told = vec![match entry.chosen {
            Some(voice) => told!("{} by {}", answer, who(voice)),
            None => answer,
        }];
        told.extend(entry.margin.map(|margin| told!("{} above the next result", decimal(margin, 1))));
        told.extend(entry.right().map(|right| if right { t("right") } else { t("wrong") }.to_owned()));
        let vote =
            |vote: &Vote| told!("{}: {} at {}", name_of(vote.voice), number(vote.result), decimal(vote.score, 2));
        told.extend(entry.votes.iter().map(vote));
        Some(told.join(" · "))
    };
    let question = move || entry.read().as_ref().map(|entry| entry.question.clone());
    let name = move || told!("The right answer to: {}", question().unwrap_or_default());
    let wanted = entry.get_untracked().and_then(|entry| entry.wanted);
    let change = move |event| {
        let text = event_target_value(&event);
        store.known_answers.update(|known| match crate::figures::only_figure(&text) {
            Some(answer) => drop(known.insert(id, answer)),
            None => drop(known.remove(&id)),
        });
    };
    view! {
        <li>
            <p>{question}</p>
            <p class="numbers">{told}</p>
            <input
                type="text"
                inputmode="decimal"
                autocomplete="off"
                placeholder=t("The right answer, if you know it")
                aria-label=name
                prop:value=wanted.map(|wanted| wanted.to_string())
                on:change=change
            />
        </li>
    }
}

/// How the voices did, as a table.
#[component]
pub fn Sums(entries: Memo<Vec<Entry>>) -> impl IntoView {
    let rows = move || {
        let sum = Summary::of(&entries.read());
        let line = |name: String, right: Share, wins: Option<Share>| {
            let wins = wins.map(|wins| told!("{} of {}", wins.part, wins.whole));
            view! {
                <tr>
                    <th scope="row">{name}</th>
                    <td>{right.told()}</td>
                    <td>{wins}</td>
                </tr>
            }
        };
        let voices = sum.wins.iter().map(|(voice, wins)| {
            line(name_of(*voice), sum.voices.get(voice).copied().unwrap_or_default(), Some(*wins))
        });
        let whole = [(t("Any of them"), sum.oracle), (t("Answer"), sum.right)];
        voices.chain(whole.map(|(name, share)| line(name.to_owned(), share, None))).collect_view()
    };
    view! {
        <table class="checks">
            <caption class="visually-hidden">{t("How often each layer was right")}</caption>
            <thead>
                <tr>
                    <th scope="col">{t("Layer")}</th>
                    <th scope="col">{t("Right, where known")}</th>
                    <th scope="col">{t("Chosen")}</th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
    }
}

fn name_of(voice: Voice) -> String {
    match voice {
        Voice::Layer(layer) => told!("Layer {}", layer),
        Voice::Text => t("Text").to_owned(),
    }
}

/// Scores by layer over the questions. The list behind it says the same in words.
#[component]
fn Chart(entries: Memo<Vec<Entry>>) -> impl IntoView {
    const WIDE: f32 = 320.0;
    const HIGH: f32 = 120.0;
    const EDGE: f32 = 8.0;
    let lines = move || {
        let entries = entries.read();
        let mut voices: BTreeMap<Voice, Vec<(usize, f32, bool)>> = BTreeMap::new();
        for (at, entry) in entries.iter().enumerate() {
            for vote in entry.votes.iter().filter(|vote| vote.score.is_finite()) {
                let chosen = entry.chosen == Some(vote.voice);
                voices.entry(vote.voice).or_default().push((at, vote.score, chosen));
            }
        }
        let scores = || voices.values().flatten().map(|(_, score, _)| *score);
        let (low, high) = (scores().fold(0.0, f32::min), scores().fold(1.0, f32::max));
        #[allow(clippy::cast_precision_loss, reason = "for display")]
        let x = |at: usize| EDGE + (WIDE - 2.0 * EDGE) * (at as f32 + 0.5) / entries.len().max(1) as f32;
        let y = move |score: f32| HIGH - EDGE - (HIGH - 2.0 * EDGE) * (score - low) / (high - low);
        let zero = y(0.0);
        let drawn = (0..).zip(voices).map(|(nth, (voice, points))| {
            let class = format!("line line-{}", nth % 4);
            let path: Vec<String> =
                points.iter().map(|(at, score, _)| format!("{:.1},{:.1}", x(*at), y(*score))).collect();
            let dots = points.iter().map(|(at, score, chosen)| {
                let radius = if *chosen { "4" } else { "2.5" };
                view! {
                    <circle cx=x(*at) cy=y(*score) r=radius>
                        <title>{told!("Question {}, {}: {}", at + 1, name_of(voice), decimal(*score, 2))}</title>
                    </circle>
                }
            });
            view! {
                <g class=class>
                    <polyline points=path.join(" ") />
                    {dots.collect_view()}
                </g>
            }
        });
        view! {
            <line class="axis" x1=EDGE x2=WIDE - EDGE y1=zero y2=zero />
            {drawn.collect_view()}
        }
    };
    let legend = move || {
        let entries = entries.read();
        let mut voices: Vec<Voice> =
            entries.iter().flat_map(|entry| entry.votes.iter().map(|vote| vote.voice)).collect();
        voices.sort_unstable();
        voices.dedup();
        (0..)
            .zip(voices)
            .map(|(nth, voice)| {
                view! {
                    <li>
                        <svg class=format!("line line-{}", nth % 4) viewBox="0 0 12 12" aria-hidden="true">
                            <circle cx="6" cy="6" r="4" />
                        </svg>
                        {name_of(voice)}
                    </li>
                }
            })
            .collect_view()
    };
    view! {
        <figure class="chart">
            <svg viewBox=format!("0 0 {WIDE} {HIGH}") role="img" aria-label=t("Scores by layer, question by question; the list below has them in words")>
                {lines}
            </svg>
            <figcaption>
                <ul class="legend">{legend}</ul>
                <span class="hint">{t("Large points were chosen.")}</span>
            </figcaption>
        </figure>
    }
}

/// Buttons that save entries as files.
#[component]
pub fn TakeHome(
    /// The files' name, without its ending.
    name: &'static str,
    entries: Memo<Vec<Entry>>,
) -> impl IntoView {
    let store = store();
    let take = move |ending: &str, mime: &str, write: fn(&[Entry]) -> String| {
        let text = entries.with_untracked(|entries| write(entries));
        store.said.set(match save(&format!("{name}.{ending}"), mime, &text) {
            Ok(()) => told!("{} is saved.", format!("{name}.{ending}")),
            Err(why) => why,
        });
    };
    view! {
        <div class="row">
            <button type="button" on:click=move |_| take("csv", "text/csv", to_csv)>
                "CSV"
            </button>
            <button type="button" on:click=move |_| take("json", "application/json", to_json)>
                "JSON"
            </button>
        </div>
    }
}
