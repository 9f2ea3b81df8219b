// x * sigmoid(x) (Elfwing et al. 2017).
fn silu(v: f32) -> f32 {
    return v / (1.0 + exp(-v));
}
