// Over a workgroup of LANES invocations: the largest of their values, and the sum.
var<workgroup> partial: array<f32, 32>;

fn largest(value: f32, lane: u32) -> f32 {
    partial[lane] = value;
    workgroupBarrier();
    var all = partial[0];
    for (var i = 1u; i < LANES; i++) {
        all = max(all, partial[i]);
    }
    workgroupBarrier();
    return all;
}

fn total(value: f32, lane: u32) -> f32 {
    partial[lane] = value;
    workgroupBarrier();
    var all = 0.0;
    for (var i = 0u; i < LANES; i++) {
        all += partial[i];
    }
    workgroupBarrier();
    return all;
}
