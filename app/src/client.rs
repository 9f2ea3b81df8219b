//! The page's end of the worker.

use std::{cell::RefCell, rc::Rc};

use js_sys::Array;
use leptos::web_sys::{ErrorEvent, MessageEvent, Worker};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};

use crate::{
    language::{t, told},
    parts,
    protocol::{FromWorker, ToWorker, pack, unpack},
};

/// The script that starts the worker.
const SCRIPT: &str = "worker_boot.js";
/// What a worker is sent first where the page is a single file, for then it can fetch nothing.
const WASM: &str = "worker_bg.wasm";

/// A running worker; dropping it ends the worker and frees what it held.
pub struct Client {
    worker: Worker,
    /// Messages for a worker that does not listen yet.
    waiting: Waiting,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(ErrorEvent)>,
}

/// Messages held back, or nothing once the worker listens.
type Waiting = Rc<RefCell<Option<Vec<JsValue>>>>;

impl Client {
    /// Starts a worker that tells `receive` everything it has to say.
    ///
    /// # Errors
    /// The browser refuses to start a worker.
    pub fn start(receive: impl Fn(FromWorker) + 'static) -> Result<Self, String> {
        let worker = Worker::new(&parts::address(SCRIPT)).map_err(|error| describe(&error))?;
        if let Some(wasm) = parts::inside(WASM) {
            worker.post_message(&wasm).map_err(|error| describe(&error))?;
        }
        let receive = Rc::new(receive);
        let waiting: Waiting = Rc::new(RefCell::new(Some(Vec::new())));

        let on_message = {
            let (worker, waiting, receive) = (worker.clone(), waiting.clone(), receive.clone());
            Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
                let message = match unpack::<FromWorker>(event.data()) {
                    Ok((message, _)) => message,
                    Err(why) => FromWorker::Crashed(told!("it sent something unreadable: {}", why)),
                };
                if matches!(message, FromWorker::Ready) {
                    for held in waiting.take().into_iter().flatten() {
                        if let Err(error) = worker.post_message(&held) {
                            receive(FromWorker::Crashed(describe(&error)));
                        }
                    }
                }
                receive(message);
            })
        };
        let on_error = Closure::<dyn FnMut(ErrorEvent)>::new(move |event: ErrorEvent| {
            event.prevent_default();
            // An event without a text means that the script itself could not be fetched.
            let text = js_sys::Reflect::get(&event, &"message".into()).ok().and_then(|text| text.as_string());
            receive(FromWorker::Crashed(text.unwrap_or_else(|| t("its script could not be loaded").into())));
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        Ok(Self { worker, waiting, _on_message: on_message, _on_error: on_error })
    }

    /// Sends a message, at the latest when the worker listens.
    ///
    /// # Errors
    /// The message cannot be cloned into the worker.
    pub fn send(&self, message: &ToWorker, files: &Array) -> Result<(), String> {
        let value = pack(message, files)?;
        match self.waiting.borrow_mut().as_mut() {
            Some(waiting) => waiting.push(value),
            None => self.worker.post_message(&value).map_err(|error| describe(&error))?,
        }
        Ok(())
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
    }
}

fn describe(error: &JsValue) -> String {
    error.dyn_ref::<js_sys::Error>().map_or_else(|| format!("{error:?}"), |error| String::from(error.message()))
}
