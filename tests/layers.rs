//! The WASM layers: against an independent computation, from golden files, on both executors; their file; bad input; and how
//! much they ask of a device.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failure here fails the test that called")]

#[path = "layers/file.rs"]
mod file;
#[path = "layers/golden.rs"]
mod golden;
#[path = "layers/requests.rs"]
mod requests;

use safetensors::SafeTensors;
use wattage_engine::wasm_layers::config::{LayersConfig, Token};
use wattage_engine::wasm_layers::program::{Instruction, Program};
use wattage_engine::wasm_layers::{Base, Question, WasmLayers};
use wattage_engine::{Device, Slice, Source};

const BASE: Base<'static> = Base { fingerprint: "golden", hidden: 32, layers: 12 };

fn read(name: &str) -> Vec<u8> {
    std::fs::read(harness::golden::folder().join(name)).unwrap()
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
}

/// Both executors. No GPU is a failure: nothing would be tested.
async fn devices() -> [Device; 2] {
    [Device::cpu(), Device::gpu().await.unwrap()]
}

/// The golden layers and taps on a device.
struct Loaded {
    device: Device,
    layers: WasmLayers,
    taps: Vec<Slice>,
}

impl Loaded {
    async fn new(mut device: Device) -> Self {
        let source = Source::bytes("layers.safetensors", read("layers.safetensors"));
        let layers = WasmLayers::load(&mut device, &source, BASE).await.unwrap();
        let tensors = read("layers.expected.safetensors");
        let tensors = SafeTensors::deserialize(&tensors).unwrap();
        let mut taps = Vec::new();
        for tap in &layers.config().taps {
            let values = tensors.tensor(&format!("tap.{tap}")).unwrap();
            let slice = device.slice(values.data().len() as u64).unwrap();
            device.write(slice.buffer, 0, values.data()).unwrap();
            taps.push(slice);
        }
        Self { device, layers, taps }
    }

    async fn encode(&mut self, question: &Question) -> wattage_engine::Result<Vec<f32>> {
        self.layers.encode(&mut self.device, &self.taps, question).await
    }
}

/// A program of outputs.
fn program(config: &LayersConfig, outputs: &[usize]) -> Program {
    let instructions = outputs.iter().map(|output| match config.token(*output).unwrap() {
        Token::Fixed(instruction) => instruction,
        Token::Pointer(k) => Instruction::Local(k),
        Token::End => panic!("an end within a program"),
    });
    Program::new(instructions.collect(), 17).unwrap()
}
