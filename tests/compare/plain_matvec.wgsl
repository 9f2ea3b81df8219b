// y = W x as it is first written: one row of f32 weights an invocation. What the engine's kernels are measured against.
struct Params {
    rows: u32,
    cols: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> w: array<f32>; // [rows, cols]
@group(0) @binding(2) var<storage, read> x: array<f32>; // [cols]
@group(0) @binding(3) var<storage, read_write> y: array<f32>; // [rows]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let row = id.x;
    if (row >= params.rows) {
        return;
    }
    var sum = 0.0;
    for (var c = 0u; c < params.cols; c++) {
        sum += w[row * params.cols + c] * x[c];
    }
    y[row] = sum;
}
