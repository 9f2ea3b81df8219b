// Every invocation works alone: a run is one invocation. Software adapters step through invocations that read the same place
// of x together, and pay dearly for barriers, of which there are none.
fn place_in_run(lane: u32, lanes: u32) -> u32 {
    return 0u;
}

fn run_length(lanes: u32) -> u32 {
    return 1u;
}

fn reduce_sum(value: vec4<f32>, lane: u32, lanes: u32) -> vec4<f32> {
    return value;
}
