//! What one tab at a time may do (Web Locks standard).

use futures::future::{Either, select};
use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;

use crate::language::t;

/// The right to something, until it is dropped or the tab ends.
pub struct Lock(Function);

impl Lock {
    /// Takes it by its name; none while another tab has it.
    ///
    /// # Errors
    /// The browser has no locks.
    pub async fn take(name: &str) -> Result<Option<Self>, String> {
        let told = |error: JsValue| super::folder::why(&error);
        let locks = Reflect::get(&js_sys::global(), &"navigator".into())
            .and_then(|navigator| Reflect::get(&navigator, &"locks".into()))
            .map_err(told)?;
        let request: Function = Reflect::get(&locks, &"request".into())
            .and_then(JsCast::dyn_into)
            .map_err(|_| t("this browser cannot tell what other tabs do").to_owned())?;
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
        let asked = request.call3(&locks, &format!("wattage-{name}").into(), &options, &granted).map_err(told)?;
        let asked: Promise = asked.dyn_into().map_err(told)?;
        // Of the two the lock comes first; what was asked for ends when it is given back, or at once if it is refused.
        match select(answered, JsFuture::from(asked)).await {
            Either::Left((lock, _)) => lock.map_err(|_| t("the browser gave no lock").to_owned()),
            Either::Right((Ok(_), lock)) => lock.await.map_err(|_| t("the browser gave no lock").to_owned()),
            Either::Right((Err(error), _)) => Err(told(error)),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        drop(self.0.call0(&JsValue::NULL));
    }
}
