// Runs of invocations that share their rows.
fn place_in_run(lane: u32, lanes: u32) -> u32 {
    return lane % lanes;
}

fn run_length(lanes: u32) -> u32 {
    return lanes;
}
