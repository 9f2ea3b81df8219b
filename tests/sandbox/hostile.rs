//! Texts that mean harm, or nothing: there is always an outcome, and soon.

use std::time::{Duration, Instant};

use harness::random::Rng;
use wattage_engine::sandbox::{Limit, Limits, Outcome, Trap, run};

use crate::program;

/// Longer than any text takes, on a very busy machine.
const SOON: Duration = Duration::from_secs(30);

/// Limits that let much through to the compiler.
fn wide() -> Limits {
    Limits {
        wat_bytes: 64 << 20,
        nesting: usize::MAX,
        module_bytes: 64 << 20,
        functions: 1 << 20,
        locals: 50_000,
        globals: 1 << 20,
        tables: 1,
        table_elements: 1 << 16,
        memories: 1,
        memory_pages: 16,
        ..Limits::default()
    }
}

fn soon(text: &str, limits: &Limits) -> Outcome {
    let began = Instant::now();
    let report = run(text, &[1.0, 2.0], limits);
    let took = began.elapsed();
    assert!(took < SOON, "{took:?} for {:?}…", text.chars().take(60).collect::<String>());
    assert_eq!(report.facts.wat_bytes, text.len());
    // Each way to stop is known by name.
    assert_ne!(report.outcome, Outcome::Trap(Trap::Other), "{text}");
    report.outcome
}

#[test]
fn deep_texts_do_not_reach_the_bottom_of_the_stack() {
    let deep = |piece: &str, n: usize| piece.repeat(n);
    let n = 1_000_000;
    let texts = [
        deep("(", n),
        deep("(module ", n),
        format!("(module (func {}", deep("(block ", n)),
        format!("(module (func {}{}))", deep("(block ", n / 10), deep(")", n / 10)),
        format!("(module (func {}{}))", deep("(drop (f64.neg ", n / 10), deep("))", n / 10)),
        format!("(module (func (result f64) {}(f64.const 1){}))", deep("(f64.neg ", n / 10), deep(")", n / 10)),
        format!("(module (func {}{}))", deep("(if (i32.const 1) (then ", n / 10), deep("))", n / 10)),
        format!("(module (type {}", deep("(func (param (ref ", n / 10)),
        format!("(module (type {}", deep("(struct (field (mut (ref ", n / 10)),
        format!("(module (global i32 {}", deep("(i32.add ", n)),
        format!("(module (elem {}", deep("(item ", n)),
        deep("(; ", n),
        format!("{}{}", deep("(; ", n), deep(";)", n)),
        deep("(@a ", n),
        format!("(module {}{})", deep("(@custom \"x\" (after func) ", n / 10), deep(")", n / 10)),
        format!("(module quote {}", deep("(", n)),
        format!("(component {}", deep("(component ", n)),
    ];
    for text in &texts {
        let limits = Limits { nesting: Limits::default().nesting, ..wide() };
        let outcome = soon(text, &limits);
        assert!(matches!(outcome, Outcome::OverLimit { limit: Limit::Nesting, .. }), "{outcome:?}");
        // Even without that limit the compiler answers.
        soon(text, &wide());
    }
}

#[test]
fn long_texts_take_no_long_time() {
    let n = 100_000;
    let long = |fields: &str| {
        format!("(module {fields} (func (export \"compute\") (param f64 f64) (result f64) f64.const 1))")
    };
    let texts = [
        long(&format!("(func {})", "block ".repeat(n))),
        long(&format!("(func {} {})", "block ".repeat(n), "end ".repeat(n))),
        long(&format!("(func {} {})", "i32.const 1 if ".repeat(n), "end ".repeat(n))),
        long(&format!("(func (i32.const 0) (br_table {}0))", "0 ".repeat(n))),
        long(&format!("(func (param{}))", " f64".repeat(n))),
        long(&format!("(func (local{}))", " f64".repeat(n))),
        long(&format!("(func (result{}) unreachable)", " f64".repeat(900))),
        long(&format!("(func {} unreachable)", "f64.const 1 ".repeat(n))),
        long(&"(func) ".repeat(n)),
        long(&"(type (func)) ".repeat(n)),
        long(&"(global i32 (i32.const 0)) ".repeat(n)),
        long(&"(memory 1) ".repeat(n)),
        long(&format!("(memory 16) (data (i32.const 0) \"{}\")", "a".repeat(n))),
        long(&format!("(memory 16) {}", "(data (i32.const 0) \"a\") ".repeat(n))),
        long(&format!("(table 65536 funcref) {}", "(elem (i32.const 0) 0) ".repeat(n))),
        long(&format!("(func ${} (call ${}))", "a".repeat(n), "a".repeat(n))),
        long(&format!("(func {})", "i64.const 0x".to_owned() + &"f".repeat(n))),
        long(&format!("(func (drop (f64.const {}e999999999)))", "9".repeat(n))),
        long(&format!("(func (drop (f64.const 0.{}1)))", "0".repeat(n))),
        format!("\"{}", "\\".repeat(n)),
        ";; ".repeat(n),
    ];
    for text in &texts {
        soon(text, &wide());
        soon(text, &Limits::default());
    }
}

