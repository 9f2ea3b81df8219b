//! Exported files as nets to train on with: what an export wrote, read back.

use std::collections::BTreeMap;

use burn::module::Param;
use burn::tensor::{Device, Tensor, TensorData};
use wattage_engine::wasm_layers::config::LayersConfig;
use wattage_engine::wasm_layers::{full_name, read};
use wattage_engine::{ModelFile, Source, dequantise};

use super::layers::{Part, TAP, parts};
use crate::model::{Base, BaseConfig, Block, Layer};
use crate::train::{Nets, Standard};
use crate::{Error, Result};

/// The nets of a base's GGUF and its layers' safetensors, of these shapes, ready to be trained, and how they were made. Matrices
/// are as exact as the files. Of several models, of which each goes on from the one before, these are the means of their weights:
/// what the last one forgot of what the others knew is found again (Wortsman et al. 2022, "Model soups").
///
/// # Errors
/// [`Error::Export`] for files of other shapes, the engine's for files that it cannot read.
pub fn reopen(
    models: &[(&ModelFile, &Source)],
    shapes: (&BaseConfig, &LayersConfig),
) -> Result<(Nets, serde_json::Value)> {
    pollster::block_on(async {
        let device = Device::flex().autodiff();
        let (mut bases, mut all, mut provenance) = (Vec::new(), Vec::new(), Vec::new());
        for (base, layers) in models {
            let mut values = BTreeMap::new();
            for (name, tensor) in &base.tensors {
                let bytes = base.read(tensor, 0, usize::try_from(tensor.bytes).unwrap_or(usize::MAX)).await?;
                let mut all = vec![0.0; tensor.rows * tensor.cols];
                dequantise(tensor.dtype, &bytes, &mut all)?;
                values.insert(name.clone(), all);
            }
            bases.push(values);
            let (config, made, values) = read(layers).await?;
            let same = LayersConfig { base: config.base.clone(), ..shapes.1.clone() };
            if config != same {
                return Err(Error::Export(
                    "the WASM layers are of another shape; use the program that made them".into(),
                ));
            }
            all.push(values);
            provenance.push(made);
        }
        let mut base = File { values: mean(bases)?, device: &device };
        let net = read_base(&mut base, shapes.0)?;
        base.all_read()?;
        let mut file = File { values: mean(all)?, device: &device };
        let (layers, standards) = read_layers(&mut file, shapes.1)?;
        file.all_read()?;
        // With a base that is trained along, taps are neither moved nor scaled.
        if standards.iter().any(|standard| *standard != Standard::none(shapes.1.hidden)) {
            return Err(Error::Export("the taps are standardised, which this training does not know".into()));
        }
        let provenance = match provenance.len() {
            1 => provenance.remove(0),
            _ => serde_json::json!({ "mean of": provenance }),
        };
        Ok((Nets { base: Some(net), layers }, provenance))
    })
}

/// The WASM layers of a file, of this shape, ready to be trained, how their taps are standardised, and how they were made.
///
/// # Errors
/// [`Error::Export`] for layers of another shape or base, the engine's for a file that it cannot read.
pub fn reopen_layers(layers: &Source, config: &LayersConfig) -> Result<(Vec<Layer>, Vec<Standard>, serde_json::Value)> {
    let (found, made, values) = pollster::block_on(read(layers))?;
    if found != *config {
        return Err(Error::Export("the WASM layers are of another shape or base; use what made them".into()));
    }
    let device = Device::flex().autodiff();
    let mut file = File { values, device: &device };
    let (layers, standards) = read_layers(&mut file, config)?;
    file.all_read()?;
    Ok((layers, standards, made))
}

/// The mean of each tensor over files that have the same ones.
fn mean(files: Vec<BTreeMap<String, Vec<f32>>>) -> Result<BTreeMap<String, Vec<f32>>> {
    let share = 1.0 / files.len().max(1) as f32;
    let mut files = files.into_iter();
    let mut sum = files.next().ok_or_else(|| Error::Export("there is no model to begin with".into()))?;
    if share == 1.0 {
        return Ok(sum);
    }
    for mut file in files {
        for (name, values) in &mut sum {
            let other = file.remove(name).filter(|other| other.len() == values.len());
            let other = other.ok_or_else(|| Error::Export(format!("the models do not have the same tensor {name}")))?;
            values.iter_mut().zip(other).for_each(|(value, other)| *value += other);
        }
    }
    sum.values_mut().flatten().for_each(|value| *value *= share);
    Ok(sum)
}

/// Tensors by name, each taken once.
struct File<'a> {
    values: BTreeMap<String, Vec<f32>>,
    device: &'a Device,
}

