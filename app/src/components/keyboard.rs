//! Where the keyboard is.

use std::{cell::RefCell, rc::Rc, time::Duration};

use leptos::{
    ev,
    prelude::*,
    web_sys::{Element, HtmlElement, MutationObserver, MutationObserverInit},
};
use wasm_bindgen::{JsCast, prelude::Closure};

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

/// Where the element that has the keyboard goes away, and none is named that takes its place, the keyboard goes to what is nearest
/// to where it was; else it would begin at the page's top again.
pub(super) fn keep_focus() {
    // The element, and what it is in, from the inside out.
    let path = Rc::new(RefCell::new(Vec::<Element>::new()));
    let noted = Rc::clone(&path);
    let listener = window_event_listener(ev::focusin, move |event| {
        let mut all = Vec::new();
        let mut next: Option<Element> = event.target().and_then(|target| target.dyn_into().ok());
        while let Some(element) = next {
            next = element.parent_element();
            all.push(element);
        }
        noted.replace(all);
    });
    let look = Closure::<dyn FnMut()>::new(move || {
        let at_top = document().active_element().is_none_or(|element| element.tag_name() == "BODY");
        if !at_top || path.borrow().first().is_none_or(|element| element.is_connected()) {
            return;
        }
        // The path is free again by then: the focus that moves is noted.
        let place = path
            .borrow()
            .iter()
            .filter(|element| element.is_connected())
            .find_map(|element| PLACES.iter().find_map(|places| element.query_selector(places).ok().flatten()));
        if let Some(place) = place.and_then(|place| place.dyn_into::<HtmlElement>().ok()) {
            drop(place.focus());
        }
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
        listener.remove();
        parts.with_value(|(observer, _)| observer.disconnect());
    });
}
