//! What a program may use.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The most that a program may use. Everything that is counted before the program runs is counted before it is compiled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Bytes of the text.
    pub wat_bytes: usize,
    /// Parentheses (and comments) within each other in the text.
    pub nesting: usize,
    /// Bytes of the compiled module.
    pub module_bytes: usize,
    /// Functions.
    pub functions: u32,
    /// Locals of one function, besides its parameters.
    pub locals: u32,
    /// Global variables.
    pub globals: u32,
    /// Tables.
    pub tables: u32,
    /// Elements of a table, at the start or later.
    pub table_elements: u64,
    /// Memories.
    pub memories: u32,
    /// Pages of 64 KiB of a memory, at the start or later.
    pub memory_pages: u64,
    /// Instructions that are run, about: a call and some others cost more than one.
    pub fuel: u64,
    /// Calls within each other, that of `compute` among them.
    pub recursion: usize,
    /// Bytes of the stack that holds locals and operands, of all calls together.
    pub stack_bytes: usize,
}

impl Default for Limits {
    /// Room for every program that the WASM layers can write and for some written by hand, but no memory and no table.
    fn default() -> Self {
        Self {
            wat_bytes: 64 << 10,
            nesting: 64,
            module_bytes: 32 << 10,
            functions: 64,
            locals: 256,
            globals: 64,
            tables: 0,
            table_elements: 0,
            memories: 0,
            memory_pages: 0,
            fuel: 1_000_000,
            recursion: 256,
            stack_bytes: 64 << 10,
        }
    }
}

/// A limit that is counted; the fuel and the two of the stack show when the program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Limit {
    /// [`Limits::wat_bytes`]
    WatBytes,
    /// [`Limits::nesting`]
    Nesting,
    /// [`Limits::module_bytes`]
    ModuleBytes,
    /// [`Limits::functions`]
    Functions,
    /// [`Limits::locals`]
    Locals,
    /// [`Limits::globals`]
    Globals,
    /// [`Limits::tables`]
    Tables,
    /// [`Limits::table_elements`]
    TableElements,
    /// [`Limits::memories`]
    Memories,
    /// [`Limits::memory_pages`]
    MemoryPages,
}

impl fmt::Display for Limit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::WatBytes => "bytes of text",
            Self::Nesting => "parentheses within each other",
            Self::ModuleBytes => "bytes of compiled code",
            Self::Functions => "functions",
            Self::Locals => "locals in a function",
            Self::Globals => "global variables",
            Self::Tables => "tables",
            Self::TableElements => "table elements",
            Self::Memories => "memories",
            Self::MemoryPages => "pages of memory",
        })
    }
}
