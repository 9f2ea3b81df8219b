// Where the WASM layers look: the weights that attention gives to each key, the mean over heads, times a share; every layer at once.
// What layer_attend sums the values with, kept for those who want to see it. One workgroup a row.
struct Params {
    rows: u32,      // queries a layer
    dim: u32,       // head size, at most 64
    heads: u32,
    count: u32,     // keys a row, at most 1024
    q_first: u32,   // where the first layer's queries start, in floats
    q_stride: u32,  // floats from one row to the next
    q_layer: u32,   // floats from one layer to the next
    k_first: u32,   // the same for the keys
    k_stride: u32,
    k_layer: u32,
    y_first: u32,   // the same for the weights, [rows, count] a layer
    y_stride: u32,
    y_layer: u32,
    accumulate: u32, // 1: added to what is there
    scale: f32,     // 1 / sqrt(head size)
    share: f32,     // what the weights of a row sum to
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> q: array<f32>;
@group(0) @binding(2) var<storage, read> k: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

const LANES: u32 = 32u;
var<workgroup> weights: array<f32, 1024>;
var<workgroup> sums: array<f32, 1024>;
var<workgroup> query: array<f32, 64>;
// include lane_reduce

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let row = group.x;
    let layer = group.y;
    for (var head = 0u; head < params.heads; head++) {
        let q_from = params.q_first + layer * params.q_layer + row * params.q_stride + head * params.dim;
        for (var d = lane; d < params.dim; d += LANES) {
            query[d] = q[q_from + d] * params.scale;
        }
        workgroupBarrier();
        let base = params.k_first + layer * params.k_layer + head * params.dim;
        var best = -3.0e38;
        for (var j = lane; j < params.count; j += LANES) {
            let start = base + j * params.k_stride;
            var score = 0.0;
            for (var d = 0u; d < params.dim; d++) {
                score += query[d] * k[start + d];
            }
            weights[j] = score;
            best = max(best, score);
        }
        best = largest(best, lane);
        var sum = 0.0;
        for (var j = lane; j < params.count; j += LANES) {
            let e = exp(weights[j] - best);
            weights[j] = e;
            sum += e;
        }
        sum = total(sum, lane);
        for (var j = lane; j < params.count; j += LANES) {
            sums[j] = select(sums[j], 0.0, head == 0u) + weights[j] / sum;
        }
    }
    let to = params.y_first + layer * params.y_layer + row * params.y_stride;
    for (var j = lane; j < params.count; j += LANES) {
        let before = select(0.0, y[to + j], params.accumulate == 1u);
        y[to + j] = before + sums[j] * params.share / f32(params.heads);
    }
}
