//! The conversation.

use std::sync::Arc;

use leptos::{html::Div, prelude::*};
use wattage_engine::{Completion, Role, StopReason};

use super::{
    CopyButton,
    answer::AnswerText,
    focus,
    layers::LayerPanel,
    model_library::{LoadProgress, Picker},
    question::Question,
    store,
};
use crate::{
    figures::Known,
    format,
    language::{t, told},
    markup::{answer_only, without_splices},
    protocol::{Failure, FailureKind},
    state::{Panel, Phase, Turn},
    trace::Trace,
};

/// Closer to the end than this, the view follows a growing answer.
const FOLLOW_WITHIN_PX: i32 = 64;

/// The conversation, or what to do before there is one.
#[component]
pub fn Chat() -> impl IntoView {
    let store = store();
    let scroller = NodeRef::<Div>::new();
    let following = StoredValue::new(true);
    let scrolled = move |_| {
        if let Some(element) = scroller.try_get_untracked().flatten() {
            let below = element.scroll_height() - element.scroll_top() - element.client_height();
            following.set_value(below < FOLLOW_WITHIN_PX);
        }
    };
    Effect::new(move || {
        store.pulse.track();
        // A message that was just sent is always shown.
        if matches!(store.turns.read().last().map(|turn| turn.phase.get_untracked()), Some(Phase::Waiting)) {
            following.set_value(true);
        }
        if following.get_value() {
            request_animation_frame(move || {
                // Another language may have taken its place since.
                if let Some(element) = scroller.try_get_untracked().flatten() {
                    element.set_scroll_top(element.scroll_height());
                }
            });
        }
    });
    let empty = move || store.turns.read().is_empty();
    view! {
        <div class="scroll" node_ref=scroller on:scroll=scrolled tabindex="0" role="region" aria-label=t("Conversation")>
            <h2 class="visually-hidden">{t("Conversation")}</h2>
            <Show when=empty>
                <Beginning />
            </Show>
            <Show when=move || store.history.open.read().as_ref().is_some_and(|open| open.imported)>
                <p class="hint imported">
                    {t("This conversation came from a file. What it shows as computed was not computed here.")}
                </p>
            </Show>
            <div
                class="log"
                role="log"
                aria-live="polite"
                aria-label=t("Messages")
                // While an answer grows it is not read out: it is once it is complete.
                aria-busy=move || if store.answering.read().is_some() { "true" } else { "false" }
            >
                <For each=move || store.turns.get() key=|turn| turn.id children=|turn| view! { <Message turn /> } />
            </div>
            <Show when=move || !empty() && store.loading.read().is_some()>
                <LoadProgress />
            </Show>
        </div>
    }
}

/// Questions to begin with, for a model that computes.
const EXAMPLES: [&str; 4] = ["What is 12 × 11?", "605 × 1213", "15% of 80", "How many minutes are in 3.5 hours?"];

/// What is in the middle of the page before the first message.
#[component]
fn Beginning() -> impl IntoView {
    let store = store();
    move || {
        if store.loading.read().is_some() {
            view! { <div class="beginning"><LoadProgress /></div> }.into_any()
        } else if let Some(loaded) = &*store.loaded.read() {
            let name = loaded.model.name.clone();
            view! {
                <div class="beginning">
                    <p class="big">{t("Ask something.")}</p>
                    <p class="hint">{told!("{} runs in this browser. Nothing that you write leaves it.", name)}</p>
                    <Show when=move || store.computes()>
                        <Examples />
                    </Show>
                </div>
            }
            .into_any()
        } else {
            view! {
                <div class="beginning">
                    <p class="big">{t("A language model, run by your own browser.")}</p>
                    <p class="hint">{t("Give it a Qwen model to begin. It runs on this device alone; there is no server.")}</p>
                    <Picker id="picker" />
                </div>
            }
            .into_any()
        }
    }
}

