//! From text to a module within the limits.

use wasmi::{Engine, ExternType, Module, ValType};
use wasmparser::{BinaryReaderError, Parser, Payload};

use super::limits::{Limit, Limits};
use super::outcome::{Outcome, Refusal};

/// The one function that a program exports.
pub(super) const COMPUTE: &str = "compute";
/// Longest message of the compiler that is kept, in characters.
const LONGEST_MESSAGE: usize = 300;
/// Longest name out of a program that is kept, in characters.
const LONGEST_NAME: usize = 60;

/// The module's bytes.
pub(super) fn assemble(text: &str, limits: &Limits) -> Result<Vec<u8>, Outcome> {
    within(Limit::WatBytes, text.len() as u64, limits.wat_bytes as u64)?;
    within(Limit::Nesting, nesting(text) as u64, limits.nesting as u64)?;
    let module = wat::parse_str(text).map_err(|error| Outcome::CompileError(message(&error.to_string())))?;
    within(Limit::ModuleBytes, module.len() as u64, limits.module_bytes as u64)?;
    Ok(module)
}

/// Compiles all of a module, and makes sure that it is one that may run: within the limits, without imports and start
/// function, with one export, which is a function of so many `f64` to one.
pub(super) fn compile(engine: &Engine, bytes: &[u8], arguments: usize, limits: &Limits) -> Result<Module, Outcome> {
    inspect(bytes, limits)?;
    let module = Module::new(engine, bytes).map_err(|error| Outcome::CompileError(message(&error.to_string())))?;
    if let Some(import) = module.imports().next() {
        let (module, name) = (shortened(import.module(), LONGEST_NAME), shortened(import.name(), LONGEST_NAME));
        return Err(Outcome::Refused(Refusal::Import { module, name }));
    }
    let mut exports = module.exports();
    let (Some(export), None) = (exports.next(), exports.next()) else {
        return Err(Outcome::Refused(Refusal::Exports { found: module.exports().count() }));
    };
    let ExternType::Func(function) = export.ty() else {
        return Err(Outcome::Refused(Refusal::Export { name: shortened(export.name(), LONGEST_NAME) }));
    };
    if export.name() != COMPUTE {
        return Err(Outcome::Refused(Refusal::Export { name: shortened(export.name(), LONGEST_NAME) }));
    }
    let wanted = vec![ValType::F64; arguments];
    if function.params() != wanted || function.results() != [ValType::F64] {
        return Err(Outcome::Refused(Refusal::Signature {
            found: shortened(&signature(function.params(), function.results()), LONGEST_MESSAGE),
            wanted: shortened(&signature(&wanted, &[ValType::F64]), LONGEST_MESSAGE),
        }));
    }
    Ok(module)
}

fn within(limit: Limit, found: u64, allowed: u64) -> Result<(), Outcome> {
    if found > allowed { Err(Outcome::OverLimit { limit, found, allowed }) } else { Ok(()) }
}

/// Counts what a module has, before anything is made for it. It need not be valid: that is seen when it is compiled.
fn inspect(bytes: &[u8], limits: &Limits) -> Result<(), Outcome> {
    let invalid = |error: BinaryReaderError| Outcome::CompileError(message(&error.to_string()));
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(invalid)? {
            Payload::FunctionSection(section) => {
                within(Limit::Functions, section.count().into(), limits.functions.into())?;
            }
            Payload::GlobalSection(section) => {
                within(Limit::Globals, section.count().into(), limits.globals.into())?;
            }
            Payload::TableSection(section) => {
                within(Limit::Tables, section.count().into(), limits.tables.into())?;
                for table in section {
                    within(Limit::TableElements, table.map_err(invalid)?.ty.initial, limits.table_elements)?;
                }
            }
            Payload::MemorySection(section) => {
                within(Limit::Memories, section.count().into(), limits.memories.into())?;
                for memory in section {
                    within(Limit::MemoryPages, memory.map_err(invalid)?.initial, limits.memory_pages)?;
                }
            }
            Payload::CodeSectionEntry(body) => {
                let mut locals: u64 = 0;
                for local in body.get_locals_reader().map_err(invalid)? {
                    locals += u64::from(local.map_err(invalid)?.0);
                }
                within(Limit::Locals, locals, limits.locals.into())?;
            }
            Payload::StartSection { .. } => return Err(Outcome::Refused(Refusal::Start)),
            _ => {}
        }
    }
    Ok(())
}

/// How deep parentheses lie within each other, or comments.
fn nesting(text: &str) -> usize {
    let (mut depth, mut comments, mut deepest) = (0_usize, 0_usize, 0_usize);
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.next() {
        match (byte, bytes.peek()) {
            (b'(', Some(b';')) => {
                comments += 1;
                bytes.next();
            }
            (b';', Some(b')')) if comments > 0 => {
                comments -= 1;
                bytes.next();
            }
            _ if comments > 0 => {}
            (b';', Some(b';')) => {
                // A line ends at a line feed or a carriage return, as the compiler has it.
                bytes.by_ref().find(|byte| matches!(byte, b'\n' | b'\r'));
            }
            (b'"', _) => {
                while let Some(byte) = bytes.next() {
                    match byte {
                        b'"' => break,
                        b'\\' => drop(bytes.next()),
                        _ => {}
                    }
                }
            }
            (b'(', _) => depth += 1,
            (b')', _) => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth + comments);
    }
    deepest
}

/// What a compiler says, in one line: its words, and the line and column that it points to further down.
fn message(text: &str) -> String {
    let mut lines = text.lines();
    let first = shortened(lines.next().unwrap_or_default().trim(), LONGEST_MESSAGE);
    let place = lines.find_map(|line| line.trim().strip_prefix("--> <anon>:"));
    match place.and_then(|place| place.split_once(':')) {
        Some((line, column)) => format!("{first} (line {line}, column {column})"),
        None => first,
    }
}

fn shortened(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    text.chars().take(longest).chain(['…']).collect()
}

/// A function type as WAT writes it.
fn signature(parameters: &[ValType], results: &[ValType]) -> String {
    let group = |name: &str, types: &[ValType]| {
        let types: Vec<String> = types.iter().map(|one| format!("{one:?}").to_lowercase()).collect();
        if types.is_empty() { String::new() } else { format!("({name} {})", types.join(" ")) }
    };
    let both = [group("param", parameters), group("result", results)];
    let both: Vec<&str> = both.iter().map(String::as_str).filter(|group| !group.is_empty()).collect();
    if both.is_empty() { "(func)".to_owned() } else { both.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::nesting;

    #[test]
    fn nesting_counts_parentheses_that_count() {
        assert_eq!(nesting(""), 0);
        assert_eq!(nesting("(module (func) (func (param f64)))"), 3);
        assert_eq!(nesting(")))((("), 3);
        assert_eq!(nesting(r#"("(((\"(((" "))))" ("#), 2);
        assert_eq!(nesting("(;;) ( ;; ((( )\n ("), 2);
        assert_eq!(nesting("( ;; )))\r (("), 3);
        assert_eq!(nesting("(; (; (; ( ( ;) ;) ;) ("), 3);
        assert_eq!(nesting("(; ;; ;) ( ("), 2);
        assert_eq!(nesting("\"\\"), 0);
    }
}
