enable subgroups;

// Sum over the 32 invocations of a workgroup, given to each of them. Called in uniform control flow.
// Subgroups of any width up to 32 are consecutive invocations; a wider one holds the whole workgroup.
var<workgroup> partial_sums: array<vec4<f32>, 32>;

fn reduce_sum(value: vec4<f32>, lane: u32) -> vec4<f32> {
    let sum = subgroupAdd(value);
    let width = subgroupAdd(1u);
    let place = subgroupExclusiveAdd(1u);
    workgroupBarrier();
    if (place == 0u) {
        partial_sums[lane] = sum;
    }
    workgroupBarrier();
    var total = vec4<f32>(0.0);
    for (var i = 0u; i < 32u; i += width) {
        total += partial_sums[i];
    }
    return total;
}
