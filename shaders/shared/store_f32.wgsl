// Writing the KV cache in f32; `i` counts vectors of four.
@group(0) @binding(2) var<storage, read_write> keys: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> values: array<vec4<f32>>;

fn store_key4(i: u32, v: vec4<f32>) {
    keys[i] = v;
}

fn store_value4(i: u32, v: vec4<f32>) {
    values[i] = v;
}
