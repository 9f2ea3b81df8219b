//! Number binding: what is a number in a text, what it is worth, and where it stands.

// Everything here is test code, which may stop at the first surprise.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "numbers/digits.rs"]
mod digits;
#[path = "numbers/fractions.rs"]
mod fractions;
#[path = "numbers/properties.rs"]
mod properties;
#[path = "numbers/signs.rs"]
mod signs;
#[path = "numbers/tokens.rs"]
mod tokens;
#[path = "numbers/words.rs"]
mod words;

use wattage_engine::wasm_layers::numbers::bind;

/// The numbers of a text as `text=exact value`, in order.
fn found(text: &str) -> String {
    let numbers = bind(text).numbers;
    let said: Vec<String> = numbers.iter().map(|number| format!("{}={}", number.text, number.exact)).collect();
    said.join(" | ")
}

/// Checks what is found in each text.
fn check(cases: &[(&str, &str)]) {
    for (text, wanted) in cases {
        assert_eq!(found(text), *wanted, "in {text:?}");
    }
}
