//! The device panel: what the model runs on, and whether it computes rightly.

use leptos::prelude::*;
use wattage_engine::{AdapterInfo, CheckRow, DeviceInfo};

use super::store;
use crate::{
    format,
    language::{key, t, told},
};

/// The device panel.
#[component]
pub fn DevicePanel() -> impl IntoView {
    let store = store();
    view! {
        {move || match store.loaded.get() {
            Some(loaded) => view! { <InUse device=loaded.device /> }.into_any(),
            None => view! { <Offered /> }.into_any(),
        }}
        <KernelChecks />
        <h3>{t("Without a network")}</h3>
        <p id="offline">{move || t(&store.offline.read().text).to_owned()}</p>
    }
}

/// Before a model is loaded: what there is.
#[component]
fn Offered() -> impl IntoView {
    let store = store();
    move || match store.adapter.get() {
        None => view! { <p class="hint">{t("Asking the browser for its GPU…")}</p> }.into_any(),
        Some(Err(failure)) => view! { <p>{format::sentence(&failure.message)}</p> }.into_any(),
        Some(Ok(adapter)) => view! { <Adapter adapter /> }.into_any(),
    }
}

#[component]
fn Adapter(adapter: AdapterInfo) -> impl IntoView {
    let AdapterInfo { name, backend, software, features, limits } = adapter;
    view! {
        <Facts adapter=name backend kind=adapter_kind(software) />
        <Abilities features limits />
    }
}

/// What the model in use runs on.
#[component]
fn InUse(device: DeviceInfo) -> impl IntoView {
    let DeviceInfo { kind, adapter, backend, software, features, limits, self_check, note } = device;
    let note = note.map(|note| view! { <p class="hint">{note}</p> });
    if kind == "cpu" {
        return view! {
            <Facts adapter backend kind=t("the engine's own code, without WebGPU") />
            {note}
            <h3>{t("Not in use: WebGPU")}</h3>
            <Offered />
        }
        .into_any();
    }
    view! {
        <Facts adapter backend kind=adapter_kind(software) />
        {note}
        <h3>{t("Self-check at load")}</h3>
        {if self_check.is_empty() {
            view! { <p class="hint">{t("No kernel was checked.")}</p> }.into_any()
        } else {
            view! { <Rows rows=self_check caption=t("Kernels in use, against known numbers") /> }.into_any()
        }}
        <Abilities features limits />
    }
    .into_any()
}

fn adapter_kind(software: bool) -> &'static str {
    if software { t("software, on the CPU: slow") } else { t("hardware") }
}

#[component]
fn Facts(adapter: String, backend: String, kind: &'static str) -> impl IntoView {
    view! {
        <dl class="facts">
            <dt>{t("Adapter")}</dt>
            <dd>{adapter}</dd>
            <dt>{t("Backend")}</dt>
            <dd>{backend}</dd>
            <dt>{t("Kind")}</dt>
            <dd>{kind}</dd>
        </dl>
    }
}

#[component]
fn Abilities(features: Vec<String>, limits: Vec<(String, u64)>) -> impl IntoView {
    view! {
        <details>
            <summary>{told!("Features ({})", features.len())}</summary>
            {if features.is_empty() {
                view! { <p class="hint">{t("None beyond WebGPU's core.")}</p> }.into_any()
            } else {
                let items = features.into_iter().map(|feature| view! { <li>{feature}</li> }).collect_view();
                view! { <ul class="tags">{items}</ul> }.into_any()
            }}
        </details>
        <details>
            <summary>{told!("Limits ({})", limits.len())}</summary>
            <dl class="facts wide">
                {limits
                    .into_iter()
                    .map(|(name, value)| {
                        view! {
                            <dt>{name.replace('_', " ")}</dt>
                            <dd>{format::count(value)}</dd>
                        }
                    })
                    .collect_view()}
            </dl>
        </details>
    }
}

/// Every kernel variant against the CPU, on demand.
#[component]
fn KernelChecks() -> impl IntoView {
    let store = store();
    let running = move || store.check.read().job.is_some();
    let on_gpu = move || store.loaded.read().as_ref().is_some_and(|loaded| loaded.device.kind == "gpu");
    let blocked = move || !on_gpu() || store.answering.read().is_some() || running();
    let summary = move || {
        let check = store.check.read();
        let failed = check.rows.iter().filter(|row| !row.passed).count();
        match (check.job, check.complete) {
            (Some(_), _) => told!("{} variants so far…", check.rows.len()),
            (None, true) if failed > 0 => told!("{} of {} variants compute wrongly.", failed, check.rows.len()),
            (None, true) => told!("All {} variants agree with the CPU.", check.rows.len()),
            (None, false) => String::new(),
        }
    };
    view! {
        <h3>{t("Kernel check")}</h3>
        <p class="hint">{t("Runs every kernel that this device can run, in every variant, against the same kernel on the CPU.")}</p>
        <button type="button" disabled=blocked on:click=move |_| store.check_kernels()>
            {move || if running() { t("Checking…") } else { t("Run kernel check") }}
        </button>
        <Show when=move || !on_gpu()>
            <p class="hint">
                {move || {
                    if store.loaded.read().is_some() {
                        t("The model runs on the CPU, which is what kernels are compared with. Set “Run on” to GPU and load it again to check the GPU.")
                    } else {
                        t("Load a model first.")
                    }
                }}
            </p>
        </Show>
        <p role="status">{summary}</p>
        {move || {
            store
                .check
                .read()
                .failure
                .as_ref()
                .map(|failure| view! { <p class="error" role="alert">{format::sentence(&failure.message)}</p> })
        }}
        {move || {
            let rows = store.check.read().rows.clone();
            (!rows.is_empty()).then(|| view! { <Rows rows caption=t("Kernel variants, against the CPU") /> })
        }}
    }
}

#[component]
fn Rows(rows: Vec<CheckRow>, caption: &'static str) -> impl IntoView {
    view! {
        <table class="checks">
            <caption class="visually-hidden">{caption}</caption>
            <thead>
                <tr>
                    <th scope="col">{t("Kernel")}</th>
                    <th scope="col">{t("Variant")}</th>
                    <th scope="col">{t("Error")}</th>
                    <th scope="col">{t("Result")}</th>
                </tr>
            </thead>
            <tbody>{rows.into_iter().map(|row| view! { <Row row /> }).collect_view()}</tbody>
        </table>
    }
}

#[component]
fn Row(row: CheckRow) -> impl IntoView {
    let CheckRow { kernel, variant, max_error, passed } = row;
    // A variant's full name begins with its kernel's.
    let variant = match variant.strip_prefix(kernel.as_str()) {
        Some("") => t("only one").to_owned(),
        Some(rest) => rest.trim_start_matches('.').to_owned(),
        None => variant,
    };
    let result = if passed { key("passes") } else { key("fails") };
    view! {
        <tr class=result>
            <th scope="row">{kernel}</th>
            <td>{variant}</td>
            <td class="numbers">{format!("{max_error:.1e}").replace('.', t("."))}</td>
            <td>{t(result)}</td>
        </tr>
    }
}
