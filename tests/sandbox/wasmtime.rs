//! Another engine, which compiles to machine code: wasmtime.

use wasmtime::{Config, Engine, Instance, Module, OptLevel, Store, Trap, Val};

/// The engine.
pub struct Reference(Engine);

impl Reference {
    pub fn new() -> Self {
        let mut config = Config::new();
        config.cranelift_opt_level(OptLevel::None).cranelift_nan_canonicalization(true);
        Self(Engine::new(&config).unwrap())
    }

    /// The result of a valid module's `compute`, or how it stopped.
    pub fn run(&self, module: &[u8], arguments: &[f64]) -> Result<f64, Trap> {
        let module = Module::from_binary(&self.0, module).unwrap();
        let mut store = Store::new(&self.0, ());
        let instance = Instance::new(&mut store, &module, &[]).map_err(|error| trap(&error))?;
        let compute = instance.get_func(&mut store, "compute").unwrap();
        let arguments: Vec<Val> = arguments.iter().map(|value| Val::F64(value.to_bits())).collect();
        let mut results = [Val::F64(0)];
        compute.call(&mut store, &arguments, &mut results).map_err(|error| trap(&error))?;
        Ok(results[0].unwrap_f64())
    }
}

fn trap(error: &wasmtime::Error) -> Trap {
    *error.downcast_ref().unwrap_or_else(|| panic!("no trap: {error}"))
}
