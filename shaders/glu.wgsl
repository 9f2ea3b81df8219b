// y = silu(gate) * up (Shazeer 2020), where gate and up were stored in different formats and so came from two products.
struct Params {
    rows: u32,
    cols4: u32, // length of a row of y in vectors of four
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>; // [rows, 2, cols]: gate, then up
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>; // [rows, cols]

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let column = group.x * 64u + lane;
    if (column >= params.cols4) {
        return;
    }
    let first = group.y * params.cols4;
    let gate = x[2u * first + column];
    let up = x[2u * first + params.cols4 + column];
    y[first + column] = gate / (vec4<f32>(1.0) + exp(-gate)) * up;
}
