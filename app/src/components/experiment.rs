//! A suite of questions put to the model in use.

use leptos::prelude::*;

use super::{
    file_button::FileButton,
    scores::{Sums, TakeHome},
    store,
};
use crate::{
    experiment::{OWN_NAME, differences, read_run},
    files::save,
    language::{t, told},
    ledger::{Entry, Summary},
};

/// How many wrong or differing answers are listed.
const LISTED: usize = 50;

/// The experiment's part of the panel.
#[component]
pub fn ExperimentPart() -> impl IntoView {
    let store = store();
    let experiment = store.experiment;
    let entries = Memo::new(move |_| experiment.run.read().as_ref().map(|run| run.entries.clone()).unwrap_or_default());
    let going = move || experiment.going.get() || experiment.job.read().is_some();
    let left = move || experiment.items.read().len() > entries.read().len();
    view! {
        <section aria-labelledby="experiment-title">
            <h3 id="experiment-title">{t("Experiment")}</h3>
            <p class="hint">
                {t("Puts a suite of questions to the model in use, with the settings as they are, and counts how often each layer is right.")}
            </p>
            <div class="row">
                <button
                    type="button"
                    title=t(OWN_NAME)
                    disabled=move || going() || !store.can_send()
                    on:click=move |_| store.begin_own_experiment()
                >
                    {t("Run the page's suite")}
                </button>
                <FileButton
                    id="suite-file"
                    label=t("Run a suite of yours")
                    files=t("Run a suite of yours: file")
                    failure=experiment.failure
                    accept=".jsonl,.json,.txt"
                    disabled=Signal::derive(move || going() || !store.can_send())
                    take=move |name, text| store.begin_experiment(&name, &text)
                />
            </div>
            <p class="hint">{t("A suite has a line a question: {\"question\": \"2 + 3?\", \"answer\": 5}, or null where nothing is to be computed.")}</p>
            <p class="error" role="alert">
                {move || experiment.failure.get()}
            </p>
            <Show when=move || experiment.run.read().is_some()>
                <Progress />
                <div class="row">
                    <Show
                        when=going
                        fallback=move || {
                            view! {
                                <Show when=left>
                                    <button
                                        type="button"
                                        disabled=move || !store.can_send()
                                        on:click=move |_| store.resume_experiment()
                                    >
                                        {t("Resume")}
                                    </button>
                                </Show>
                            }
                        }
                    >
                        <button type="button" on:click=move |_| store.pause_experiment()>
                            {t("Pause")}
                        </button>
                    </Show>
                </div>
                <Show when=move || !entries.read().is_empty()>
                    <p class="numbers" data-field="passed">
                        {move || told!("Met rightly, the gate counted: {}", Summary::of(&entries.read()).passed.told())}
                    </p>
                    <Sums entries />
                    <Wrong entries />
                    <TakeHome name="wattage-experiment" entries />
                    <Earlier />
                </Show>
            </Show>
        </section>
    }
}

#[component]
fn Progress() -> impl IntoView {
    let experiment = store().experiment;
    let done = move || experiment.run.read().as_ref().map_or(0, |run| run.entries.len());
    let all = move || experiment.items.read().len();
    let told = move || {
        let run = experiment.run.read();
        let run = run.as_ref()?;
        let (done, suite) = (run.entries.len(), t(&run.suite));
        Some(if run.layers {
            told!("{} of {} · {} · {}, with WASM layers", done, all(), suite, run.model)
        } else {
            told!("{} of {} · {} · {}, without WASM layers", done, all(), suite, run.model)
        })
    };
    view! {
        <progress aria-label=t("Questions of the experiment") max=all prop:value=move || done() as f64></progress>
        <p class="numbers">{told}</p>
    }
}

fn line(entry: &Entry) -> String {
    let number =
        |number: Option<f64>| number.map_or_else(|| t("nothing").to_owned(), wattage_engine::wasm_layers::display);
    let answer = if let Some(why) = &entry.refused {
        told!("refused: {}", why)
    } else if entry.micros.is_none() && entry.gate.is_some() {
        t("nothing was computed").to_owned()
    } else {
        told!("got {}", number(entry.answer))
    };
    told!("{} — wanted {}, {}", entry.question, number(entry.wanted), answer)
}

#[component]
fn Wrong(entries: Memo<Vec<Entry>>) -> impl IntoView {
    let wrong = Memo::new(move |_| entries.read().iter().filter(|entry| !entry.passed()).map(line).collect::<Vec<_>>());
    view! {
        <Show when=move || !wrong.read().is_empty()>
            <details>
                <summary>{move || told!("{} not met rightly", wrong.read().len())}</summary>
                <ul class="ledger">
                    {move || wrong.get().into_iter().take(LISTED).map(|line| view! { <li>{line}</li> }).collect_view()}
                </ul>
            </details>
        </Show>
    }
}

/// What another run did otherwise.
#[component]
fn Earlier() -> impl IntoView {
    let store = store();
    let experiment = store.experiment;
    let differing = Memo::new(move |_| match (&*experiment.run.read(), &*experiment.earlier.read()) {
        (Some(run), Some(earlier)) => Some(differences(run, earlier)),
        _ => None,
    });
    let keep = move |_| {
        let text = experiment.run.with_untracked(serde_json::to_string_pretty).unwrap_or_default();
        store.said.set(match save("wattage-run.json", "application/json", &text) {
            Ok(()) => told!("{} is saved.", "wattage-run.json"),
            Err(why) => why,
        });
    };
    let take = move |name: String, text: String| match read_run(&text) {
        Ok(run) => {
            experiment.failure.set(None);
            experiment.earlier.set(Some(run));
        }
        Err(why) => experiment.failure.set(Some(told!("{} cannot be used: {}.", name, why))),
    };
    let told = move || {
        let earlier = experiment.earlier.read();
        let earlier = earlier.as_ref()?;
        let (suite, passed) = (t(&earlier.suite), Summary::of(&earlier.entries).passed.told());
        Some(if earlier.layers {
            told!("Compared with {}, with WASM layers, on {}: {}", earlier.model, suite, passed)
        } else {
            told!("Compared with {}, without WASM layers, on {}: {}", earlier.model, suite, passed)
        })
    };
    let list = move || {
        let pairs = differing.get()?;
        let count = pairs.len();
        let lines = pairs.into_iter().take(LISTED).map(|(now, before)| {
            let before = before.answer.map_or_else(|| t("nothing").to_owned(), wattage_engine::wasm_layers::display);
            view! { <li>{told!("{}, before {}", line(&now), before)}</li> }
        });
        Some(view! {
            <details>
                <summary>{told!("{} answers differ", count)}</summary>
                <ul class="ledger">{lines.collect_view()}</ul>
            </details>
        })
    };
    view! {
        <p class="numbers">{told}</p>
        {list}
        <div class="row">
            <button type="button" on:click=keep>
                {t("Save the run")}
            </button>
            <FileButton
                id="run-file"
                label=t("Compare with a saved run")
                files=t("Compare with a saved run: file")
                failure=experiment.failure
                accept=".json"
                take=take
            />
        </div>
    }
}
