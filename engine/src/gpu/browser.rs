//! What the browser knows of its adapter and wgpu does not pass on: who made it, and whether it has subgroups.

use std::cell::Cell;

use js_sys::{Array, Function, Object, Promise, Proxy, Reflect};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;

use super::context::SUBGROUPS;

/// What the adapter says of itself.
#[derive(Default)]
struct Facts {
    /// Its description, or else its maker and architecture; empty where the browser keeps all of it to itself.
    name: String,
    /// Whether it has subgroups.
    subgroups: bool,
}

/// Adds what the browser says to a name and features from wgpu. Where it does not answer there is nothing to add, and wgpu says
/// why there is no adapter.
pub(super) async fn complete(name: String, mut features: Vec<String>) -> (String, Vec<String>) {
    let facts = ask().await.unwrap_or_default();
    if facts.subgroups {
        features.push(SUBGROUPS.to_owned());
    }
    (if name.is_empty() { facts.name } else { name }, features)
}

async fn ask() -> Result<Facts, JsValue> {
    let gpu = get(&get(&js_sys::global(), "navigator")?, "gpu")?;
    let wish = Object::new();
    Reflect::set(&wish, &"powerPreference".into(), &"high-performance".into())?;
    let promise: Promise = method(&gpu, "requestAdapter")?.call1(&gpu, &wish)?.dyn_into()?;
    let adapter = JsFuture::from(promise).await?;
    let info = get(&adapter, "info")?;
    let text = |name| get(&info, name).ok().and_then(|value| value.as_string()).unwrap_or_default();
    let name = match text("description") {
        description if description.is_empty() => [text("vendor"), text("architecture")].join(" ").trim().to_owned(),
        description => description,
    };
    Ok(Facts { name, subgroups: has_subgroups(&adapter)? })
}

/// Makes every later request for a device ask for subgroups too, where the adapter has them. wgpu 30 has no name for the
/// feature in the browser and so cannot ask (gfx-rs/wgpu issue 10146); the shaders reach the browser as they are.
pub(super) fn request_subgroups() -> Result<(), JsValue> {
    thread_local!(static DONE: Cell<bool> = const { Cell::new(false) });
    if DONE.get() {
        return Ok(());
    }
    let prototype = get(&get(&js_sys::global(), "GPUAdapter")?, "prototype")?;
    let native = method(&prototype, "requestDevice")?;
    let apply = Closure::<dyn Fn(Function, JsValue, Array) -> Result<JsValue, JsValue>>::new(
        |native: Function, adapter: JsValue, arguments: Array| {
            let descriptor = arguments.get(0);
            if descriptor.is_object() && has_subgroups(&adapter)? {
                let features = Array::from(&get(&descriptor, "requiredFeatures")?);
                features.push(&SUBGROUPS.into());
                Reflect::set(&descriptor, &"requiredFeatures".into(), &features)?;
            }
            native.apply(&adapter, &arguments)
        },
    );
    let handler = Object::new();
    Reflect::set(&handler, &"apply".into(), apply.as_ref())?;
    // It stays for as long as the page does.
    apply.forget();
    Reflect::set(&prototype, &"requestDevice".into(), &Proxy::new(&native, &handler))?;
    DONE.set(true);
    Ok(())
}

fn has_subgroups(adapter: &JsValue) -> Result<bool, JsValue> {
    let features = get(adapter, "features")?;
    Ok(method(&features, "has")?.call1(&features, &SUBGROUPS.into())?.is_truthy())
}

fn get(object: &JsValue, name: &str) -> Result<JsValue, JsValue> {
    Reflect::get(object, &name.into())
}

fn method(object: &JsValue, name: &str) -> Result<Function, JsValue> {
    get(object, name)?.dyn_into()
}
