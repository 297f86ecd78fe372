/**
 * The one door to the core. Beside it, only the wrapper of each machine imports the generated glue, for its own class.
 *
 * The core is compiled on first use, synchronously. One instance serves every object of the realm. A trap poisons it:
 * the instance is dropped, counted and replaced, and each handle made on the old one fails once with
 * `ERR_CORE_TRAPPED`, so that its owner can start again (law L7).
 */

import { wasmSource } from '../entry/inline-source.ts'
import { CoreTrappedError, ShelflifeError } from '../errors.ts'
// By name, and only these: each machine's wrapper imports its own class, so that a bundle gets no other.
import { __wbg_reset_state, plantTrap as callPlantTrap, initSync } from './generated/shelflife.js'

let memory: WebAssembly.Memory | undefined
let generation = 0
let traps = 0

/** How often the core of this realm has trapped and been replaced. */
export function trapCount(): number {
  return traps
}

/** Makes the core trap, for tests of what happens then. Everything made on it starts cold. */
export function plantTrap(): void {
  enter()
  try {
    callPlantTrap()
  } catch (cause) {
    throw trapped(cause)
  }
}

/** An object inside the core. Every call into the core goes through {@link CoreHandle.use}. */
export class CoreHandle<H extends { free(): void }> {
  readonly #make: () => H
  #handle: H | undefined
  #generation = -1

  constructor(make: () => H) {
    this.#make = make
    this.renew()
  }

  /** Calls into the core. Throws {@link CoreTrappedError} when the call traps, or when an earlier trap took the object. */
  use<T>(action: (handle: H) => T): T {
    if (this.#handle === undefined) throw new ShelflifeError('ERR_CLOSED', 'the object in the core is freed')
    if (this.#generation !== generation) throw new CoreTrappedError(undefined)
    try {
      return action(this.#handle)
    } catch (cause) {
      throw trapped(cause)
    }
  }

  /** Whether a trap took the object since it was made. */
  get lost(): boolean {
    return this.#generation !== generation
  }

  /** Makes the object anew, on the core of now. */
  renew(): void {
    enter()
    try {
      this.#handle = this.#make()
    } catch (cause) {
      throw trapped(cause)
    }
    this.#generation = generation
  }

  /** Gives the object back. Further use is `ERR_CLOSED`. */
  free(): void {
    const handle = this.#handle
    this.#handle = undefined
    if (handle !== undefined && this.#generation === generation) handle.free()
  }
}

/** Double-precision numbers in the core's memory, seen from here. Any call into the core may move memory: ask {@link numbers} each time. */
export class CoreNumbers {
  readonly #pointer: number
  readonly #length: number
  #view: Float64Array

  constructor(pointer: number, length: number) {
    this.#pointer = pointer
    this.#length = length
    this.#view = this.#look()
  }

  /** The numbers. A view that memory growth has detached is made anew. */
  get numbers(): Float64Array {
    if (this.#view.length === 0) this.#view = this.#look()
    return this.#view
  }

  #look(): Float64Array {
    return new Float64Array(coreMemory().buffer, this.#pointer, this.#length)
  }
}

function coreMemory(): WebAssembly.Memory {
  enter()
  return memory as WebAssembly.Memory
}

function enter(): void {
  if (memory !== undefined) return
  if (typeof WebAssembly === 'undefined') throw unavailable('this environment has no WebAssembly', undefined)
  let module: WebAssembly.Module
  try {
    const source = wasmSource()
    module = source instanceof WebAssembly.Module ? source : new WebAssembly.Module(source)
  } catch (cause) {
    if (cause instanceof ShelflifeError) throw cause
    throw unavailable(
      "the WebAssembly core could not be compiled; under a Content-Security-Policy, script-src needs 'wasm-unsafe-eval'",
      cause,
    )
  }
  memory = initSync({ module }).memory
}

function trapped(cause: unknown): unknown {
  // A stack overflow inside the core leaves its stack pointer where it was: that instance is as lost as after a trap.
  if (!(cause instanceof WebAssembly.RuntimeError) && !(cause instanceof RangeError)) return cause
  traps += 1
  generation += 1
  __wbg_reset_state()
  memory = initSync({ module: undefined as never }).memory
  return new CoreTrappedError(cause)
}

function unavailable(message: string, cause: unknown): ShelflifeError {
  return new ShelflifeError('ERR_WASM_UNAVAILABLE', message, { cause })
}
