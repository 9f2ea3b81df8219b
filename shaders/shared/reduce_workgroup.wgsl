// Sum over each run of `lanes` invocations (a power of two) of the 32 of a workgroup, given to each of the run. Called in
// uniform control flow.
var<workgroup> partial_sums: array<vec4<f32>, 32>;

fn reduce_sum(value: vec4<f32>, lane: u32, lanes: u32) -> vec4<f32> {
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
