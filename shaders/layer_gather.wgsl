// Sums of table rows, for every WASM layer at once: y = sum over k of table[index[k]], or added to what y holds. One workgroup
// a row of a layer; `index` holds `terms` row numbers for each, and `NONE` where a term is missing.
struct Params {
    rows: u32,        // rows a layer
    cols4: u32,       // row length in vectors of four
    terms: u32,       // row numbers a row
    index_first: u32, // where they start, in words
    index_layer: u32, // words a layer; 0 where all layers share them
    table_first: u32, // where the first layer's table starts, in vectors
    table_layer: u32, // vectors a layer
    y_first: u32,     // where the first layer's rows start, in vectors
    y_layer: u32,     // vectors a layer
    accumulate: u32,  // 1: add to y
}

const NONE: u32 = 0xffffffffu;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> index: array<u32>;
@group(0) @binding(2) var<storage, read> table: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4<f32>>;

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let to = params.y_first + group.y * params.y_layer + group.x * params.cols4;
    let first = params.index_first + group.y * params.index_layer + group.x * params.terms;
    for (var i = lane; i < params.cols4; i += 32u) {
        var sum = vec4<f32>(0.0);
        if (params.accumulate == 1u) {
            sum = y[to + i];
        }
        for (var k = 0u; k < params.terms; k++) {
            let row = index[first + k];
            if (row != NONE) {
                sum += table[params.table_first + group.y * params.table_layer + row * params.cols4 + i];
            }
        }
        y[to + i] = sum;
    }
}
