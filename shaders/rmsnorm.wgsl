// y = x / rms(x) * gain, a row a workgroup (Zhang & Sennrich 2019). Used where many rows are normalised at once.
struct Params {
    cols4: u32, // row length in vectors of four
    eps: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;    // [rows, cols]
@group(0) @binding(2) var<storage, read> gain: array<vec4<f32>>; // [cols]
@group(0) @binding(3) var<storage, read_write> y: array<vec4<f32>>;

// import reduce

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let row = group.x * params.cols4;
    var squares = vec4<f32>(0.0);
    for (var i = lane; i < params.cols4; i += 32u) {
        let v = x[row + i];
        squares += v * v;
    }
    let sum = dot(reduce_sum(squares, lane, 32u), vec4<f32>(1.0));
    let inverse = inverseSqrt(sum / f32(params.cols4 * 4u) + params.eps);
    for (var i = lane; i < params.cols4; i += 32u) {
        y[row + i] = x[row + i] * inverse * gain[i];
    }
}
