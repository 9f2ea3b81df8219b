// Sum over the 32 invocations of a workgroup, given to each of them. Called in uniform control flow.
var<workgroup> partial_sums: array<vec4<f32>, 32>;

fn reduce_sum(value: vec4<f32>, lane: u32) -> vec4<f32> {
    workgroupBarrier();
    partial_sums[lane] = value;
    workgroupBarrier();
    for (var width = 16u; width > 0u; width >>= 1u) {
        if (lane < width) {
            partial_sums[lane] += partial_sums[lane + width];
        }
        workgroupBarrier();
    }
    return partial_sums[0];
}
