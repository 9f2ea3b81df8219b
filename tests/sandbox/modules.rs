//! Modules at random, from wasm-smith: each has an outcome, and those that run end as they do in wasmtime.

use arbitrary::Unstructured;
use harness::random::Rng;
use wasm_smith::{Config, Module};
use wasmtime::Trap as Other;
use wattage_engine::sandbox::{Limits, Outcome, Trap, run};

use crate::reference::Reference;
use crate::{operand, same};

/// Modules of the standard's first version, with `compute` and no imports.
fn plain(pages: u64) -> Config {
    Config {
        allow_start_export: false,
        bulk_memory_enabled: false,
        canonicalize_nans: false,
        exceptions_enabled: false,
        exports: Some(
            wat::parse_str("(module (func (export \"compute\") (param f64 f64) (result f64) unreachable))").unwrap(),
        ),
        extended_const_enabled: false,
        gc_enabled: false,
        max_imports: 0,
        max_memory32_bytes: pages << 16,
        max_table_elements: 50,
        max_tags: 0,
        memory64_enabled: false,
        reference_types_enabled: false,
        relaxed_simd_enabled: false,
        simd_enabled: false,
        tail_call_enabled: false,
        threads_enabled: false,
        wide_arithmetic_enabled: false,
        ..Config::default()
    }
}

fn limits() -> Limits {
    Limits {
        wat_bytes: 1 << 20,
        module_bytes: 1 << 20,
        locals: 1000,
        tables: 1,
        table_elements: 1000,
        memories: 1,
        memory_pages: 4,
        functions: 200,
        globals: 200,
        ..Limits::default()
    }
}

fn other(trap: Trap) -> Other {
    match trap {
        Trap::Unreachable => Other::UnreachableCodeReached,
        Trap::MemoryOutOfBounds => Other::MemoryOutOfBounds,
        Trap::TableOutOfBounds => Other::TableOutOfBounds,
        Trap::CallToNull => Other::IndirectCallToNull,
        Trap::CallSignature => Other::BadSignature,
        Trap::DivisionByZero => Other::IntegerDivisionByZero,
        Trap::IntegerOverflow => Other::IntegerOverflow,
        Trap::Conversion => Other::BadConversionToInteger,
        Trap::StackOverflow => Other::StackOverflow,
        Trap::OutOfMemory | Trap::Other => panic!("{trap:?}"),
    }
}

#[test]
fn random_modules_end_as_in_wasmtime() {
    let reference = Reference::new();
    let mut rng = Rng(51);
    let (mut values, mut traps, mut rest) = (0, 0, 0);
    for _ in 0..1500 {
        let n = 200 + rng.below(3000);
        let bytes = rng.bytes(n);
        let Ok(mut module) = Module::new(plain(2), &mut Unstructured::new(&bytes)) else { continue };
        // Half of them are kept from looping without end.
        if rng.below(2) == 0 {
            module.ensure_termination(1000).unwrap();
        }
        let module = module.to_bytes();
        let text = wasmprinter::print_bytes(&module).unwrap();
        let arguments = [operand(&mut rng), operand(&mut rng)];
        let report = run(&text, &arguments, &limits());
        match report.outcome {
            Outcome::Value(value) => {
                assert!(same(value, reference.run(&module, &arguments).unwrap()), "{value}\n{text}");
                values += 1;
            }
            Outcome::NotFinite(_) => {
                assert!(!reference.run(&module, &arguments).unwrap().is_finite(), "{text}");
                values += 1;
            }
            // How deep is too deep is each engine's own.
            Outcome::Trap(Trap::StackOverflow) => rest += 1,
            Outcome::Trap(trap) => {
                assert_eq!(reference.run(&module, &arguments), Err(other(trap)), "{text}");
                traps += 1;
            }
            Outcome::OutOfFuel { .. } | Outcome::OverLimit { .. } => rest += 1,
            Outcome::CompileError(why) => panic!("{why}\n{text}"),
            Outcome::Refused(why) => panic!("{why}\n{text}"),
        }
    }
    println!("{values} values, {traps} traps, {rest} others");
    assert!(values > 200 && traps > 100, "{values} values, {traps} traps, {rest} others");
}

/// Modules with everything that there is in the standard and beyond: none is let in that should not be, and none does harm.
#[test]
fn modules_with_everything_have_an_outcome() {
    let mut rng = Rng(52);
    let (mut invalid, mut refused, mut over) = (0, 0, 0);
    for _ in 0..1500 {
        let n = 200 + rng.below(3000);
        let bytes = rng.bytes(n);
        let mut choices = Unstructured::new(&bytes);
        let config: Config = choices.arbitrary().unwrap();
        let config = Config { allow_invalid_funcs: rng.below(4) == 0, ..config };
        let Ok(module) = Module::new(config, &mut choices) else { continue };
        let Ok(text) = wasmprinter::print_bytes(module.to_bytes()) else { continue };
        match run(&text, &[1.0, 2.0], &limits()).outcome {
            Outcome::CompileError(_) => invalid += 1,
            Outcome::Refused(_) => refused += 1,
            Outcome::OverLimit { .. } => over += 1,
            // None of them exports `compute`.
            other => panic!("{other}\n{text}"),
        }
    }
    assert!(invalid > 100 && refused > 100 && over > 100, "{invalid} invalid, {refused} refused, {over} over a limit");
}
