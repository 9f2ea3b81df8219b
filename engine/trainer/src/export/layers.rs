//! The WASM layers' weights under the names of `wattage_engine::wasm_layers::config::tensors`.

use std::collections::BTreeMap;

use burn::module::Param;
use burn::tensor::Tensor;
use wattage_engine::wasm_layers::config::LayersConfig;
use wattage_engine::wasm_layers::full_name;

use super::{Matrix, values};
use crate::Result;
use crate::model::Layer;
use crate::train::Standard;

/// Every tensor of the file, by its full name, with how each tap is standardised.
///
/// # Errors
/// [`crate::Error::Export`] where a weight cannot be read.
pub fn layers(nets: &[Layer], config: &LayersConfig, standards: &[Standard]) -> Result<BTreeMap<String, Vec<f32>>> {
    let mut all = BTreeMap::new();
    for ((tap, net), standard) in config.taps.iter().zip(nets).zip(standards) {
        let mut add = |name: &str, values| all.insert(full_name(*tap, name), values);
        add(TAP.0, standard.mean.clone());
        add(TAP.1, standard.scale.clone());
        for (name, part) in parts(&mut net.clone()) {
            let values = match part {
                Part::Vector(param) => values(param)?,
                Part::Table(param) => values(param)?,
                Part::Projection(param) => Matrix::projection(param)?.values,
                Part::GateUp(param) => alternating(&Matrix::projection(param)?),
            };
            add(&name, values);
        }
    }
    Ok(all)
}

/// How a tap is standardised after it was divided by its root mean square: what is taken off, and what that is multiplied by.
pub(super) const TAP: (&str, &str) = ("tap.mean", "tap.scale");

/// A weight, by how files have it.
pub(super) enum Part<'a> {
    /// As it is.
    Vector(&'a mut Param<Tensor<1>>),
    /// As it is.
    Table(&'a mut Param<Tensor<2>>),
    /// Turned: [outputs, inputs].
    Projection(&'a mut Param<Tensor<2>>),
    /// Turned, with the rows of gates and of what they let through in turn.
    GateUp(&'a mut Param<Tensor<2>>),
}

/// Every weight of a layer by its name.
pub(super) fn parts(net: &mut Layer) -> Vec<(String, Part<'_>)> {
    let mut all = Vec::new();
    let mut add = |name: &str, part| all.push((name.to_owned(), part));
    add("input.weight", Part::Projection(&mut net.input_weight));
    add("input.bias", Part::Vector(&mut net.input_bias));
    add("ordinal", Part::Table(&mut net.ordinal));
    for (number, block) in net.encoder.iter_mut().enumerate() {
        let mut add = |name: &str, part| add(&format!("encoder.{number}.{name}"), part);
        add("norm1", Part::Vector(&mut block.norm1));
        add("qkv", Part::Projection(&mut block.qkv));
        add("out", Part::Projection(&mut block.out));
        add("norm2", Part::Vector(&mut block.norm2));
        add("gate_up", Part::GateUp(&mut block.gate_up));
        add("down", Part::Projection(&mut block.down));
    }
    add("memory.norm", Part::Vector(&mut net.memory_norm));
    add("gate.weight", Part::Projection(&mut net.gate_weight));
    add("gate.bias", Part::Vector(&mut net.gate_bias));
    add("pointer.key", Part::Projection(&mut net.pointer_key));
    add("pointer.ordinal", Part::Table(&mut net.pointer_ordinal));
    add("pointer.input", Part::Projection(&mut net.pointer_input));
    add("token", Part::Table(&mut net.token));
    add("step", Part::Table(&mut net.step));
    add("depth", Part::Table(&mut net.depth));
    for (number, block) in net.decoder.iter_mut().enumerate() {
        let mut add = |name: &str, part| add(&format!("decoder.{number}.{name}"), part);
        add("norm1", Part::Vector(&mut block.norm1));
        add("qkv", Part::Projection(&mut block.qkv));
        add("out", Part::Projection(&mut block.out));
        add("norm2", Part::Vector(&mut block.norm2));
        add("cross_q", Part::Projection(&mut block.cross_q));
        add("cross_kv", Part::Projection(&mut block.cross_kv));
        add("cross_out", Part::Projection(&mut block.cross_out));
        add("cross_gate", Part::Vector(&mut block.cross_gate));
        add("norm3", Part::Vector(&mut block.norm3));
        add("gate_up", Part::GateUp(&mut block.gate_up));
        add("down", Part::Projection(&mut block.down));
    }
    add("output.norm", Part::Vector(&mut net.output_norm));
    add("output.weight", Part::Projection(&mut net.output_weight));
    add("output.bias", Part::Vector(&mut net.output_bias));
    add("pointer.query", Part::Projection(&mut net.pointer_query));
    all
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
