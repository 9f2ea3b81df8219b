//! The numbers that the engine binds in a text.

use wattage_engine::wasm_layers::numbers::bind;

/// The values of the text's numbers, in order.
pub fn bound_values(text: &str) -> Vec<f64> {
    bind(text).numbers.iter().map(|number| number.value).collect()
}