/// Bytes of a module in a string: what its text does not show, the limits see.
#[test]
fn modules_in_bytes_have_the_same_limits() {
    let bytes = |bytes: &[u8]| {
        let escaped: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
        format!("(module binary \"{escaped}\")")
    };
    let plain =
        wat::parse_str("(module (func (export \"compute\") (param f64 f64) (result f64) f64.const 7))").unwrap();
    assert_eq!(soon(&bytes(&plain), &Limits::default()), Outcome::Value(7.0));
    // One function with 4,294,967,295 locals, in five bytes.
    let locals: &[u8] =
        b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x0a\x0a\x01\x08\x01\xff\xff\xff\xff\x0f\x7c\x0b";
    let over = |limit, found, allowed| Outcome::OverLimit { limit, found, allowed };
    assert_eq!(soon(&bytes(locals), &Limits::default()), over(Limit::Locals, 4_294_967_295, 256));
    assert!(matches!(soon(&bytes(locals), &Limits { locals: u32::MAX, ..wide() }), Outcome::CompileError(_)));
    // Counts that nothing follows.
    let functions: &[u8] = b"\0asm\x01\0\0\0\x03\x05\xff\xff\xff\xff\x0f";
    assert!(!matches!(soon(&bytes(functions), &wide()), Outcome::Value(_)));
    let component: &[u8] = b"\0asm\x0d\0\x01\0";
    assert!(matches!(soon(&bytes(component), &wide()), Outcome::CompileError(_)));
    // Any change to one byte is another module or none.
    let helped = crate::program(&mut Rng(41), 2).wat(2);
    let module = wat::parse_str(&helped).unwrap();
    let mut rng = Rng(42);
    for _ in 0..3000 {
        let mut changed = module.clone();
        for _ in 0..=rng.below(3) {
            let at = rng.below(changed.len());
            changed[at] = rng.bits() as u8;
        }
        soon(&bytes(&changed), &wide());
    }
}

#[test]
fn random_texts_have_an_outcome() {
    const WORDS: [&str; 44] = [
        "(",
        ")",
        "(",
        ")",
        "(",
        ")",
        "module",
        "func",
        "param",
        "result",
        "f64",
        "i32",
        "i64",
        "local",
        "$a",
        "$b",
        "export",
        "\"compute\"",
        "import",
        "\"a\"",
        "local.get",
        "local.set",
        "0",
        "1",
        "-1",
        "0x1p-3",
        "nan",
        "f64.const",
        "f64.add",
        "f64.div",
        "i32.const",
        "block",
        "loop",
        "if",
        "else",
        "end",
        "br",
        "br_if",
        "call",
        "memory",
        "table",
        "funcref",
        "drop",
        "unreachable",
    ];
    let mut rng = Rng(43);
    for _ in 0..4000 {
        let n = rng.below(80);
        let bytes = rng.bytes(n);
        soon(&String::from_utf8_lossy(&bytes), &wide());
        let words: Vec<&str> = (0..rng.below(60)).map(|_| WORDS[rng.below(WORDS.len())]).collect();
        soon(&words.join(" "), &wide());
        let body = format!("(module (func (export \"compute\") (param f64 f64) (result f64) {}))", words.join(" "));
        soon(&body, &wide());
    }
}

#[test]
fn damaged_programs_have_an_outcome() {
    let mut rng = Rng(44);
    let (mut ran, mut broken) = (0, 0);
    for _ in 0..4000 {
        let mut text = program(&mut rng, 2).wat(2).into_bytes();
        for _ in 0..=rng.below(2) {
            let at = rng.below(text.len());
            let to = (at + 1 + rng.below(12)).min(text.len());
            match rng.below(5) {
                0 => drop(text.drain(at..to)),
                1 => text.insert(at, b"()\"$; 0-.enf6"[rng.below(13)]),
                2 => text[at] = rng.bits() as u8,
                3 => {
                    let piece = text[at..to].to_vec();
                    let there = rng.below(text.len());
                    text.splice(there..there, piece);
                }
                _ => text.truncate(text.len() - rng.below(4)),
            }
        }
        match soon(&String::from_utf8_lossy(&text), &Limits::default()) {
            Outcome::CompileError(_) => broken += 1,
            _ => ran += 1,
        }
    }
    assert!(ran > 300 && broken > 1000, "{ran} ran, {broken} were broken");
}
