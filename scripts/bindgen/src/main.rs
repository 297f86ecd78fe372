//! `bindgen <in.wasm> <out folder> [keep-panics]`: what `wasm-bindgen --target web` does, from the same library.
//!
//! The reset function is what lets the door of the TypeScript layer replace a core that trapped.

mod panics;

use std::env::args;
use walrus::ModuleConfig;
use wasm_bindgen_cli_support::Bindgen;

fn main() {
    let (Some(input), Some(output)) = (args().nth(1), args().nth(2)) else {
        eprintln!("usage: bindgen <in.wasm> <out folder> [keep-panics]");
        std::process::exit(2);
    };
    let parsed = ModuleConfig::new().strict_validate(false).generate_producers_section(false).parse_file(&input);
    let made = parsed.and_then(|mut module| {
        if args().nth(3).as_deref() != Some("keep-panics") {
            panics::trap_at_once(&mut module)?;
        }
        Bindgen::new()
            .input_module("shelflife", module)
            .web(true)?
            .typescript(true)
            .omit_default_module_path(true)
            .remove_producers_section(true)
            .reset_state_function(true)
            .generate(&output)
    });
    if let Err(error) = made {
        eprintln!("bindgen: {error:#}");
        std::process::exit(1);
    }
}
