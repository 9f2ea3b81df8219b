//! The WASM layers' weights under the names of `wattage_engine::wasm_layers::config::tensors`.

use std::collections::BTreeMap;

use wattage_engine::wasm_layers::config::LayersConfig;
use wattage_engine::wasm_layers::full_name;

use super::{Matrix, values};
use crate::Result;
use crate::model::Layer;

/// Every tensor of the file, by its full name.
///
/// # Errors
/// [`crate::Error::Export`] where a weight cannot be read.
pub fn layers(nets: &[Layer], config: &LayersConfig) -> Result<BTreeMap<String, Vec<f32>>> {
    let mut all = BTreeMap::new();
    for (tap, net) in config.taps.iter().zip(nets) {
        all.extend(layer(net, config)?.into_iter().map(|(name, values)| (full_name(*tap, &name), values)));
    }
    Ok(all)
}

fn layer(net: &Layer, config: &LayersConfig) -> Result<Vec<(String, Vec<f32>)>> {
    let projection = |param| Matrix::projection(param).map(|matrix| matrix.values);
    let gate_up = |param| Matrix::projection(param).map(|matrix| alternating(&matrix));
    let mut all = vec![
        // Nets are trained on taps divided by their root mean square, and on nothing else.
        ("tap.mean".to_owned(), vec![0.0; config.hidden]),
        ("tap.scale".to_owned(), vec![1.0; config.hidden]),
    ];
    let mut add = |name: String, values: Vec<f32>| all.push((name, values));
    add("input.weight".into(), projection(&net.input_weight)?);
    add("input.bias".into(), values(&net.input_bias)?);
    add("ordinal".into(), values(&net.ordinal)?);
    for (number, block) in net.encoder.iter().enumerate() {
        let name = |part: &str| format!("encoder.{number}.{part}");
        add(name("norm1"), values(&block.norm1)?);
        add(name("qkv"), projection(&block.qkv)?);
        add(name("out"), projection(&block.out)?);
        add(name("norm2"), values(&block.norm2)?);
        add(name("gate_up"), gate_up(&block.gate_up)?);
        add(name("down"), projection(&block.down)?);
    }
    add("memory.norm".into(), values(&net.memory_norm)?);
    add("gate.weight".into(), projection(&net.gate_weight)?);
    add("gate.bias".into(), values(&net.gate_bias)?);
    add("pointer.key".into(), projection(&net.pointer_key)?);
    add("pointer.ordinal".into(), values(&net.pointer_ordinal)?);
    add("pointer.input".into(), projection(&net.pointer_input)?);
    add("token".into(), values(&net.token)?);
    add("step".into(), values(&net.step)?);
    add("depth".into(), values(&net.depth)?);
    for (number, block) in net.decoder.iter().enumerate() {
        let name = |part: &str| format!("decoder.{number}.{part}");
        add(name("norm1"), values(&block.norm1)?);
        add(name("qkv"), projection(&block.qkv)?);
        add(name("out"), projection(&block.out)?);
        add(name("norm2"), values(&block.norm2)?);
        add(name("cross_q"), projection(&block.cross_q)?);
        add(name("cross_kv"), projection(&block.cross_kv)?);
        add(name("cross_out"), projection(&block.cross_out)?);
        add(name("cross_gate"), values(&block.cross_gate)?);
        add(name("norm3"), values(&block.norm3)?);
        add(name("gate_up"), gate_up(&block.gate_up)?);
        add(name("down"), projection(&block.down)?);
    }
    add("output.norm".into(), values(&net.output_norm)?);
    add("output.weight".into(), projection(&net.output_weight)?);
    add("output.bias".into(), values(&net.output_bias)?);
    add("pointer.query".into(), projection(&net.pointer_query)?);
    Ok(all)
}

/// Rows in turn from the first half, the gates, and from the second, what they let through: SwiGLU's fused kernel wants both
/// values of an output side by side.
fn alternating(gate_up: &Matrix) -> Vec<f32> {
    let ffn = gate_up.outputs() / 2;
    (0..ffn)
        .flat_map(|row| [row, ffn + row])
        .flat_map(|row| &gate_up.values[row * gate_up.inputs..(row + 1) * gate_up.inputs])
        .copied()
        .collect()
}
