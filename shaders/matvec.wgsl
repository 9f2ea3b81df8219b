// y = W x for one token: four rows of W to a run of `lanes` invocations, a block of 32 weights an invocation at a time,
// dequantised in registers. Narrow matrices have short runs, so that no invocation is without work.
// Fused in: RMSNorm of x (its scale is linear, so it is applied to the sums), bias, and the epilogue
// store, add to y (residual), or SwiGLU over rows that alternate gate, up (Shazeer 2020).
struct Params {
    rows: u32,     // rows of this piece of W
    blocks: u32,   // blocks of 32 values a row
    x_first: u32,  // where x starts, in vectors of four
    y_first: u32,  // where y starts
    bias_first: u32, // first row of this piece in `bias`
    lanes: u32,    // invocations that share four rows: a power of two, at most 32
    norm: u32,     // 1: RMSNorm with `gain` first
    eps: f32,
    biased: u32,   // 1: add `bias`
    epilogue: u32, // 0 store, 1 add, 2 SwiGLU
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;    // [cols]
@group(0) @binding(2) var<storage, read> gain: array<vec4<f32>>; // [cols]
@group(0) @binding(3) var<storage, read> quants: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read> scales: array<u32>;
@group(0) @binding(5) var<storage, read> bias: array<f32>; // [rows of all pieces]
@group(0) @binding(6) var<storage, read_write> y: array<f32>;

// import weights
// import reduce

// Sum over one block; `sum0` and `sum1` are the sums of x over its halves, which the formats' offsets multiply.
fn block_dot(block: u32, x0: mat4x4<f32>, x1: mat4x4<f32>, sum0: f32, sum1: f32) -> f32 {
    let a = quant16(block, 0u);
    let b = quant16(block, 1u);
    let s = scale2(block, 0u);
    let t = scale2(block, 1u);
    let p = dot(a[0], x0[0]) + dot(a[1], x0[1]) + dot(a[2], x0[2]) + dot(a[3], x0[3]);
    let q = dot(b[0], x1[0]) + dot(b[1], x1[1]) + dot(b[2], x1[2]) + dot(b[3], x1[3]);
    return s.x * p + s.y * sum0 + t.x * q + t.y * sum1;
}

// include silu

fn finish(row: u32, sum: f32) {
    if (row < params.rows) {
        var v = sum;
        if (params.biased == 1u) {
            v += bias[params.bias_first + row];
        }
        if (params.epilogue == 1u) {
            v += y[params.y_first + row];
        }
        y[params.y_first + row] = v;
    }
}

@compute @workgroup_size(32)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let place = place_in_run(lane, params.lanes);
    let lanes = run_length(params.lanes);
    let row = ((group.y * groups.x + group.x) * (32u / lanes) + lane / lanes) * 4u;
    let last = params.rows - 1u;
    let row0 = min(row, last) * params.blocks;
    let row1 = min(row + 1u, last) * params.blocks;
    let row2 = min(row + 2u, last) * params.blocks;
    let row3 = min(row + 3u, last) * params.blocks;
    var sums = vec4<f32>(0.0);
    var squares = vec4<f32>(0.0);
    let ones = vec4<f32>(1.0);
    for (var b = place; b < params.blocks; b += lanes) {
        let i = params.x_first + b * 8u;
        var x0 = mat4x4<f32>(x[i], x[i + 1u], x[i + 2u], x[i + 3u]);
        var x1 = mat4x4<f32>(x[i + 4u], x[i + 5u], x[i + 6u], x[i + 7u]);
        if (params.norm == 1u) {
            squares += x0[0] * x0[0] + x0[1] * x0[1] + x0[2] * x0[2] + x0[3] * x0[3];
            squares += x1[0] * x1[0] + x1[1] * x1[1] + x1[2] * x1[2] + x1[3] * x1[3];
            let g = b * 8u;
            x0 = mat4x4<f32>(x0[0] * gain[g], x0[1] * gain[g + 1u], x0[2] * gain[g + 2u], x0[3] * gain[g + 3u]);
            x1 = mat4x4<f32>(x1[0] * gain[g + 4u], x1[1] * gain[g + 5u], x1[2] * gain[g + 6u], x1[3] * gain[g + 7u]);
        }
        let sum0 = dot(x0[0] + x0[1] + x0[2] + x0[3], ones);
        let sum1 = dot(x1[0] + x1[1] + x1[2] + x1[3], ones);
        sums += vec4<f32>(
            block_dot(row0 + b, x0, x1, sum0, sum1),
            block_dot(row1 + b, x0, x1, sum0, sum1),
            block_dot(row2 + b, x0, x1, sum0, sum1),
            block_dot(row3 + b, x0, x1, sum0, sum1),
        );
    }
    sums = reduce_sum(sums, lane, lanes);
    if (params.norm == 1u) {
        let square = dot(reduce_sum(squares, lane, lanes), ones);
        sums *= inverseSqrt(square / f32(params.blocks * 32u) + params.eps);
    }
    if (place != 0u) {
        return;
    }
    if (params.epilogue == 2u) {
        let to = params.y_first + row / 2u;
        if (row + 1u < params.rows) {
            y[to] = silu(sums.x) * sums.y;
        }
        if (row + 3u < params.rows) {
            y[to + 1u] = silu(sums.z) * sums.w;
        }
        return;
    }
    finish(row, sums.x);
    finish(row + 1u, sums.y);
    finish(row + 2u, sums.z);
    finish(row + 3u, sums.w);
}
