// Attention of one token, split over the context (Flash-Decoding, Dao et al. 2023): one workgroup a query head and a piece
// of `split` positions. Writes the piece's weighted sum of values with its maximum and sum of exponentials.
struct Params {
    heads: u32,    // query heads
    group: u32,    // query heads that share a key/value head
    dim4: u32,     // head size in vectors of four, at most 32
    split: u32,    // positions a piece, at most 256
    pieces: u32,   // pieces that `pieces_out` has room for
    scale: f32,    // 1 / sqrt(head size)
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> state: array<u32>; // position of the token
// import kv
@group(0) @binding(4) var<storage, read> qkv: array<vec4<f32>>; // [heads + 2 kv_heads, dim]
@group(0) @binding(5) var<storage, read_write> pieces_out: array<vec4<f32>>; // [heads, pieces, dim / 4 + 1]: sums, then (maximum, sum)

var<workgroup> query: array<vec4<f32>, 32>;
var<workgroup> weights: array<f32, 256>;
var<workgroup> pool: array<f32, 64>;
var<workgroup> sums: array<vec4<f32>, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let head = group.x;
    let piece = group.y;
    let kv_heads = params.heads / params.group;
    let kv = head / params.group;
    let first = piece * params.split;
    let length = state[0] + 1u;
    let count = min(length - min(first, length), params.split);
    if (lane < params.dim4) {
        query[lane] = qkv[head * params.dim4 + lane] * params.scale;
    }
    workgroupBarrier();

    var top = -3.0e38;
    for (var i = lane; i < count; i += 64u) {
        let at = ((first + i) * kv_heads + kv) * params.dim4;
        var score = 0.0;
        for (var d = 0u; d < params.dim4; d++) {
            score += dot(query[d], key4(at + d));
        }
        weights[i] = score;
        top = max(top, score);
    }
    pool[lane] = top;
    workgroupBarrier();
    for (var width = 32u; width > 0u; width >>= 1u) {
        if (lane < width) {
            pool[lane] = max(pool[lane], pool[lane + width]);
        }
        workgroupBarrier();
    }
    let maximum = pool[0];
    workgroupBarrier();

    var sum = 0.0;
    for (var i = lane; i < count; i += 64u) {
        let w = exp(weights[i] - maximum);
        weights[i] = w;
        sum += w;
    }
    pool[lane] = sum;
    workgroupBarrier();
    for (var width = 32u; width > 0u; width >>= 1u) {
        if (lane < width) {
            pool[lane] += pool[lane + width];
        }
        workgroupBarrier();
    }

    // Values: an invocation takes one vector of the head and every `rows`-th position.
    let rows = 64u / params.dim4;
    let d = lane % params.dim4;
    let r = lane / params.dim4;
    var acc = vec4<f32>(0.0);
    if (r < rows) {
        for (var i = r; i < count; i += rows) {
            acc += weights[i] * value4(((first + i) * kv_heads + kv) * params.dim4 + d);
        }
    }
    sums[lane] = acc;
    workgroupBarrier();
    let to = (head * params.pieces + piece) * (params.dim4 + 1u);
    if (lane < params.dim4) {
        for (var i = 1u; i < rows; i++) {
            acc += sums[i * params.dim4 + lane];
        }
        pieces_out[to + lane] = acc;
    }
    if (lane == 0u) {
        pieces_out[to + params.dim4] = vec4<f32>(maximum, pool[0], 0.0, 0.0);
    }
}
