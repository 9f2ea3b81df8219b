//! Each limit with nothing, one too few, and just enough.

use wattage_engine::sandbox::{Limit, Limits, Outcome, Report, Trap, run};

const ANSWER: Outcome = Outcome::Value(42.0);

/// A module whose `compute` gives 42, with this beside it.
fn beside(fields: &str) -> String {
    format!("(module {fields} (func (export \"compute\") (result f64) f64.const 42))")
}

/// The outcome must be over `limit` with nothing and with one less than `enough`, and 42 with enough.
fn boundary(text: &str, limit: Limit, enough: u64, set: impl Fn(&mut Limits, u64)) {
    let limited = |allowed: u64| {
        let mut limits = Limits { tables: 9, memories: 9, memory_pages: 9, table_elements: 9, ..Limits::default() };
        set(&mut limits, allowed);
        run(text, &[], &limits).outcome
    };
    assert_eq!(limited(enough), ANSWER, "{limit:?} of {enough}");
    for allowed in [0, enough - 1] {
        assert_eq!(limited(allowed), Outcome::OverLimit { limit, found: enough, allowed }, "{limit:?} of {allowed}");
    }
}

fn size(n: u64) -> usize {
    n.try_into().unwrap()
}

#[test]
fn what_is_counted_before_the_program_runs() {
    let plain = beside("");
    boundary(&plain, Limit::WatBytes, plain.len() as u64, |limits, n| limits.wat_bytes = size(n));
    boundary(&plain, Limit::Nesting, 3, |limits, n| limits.nesting = size(n));
    boundary(&plain, Limit::ModuleBytes, wat::parse_str(&plain).unwrap().len() as u64, |limits, n| {
        limits.module_bytes = size(n);
    });
    let number = |n: u64| u32::try_from(n).unwrap();
    boundary(&beside("(func) (func)"), Limit::Functions, 3, |limits, n| limits.functions = number(n));
    boundary(&beside("(func (param i32) (local i32 i64 i64))"), Limit::Locals, 3, |limits, n| {
        limits.locals = number(n)
    });
    let globals = "(global i32 (i32.const 1)) (global (mut f64) (f64.const 1))";
    boundary(&beside(globals), Limit::Globals, 2, |limits, n| limits.globals = number(n));
    boundary(&beside("(table 1 funcref)"), Limit::Tables, 1, |limits, n| limits.tables = number(n));
    boundary(&beside("(table 7 funcref)"), Limit::TableElements, 7, |limits, n| limits.table_elements = n);
    boundary(&beside("(memory 0)"), Limit::Memories, 1, |limits, n| limits.memories = number(n));
    boundary(&beside("(memory 3)"), Limit::MemoryPages, 3, |limits, n| limits.memory_pages = n);
}

#[test]
fn no_memory_and_no_table_unless_asked_for() {
    let over = |limit, found| Outcome::OverLimit { limit, found, allowed: 0 };
    assert_eq!(run(&beside("(memory 0)"), &[], &Limits::default()).outcome, over(Limit::Memories, 1));
    assert_eq!(run(&beside("(table 0 funcref)"), &[], &Limits::default()).outcome, over(Limit::Tables, 1));
}

#[test]
fn the_largest_that_can_be_asked_for() {
    let limits = Limits { memories: 1, memory_pages: 2, tables: 1, table_elements: 2, ..Limits::default() };
    let over = |limit, found, allowed| Outcome::OverLimit { limit, found, allowed };
    assert_eq!(run(&beside("(memory 65536)"), &[], &limits).outcome, over(Limit::MemoryPages, 65536, 2));
    let table = beside("(table 4294967295 funcref)");
    assert_eq!(run(&table, &[], &limits).outcome, over(Limit::TableElements, 4_294_967_295, 2));
}

