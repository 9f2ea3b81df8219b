//! A Qwen inference engine: WGSL kernels driven by `wgpu`, or the same kernels in plain Rust.
//!
//! ```no_run
//! # async fn run() -> wattage_engine::Result<()> {
//! use wattage_engine::{Cancel, ChatOptions, LoadOptions, Message, Role, Session, Source};
//!
//! let source = Source::file("qwen.gguf".as_ref())?;
//! let mut session = Session::load(vec![source], &LoadOptions::default(), &Cancel::new(), &mut |_| {}).await?;
//! let ask = [Message { role: Role::User, content: "What is 12 * 11?".to_owned() }];
//! let answer = session.chat(&ask, &ChatOptions::default(), &Cancel::new(), &mut |_| {}).await?;
//! println!("{}", answer.text);
//! # Ok(())
//! # }
//! ```

mod answer;
mod asked;
mod candidates;
mod chat;
pub mod check;
mod choice;
mod computation;
mod compute;
mod cpu;
mod device;
mod error;
mod event;
mod gpu;
mod judge;
pub mod kernels;
mod loader;
mod measure;
mod model;
mod recording;
mod runner;
mod sample;
pub mod sandbox;
pub mod scorer;
mod session;
pub mod splice;
mod startup;
mod text;
mod tokenizer;
mod trace;
pub mod wasm_layers;
mod weave;

pub use chat::{ChatTemplate, Message, Question, Role};
pub use computation::{
    Attention, BoundNumber, CandidateRow, Computation, Gate, Looked, Similar, Status, Voice, row_of,
};
pub use device::{Counts, Device, Pending, Prepared};
pub use error::{Error, Result};
pub use event::{
    Cancel, ChatOptions, CheckRow, Completion, DeviceInfo, DevicePreference, Event, LoadOptions, ModelInfo, Progress,
    Stage, StopReason, TextVoice,
};
pub use gpu::{AdapterInfo, probe};
pub use loader::{DType, ModelFile, Source, TensorInfo, dequantise};
pub use model::{Architecture, Config, KvType};
pub use recording::{BufferId, Dispatch, Recording, Run, Slice, Workgroups};
pub use sample::Sampling;
pub use session::{ChangeTaps, Prompt, Session};
pub use tokenizer::{Offsets, QWEN_WORDS, TextStream, Tokenizer};
pub use trace::trace;
