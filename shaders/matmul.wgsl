// Y = X W^T for many tokens: tiles of 32 tokens by 64 rows of W, 32 columns (one block) at a time through workgroup memory;
// an invocation keeps 4 x 4 sums. Bias and epilogue as in matvec.
struct Params {
    tokens: u32,   // rows of X and Y
    rows: u32,     // rows of this piece of W
    blocks: u32,   // blocks of 32 values a row
    y_stride: u32, // length of a row of Y
    y_first: u32,  // first column of Y that is written
    bias_first: u32, // first row of this piece in `bias`
    biased: u32,   // 1: add `bias`
    epilogue: u32, // 0 store, 1 add, 2 SwiGLU over rows that alternate gate, up
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>; // [tokens, cols]
@group(0) @binding(2) var<storage, read> quants: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> scales: array<u32>;
@group(0) @binding(4) var<storage, read> bias: array<f32>; // [rows of all pieces]
@group(0) @binding(5) var<storage, read_write> y: array<f32>;

// import weights
// import tile

var<workgroup> x_tile: array<f32, 1024>;  // [32 columns, 32 tokens]
var<workgroup> w_tile: array<Tile, 2048>; // [32 columns, 64 rows]

// include silu

fn finish(token: u32, row: u32, sum: vec4<f32>) {
    if (token >= params.tokens) {
        return;
    }
    let base = token * params.y_stride + params.y_first;
    if (params.epilogue == 2u) {
        if (row + 1u < params.rows) {
            y[base + row / 2u] = silu(sum.x) * sum.y;
        }
        if (row + 3u < params.rows) {
            y[base + row / 2u + 1u] = silu(sum.z) * sum.w;
        }
        return;
    }
    for (var j = 0u; j < 4u; j++) {
        if (row + j < params.rows) {
            var v = sum[j];
            if (params.biased == 1u) {
                v += bias[params.bias_first + row + j];
            }
            if (params.epilogue == 1u) {
                v += y[base + row + j];
            }
            y[base + row + j] = v;
        }
    }
}

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let first_token = group.y * 32u;
    let first_row = group.x * 64u;
    // Loading: a quarter of a token's columns, and half a block of one row.
    let load_token = min(first_token + lane / 4u, params.tokens - 1u);
    let load_part = lane % 4u;
    let load_row = min(first_row + lane / 2u, params.rows - 1u);
    let load_half = lane % 2u;
    // Computing: 4 tokens by 4 rows.
    let token4 = (lane / 16u) * 4u;
    let row4 = (lane % 16u) * 4u;
    var c0 = vec4<f32>(0.0);
    var c1 = vec4<f32>(0.0);
    var c2 = vec4<f32>(0.0);
    var c3 = vec4<f32>(0.0);
    for (var b = 0u; b < params.blocks; b++) {
        let source = (load_token * params.blocks + b) * 8u + load_part * 2u;
        let xa = x[source];
        let xb = x[source + 1u];
        let block = load_row * params.blocks + b;
        let q = quant16(block, load_half);
        let s = scale2(block, load_half);
        workgroupBarrier();
        for (var j = 0u; j < 4u; j++) {
            x_tile[(load_part * 8u + j) * 32u + lane / 4u] = xa[j];
            x_tile[(load_part * 8u + 4u + j) * 32u + lane / 4u] = xb[j];
        }
        for (var c = 0u; c < 4u; c++) {
            let w = q[c] * s.x + vec4<f32>(s.y);
            for (var j = 0u; j < 4u; j++) {
                w_tile[(load_half * 16u + c * 4u + j) * 64u + lane / 2u] = Tile(w[j]);
            }
        }
        workgroupBarrier();
        for (var k = 0u; k < 32u; k++) {
            let xi = k * 32u + token4;
            let wi = k * 64u + row4;
            let w = vec4<f32>(f32(w_tile[wi]), f32(w_tile[wi + 1u]), f32(w_tile[wi + 2u]), f32(w_tile[wi + 3u]));
            c0 += x_tile[xi] * w;
            c1 += x_tile[xi + 1u] * w;
            c2 += x_tile[xi + 2u] * w;
            c3 += x_tile[xi + 3u] * w;
        }
    }
    finish(first_token + token4, first_row + row4, c0);
    finish(first_token + token4 + 1u, first_row + row4, c1);
    finish(first_token + token4 + 2u, first_row + row4, c2);
    finish(first_token + token4 + 3u, first_row + row4, c3);
}
