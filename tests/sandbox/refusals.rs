//! Valid modules that are not run, traps, results that are no numbers, and what a person reads of it all.

use wattage_engine::sandbox::{Limits, NotFinite, Outcome, Refusal, Trap, run};

fn outcome(text: &str, arguments: &[f64]) -> Outcome {
    let limits = Limits { memories: 1, memory_pages: 1, tables: 1, table_elements: 4, ..Limits::default() };
    run(text, arguments, &limits).outcome
}

fn refused(text: &str, arguments: &[f64]) -> Refusal {
    match outcome(text, arguments) {
        Outcome::Refused(refusal) => refusal,
        other => panic!("{other:?} of {text}"),
    }
}

#[test]
fn nothing_comes_from_outside() {
    for what in ["(func)", "(memory 1)", "(table 1 funcref)", "(global i32)"] {
        let text =
            format!("(module (import \"env\" \"print\" {what}) (func (export \"compute\") (result f64) f64.const 1))");
        assert_eq!(refused(&text, &[]), Refusal::Import { module: "env".into(), name: "print".into() });
    }
}

#[test]
fn one_function_named_compute() {
    let found = |found| Refusal::Exports { found };
    assert_eq!(refused("(module)", &[]), found(0));
    assert_eq!(refused("(module (func $compute (result f64) f64.const 1))", &[]), found(0));
    let two = "(module (func (export \"compute\") (export \"other\") (result f64) f64.const 1))";
    assert_eq!(refused(two, &[]), found(2));
    let memory = "(module (memory (export \"memory\") 1) (func (export \"compute\") (result f64) f64.const 1))";
    assert_eq!(refused(memory, &[]), found(2));
    let name = |name: &str| Refusal::Export { name: name.into() };
    assert_eq!(refused("(module (func (export \"Compute\") (result f64) f64.const 1))", &[]), name("Compute"));
    assert_eq!(refused("(module (global (export \"compute\") f64 (f64.const 1)))", &[]), name("compute"));
    let long = format!("(module (memory (export \"{}\") 1))", "n".repeat(500));
    assert!(matches!(refused(&long, &[]), Refusal::Export { name } if name.chars().count() < 100));
}

#[test]
fn compute_takes_the_numbers_and_gives_one() {
    let signature = |text: &str, arguments: &[f64]| match refused(text, arguments) {
        Refusal::Signature { found, wanted } => (found, wanted),
        other => panic!("{other:?}"),
    };
    let module = |kind: &str| format!("(module (func (export \"compute\") {kind} unreachable))");
    let wanted = "(param f64 f64) (result f64)";
    for kind in [
        "(func)",
        "(param f64 f64)",
        "(result f64)",
        "(param f64) (result f64)",
        "(param f64 f64 f64) (result f64)",
        "(param f64 i64) (result f64)",
        "(param f64 f64) (result f32)",
        "(param f64 f64) (result f64 f64)",
    ] {
        let written = if kind == "(func)" { "" } else { kind };
        assert_eq!(signature(&module(written), &[1.0, 2.0]), (kind.into(), wanted.into()));
    }
    let (_, wanted) = signature(&module(""), &[]);
    assert_eq!(wanted, "(result f64)");
    // Not longer than a person reads, however many there are.
    let many = module(&format!("(param{})", " f64".repeat(900)));
    let (found, _) = signature(&many, &[]);
    assert!(found.chars().count() < 400);
}

