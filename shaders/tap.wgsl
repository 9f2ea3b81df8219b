// Keeps the residual stream after a chosen layer: tap[position + row] = x[row].
struct Params {
    cols4: u32, // row length in vectors of four
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> state: array<u32>; // position of the first row
@group(0) @binding(2) var<storage, read> x: array<vec4<f32>>; // [rows, cols]
@group(0) @binding(3) var<storage, read_write> kept: array<vec4<f32>>; // [positions, cols]

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    for (var i = lane; i < params.cols4; i += 32u) {
        kept[(state[0] + group.x) * params.cols4 + i] = x[group.x * params.cols4 + i];
    }
}
