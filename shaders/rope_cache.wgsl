// What follows the q, k, v projections: RMSNorm of each head of q and k (Qwen3), rotary embedding of q and k by halves
// (Su et al. 2021, the NeoX order), k and v into the cache. One workgroup a head and token; q is rotated in place.
// A row of a branch (see attend_prefill) has the position that follows what is shared, wherever in the cache it lies.
struct Params {
    heads: u32,    // query heads
    kv_heads: u32, // key and value heads
    dim4: u32,     // head size in vectors of four; a multiple of two
    norm: u32,     // 1: RMSNorm of q and k
    eps: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> state: array<u32>; // 0: place of the first row, 1: rows, 7: positions that branches share, 8 + rows: branches' first places
// import store
@group(0) @binding(4) var<storage, read> table: array<vec2<f32>>; // [positions, dim / 2]: cosine and sine
@group(0) @binding(5) var<storage, read> q_gain: array<f32>;      // [dim]
@group(0) @binding(6) var<storage, read> k_gain: array<f32>;      // [dim]
@group(0) @binding(7) var<storage, read_write> qkv: array<vec4<f32>>; // [rows, heads + 2 kv_heads, dim]

var<workgroup> head: array<f32, 128>;
var<workgroup> turned: array<f32, 128>;
var<workgroup> squares: array<f32, 32>;

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let h = group.x;
    let source = (group.y * (params.heads + 2u * params.kv_heads) + h) * params.dim4;
    let place = state[0] + group.y;
    var position = place;
    if (state[7] > 0u) {
        position = state[7] + place - state[8u + state[1] + group.y];
    }
    let dim = params.dim4 * 4u;
    var square = 0.0;
    if (lane < params.dim4) {
        let v = qkv[source + lane];
        square = dot(v, v);
        for (var j = 0u; j < 4u; j++) {
            head[lane * 4u + j] = v[j];
        }
    }
    squares[lane] = square;
    workgroupBarrier();

    if (h >= params.heads + params.kv_heads) {
        if (lane < params.dim4) {
            let to = (place * params.kv_heads + h - params.heads - params.kv_heads) * params.dim4 + lane;
            store_value4(to, qkv[source + lane]);
        }
        return;
    }

    var inverse = 1.0;
    if (params.norm == 1u) {
        var sum = 0.0;
        for (var i = 0u; i < 32u; i++) {
            sum += squares[i];
        }
        inverse = inverseSqrt(sum / f32(dim) + params.eps);
    }
    let is_key = h >= params.heads;
    for (var i = lane; i < dim / 2u; i += 32u) {
        var a = head[i] * inverse;
        var b = head[i + dim / 2u] * inverse;
        if (params.norm == 1u) {
            a *= select(q_gain[i], k_gain[i], is_key);
            b *= select(q_gain[i + dim / 2u], k_gain[i + dim / 2u], is_key);
        }
        let turn = table[position * (dim / 2u) + i];
        turned[i] = a * turn.x - b * turn.y;
        turned[i + dim / 2u] = b * turn.x + a * turn.y;
    }
    workgroupBarrier();
    if (lane < params.dim4) {
        let v = vec4<f32>(turned[lane * 4u], turned[lane * 4u + 1u], turned[lane * 4u + 2u], turned[lane * 4u + 3u]);
        if (is_key) {
            store_key4((place * params.kv_heads + h - params.heads) * params.dim4 + lane, v);
        } else {
            qkv[source + lane] = v;
        }
    }
}