#[test]
fn no_start_function() {
    let text = "(module (func $s (loop $again (br $again))) (start $s)
        (func (export \"compute\") (result f64) f64.const 1))";
    assert_eq!(refused(text, &[]), Refusal::Start);
}

#[test]
fn each_trap_has_its_kind() {
    let traps = [
        ("", "unreachable", Trap::Unreachable),
        ("(memory 1)", "(f64.load (i32.const 65529))", Trap::MemoryOutOfBounds),
        ("(memory 1)", "(f64.store (i32.const -8) (f64.const 1)) f64.const 1", Trap::MemoryOutOfBounds),
        ("(memory 1) (data (i32.const 65535) \"ab\")", "f64.const 1", Trap::MemoryOutOfBounds),
        ("(table 2 funcref)", "(call_indirect (result f64) (i32.const 2))", Trap::TableOutOfBounds),
        ("(table 2 funcref) (func $f) (elem (i32.const 1) $f $f)", "f64.const 1", Trap::TableOutOfBounds),
        ("(table 2 funcref)", "(call_indirect (result f64) (i32.const 1))", Trap::CallToNull),
        (
            "(table 2 funcref) (func $f) (elem (i32.const 0) $f)",
            "(call_indirect (result f64) (i32.const 0))",
            Trap::CallSignature,
        ),
        ("", "(f64.convert_i32_s (i32.div_s (i32.const 1) (i32.const 0)))", Trap::DivisionByZero),
        ("", "(f64.convert_i64_s (i64.rem_u (i64.const 1) (i64.const 0)))", Trap::DivisionByZero),
        ("", "(f64.convert_i32_s (i32.div_s (i32.const -2147483648) (i32.const -1)))", Trap::IntegerOverflow),
        ("", "(f64.convert_i32_s (i32.trunc_f64_s (f64.const 1e300)))", Trap::IntegerOverflow),
        ("", "(f64.convert_i32_s (i32.trunc_f64_s (f64.const nan)))", Trap::Conversion),
        ("(func $f call $f)", "call $f f64.const 1", Trap::StackOverflow),
    ];
    for (fields, body, trap) in traps {
        let text = format!("(module {fields} (func (export \"compute\") (result f64) {body}))");
        assert_eq!(outcome(&text, &[]), Outcome::Trap(trap), "{text}");
    }
}

#[test]
fn what_is_no_number_is_not_shown_as_one() {
    let divide = "(module (func (export \"compute\") (param f64 f64) (result f64) local.get 0 local.get 1 f64.div))";
    assert_eq!(outcome(divide, &[1.0, 4.0]), Outcome::Value(0.25));
    assert_eq!(outcome(divide, &[1.0, 0.0]), Outcome::NotFinite(NotFinite::Infinity));
    assert_eq!(outcome(divide, &[-1.0, 0.0]), Outcome::NotFinite(NotFinite::MinusInfinity));
    assert_eq!(outcome(divide, &[0.0, 0.0]), Outcome::NotFinite(NotFinite::Nan));
    assert_eq!(outcome(divide, &[1.0, 0.0]).value(), None);
    assert_eq!(outcome(divide, &[1.0, 4.0]).value(), Some(0.25));
}

#[test]
fn what_the_standard_got_later_is_not_there() {
    let later = [
        "(memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0)))",
        "(memory 1) (memory 1)",
        "(table 1 externref)",
        "(func (param v128))",
        "(memory 1 1 shared)",
        "(memory i64 1)",
        "(func $f return_call $f)",
        "(func (drop (ref.null func)))",
        "(global i32 (i32.add (i32.const 1) (i32.const 2)))",
        "(tag)",
        "(type (struct (field i32)))",
    ];
    let limits = Limits { memories: 9, memory_pages: 9, tables: 9, table_elements: 9, ..Limits::default() };
    for fields in later {
        let text = format!("(module {fields} (func (export \"compute\") (result f64) f64.const 1))");
        let outcome = run(&text, &[], &limits).outcome;
        assert!(matches!(outcome, Outcome::CompileError(_)), "{fields}: {outcome:?}");
    }
    let component = run("(component)", &[], &limits).outcome;
    assert!(matches!(component, Outcome::CompileError(_)), "{component:?}");
}

#[test]
fn people_read_plain_words() {
    let says = |text: &str, arguments: &[f64], words: &str| {
        let said = outcome(text, arguments).to_string();
        assert!(said.contains(words), "{said:?} has no {words:?}");
        assert!(!said.contains('\n') && said.chars().count() < 500, "{said:?}");
    };
    let divide = "(module (func (export \"compute\") (param f64 f64) (result f64) local.get 0 local.get 1 f64.div))";
    says(divide, &[1.0, 10.0], "0.1");
    says(divide, &[1.0, 0.0], "division by zero");
    says(divide, &[0.0, 0.0], "not a number");
    says(divide, &[0.0], "(param f64) (result f64) is wanted");
    says("(module", &[], "not valid WebAssembly");
    says("(module\n  (func $f\n    local.gett 0))", &[], "line 3, column 5");
    says("(module (func (export \"compute\") (result f64) i32.const 1))", &[], "type mismatch");
    says(
        "(module (func (export \"compute\") (result f64) (loop $l br $l) f64.const 1))",
        &[],
        "out of fuel after 1000000",
    );
    says(&"(".repeat(100_000), &[], "100000 bytes of text, where 65536 are allowed");
    says("(module (memory 2))", &[], "2 pages of memory, where 1 are allowed");
    says("(module (func (export \"compute\") (result f64) unreachable))", &[], "unreachable");
    says(&format!("(module {})", "x".repeat(10_000)), &[], "not valid WebAssembly");
}
