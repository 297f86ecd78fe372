//! A panic becomes a trap before it has written its message, which nobody would read: a release has no console. What
//! formats messages is then used by nobody, and `wasm-opt` leaves it out.

use walrus::{FunctionBuilder, FunctionId, FunctionKind, Module};

/// Where the ways to panic begin, whatever they panic for.
const BEGINNINGS: [&str; 6] = [
    "core::panicking::panic",
    "core::option::expect_failed",
    "core::result::unwrap_failed",
    "std::panicking::",
    "alloc::raw_vec::handle_error",
    "alloc::alloc::handle_alloc_error",
];

/// Leaves a trap of every function of the standard library that panics. Fails when there is none: names have changed then.
pub fn trap_at_once(module: &mut Module) -> anyhow::Result<()> {
    let panicking: Vec<FunctionId> =
        module.funcs.iter_local().filter(|(id, _)| panics(module, *id)).map(|(id, _)| id).collect();
    anyhow::ensure!(!panicking.is_empty(), "no function of the standard library is known to panic");
    for id in panicking {
        let FunctionKind::Local(function) = &module.funcs.get(id).kind else { continue };
        let (params, results) = module.types.params_results(function.ty());
        let (params, results, args) = (params.to_vec(), results.to_vec(), function.args.clone());
        let mut body = FunctionBuilder::new(&mut module.types, &params, &results);
        body.func_body().unreachable();
        module.funcs.get_mut(id).kind = FunctionKind::Local(body.local_func(args));
    }
    Ok(())
}

/// Whether a function is one of them. Those that return something only ask whether there is a panic.
fn panics(module: &Module, id: FunctionId) -> bool {
    let function = module.funcs.get(id);
    let Some(symbol) = &function.name else { return false };
    let name = format!("{:#}", rustc_demangle::demangle(symbol));
    module.types.results(function.ty()).is_empty() && BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
}