/// Grows its memory, which has a page, by the argument, and gives what `memory.grow` gives.
fn grow(most: &str, by: f64, pages: u64) -> Outcome {
    let text = format!(
        "(module (memory 1 {most}) (func (export \"compute\") (param f64) (result f64)
            (f64.convert_i32_s (memory.grow (i32.trunc_f64_s (local.get 0))))))"
    );
    run(&text, &[by], &Limits { memories: 1, memory_pages: pages, ..Limits::default() }).outcome
}

#[test]
fn memory_grows_within_its_limit() {
    assert_eq!(grow("", 0.0, 1), Outcome::Value(1.0));
    assert_eq!(grow("", 2.0, 3), Outcome::Value(1.0));
    assert_eq!(grow("", 2.0, 2), Outcome::OverLimit { limit: Limit::MemoryPages, found: 3, allowed: 2 });
    assert_eq!(grow("", 1.0, 1), Outcome::OverLimit { limit: Limit::MemoryPages, found: 2, allowed: 1 });
    assert_eq!(grow("9", 1.0, 1), Outcome::OverLimit { limit: Limit::MemoryPages, found: 2, allowed: 1 });
    // Over its own bound it is told so, as the standard has it.
    assert_eq!(grow("2", 2.0, 9), Outcome::Value(-1.0));
    assert_eq!(grow("2", 2.0, 1), Outcome::Value(-1.0));
    // Growth costs fuel by its size.
    let limits = Limits { memories: 1, memory_pages: 65536, ..Limits::default() };
    let all = "(module (memory 0) (func (export \"compute\") (result f64)
        (f64.convert_i32_s (memory.grow (i32.const 65535)))))";
    assert_eq!(run(all, &[], &limits).outcome, Outcome::OutOfFuel { fuel: limits.fuel });
}

fn with_fuel(text: &str, arguments: &[f64], fuel: u64) -> Report {
    run(text, arguments, &Limits { fuel, ..Limits::default() })
}

#[test]
fn fuel_is_just_enough_or_not() {
    let sum = "(module (func (export \"compute\") (param $n f64) (result f64) (local $sum f64)
        (loop $next
            (local.set $sum (f64.add (local.get $sum) (local.get $n)))
            (local.set $n (f64.sub (local.get $n) (f64.const 1)))
            (br_if $next (f64.gt (local.get $n) (f64.const 0))))
        local.get $sum))";
    let whole = with_fuel(sum, &[100.0], 1_000_000);
    assert_eq!(whole.outcome, Outcome::Value(5050.0));
    let enough = whole.facts.fuel;
    assert!(enough > 100);
    // The same program takes the same fuel, and a longer run more.
    assert_eq!(with_fuel(sum, &[100.0], 1_000_000).facts.fuel, enough);
    assert!(with_fuel(sum, &[101.0], 1_000_000).facts.fuel > enough);
    let just = with_fuel(sum, &[100.0], enough);
    assert_eq!((just.outcome, just.facts.fuel), (Outcome::Value(5050.0), enough));
    for fuel in [0, 1, enough - 1] {
        let report = with_fuel(sum, &[100.0], fuel);
        assert_eq!(report.outcome, Outcome::OutOfFuel { fuel });
        assert!(report.facts.fuel <= fuel);
    }
}

#[test]
fn what_would_never_end_runs_out_of_fuel() {
    let endless = [
        "(loop $again (br $again)) f64.const 0",
        "(loop $again (br_if $again (i32.const 1))) f64.const 0",
        "(loop $again (br_table $again $again (i32.const 7))) f64.const 0",
        "(loop $a (loop $b (br_if $b (i32.const 0)) (br $a))) f64.const 0",
        "(loop $again (result f64) (br $again))",
    ];
    for body in endless {
        let text = format!("(module (func (export \"compute\") (result f64) {body}))");
        let report = with_fuel(&text, &[], 50_000_000);
        assert_eq!(report.outcome, Outcome::OutOfFuel { fuel: 50_000_000 }, "{body}");
    }
}

