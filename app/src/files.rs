//! Files that the visitor takes home.

use js_sys::Array;
use leptos::{
    prelude::*,
    web_sys::{Blob, BlobPropertyBag, HtmlAnchorElement, Url},
};
use wasm_bindgen::{JsCast, JsValue};

use crate::language::told;

/// Has the browser save a text as a file. What it does with that is the visitor's choice.
///
/// # Errors
/// The browser refuses.
pub fn save(name: &str, mime: &str, text: &str) -> Result<(), String> {
    let told = |error: JsValue| told!("the browser did not save {}: {}", name, format_args!("{error:?}"));
    let options = BlobPropertyBag::new();
    options.set_type(mime);
    let blob = Blob::new_with_str_sequence_and_options(&Array::of1(&text.into()), &options).map_err(told)?;
    let address = Url::create_object_url_with_blob(&blob).map_err(told)?;
    let link: HtmlAnchorElement = document().create_element("a").map_err(told)?.unchecked_into();
    link.set_href(&address);
    link.set_download(name);
    link.click();
    // The browser has begun to read it by then.
    set_timeout(move || drop(Url::revoke_object_url(&address)), std::time::Duration::from_secs(60));
    Ok(())
}

/// A title as a file's name.
pub fn file_name(title: &str, ending: &str) -> String {
    let mut name: String = title.chars().map(|letter| if letter.is_alphanumeric() { letter } else { '-' }).collect();
    while name.contains("--") {
        name = name.replace("--", "-");
    }
    let name = name.trim_matches('-');
    format!("{}.{ending}", if name.is_empty() { "conversation" } else { name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_are_plain() {
        assert_eq!(file_name("What is 12 × 11?", "md"), "What-is-12-11.md");
        assert_eq!(file_name("../..", "json"), "conversation.json");
    }
}
