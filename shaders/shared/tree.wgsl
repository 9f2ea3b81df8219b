var<workgroup> partial_sums: array<vec4<f32>, 32>;

// Sum over each run of `lanes` invocations through workgroup memory.
fn tree_sum(value: vec4<f32>, lane: u32, lanes: u32) -> vec4<f32> {
    workgroupBarrier();
    partial_sums[lane] = value;
    workgroupBarrier();
    for (var width = lanes / 2u; width > 0u; width >>= 1u) {
        if (lane % lanes < width) {
            partial_sums[lane] += partial_sums[lane + width];
        }
        workgroupBarrier();
    }
    return partial_sums[lane - lane % lanes];
}
