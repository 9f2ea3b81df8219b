// Causal attention of many tokens with a running softmax (FlashAttention, Dao et al. 2022): one workgroup a query head and
// 8 tokens, 16 places of the cache at a time; 8 invocations a token. Where state[7] is over 0, the rows are branches: each sees
// the first state[7] places, which all share, and those of its own branch up to itself.
struct Params {
    tokens: u32, // rows of q and y
    heads: u32,  // query heads
    group: u32,  // query heads that share a key/value head
    dim4: u32,   // head size in vectors of four, at most 32
    scale: f32,  // 1 / sqrt(head size)
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> state: array<u32>; // 0: place of the first token, 1: tokens, 7: places that branches share, 8 + tokens: branches' first places
// import kv
@group(0) @binding(4) var<storage, read> qkv: array<vec4<f32>>; // [tokens, heads + 2 kv_heads, dim]
@group(0) @binding(5) var<storage, read_write> y: array<vec4<f32>>; // [tokens, heads, dim]

var<workgroup> queries: array<vec4<f32>, 256>; // [8, dim / 4]
var<workgroup> tile: array<vec4<f32>, 512>;    // keys, [16, dim / 4]
var<workgroup> scores: array<f32, 128>;        // [8, 16]

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let head = group.x;
    let kv_heads = params.heads / params.group;
    let kv = head / params.group;
    let first = group.y * 8u;
    let row = lane / 8u;
    let part = lane % 8u;
    let stride = (params.heads + 2u * kv_heads) * params.dim4;
    for (var i = lane; i < 8u * params.dim4; i += 64u) {
        let token = min(first + i / params.dim4, params.tokens - 1u);
        queries[i] = qkv[token * stride + head * params.dim4 + i % params.dim4] * params.scale;
    }
    let position = state[0] + first + row;
    var begin = 0u; // of the branch
    if (state[7] > 0u) {
        begin = state[8u + state[1] + min(first + row, params.tokens - 1u)];
    }
    let last = state[0] + min(first + 7u, params.tokens - 1u);

    var maximum = -3.0e38;
    var sum = 0.0;
    var acc = array<vec4<f32>, 4>(vec4<f32>(0.0), vec4<f32>(0.0), vec4<f32>(0.0), vec4<f32>(0.0));
    let tiles = last / 16u + 1u;
    for (var t = 0u; t < tiles; t++) {
        let start = t * 16u;
        workgroupBarrier();
        for (var i = lane; i < 16u * params.dim4; i += 64u) {
            let at = min(start + i / params.dim4, last);
            tile[i] = key4((at * kv_heads + kv) * params.dim4 + i % params.dim4);
        }
        workgroupBarrier();
        for (var j = 0u; j < 2u; j++) {
            let column = part * 2u + j;
            var score = -3.0e38;
            if (start + column <= position && (start + column >= begin || start + column < state[7])) {
                score = 0.0;
                for (var d = 0u; d < params.dim4; d++) {
                    score += dot(queries[row * params.dim4 + d], tile[column * params.dim4 + d]);
                }
            }
            scores[row * 16u + column] = score;
        }
        workgroupBarrier();
        var top = maximum;
        for (var i = 0u; i < 16u; i++) {
            top = max(top, scores[row * 16u + i]);
        }
        let fade = exp(maximum - top);
        maximum = top;
        sum *= fade;
        for (var k = 0u; k < 4u; k++) {
            acc[k] *= fade;
        }
        for (var i = 0u; i < 16u; i++) {
            if (start + i <= position && start + i <= last && (start + i >= begin || start + i < state[7])) {
                let w = exp(scores[row * 16u + i] - top);
                sum += w;
                let at = ((start + i) * kv_heads + kv) * params.dim4;
                for (var k = 0u; k < 4u; k++) {
                    let d = part + k * 8u;
                    if (d < params.dim4) {
                        acc[k] += w * value4(at + d);
                    }
                }
            }
        }
    }
    if (first + row < params.tokens) {
        for (var k = 0u; k < 4u; k++) {
            let d = part + k * 8u;
            if (d < params.dim4) {
                y[((first + row) * params.heads + head) * params.dim4 + d] = acc[k] / sum;
            }
        }
    }
}