/// Calls itself so many times and gives 42.
const DEEP: &str = "(module (func $deep (export \"compute\") (param f64) (result f64)
    (if (result f64) (f64.gt (local.get 0) (f64.const 1))
        (then (call $deep (f64.sub (local.get 0) (f64.const 1))))
        (else (f64.const 42)))))";

#[test]
fn recursion_is_just_deep_enough_or_not() {
    let deep = |depth: f64, recursion: usize| {
        run(DEEP, &[depth], &Limits { recursion, stack_bytes: 1 << 20, ..Limits::default() }).outcome
    };
    let overflow = Outcome::Trap(Trap::StackOverflow);
    assert_eq!(deep(100.0, 100), ANSWER);
    assert_eq!(deep(101.0, 100), overflow);
    assert_eq!(deep(1.0, 1), ANSWER);
    assert_eq!(deep(1.0, 0), overflow);
    assert_eq!(deep(2.0, 1), overflow);
    assert_eq!(deep(1e9, 256), overflow);
}

#[test]
fn the_stack_is_just_large_enough_or_not() {
    let deep =
        |stack_bytes: usize| run(DEEP, &[100.0], &Limits { recursion: 1000, stack_bytes, ..Limits::default() }).outcome;
    let overflow = Outcome::Trap(Trap::StackOverflow);
    let (mut few, mut enough) = (0, 1 << 20);
    assert_eq!((deep(few), deep(enough)), (overflow.clone(), ANSWER));
    while enough - few > 1 {
        let middle = usize::midpoint(few, enough);
        if deep(middle) == ANSWER { enough = middle } else { few = middle }
    }
    assert_eq!((deep(few), deep(enough)), (overflow, ANSWER));
    // A hundred calls with a number each.
    assert!((800..16_000).contains(&enough), "{enough} bytes");
}

#[test]
fn endless_recursion_ends() {
    let texts = [
        "(module (func $f (export \"compute\") (result f64) call $f))",
        "(module (func $f (export \"compute\") (result f64) call $g) (func $g (result f64) call $f))",
        "(module (func $f (export \"compute\") (result f64) (f64.add (call $f) (call $f))))",
    ];
    for text in texts {
        assert_eq!(run(text, &[], &Limits::default()).outcome, Outcome::Trap(Trap::StackOverflow), "{text}");
        let limits = Limits { recursion: usize::MAX, stack_bytes: 1 << 20, ..Limits::default() };
        let outcome = run(text, &[], &limits).outcome;
        assert!(matches!(outcome, Outcome::Trap(Trap::StackOverflow) | Outcome::OutOfFuel { .. }), "{text}: {outcome}");
    }
}

/// Whatever the limits are, there is an outcome.
#[test]
fn limits_of_nothing_and_of_everything() {
    let nothing = Limits {
        wat_bytes: 0,
        nesting: 0,
        module_bytes: 0,
        functions: 0,
        locals: 0,
        globals: 0,
        tables: 0,
        table_elements: 0,
        memories: 0,
        memory_pages: 0,
        fuel: 0,
        recursion: 0,
        stack_bytes: 0,
    };
    let over = |limit, found| Outcome::OverLimit { limit, found, allowed: 0 };
    assert!(matches!(run("", &[], &nothing).outcome, Outcome::CompileError(_)));
    assert_eq!(run(&beside(""), &[], &nothing).outcome, over(Limit::WatBytes, beside("").len() as u64));
    let everything = Limits {
        wat_bytes: usize::MAX,
        nesting: usize::MAX,
        module_bytes: usize::MAX,
        functions: u32::MAX,
        locals: u32::MAX,
        globals: u32::MAX,
        tables: u32::MAX,
        table_elements: u64::MAX,
        memories: u32::MAX,
        memory_pages: u64::MAX,
        fuel: u64::MAX,
        recursion: usize::MAX,
        stack_bytes: usize::MAX,
    };
    assert_eq!(run(&beside("(memory 1) (table 1 funcref)"), &[], &everything).outcome, ANSWER);
}
