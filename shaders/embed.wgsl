// x[row] = embedding[token of row], dequantised. One workgroup a row.
// The embedding may come in several pieces: a piece that does not hold the token leaves the row alone.
struct Params {
    first_row: u32, // first token of this piece
    rows: u32,      // tokens in this piece
    blocks: u32,    // blocks of 32 values a row
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> state: array<u32>; // see model/state.rs: position, rows, …, tokens from 8
@group(0) @binding(2) var<storage, read> quants: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> scales: array<u32>;
@group(0) @binding(4) var<storage, read_write> x: array<vec4<f32>>; // [rows, hidden]

// import weights

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let token = state[8u + group.x];
    if (token < params.first_row || token - params.first_row >= params.rows) {
        return;
    }
    for (var half = lane; half < params.blocks * 2u; half += 32u) {
        let block = (token - params.first_row) * params.blocks + (half >> 1u);
        let q = quant16(block, half & 1u);
        let s = scale2(block, half & 1u);
        let to = (group.x * params.blocks * 2u + half) * 4u;
        for (var i = 0u; i < 4u; i++) {
            x[to + i] = q[i] * s.x + vec4<f32>(s.y);
        }
    }
}
