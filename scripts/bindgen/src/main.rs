//! `bindgen <in.wasm> <out folder>`: what `wasm-bindgen --target web` does, from the same library.
//!
//! The reset function is what lets the door of the TypeScript layer replace a core that trapped.

use std::env::args;

fn main() {
    let (Some(input), Some(output)) = (args().nth(1), args().nth(2)) else {
        eprintln!("usage: bindgen <in.wasm> <out folder>");
        std::process::exit(2);
    };
    let made = wasm_bindgen_cli_support::Bindgen::new().input_path(&input).out_name("shelflife").web(true).and_then(
        |bindgen| {
            bindgen
                .typescript(true)
                .omit_default_module_path(true)
                .remove_producers_section(true)
                .reset_state_function(true)
                .generate(&output)
        },
    );
    if let Err(error) = made {
        eprintln!("bindgen: {error:#}");
        std::process::exit(1);
    }
}
