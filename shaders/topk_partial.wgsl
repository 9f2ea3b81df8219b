// The 64 largest logits of each piece of 1,024, in order, with the piece's maximum and its sum of exp((l - maximum) / T).
// A bitonic sort (Batcher 1968) in workgroup memory; equal logits are ordered by index, so the result is the same everywhere.
struct Params {
    count: u32, // logits
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> state: array<u32>; // 2: bits of 1 / T
@group(0) @binding(2) var<storage, read> logits: array<f32>; // [count]
@group(0) @binding(3) var<storage, read_write> tops: array<vec2<u32>>; // [pieces, 65]: (bits, index) each, then (maximum, sum)

var<workgroup> values: array<f32, 1024>;
var<workgroup> places: array<u32, 1024>;
var<workgroup> sums: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let first = group.x * 1024u;
    for (var i = lane; i < 1024u; i += 64u) {
        var v = -3.4e38;
        if (first + i < params.count) {
            v = max(logits[first + i], -3.4e38);
        }
        values[i] = v;
        places[i] = first + i;
    }
    workgroupBarrier();
    for (var size = 2u; size <= 1024u; size <<= 1u) {
        for (var gap = size >> 1u; gap > 0u; gap >>= 1u) {
            for (var i = lane; i < 512u; i += 64u) {
                let low = (i / gap) * gap * 2u + i % gap;
                let high = low + gap;
                let a = values[low];
                let b = values[high];
                let a_first = a > b || (a == b && places[low] < places[high]);
                let descending = (low & size) == 0u;
                if (a_first != descending) {
                    let p = places[low];
                    values[low] = b;
                    places[low] = places[high];
                    values[high] = a;
                    places[high] = p;
                }
            }
            workgroupBarrier();
        }
    }
    let maximum = values[0];
    let inverse = bitcast<f32>(state[2]);
    var sum = 0.0;
    for (var i = lane; i < 1024u; i += 64u) {
        if (values[i] > -3.3e38) {
            sum += exp((values[i] - maximum) * inverse);
        }
    }
    sums[lane] = sum;
    workgroupBarrier();
    for (var width = 32u; width > 0u; width >>= 1u) {
        if (lane < width) {
            sums[lane] += sums[lane + width];
        }
        workgroupBarrier();
    }
    tops[group.x * 65u + lane] = vec2<u32>(bitcast<u32>(values[lane]), places[lane]);
    if (lane == 0u) {
        tops[group.x * 65u + 64u] = vec2<u32>(bitcast<u32>(maximum), bitcast<u32>(sums[0]));
    }
}
