//! The page in a real browser, as a visitor uses it.
#![allow(clippy::unwrap_used, reason = "a failure here fails the test that called")]

use std::time::Duration;

use harness::browser::Browser;
use harness::server::{Ranges, Server};
use serde_json::Value;

/// Asks for a WebGPU adapter and a device, multiplies numbers with them and says what came of it. Defined in the
/// page and in a worker alike, because the engine lives in a worker.
const PROBE: &str = r"
    async function probe() {
        if (!navigator.gpu) throw new Error('there is no navigator.gpu');
        const adapter = await navigator.gpu.requestAdapter();
        if (!adapter) throw new Error('there is no WebGPU adapter');
        const device = await adapter.requestDevice();
        const code = `
            @group(0) @binding(0) var<storage, read_write> values: array<f32>;
            @compute @workgroup_size(4) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
                values[id.x] = values[id.x] * 11.0;
            }`;
        const pipeline = device.createComputePipeline({
            layout: 'auto', compute: { module: device.createShaderModule({ code }), entryPoint: 'main' },
        });
        const usage = GPUBufferUsage;
        const values = device.createBuffer({ size: 16, usage: usage.STORAGE | usage.COPY_SRC | usage.COPY_DST });
        const result = device.createBuffer({ size: 16, usage: usage.MAP_READ | usage.COPY_DST });
        device.queue.writeBuffer(values, 0, new Float32Array([12, 1, 0.5, -3]));
        const group = device.createBindGroup({
            layout: pipeline.getBindGroupLayout(0), entries: [{ binding: 0, resource: { buffer: values } }],
        });
        const encoder = device.createCommandEncoder();
        const pass = encoder.beginComputePass();
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, group);
        pass.dispatchWorkgroups(1);
        pass.end();
        encoder.copyBufferToBuffer(values, 0, result, 0, 16);
        device.queue.submit([encoder.finish()]);
        await result.mapAsync(GPUMapMode.READ);
        return Array.from(new Float32Array(result.getMappedRange()));
    }";

fn site(files: &[(&str, &str)]) -> (tempfile::TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let server = Server::start(folder.path(), Ranges::On);
    (folder, server)
}

fn probe_site() -> (tempfile::TempDir, Server) {
    let page =
        format!("<!doctype html><title>Probe</title><link rel=icon href='data:,'><script>{PROBE}</script><p>Ready</p>");
    let worker = format!(
        "{PROBE}; onmessage = () => probe().then(value => postMessage({{ value }}),
            error => postMessage({{ error: String(error) }}));"
    );
    site(&[("index.html", &page), ("worker.js", &worker)])
}

#[test]
fn webgpu_computes_in_the_page_and_in_a_worker() {
    let (_folder, server) = probe_site();
    let browser = Browser::start();
    browser.open(&server.url(""));
    let expected = serde_json::json!([132, 11, 5.5, -33]);
    let in_page = browser.script("return await probe();", vec![]);
    assert_eq!(numbers(&in_page), numbers(&expected));
    let in_worker = browser.script(
        "const worker = new Worker('worker.js');
         const answer = await new Promise((done, fail) => {
             worker.onmessage = event => done(event.data);
             worker.onerror = event => fail(new Error(event.message));
             worker.postMessage('go');
         });
         if (answer.error) throw new Error(answer.error);
         return answer.value;",
        vec![],
    );
    assert_eq!(numbers(&in_worker), numbers(&expected));
    browser.assert_no_console_errors();
}

/// The other browser tests rest on the harness seeing errors, so that is tested too.
#[test]
fn the_harness_sees_errors_of_page_and_worker() {
    let (_folder, server) = site(&[
        ("index.html", "<!doctype html><title>Errors</title><link rel=icon href='data:,'><h1>Errors</h1>"),
        ("worker.js", "onmessage = () => { console.error('worker complains'); throw new Error('worker fails'); };"),
    ]);
    let browser = Browser::start();
    browser.open(&server.url(""));
    browser.assert_no_console_errors();
    browser.script("console.error('page complains'); fetch('missing.txt');", vec![]);
    browser.script("window.worker = new Worker('worker.js'); window.worker.postMessage('go');", vec![]);
    for expected in ["page complains", "missing.txt", "worker fails"] {
        browser.wait_for(&format!("'{expected}' on the console"), Duration::from_secs(10), || {
            browser.console().iter().any(|line| line.level == "SEVERE" && line.message.contains(expected)).then_some(())
        });
    }
}

#[test]
fn the_server_sends_parts_only_when_ranges_are_on() {
    let text = "0123456789".repeat(5000);
    let (folder, on) = site(&[("index.html", "<!doctype html><title>Ranges</title>"), ("data.bin", &text)]);
    let off = Server::start(folder.path(), Ranges::Off);
    let browser = Browser::start();
    browser.open(&on.url(""));
    let fetch = "const answer = await fetch(arguments[0], { headers: { Range: 'bytes=10003-10007' } });
                 return [answer.status, await answer.text(), answer.headers.get('content-length')];";
    let part = browser.script(fetch, vec![Value::from(on.url("data.bin"))]);
    assert_eq!(part, serde_json::json!([206, "34567", "5"]));
    // Another port is another origin, as a model on another host is.
    let whole = browser.script(fetch, vec![Value::from(off.url("data.bin"))]);
    assert_eq!(whole, serde_json::json!([200, text, "50000"]));
    assert_eq!((on.partial_answers(), off.partial_answers()), (1, 0));
}

#[test]
fn elements_are_found_by_role_and_name_and_files_are_given() {
    let (folder, server) = site(&[(
        "index.html",
        "<!doctype html><title>Controls</title><link rel=icon href='data:,'>
         <label>Message <textarea id=box></textarea></label>
         <button style='display:none'>Send</button>
         <button aria-label=Send onclick=\"log.textContent = box.value + (file.files[0] || {}).name\">→</button>
         <input type=file id=file><div role=log id=log></div>",
    )]);
    let model = folder.path().join("tiny.gguf");
    std::fs::write(&model, "GGUF").unwrap();
    let browser = Browser::start();
    browser.open(&server.url(""));
    let second = Duration::from_secs(5);
    browser.type_into("input[type=file]", model.to_str().unwrap());
    browser.click("textbox", "Message", second);
    browser.press("12 × 11 and ");
    browser.click("button", "Send", second);
    assert_eq!(browser.text("[role=log]").as_deref(), Some("12 × 11 and tiny.gguf"));
    assert!(browser.find("button", "Stop").is_none());
    let picture = folder.path().join("page.png");
    browser.screenshot(&picture);
    assert!(std::fs::read(&picture).unwrap().starts_with(b"\x89PNG"));
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().into_iter().flatten().filter_map(Value::as_f64).collect()
}
