//! The engine's whole decoded token beside nothing but the matrix products of one in plain f32 kernels, on the same device:
//! `make bench-plain`.
#![allow(clippy::unwrap_used, reason = "a failure here fails the test that called")]

use std::time::Instant;

use wattage_engine::{
    Cancel, ChatOptions, Config, DevicePreference, LoadOptions, ModelFile, Prompt, Sampling, Session,
};
use wgpu::util::DeviceExt as _;

const TOKENS: usize = 5;

/// One matrix product, ready to be run.
struct Product {
    group: wgpu::BindGroup,
    workgroups: u32,
}

/// Every matrix of a token, as rows and columns.
fn matrices(config: &Config) -> Vec<[usize; 2]> {
    let (query, key) = (config.heads * config.head_dim, config.kv_heads * config.head_dim);
    let layer = [
        [query, config.hidden],
        [key, config.hidden],
        [key, config.hidden],
        [config.hidden, query],
        [config.ffn, config.hidden],
        [config.ffn, config.hidden],
        [config.hidden, config.ffn],
    ];
    (0..config.layers).flat_map(|_| layer).chain([[config.vocab, config.hidden]]).collect()
}

/// Seconds that the plain kernels take for one token's products: the best of some, in one pass and one submit.
async fn plain_seconds(config: &Config) -> f64 {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle_from_env());
    let adapter = instance.request_adapter(&wgpu::RequestAdapterOptions::default()).await.unwrap();
    let (device, queue) = adapter.request_device(&wgpu::DeviceDescriptor::default()).await.unwrap();
    let binding = device.limits().max_storage_buffer_binding_size as usize;
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: None,
        source: wgpu::ShaderSource::Wgsl(include_str!("compare/plain_matvec.wgsl").into()),
    });
    let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: None,
        layout: None,
        module: &module,
        entry_point: Some("main"),
        compilation_options: wgpu::PipelineCompilationOptions::default(),
        cache: None,
    });
    let storage = |floats: usize| {
        device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: 4 * floats as u64,
            usage: wgpu::BufferUsages::STORAGE,
            mapped_at_creation: false,
        })
    };
    let mut products = Vec::new();
    let pieces = matrices(config).into_iter().flat_map(|[rows, cols]| {
        // What one binding may hold.
        let most = binding / 4 / cols;
        (0..rows).step_by(most).map(move |first| [(rows - first).min(most), cols])
    });
    for [rows, cols] in pieces {
        let params = device.create_buffer_init(&wgpu::util::BufferInitDescriptor {
            label: None,
            contents: &[rows as u32, cols as u32].map(u32::to_le_bytes).concat(),
            usage: wgpu::BufferUsages::UNIFORM,
        });
        let buffers = [params, storage(rows * cols), storage(cols), storage(rows)];
        let entries: Vec<_> = (0u32..)
            .zip(&buffers)
            .map(|(binding, buffer)| wgpu::BindGroupEntry { binding, resource: buffer.as_entire_binding() })
            .collect();
        let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &pipeline.get_bind_group_layout(0),
            entries: &entries,
        });
        products.push(Product { group, workgroups: rows.div_ceil(64) as u32 });
    }
    let mut best = f64::INFINITY;
    for _ in 0..TOKENS {
        let began = Instant::now();
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        pass.set_pipeline(&pipeline);
        for product in &products {
            pass.set_bind_group(0, &product.group, &[]);
            pass.dispatch_workgroups(product.workgroups, 1, 1);
        }
        drop(pass);
        queue.submit([encoder.finish()]);
        device.poll(wgpu::PollType::wait_indefinitely()).unwrap();
        best = best.min(began.elapsed().as_secs_f64());
    }
    best
}

/// Seconds that the engine takes for a whole decoded token.
async fn engine_seconds(shape: &str) -> f64 {
    let file = ModelFile::random(shape).unwrap();
    let options = LoadOptions { device: DevicePreference::Gpu, context: 256, ..LoadOptions::default() };
    let mut session = Session::load_file(file, None, &options, &Cancel::new(), &mut |_| {}).await.unwrap();
    let one = ChatOptions { sampling: Sampling::greedy(), max_tokens: 1, ..ChatOptions::default() };
    session.complete(Prompt::Tokens(&[1, 2, 3]), &one, &Cancel::new(), &mut |_| {}).await.unwrap();
    let mut best = 0f64;
    for _ in 0..2 {
        best = best.max(session.decode_speed(TOKENS).await.unwrap());
    }
    best.recip()
}

fn compare(shape: &str) {
    let config = ModelFile::random(shape).unwrap().config;
    let (ours, plain) = pollster::block_on(async { (engine_seconds(shape).await, plain_seconds(&config).await) });
    println!(
        "{shape}: the engine's whole token {:.1} ms, plain f32 products alone {:.1} ms: a factor of {:.2}",
        1e3 * ours,
        1e3 * plain,
        plain / ours
    );
    assert!(ours <= plain, "plain kernels are faster");
}

#[test]
fn a_small_model_is_faster_than_plain_kernels() {
    compare("qwen3-4m");
}

#[test]
fn a_real_shape_is_faster_than_plain_kernels() {
    compare("qwen2.5-0.5b");
}
