//! Where the keyboard is.

use std::{cell::RefCell, rc::Rc, time::Duration};

use leptos::{
    ev,
    prelude::*,
    web_sys::{Element, FocusOptions, HtmlElement, MutationObserver, MutationObserverInit},
};
use wasm_bindgen::{JsCast, prelude::Closure};

/// What the keyboard stays within.
const SCOPES: &str = "li, section, article, aside, main, body";
/// Where it goes when there is nothing else: to the panel that is open, or to the message box.
const OTHERWISE: &str = "#panel-title, #message";
/// What the keyboard can be at; first what is most like the buttons that go away.
const PLACES: [&str; 2] = [
    "button:enabled",
    "a[href], input:enabled:not([tabindex='-1']), select:enabled, textarea:enabled, summary, [tabindex='0']",
];

/// Moves the keyboard to an element, once the page has been brought up to date.
pub(crate) fn focus(id: &'static str) {
    set_timeout(
        move || {
            let element = document().get_element_by_id(id);
            if let Some(element) = element.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
                drop(element.focus());
            }
        },
        Duration::ZERO,
    );
}

/// For an element that takes the place of the one that was pressed: the keyboard goes to it.
pub(crate) fn focused<E>() -> NodeRef<E>
where
    E: leptos::html::ElementType + 'static,
    E::Output: JsCast + Clone + 'static,
{
    let element = NodeRef::<E>::new();
    Effect::new(move || {
        if let Some(element) = element.get().and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
            drop(element.focus());
        }
    });
    element
}

/// Where the element that has the keyboard goes away, and none is named that takes its place, the keyboard stays in the row or the
/// section where it was; else it would begin at the page's top again.
pub(super) fn keep_focus() {
    // The element, and what it is in, from the inside out.
    let path = Rc::new(RefCell::new(Vec::<Element>::new()));
    let noted = Rc::clone(&path);
    let came = window_event_listener(ev::focusin, move |event| {
        let mut all = Vec::new();
        let mut next: Option<Element> = event.target().and_then(|target| target.dyn_into().ok());
        while let Some(element) = next {
            next = element.parent_element();
            all.push(element);
        }
        noted.replace(all);
    });
    // Who presses something else has left it; if that takes the keyboard, it is noted right after.
    let left = Rc::clone(&path);
    let pressed = window_event_listener(ev::pointerdown, move |_| left.borrow_mut().clear());
    let look = Closure::<dyn FnMut()>::new(move || {
        let path = Rc::clone(&path);
        // Behind those that name a place.
        let stay = move || {
            // Free again while it moves: that is noted.
            let path = path.borrow().clone();
            stay(&path);
        };
        set_timeout(stay, Duration::ZERO);
    });
    let Ok(observer) = MutationObserver::new(look.as_ref().unchecked_ref()) else { return };
    let options = MutationObserverInit::new();
    options.set_child_list(true);
    options.set_subtree(true);
    if let Some(body) = document().body() {
        drop(observer.observe_with_options(&body, &options));
    }
    let parts = StoredValue::new_local((observer, look));
    on_cleanup(move || {
        came.remove();
        pressed.remove();
        parts.with_value(|(observer, _)| observer.disconnect());
    });
}

/// Finds a place for the keyboard if its own is gone.
fn stay(path: &[Element]) {
    let at_top = || document().active_element().is_none_or(|element| element.tag_name() == "BODY");
    if !at_top() || path.first().is_none_or(|element| element.is_connected()) {
        return;
    }
    for scope in path.iter().filter(|element| element.is_connected()) {
        for places in PLACES {
            let Ok(found) = scope.query_selector_all(places) else { continue };
            for place in (0..found.length()).filter_map(|at| found.get(at)) {
                let Ok(place) = place.dyn_into::<HtmlElement>() else { continue };
                drop(still(&place));
                // Some are folded away.
                if !at_top() {
                    return;
                }
            }
        }
        if scope.matches(SCOPES).unwrap_or_default() {
            break;
        }
    }
    if let Some(place) = document().query_selector(OTHERWISE).ok().flatten().and_then(|it| it.dyn_into().ok()) {
        drop(still(&place));
    }
}

/// Gives it the keyboard, and scrolls nothing.
fn still(place: &HtmlElement) -> Result<(), wasm_bindgen::JsValue> {
    let options = FocusOptions::new();
    options.set_prevent_scroll(true);
    place.focus_with_options(&options)
}
