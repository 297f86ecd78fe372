/** The core that the caller of `shelflife/slim` brings. */

import { ShelflifeError } from '../errors.ts'

let given: WebAssembly.Module | undefined

/** Gives shelflife the compiled `shelflife/core.wasm`. Call it once, before the first `create…`. */
export function useCore(module: WebAssembly.Module): void {
  if (!(module instanceof WebAssembly.Module)) throw new TypeError('useCore takes a WebAssembly.Module')
  given = module
}

/** What the door instantiates. */
export function wasmSource(): WebAssembly.Module {
  if (given === undefined) {
    throw new ShelflifeError(
      'ERR_WASM_UNAVAILABLE',
      "shelflife/slim carries no core: call useCore(module) with the compiled 'shelflife/core.wasm' first",
    )
  }
  return given
}
