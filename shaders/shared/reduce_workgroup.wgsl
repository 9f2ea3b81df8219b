// Sum over each run of `lanes` invocations (a power of two) of the 32 of a workgroup, given to each of the run. Called in
// uniform control flow.
// include tree
// include runs
fn reduce_sum(value: vec4<f32>, lane: u32, lanes: u32) -> vec4<f32> {
    return tree_sum(value, lane, lanes);
}
