enable subgroups;

// Sum over each run of `lanes` invocations (a power of two) of the 32 of a workgroup, given to each of the run. Called in
// uniform control flow. Subgroups of any width up to 32 are consecutive invocations; a wider one holds the whole workgroup.
// Short runs, which may be narrower than a subgroup, take the way through workgroup memory.
// include tree
// include runs
fn reduce_sum(value: vec4<f32>, lane: u32, lanes: u32) -> vec4<f32> {
    if (lanes < 32u) {
        return tree_sum(value, lane, lanes);
    }
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