#[component]
fn Examples() -> impl IntoView {
    let store = store();
    let example = |question: &'static str| {
        let ask = move |_| {
            store.ask(question);
            focus("message");
        };
        view! {
            <button type="button" disabled=move || !store.can_send() on:click=ask>
                {question}
            </button>
        }
    };
    view! {
        <div class="row" role="group" aria-label=t("Examples")>
            {EXAMPLES.map(example).collect_view()}
        </div>
    }
}

#[component]
fn Message(turn: Turn) -> impl IntoView {
    match turn.role {
        Role::Assistant => view! { <Answer turn /> }.into_any(),
        _ => view! { <Question turn /> }.into_any(),
    }
}

#[component]
fn Answer(turn: Turn) -> impl IntoView {
    let store = store();
    let Turn { id, text, trace, phase, other, .. } = turn;
    let (trace, phase) = (RwSignal::from(trace), RwSignal::from(phase));
    let growing = Signal::derive(move || grows(&phase.read()));
    let last = move || store.turns.read().last().is_some_and(|turn| turn.id == id);
    let failed = move || matches!(*phase.read(), Phase::Failed(_));
    // What one side computed tells of the other that its question asks for a computation.
    let other = RwSignal::from(other);
    let known = Memo::new(move |_| {
        let beside = || Some(Known::of(&other.read().as_ref()?.trace.read())?.without_computed());
        Known::of(&trace.read()).or_else(beside)
    });
    let with_layers = move || trace.read().with_layers();
    let copied = {
        let text = text.clone();
        move || own_words(&text.read_untracked(), &trace.read_untracked())
    };
    view! {
        <article class="message assistant" aria-label=t("Answer") class:compared=move || other.read().is_some()>
            <div class="side">
                <Show when=move || other.read().is_some()>
                    <h3>{move || side_title(with_layers())}</h3>
                </Show>
                <AnswerText text trace growing known />
                <Status phase id />
                <LayerPanel trace growing />
                <Show when=move || !growing.get()>
                    <div class="after">
                        <CopyButton text=copied.clone() />
                        <Show when=move || last() && !failed()>
                            <button
                                type="button"
                                class="quiet"
                                disabled=move || !store.can_send()
                                on:click=move |_| {
                                    store.regenerate();
                                    focus("message");
                                }
                            >
                                {t("Regenerate")}
                            </button>
                        </Show>
                        <Show when=move || store.computes() && !failed()>
                            <button
                                type="button"
                                class="quiet"
                                title=t("Answers the question once more, with the WASM layers switched the other way")
                                disabled=move || !store.can_send()
                                on:click=move |_| store.compare(id)
                            >
                                {move || if with_layers() { t("Compare without layers") } else { t("Compare with layers") }}
                            </button>
                        </Show>
                        <Numbers phase />
                    </div>
                </Show>
            </div>
            {move || other.get().map(|turn| view! { <Other turn beside=trace /> })}
        </article>
    }
}

/// The same question's answer with the layers switched the other way.
#[component]
fn Other(
    turn: Arc<Turn>,
    /// The computation of the answer that it is beside.
    beside: RwSignal<Trace>,
) -> impl IntoView {
    let Turn { id, text, trace, phase, .. } = (*turn).clone();
    let (trace, phase) = (RwSignal::from(trace), RwSignal::from(phase));
    let growing = Signal::derive(move || grows(&phase.read()));
    let known =
        Memo::new(move |_| Known::of(&trace.read()).or_else(|| Some(Known::of(&beside.read())?.without_computed())));
    view! {
        <section class="side" aria-label=t("The other answer")>
            <h3>{move || side_title(!beside.read().with_layers())}</h3>
            <AnswerText text trace growing known />
            <Status phase id />
            <LayerPanel trace growing />
            <div class="after">
                <Numbers phase />
            </div>
        </section>
    }
}

fn side_title(with_layers: bool) -> &'static str {
    if with_layers { t("With WASM layers") } else { t("Without WASM layers") }
}

const fn grows(phase: &Phase) -> bool {
    !matches!(phase, Phase::Done(_) | Phase::Failed(_))
}

