// Lowers the logits of tokens that the context already has: repetition (Keskar et al. 2019), frequency and presence.
// Each token is listed once, so no two invocations touch one logit.
@group(0) @binding(0) var<storage, read> state: array<u32>; // 3: listed tokens; 4, 5, 6: bits of the three penalties
@group(0) @binding(1) var<storage, read> seen: array<vec2<u32>>; // [listed]: token, times seen
@group(0) @binding(2) var<storage, read_write> logits: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= state[3]) {
        return;
    }
    let entry = seen[id.x];
    let repetition = bitcast<f32>(state[4]);
    var v = logits[entry.x];
    v = select(v * repetition, v / repetition, v > 0.0);
    v -= bitcast<f32>(state[5]) * f32(entry.y) + bitcast<f32>(state[6]);
    logits[entry.x] = v;
}
