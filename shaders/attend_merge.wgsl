// The pieces of attend_split into the attention's output. One workgroup a query head.
struct Params {
    dim4: u32,   // head size in vectors of four, at most 32
    split: u32,  // positions a piece
    pieces: u32, // pieces that `pieces_in` has room for
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> state: array<u32>; // position of the token
@group(0) @binding(2) var<storage, read> pieces_in: array<vec4<f32>>; // [heads, pieces, dim / 4 + 1]
@group(0) @binding(3) var<storage, read_write> y: array<vec4<f32>>; // [heads, dim]

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    if (lane >= params.dim4) {
        return;
    }
    let count = (state[0] + params.split) / params.split;
    let stride = params.dim4 + 1u;
    let base = group.x * params.pieces * stride;
    var maximum = -3.0e38;
    for (var i = 0u; i < count; i++) {
        maximum = max(maximum, pieces_in[base + i * stride + params.dim4].x);
    }
    var acc = vec4<f32>(0.0);
    var sum = 0.0;
    for (var i = 0u; i < count; i++) {
        let end = pieces_in[base + i * stride + params.dim4];
        let w = exp(end.x - maximum);
        acc += w * pieces_in[base + i * stride + lane];
        sum += w * end.y;
    }
    y[group.x * params.dim4 + lane] = acc / sum;
}
