// y = W x + b for every WASM layer at once, over rows that are tokens or beams: one workgroup a row and 32 outputs. Fused in:
// RMSNorm of x (its scale is linear, so it is applied to the sums), bias, and the epilogue store, add to y (residual), add
// what a tanh-gate lets through, or SwiGLU over outputs that alternate gate, up.
struct Params {
    outputs: u32,    // values of y a row
    cols4: u32,      // width of x in vectors of four, at most 512
    tiles: u32,      // workgroups a row
    w_first: u32,    // where the first layer's W starts, in vectors
    w_layer: u32,    // vectors a layer
    bias_first: u32, // where the first layer's bias starts in `weights`, in floats
    gain_first: u32, // and the norm's gain, in vectors
    gate_first: u32, // and the gate, in floats
    small_layer: u32, // floats from one layer's bias, gain or gate to the next's; a multiple of 4
    x_first: u32,    // where the first layer's rows start, in vectors
    x_stride: u32,   // vectors from one row to the next
    x_layer: u32,    // vectors from one layer to the next
    y_first: u32,    // the same for y, in floats
    y_stride: u32,
    y_layer: u32,
    norm: u32,       // 1: RMSNorm first
    biased: u32,     // 1: add the bias
    epilogue: u32,   // 0 store, 1 add, 2 SwiGLU, 3 gated add
    eps: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> w: array<vec4<f32>>;       // [layers, outputs, cols], SwiGLU: twice the outputs
@group(0) @binding(3) var<storage, read> weights: array<vec4<f32>>; // all small tensors of all layers
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

// import reduce
// include silu

var<workgroup> input: array<vec4<f32>, 512>;

fn small(at: u32) -> f32 {
    return weights[at / 4u][at % 4u];
}

fn product(layer: u32, row: u32) -> f32 {
    let start = params.w_first + layer * params.w_layer + row * params.cols4;
    var sum = 0.0;
    for (var i = 0u; i < params.cols4; i++) {
        sum += dot(w[start + i], input[i]);
    }
    return sum;
}

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let row = group.x / params.tiles;
    let layer = group.y;
    let start = params.x_first + layer * params.x_layer + row * params.x_stride;
    let gain = params.gain_first + layer * (params.small_layer / 4u);
    var squares = vec4<f32>(0.0);
    for (var i = lane; i < params.cols4; i += 32u) {
        var v = x[start + i];
        if (params.norm == 1u) {
            squares += v * v;
            v *= weights[gain + i];
        }
        input[i] = v;
    }
    // Also the barrier after which every invocation sees all of `input`.
    let square = dot(reduce_sum(squares, lane, 32u), vec4<f32>(1.0));
    workgroupBarrier();
    let output = (group.x % params.tiles) * 32u + lane;
    if (output >= params.outputs) {
        return;
    }
    var scale = 1.0;
    if (params.norm == 1u) {
        scale = inverseSqrt(square / f32(params.cols4 * 4u) + params.eps);
    }
    let to = params.y_first + layer * params.y_layer + row * params.y_stride + output;
    if (params.epilogue == 2u) {
        y[to] = silu(scale * product(layer, 2u * output)) * (scale * product(layer, 2u * output + 1u));
        return;
    }
    var v = scale * product(layer, output);
    if (params.biased == 1u) {
        v += small(params.bias_first + layer * params.small_layer + output);
    }
    if (params.epilogue == 1u) {
        v += y[to];
    }
    if (params.epilogue == 3u) {
        v = y[to] + tanh(small(params.gate_first + layer * params.small_layer)) * v;
    }
    y[to] = v;
}
