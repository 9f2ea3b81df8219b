// Attention of the WASM layers, every layer and head at once: a row of queries over the keys and values that it may see, which
// are all of its layer's, or those that `table` lists for the row (a beam's own past). One workgroup a row and head.
struct Params {
    rows: u32,        // queries a layer
    dim: u32,         // head size, at most 64
    heads: u32,
    count: u32,       // keys a row, where there is no table; at most 1024
    table_stride: u32, // words a row of the table: a count, then so many key numbers; 0: no table
    table_layer: u32, // words a layer of the table; 0 where all layers share it
    q_first: u32,     // where the first layer's queries start, in floats
    q_stride: u32,    // floats from one row to the next
    q_layer: u32,     // floats from one layer to the next
    k_first: u32,     // the same for the keys
    v_first: u32,     // and where the first layer's values start
    kv_stride: u32,
    kv_layer: u32,
    y_first: u32,
    y_stride: u32,
    y_layer: u32,
    scale: f32,       // 1 / sqrt(head size)
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> table: array<u32>;
@group(0) @binding(2) var<storage, read> q: array<f32>;
@group(0) @binding(3) var<storage, read> kv: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

const LANES: u32 = 32u;
var<workgroup> weights: array<f32, 1024>;
var<workgroup> query: array<f32, 64>;
// include lane_reduce

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let row = group.x / params.heads;
    let head = group.x % params.heads;
    let layer = group.y;
    let listed = layer * params.table_layer + row * params.table_stride;
    var count = params.count;
    if (params.table_stride > 0u) {
        count = min(table[listed], min(params.table_stride - 1u, 1024u));
    }
    let q_from = params.q_first + layer * params.q_layer + row * params.q_stride + head * params.dim;
    for (var d = lane; d < params.dim; d += LANES) {
        query[d] = q[q_from + d] * params.scale;
    }
    workgroupBarrier();
    let base = layer * params.kv_layer + head * params.dim;
    var best = -3.0e38;
    for (var j = lane; j < count; j += LANES) {
        var key = j;
        if (params.table_stride > 0u) {
            key = table[listed + 1u + j];
        }
        let start = params.k_first + base + key * params.kv_stride;
        var score = 0.0;
        for (var d = 0u; d < params.dim; d++) {
            score += query[d] * kv[start + d];
        }
        weights[j] = score;
        best = max(best, score);
    }
    best = largest(best, lane);
    var sum = 0.0;
    for (var j = lane; j < count; j += LANES) {
        let e = exp(weights[j] - best);
        weights[j] = e;
        sum += e;
    }
    sum = total(sum, lane);
    let to = params.y_first + layer * params.y_layer + row * params.y_stride + head * params.dim;
    for (var d = lane; d < params.dim; d += LANES) {
        var acc = 0.0;
        for (var j = 0u; j < count; j++) {
            var key = j;
            if (params.table_stride > 0u) {
                key = table[listed + 1u + j];
            }
            acc += weights[j] * kv[params.v_first + base + key * params.kv_stride + d];
        }
        y[to + d] = acc / sum;
    }
}
