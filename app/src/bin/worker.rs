//! The worker that runs the engine.

fn main() {
    #[cfg(target_arch = "wasm32")]
    wattage_app::worker::start();
}
