//! One tab at a time fetches a model (Web Locks standard).

use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};

/// The right to write a model's folder, until it is dropped or the tab ends.
pub struct Lock(Function);

impl Lock {
    /// Takes it; none while another tab has it.
    ///
    /// # Errors
    /// The browser has no locks.
    pub async fn take(id: &str) -> Result<Option<Self>, String> {
        let told = |error: JsValue| super::folder::why(&error);
        let locks = Reflect::get(&js_sys::global(), &"navigator".into())
            .and_then(|navigator| Reflect::get(&navigator, &"locks".into()))
            .map_err(told)?;
        let request: Function = Reflect::get(&locks, &"request".into())
            .and_then(JsCast::dyn_into)
            .map_err(|_| "this browser cannot tell whether another tab fetches the same model".to_owned())?;
        let options = Object::new();
        Reflect::set(&options, &"ifAvailable".into(), &true.into()).map_err(told)?;

        let (answer, answered) = futures::channel::oneshot::channel();
        // The lock is held until the promise that this gives is resolved.
        let granted = Closure::once_into_js(move |lock: JsValue| -> Promise {
            let mut release = None;
            let held = Promise::new(&mut |resolve, _| release = Some(resolve));
            match (lock.is_null(), release) {
                (false, Some(release)) => {
                    let _ = answer.send(Some(Self(release)));
                }
                _ => {
                    let _ = answer.send(None);
                    return Promise::resolve(&JsValue::NULL);
                }
            }
            held
        });
        request.call3(&locks, &format!("wattage-model-{id}").into(), &options, &granted).map_err(told)?;
        answered.await.map_err(|_| "the browser gave no lock".to_owned())
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        drop(self.0.call0(&JsValue::NULL));
    }
}
