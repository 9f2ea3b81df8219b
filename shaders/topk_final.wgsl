// The pieces of topk_partial into the 64 largest logits of all, in order, and the maximum and normaliser of the whole.
// Each of 64 invocations keeps its place in the running best; a piece is merged by counting how many of the other list stand
// before an entry, so the order is exact and needs no second sort.
struct Params {
    pieces: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> state: array<u32>; // 2: bits of 1 / T
@group(0) @binding(2) var<storage, read> tops: array<vec2<u32>>; // [pieces, 65]
@group(0) @binding(3) var<storage, read_write> result: array<vec2<u32>>; // [66]: 64 of (bits, index), (maximum, sum), (position, 0)

var<workgroup> best: array<vec2<u32>, 64>;
var<workgroup> next: array<vec2<u32>, 64>;
var<workgroup> merged: array<vec2<u32>, 64>;

fn before(a: vec2<u32>, b: vec2<u32>) -> bool {
    let x = bitcast<f32>(a.x);
    let y = bitcast<f32>(b.x);
    return x > y || (x == y && a.y < b.y);
}

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) lane: u32) {
    best[lane] = tops[lane];
    var maximum = bitcast<f32>(tops[64].x);
    var sum = bitcast<f32>(tops[64].y);
    let inverse = bitcast<f32>(state[2]);
    for (var p = 1u; p < params.pieces; p++) {
        next[lane] = tops[p * 65u + lane];
        workgroupBarrier();
        let mine = best[lane];
        let other = next[lane];
        var mine_rank = lane;
        var other_rank = lane;
        for (var i = 0u; i < 64u; i++) {
            mine_rank += select(0u, 1u, before(next[i], mine));
            other_rank += select(0u, 1u, before(best[i], other));
        }
        if (mine_rank < 64u) {
            merged[mine_rank] = mine;
        }
        if (other_rank < 64u) {
            merged[other_rank] = other;
        }
        workgroupBarrier();
        best[lane] = merged[lane];
        let end = tops[p * 65u + 64u];
        let top = max(maximum, bitcast<f32>(end.x));
        sum = sum * exp((maximum - top) * inverse) + bitcast<f32>(end.y) * exp((bitcast<f32>(end.x) - top) * inverse);
        maximum = top;
        workgroupBarrier();
    }
    result[lane] = best[lane];
    if (lane == 0u) {
        result[64] = vec2<u32>(bitcast<u32>(maximum), bitcast<u32>(sum));
        result[65] = vec2<u32>(state[0], 0u);
    }
}