/// What the model says, without the function that it read; all of it where it ended within its thoughts.
fn own_words(text: &str, trace: &Trace) -> String {
    let own = without_splices(text, &trace.splices);
    match answer_only(&own) {
        "" => text.to_owned(),
        answer => answer.to_owned(),
    }
}

#[component]
fn Status(phase: RwSignal<Phase>, id: u32) -> impl IntoView {
    move || match phase.get() {
        Phase::Waiting => view! { <p class="waiting">{t("Waiting for the engine…")}</p> }.into_any(),
        Phase::Reading(done, total) => {
            view! { <p class="waiting">{told!("Reading {} of {} tokens…", done, total)}</p> }.into_any()
        }
        Phase::Computing => view! { <p class="waiting">{t("Computing…")}</p> }.into_any(),
        Phase::Failed(failure) => view! { <Broken failure id /> }.into_any(),
        Phase::Writing | Phase::Done(_) => ().into_any(),
    }
}

#[component]
fn Numbers(phase: RwSignal<Phase>) -> impl IntoView {
    let numbers = move || match phase.get() {
        Phase::Done(Some(completion)) => Some(describe(&completion)),
        _ => None,
    };
    view! { <p class="numbers">{numbers}</p> }
}

fn describe(completion: &Completion) -> String {
    let at = |speed: &f64| (speed.is_finite() && *speed > 0.0).then(|| format::speed(*speed));
    let Completion { tokens, prompt_tokens, reused_tokens, prefill_tps, decode_tps, stop, .. } = completion;
    let mut parts = vec![
        match at(decode_tps) {
            Some(speed) => told!("{} tokens at {}", tokens.len(), speed),
            None => told!("{} tokens", tokens.len()),
        },
        match at(prefill_tps) {
            Some(speed) => told!("prompt {} ({} kept) at {}", prompt_tokens, reused_tokens, speed),
            None => told!("prompt {} ({} kept)", prompt_tokens, reused_tokens),
        },
    ];
    match stop {
        StopReason::Cancelled => parts.push(t("stopped").into()),
        StopReason::MaxTokens => parts.push(t("cut at the longest answer allowed").into()),
        StopReason::ContextFull => parts.push(t("cut because the context is full").into()),
        StopReason::StopString | StopReason::EndOfTurn => {}
    }
    parts.join(" · ")
}

/// An answer that an error has broken off.
#[component]
fn Broken(failure: Failure, id: u32) -> impl IntoView {
    let store = store();
    // What can be done is done to the last message.
    let last = move || store.turns.read().last().is_some_and(|turn| turn.id == id);
    let kind = failure.kind;
    // The message above the conversation says why the engine stopped.
    let text = match kind {
        FailureKind::Crashed => t("The engine stopped before the answer was complete.").to_owned(),
        _ => format::sentence(t(&failure.message)),
    };
    let needs_load = move || store.loaded.read().is_none();
    let again = store.last_load.with_value(Option::is_some);
    // One of a conversation that was brought back is no news.
    let is_news = store.written.with_value(|written| written.as_ref().is_some_and(|turn| turn.id == id));
    view! {
        <div class="notice bad" role=is_news.then_some("alert")>
            <p>{text}</p>
            <Show when=last>
            <div class="row">
                <Show when=move || kind == FailureKind::ContextFull>
                    <button type="button" class="primary" on:click=move |_| store.new_chat()>
                        {t("New chat")}
                    </button>
                    <button type="button" on:click=move |_| store.panel.set(Some(Panel::Settings))>
                        {t("Settings")}
                    </button>
                </Show>
                <Show when=move || again && kind == FailureKind::Device>
                    <button type="button" class="primary" on:click=move |_| store.reload()>
                        {t("Load the model again")}
                    </button>
                </Show>
                <button
                    type="button"
                    disabled=move || !store.can_send()
                    on:click=move |_| {
                        store.regenerate();
                        focus("message");
                    }
                >
                    {t("Retry")}
                </button>
                <Show when=needs_load>
                    <p class="hint">{t("Load a model to retry.")}</p>
                </Show>
            </div>
            </Show>
        </div>
    }
}
