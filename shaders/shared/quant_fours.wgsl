// include nibbles
fn quant16(block: u32, half: u32) -> mat4x4<f32> {
    let q = quants[block];
    let w = select(q.xy, q.zw, half == 1u);
    return mat4x4<f32>(
        vec4<f32>(nibbles(w.x)),
        vec4<f32>(nibbles(w.x >> 16u)),
        vec4<f32>(nibbles(w.y)),
        vec4<f32>(nibbles(w.y >> 16u)),
    );
}
