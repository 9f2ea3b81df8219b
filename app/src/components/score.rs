//! A candidate's score.

use leptos::prelude::*;
use wattage_engine::{CandidateRow, Status};

use crate::{format, trace::segments, words};

/// A score as a number and as a bar from zero, in the parts that it is the sum of.
#[component]
pub fn Score(
    /// Whose.
    row: Memo<Option<CandidateRow>>,
    /// How far the bar reaches to either side.
    span: Memo<f32>,
) -> impl IntoView {
    let known = move || row.read().as_ref().is_some_and(|row| row.status != Status::Written);
    let number = move || row.read().as_ref().map(|row| format::decimal(row.score, 2));
    let full = move || row.read().as_ref().map(words::score).unwrap_or_default();
    let bar = move || {
        let span = span.get();
        let segments = row.read().as_ref().map(segments).unwrap_or_default();
        let bar = |segment: crate::trace::Segment| {
            let class = format!("part {}", segment.part);
            view! { <rect class=class x=segment.from y="1" width=segment.to - segment.from height="8" /> }
        };
        view! {
            <svg viewBox=format!("{} 0 {} 10", -span, 2.0 * span) preserveAspectRatio="none" aria-hidden="true">
                {segments.into_iter().map(bar).collect_view()}
                <rect class="zero" x=-0.015 * span y="0" width=0.03 * span height="10" />
            </svg>
        }
    };
    view! {
        <Show when=known>
            <span class="score" title=full>
                {number}
                {bar}
            </span>
        </Show>
    }
}
