/** The core that the caller of `shelflife/slim` brings. */

import { ShelflifeError } from '../errors.ts'
import type { WasmModule } from '../wasm-types.ts'

let given: WasmModule | undefined

/** Gives shelflife the compiled `shelflife/core.wasm`. Call it once, before the first `create…`. */
export function useCore(module: WasmModule): void {
  if (!(module instanceof WebAssembly.Module)) throw new TypeError('useCore takes a WebAssembly.Module')
  given = module
}

/** What the door instantiates. */
export function wasmSource(): WasmModule {
  if (given === undefined) {
    throw new ShelflifeError(
      'ERR_WASM_UNAVAILABLE',
      "shelflife/slim carries no core: call useCore(module) with the compiled 'shelflife/core.wasm' first",
    )
  }
  return given
}
