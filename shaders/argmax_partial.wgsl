// The largest logit of each piece of 4,096, the first where several are equal. Not-a-number never wins.
struct Params {
    count: u32, // logits
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>; // [count]
@group(0) @binding(2) var<storage, read_write> best: array<vec2<u32>>; // [pieces]: bits of the logit, index

var<workgroup> values: array<f32, 64>;
var<workgroup> places: array<u32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    var value = -3.4e38;
    var place = 0xffffffffu;
    let first = group.x * 4096u;
    let end = min(first + 4096u, params.count);
    for (var i = first + lane; i < end; i += 64u) {
        if (logits[i] > value) {
            value = logits[i];
            place = i;
        }
    }
    values[lane] = value;
    places[lane] = place;
    workgroupBarrier();
    for (var width = 32u; width > 0u; width >>= 1u) {
        if (lane < width) {
            let other = values[lane + width];
            let better = other > values[lane] || (other == values[lane] && places[lane + width] < places[lane]);
            if (better) {
                values[lane] = other;
                places[lane] = places[lane + width];
            }
        }
        workgroupBarrier();
    }
    if (lane == 0u) {
        best[group.x] = vec2<u32>(bitcast<u32>(values[0]), places[0]);
    }
}
