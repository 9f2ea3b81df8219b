// The pieces of argmax_partial into the token; writes it where the next step reads its input, and moves the position on,
// so that the next step needs nothing from outside.
struct Params {
    pieces: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> best: array<vec2<u32>>; // [pieces]
@group(0) @binding(2) var<storage, read_write> state: array<u32>;
@group(0) @binding(3) var<storage, read_write> result: array<u32>; // [4]: token (all ones: no finite logit), bits of its logit, position

@compute @workgroup_size(1)
fn main() {
    var value = -3.4e38;
    var place = 0xffffffffu;
    for (var i = 0u; i < params.pieces; i++) {
        let b = best[i];
        if (b.y != 0xffffffffu && bitcast<f32>(b.x) > value) {
            value = bitcast<f32>(b.x);
            place = b.y;
        }
    }
    result[0] = place;
    result[1] = bitcast<u32>(value);
    result[2] = state[0];
    result[3] = 0u;
    state[0] = state[0] + state[1];
    state[1] = 1u;
    state[8] = place;
}
