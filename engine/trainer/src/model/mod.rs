//! The networks that are trained, in burn: the base and the WASM layers on it. What they compute is what the engine computes;
//! tests hold one against the other.

mod base;
mod dropout;
mod layers;

use burn::module::Param;
use burn::tensor::{Device, Distribution, Tensor};

pub use self::base::{Base, BaseConfig, Rotary};
pub(crate) use self::base::{Block, EPS};
pub use self::dropout::Dropout;
pub use self::layers::{Layer, LayerBatch, LayerOutput};

/// What masks add: beside 1 its exponential is less than a float can tell. Far less, and what training makes of it underflows, which
/// some processors take a hundred times as long for as for other numbers.
pub const NEVER: f32 = -40.0;

/// A matrix [inputs, outputs] of normal values with this standard deviation.
fn matrix(inputs: usize, outputs: usize, deviation: f64, device: &Device) -> Param<Tensor<2>> {
    Param::from_tensor(Tensor::random([inputs, outputs], Distribution::Normal(0.0, deviation), device))
}

/// A projection [inputs, outputs] that keeps the size of what it is given.
fn projection(inputs: usize, outputs: usize, device: &Device) -> Param<Tensor<2>> {
    matrix(inputs, outputs, (inputs as f64).powf(-0.5), device)
}

fn ones(count: usize, device: &Device) -> Param<Tensor<1>> {
    Param::from_tensor(Tensor::ones([count], device))
}

fn zeros(count: usize, device: &Device) -> Param<Tensor<1>> {
    Param::from_tensor(Tensor::zeros([count], device))
}

/// RMSNorm over the last dimension.
fn rms_norm<const D: usize>(x: Tensor<D>, gain: &Param<Tensor<1>>, eps: f64) -> Tensor<D> {
    let scale = (x.clone().square().mean_dim(D - 1) + eps).sqrt().recip();
    x * scale * gain.val().unsqueeze()
}

/// SwiGLU over rows [rows, width]: `gate_up` [width, 2 ffn] has the gates first, then what they let through.
fn swiglu(x: Tensor<2>, gate_up: &Param<Tensor<2>>, down: &Param<Tensor<2>>) -> Tensor<2> {
    let both = x.matmul(gate_up.val());
    let ffn = both.dims()[1] / 2;
    let gate = both.clone().narrow(1, 0, ffn);
    (burn::tensor::activation::silu(gate) * both.narrow(1, ffn, ffn)).matmul(down.val())
}
