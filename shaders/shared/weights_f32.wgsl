// F32: 32 values = 8 vectors.
fn quant16(block: u32, half: u32) -> mat4x4<f32> {
    let i = block * 8u + half * 4u;
    return mat4x4<f32>(
        bitcast<vec4<f32>>(quants[i]),
        bitcast<vec4<f32>>(quants[i + 1u]),
        bitcast<vec4<f32>>(quants[i + 2u]),
        bitcast<vec4<f32>>(quants[i + 3u]),
    );
}

// include scale_none