impl File<'_> {
    fn take(&mut self, name: &str, count: usize) -> Result<Vec<f32>> {
        let values = self.values.remove(name).ok_or_else(|| Error::Export(format!("there is no tensor {name}")))?;
        if values.len() == count {
            return Ok(values);
        }
        Err(Error::Export(format!("the tensor {name} has {} values and not {count}", values.len())))
    }

    fn all_read(&self) -> Result<()> {
        match self.values.keys().next() {
            None => Ok(()),
            Some(name) => Err(Error::Export(format!("nothing is known of the tensor {name}"))),
        }
    }

    fn vector(&mut self, name: &str, size: usize) -> Result<Param<Tensor<1>>> {
        let values = self.take(name, size)?;
        Ok(Param::from_tensor(Tensor::from_data(TensorData::new(values, [size]), self.device)))
    }

    /// A table [rows, width], as it is.
    fn table(&mut self, name: &str, rows: usize, width: usize) -> Result<Param<Tensor<2>>> {
        let values = self.take(name, rows * width)?;
        Ok(Param::from_tensor(Tensor::from_data(TensorData::new(values, [rows, width]), self.device)))
    }

    /// A projection [inputs, outputs] of matrices [outputs, inputs] one below the other.
    fn projection(&mut self, names: &[(&str, usize)], inputs: usize) -> Result<Param<Tensor<2>>> {
        let mut rows = Vec::new();
        for (name, outputs) in names {
            rows.extend(self.take(name, outputs * inputs)?);
        }
        Ok(turned(&rows, inputs, self.device))
    }

    /// The projection whose rows the layers' files have in turn from the gates and from what they let through.
    fn gate_up(&mut self, name: &str, inputs: usize, ffn: usize) -> Result<Param<Tensor<2>>> {
        let rows = self.take(name, 2 * ffn * inputs)?;
        let all: Vec<&[f32]> = rows.chunks_exact(inputs).collect();
        let (gates, ups) = (all.iter().step_by(2), all.iter().skip(1).step_by(2));
        let apart: Vec<f32> = gates.chain(ups).flat_map(|row| row.iter().copied()).collect();
        Ok(turned(&apart, inputs, self.device))
    }
}

fn turned(rows: &[f32], inputs: usize, device: &Device) -> Param<Tensor<2>> {
    let outputs = rows.len() / inputs.max(1);
    let values = (0..inputs).flat_map(|input| (0..outputs).map(move |output| output * inputs + input));
    let values: Vec<f32> = values.map(|at| rows[at]).collect();
    Param::from_tensor(Tensor::from_data(TensorData::new(values, [inputs, outputs]), device))
}

fn read_base(file: &mut File<'_>, config: &BaseConfig) -> Result<Base> {
    let (d, ffn, dim) = (config.hidden, config.ffn, config.head_dim);
    let (query, key) = (config.heads * dim, config.kv_heads * dim);
    let mut blocks = Vec::with_capacity(config.layers);
    for layer in 0..config.layers {
        let name = |part: &str| format!("model.layers.{layer}.{part}.weight");
        let [q, k, v] = ["q", "k", "v"].map(|part| name(&format!("self_attn.{part}_proj")));
        blocks.push(Block {
            norm1: file.vector(&name("input_layernorm"), d)?,
            qkv: file.projection(&[(&q, query), (&k, key), (&v, key)], d)?,
            q_norm: file.vector(&name("self_attn.q_norm"), dim)?,
            k_norm: file.vector(&name("self_attn.k_norm"), dim)?,
            out: file.projection(&[(&name("self_attn.o_proj"), d)], query)?,
            norm2: file.vector(&name("post_attention_layernorm"), d)?,
            gate_up: file.projection(&[(&name("mlp.gate_proj"), ffn), (&name("mlp.up_proj"), ffn)], d)?,
            down: file.projection(&[(&name("mlp.down_proj"), d)], ffn)?,
        });
    }
    let embed = file.table("model.embed_tokens.weight", config.vocab, d)?;
    Ok(Base { embed, blocks, norm: file.vector("model.norm.weight", d)? })
}

/// Every layer, and how each tap is standardised.
fn read_layers(file: &mut File<'_>, config: &LayersConfig) -> Result<(Vec<Layer>, Vec<Standard>)> {
    let mut standards = Vec::with_capacity(config.taps.len());
    for tap in &config.taps {
        let mut channels = |name| file.take(&full_name(*tap, name), config.hidden);
        standards.push(Standard { mean: channels(TAP.0)?, scale: channels(TAP.1)? });
    }
    let layers = config.taps.iter().map(|tap| read_layer(file, *tap, config)).collect::<Result<_>>()?;
    Ok((layers, standards))
}

fn read_layer(file: &mut File<'_>, tap: usize, config: &LayersConfig) -> Result<Layer> {
    // Shapes are those of new weights, which go.
    let mut layer = Layer::new(config, file.device);
    for (name, part) in parts(&mut layer) {
        let name = full_name(tap, &name);
        match part {
            Part::Vector(param) => *param = file.vector(&name, param.val().dims()[0])?,
            Part::Table(param) => {
                let [rows, width] = param.val().dims();
                *param = file.table(&name, rows, width)?;
            }
            Part::Projection(param) => {
                let [inputs, outputs] = param.val().dims();
                *param = file.projection(&[(&name, outputs)], inputs)?;
            }
            Part::GateUp(param) => {
                let [inputs, outputs] = param.val().dims();
                *param = file.gate_up(&name, inputs, outputs / 2)?;
            }
        }
    }
    Ok(layer)
}
