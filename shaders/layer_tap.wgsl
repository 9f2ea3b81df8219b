// The residual stream of a tapped layer as its WASM layer reads it: each row divided by its root mean square, each channel
// standardised with the training data's mean and deviation, and clamped. A row that holds something that is no number becomes
// NaN as a whole: clamping would hide it. One workgroup a row.
struct Params {
    rows: u32,
    cols4: u32,       // width of the residual stream in vectors of four
    x_first: u32,     // where the first row starts in `x`, in vectors
    y_first: u32,     // and in `y`
    mean_first: u32,  // where the means start in `weights`, in vectors
    scale_first: u32, // and the reciprocal deviations
    bound: f32,       // what is clamped to, either side of zero
    eps: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;       // [context, hidden]
@group(0) @binding(2) var<storage, read> weights: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4<f32>>; // [rows, hidden]

// import reduce

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let row = group.x * params.cols4;
    var squares = vec4<f32>(0.0);
    for (var i = lane; i < params.cols4; i += 32u) {
        let v = x[params.x_first + row + i];
        squares += v * v;
    }
    let sum = dot(reduce_sum(squares, lane, 32u), vec4<f32>(1.0));
    let inverse = inverseSqrt(sum / f32(params.cols4 * 4u) + params.eps);
    // Told by its bits: a compiler may take it that a float is a number.
    let bits = bitcast<u32>(sum);
    if ((bits & 0x7f800000u) == 0x7f800000u) {
        for (var i = lane; i < params.cols4; i += 32u) {
            y[params.y_first + row + i] = vec4<f32>(bitcast<f32>(bits | 0x7fc00000u));
        }
        return;
    }
    for (var i = lane; i < params.cols4; i += 32u) {
        let v = x[params.x_first + row + i] * inverse - weights[params.mean_first + i];
        let bound = vec4<f32>(params.bound);
        y[params.y_first + row + i] = clamp(v * weights[params.scale_first + i], -bound, bound);
    }
}
