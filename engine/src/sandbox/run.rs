//! A compiled module, run within the limits.

use wasmi::errors::{ErrorKind, InstantiationError};
use wasmi::{CompilationMode, Config, Engine, Error, F64, Linker, Module, ResourceLimiter, Store, TrapCode, Val};
use wasmi_core::LimiterError;

use super::compile::COMPUTE;
use super::limits::{Limit, Limits};
use super::outcome::{Outcome, Trap};

/// Bytes of a page of memory.
const PAGE: u64 = 64 << 10;
/// Bytes that the stack has at the start, if it may have as many.
const FIRST_STACK: usize = 1 << 10;

/// The interpreter. Everything is compiled at once, so that a program's fuel is that of its instructions alone; of
/// WebAssembly there is what its first version had, and several results, sign extension and saturating conversions.
pub(super) fn engine(limits: &Limits) -> Engine {
    let mut config = Config::default();
    config
        .compilation_mode(CompilationMode::Eager)
        .consume_fuel(true)
        .allow_start_fn(false)
        .ignore_custom_sections(true)
        .wasm_multi_memory(false)
        .wasm_bulk_memory(false)
        .wasm_reference_types(false)
        .wasm_tail_call(false)
        .wasm_extended_const(false)
        .wasm_custom_page_sizes(false)
        .wasm_wide_arithmetic(false)
        .set_max_recursion_depth(limits.recursion)
        .set_max_cached_stacks(0)
        // In this order: the first must not be over the second at any time.
        .set_min_stack_height(FIRST_STACK.min(limits.stack_bytes))
        .set_max_stack_height(limits.stack_bytes);
    Engine::new(&config)
}

/// Runs `compute`: the outcome, and the fuel that it took.
pub(super) fn run(engine: &Engine, module: &Module, arguments: &[f64], limits: &Limits) -> (Outcome, u64) {
    let mut store = Store::new(engine, Keeper { limits: limits.clone(), over: None });
    store.limiter(|keeper| keeper);
    let outcome = match call(&mut store, module, arguments) {
        Ok(result) => Outcome::of(result),
        Err(error) => match (store.data_mut().over.take(), trap_code(&error)) {
            (Some(over), _) => over,
            (None, Some(TrapCode::OutOfFuel)) => Outcome::OutOfFuel { fuel: limits.fuel },
            (None, code) => Outcome::Trap(code.map_or(Trap::Other, trap)),
        },
    };
    // Fuel is metered, so there is an answer.
    let left = store.get_fuel().unwrap_or(0);
    (outcome, limits.fuel.saturating_sub(left))
}

fn call(store: &mut Store<Keeper>, module: &Module, arguments: &[f64]) -> Result<f64, Error> {
    let fuel = store.data().limits.fuel;
    store.set_fuel(fuel)?;
    // A linker with nothing in it: there is nothing outside.
    let instance = Linker::new(module.engine()).instantiate_and_start(&mut *store, module)?;
    let compute = instance.get_func(&*store, COMPUTE).ok_or_else(|| Error::new("no function to call"))?;
    let arguments: Vec<Val> = arguments.iter().map(|value| Val::F64(F64::from(*value))).collect();
    let mut results = [Val::F64(F64::from(0.0))];
    compute.call(&mut *store, &arguments, &mut results)?;
    match results {
        [Val::F64(result)] => Ok(result.into()),
        _ => Err(Error::new("no f64 for a result")),
    }
}

/// Why a run ended. Data or elements that do not fit end it like a write in the wrong place.
fn trap_code(error: &Error) -> Option<TrapCode> {
    match error.kind() {
        ErrorKind::Instantiation(InstantiationError::ElementSegmentDoesNotFit { .. }) => {
            Some(TrapCode::TableOutOfBounds)
        }
        kind => kind.as_trap_code(),
    }
}

fn trap(code: TrapCode) -> Trap {
    match code {
        TrapCode::UnreachableCodeReached => Trap::Unreachable,
        TrapCode::MemoryOutOfBounds => Trap::MemoryOutOfBounds,
        TrapCode::TableOutOfBounds => Trap::TableOutOfBounds,
        TrapCode::IndirectCallToNull => Trap::CallToNull,
        TrapCode::BadSignature => Trap::CallSignature,
        TrapCode::IntegerDivisionByZero => Trap::DivisionByZero,
        TrapCode::IntegerOverflow => Trap::IntegerOverflow,
        TrapCode::BadConversionToInteger => Trap::Conversion,
        TrapCode::StackOverflow => Trap::StackOverflow,
        // Growth that is refused comes with what it was over.
        TrapCode::OutOfSystemMemory | TrapCode::GrowthOperationLimited => Trap::OutOfMemory,
        TrapCode::OutOfFuel => Trap::Other,
    }
}

/// Watches over what grows.
struct Keeper {
    limits: Limits,
    /// What was refused.
    over: Option<Outcome>,
}

impl Keeper {
    /// A program that wants to grow over a limit is ended; over a bound of its own it is told, as the standard has it.
    fn allow(&mut self, limit: Limit, found: u64, allowed: u64, own: Option<u64>) -> Result<bool, LimiterError> {
        if found > allowed && own.is_none_or(|own| found <= own) {
            self.over = Some(Outcome::OverLimit { limit, found, allowed });
            return Err(LimiterError::ResourceLimiterDeniedAllocation);
        }
        Ok(found <= allowed)
    }
}

impl ResourceLimiter for Keeper {
    fn memory_growing(
        &mut self,
        _current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool, LimiterError> {
        let pages = |bytes: usize| (bytes as u64).div_ceil(PAGE);
        self.allow(Limit::MemoryPages, pages(desired), self.limits.memory_pages, maximum.map(pages))
    }

    fn table_growing(&mut self, _current: usize, desired: usize, maximum: Option<usize>) -> Result<bool, LimiterError> {
        let own = maximum.map(|most| most as u64);
        self.allow(Limit::TableElements, desired as u64, self.limits.table_elements, own)
    }

    fn instances(&self) -> usize {
        1
    }

    fn tables(&self) -> usize {
        usize::try_from(self.limits.tables).unwrap_or(usize::MAX)
    }

    fn memories(&self) -> usize {
        usize::try_from(self.limits.memories).unwrap_or(usize::MAX)
    }
}
