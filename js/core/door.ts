/**
 * The one door to the core. Beside it, only `parts/` and the wrapper of each machine know the generated glue.
 *
 * The core comes in parts, WebAssembly modules of their own, so that a bundle carries only those it uses. A part is
 * compiled on first use, synchronously; one instance of it serves every object of the realm. A trap poisons that
 * instance and no other: it is dropped, counted and replaced, and each handle made on it fails once with
 * `ERR_CORE_TRAPPED`, so that its owner can start again (law L7).
 */

import { CoreTrappedError, ShelflifeError } from '../errors.ts'
import type { WasmBytes, WasmMemory, WasmModule } from '../wasm-types.ts'

/** What the door needs of the glue of a part. */
export interface CoreGlue {
  initSync(input: { module: WasmModule }): { readonly memory: WasmMemory }
  reset(): void
  plantTrap(): void
}

const running = new Set<CorePart>()
let traps = 0

/** How often parts of the core have trapped and been replaced, in this realm. */
export function trapCount(): number {
  return traps
}

/**
 * Makes every part of the core that runs in this realm trap, for tests of what happens then. Everything made on them
 * starts cold. Throws what a call into a trapping part throws; does nothing when none runs yet.
 */
export function plantTrap(): void {
  let thrown: { error: unknown } | undefined
  for (const part of running) {
    try {
      part.plantTrap()
    } catch (error) {
      thrown = { error }
    }
  }
  if (thrown !== undefined) throw thrown.error
}

/** One module of the core, and the instance of it that runs. */
export class CorePart {
  /** How many instances of it have trapped. */
  generation = 0
  readonly #glue: CoreGlue
  readonly #source: () => WasmBytes | WasmModule
  #memory: WasmMemory | undefined

  constructor(glue: CoreGlue, source: () => WasmBytes | WasmModule) {
    this.#glue = glue
    this.#source = source
  }

  /** Compiles the part if nobody has used it yet; returns the memory of the instance of now. */
  enter(): WasmMemory {
    this.#memory ??= this.#start()
    return this.#memory
  }

  /** What to throw in place of `cause`, which a call into the part threw. After a trap there is a new instance. */
  trapped(cause: unknown): unknown {
    // A stack overflow inside the core leaves its stack pointer where it was: that instance is as lost as after a trap.
    if (!(cause instanceof WebAssembly.RuntimeError) && !(cause instanceof RangeError)) return cause
    traps += 1
    this.generation += 1
    this.#glue.reset()
    this.#memory = this.#glue.initSync({ module: undefined as never }).memory
    return new CoreTrappedError(cause)
  }

  /** Makes this part trap; see the function of that name. */
  plantTrap(): void {
    this.enter()
    try {
      this.#glue.plantTrap()
    } catch (cause) {
      throw this.trapped(cause)
    }
  }

  #start(): WasmMemory {
    if (typeof WebAssembly === 'undefined') throw unavailable('this environment has no WebAssembly', undefined)
    let module: WebAssembly.Module
    try {
      const source = this.#source()
      module = source instanceof WebAssembly.Module ? source : new WebAssembly.Module(source as BufferSource)
    } catch (cause) {
      if (cause instanceof ShelflifeError) throw cause
      throw unavailable(
        "the WebAssembly core could not be compiled; under a Content-Security-Policy, script-src needs 'wasm-unsafe-eval'",
        cause,
      )
    }
    const { memory } = this.#glue.initSync({ module })
    running.add(this)
    return memory
  }
}

/** An object inside a part of the core. Every call into the core goes through {@link CoreHandle.use}. */
export class CoreHandle<H extends { free(): void }> {
  readonly #part: CorePart
  readonly #make: () => H
  #handle: H | undefined
  #generation = -1

  constructor(part: CorePart, make: () => H) {
    this.#part = part
    this.#make = make
    this.renew()
  }

  /** Calls into the core. Throws {@link CoreTrappedError} when the call traps, or when an earlier trap took the object. */
  use<T>(action: (handle: H) => T): T {
    if (this.#handle === undefined) throw new ShelflifeError('ERR_CLOSED', 'the object in the core is freed')
    if (this.lost) throw new CoreTrappedError(undefined)
    try {
      return action(this.#handle)
    } catch (cause) {
      throw this.#part.trapped(cause)
    }
  }

  /** The same for an owner who can start again: after a trap the object is made anew, he is told, and there is no answer. */
  useOrRenew<T>(action: (handle: H) => T, onLost?: () => void): T | undefined {
    try {
      return this.use(action)
    } catch (error) {
      if (!(error instanceof CoreTrappedError)) throw error
      this.renew()
      onLost?.()
      return undefined
    }
  }

  /** Numbers that the object keeps at `pointer`; see {@link CoreNumbers}. */
  numbers(pointer: number, length: number): CoreNumbers {
    return new CoreNumbers(this.#part, pointer, length)
  }

  /** Whether a trap took the object since it was made. */
  get lost(): boolean {
    return this.#generation !== this.#part.generation
  }

  /** Makes the object anew, on the core of now. */
  renew(): void {
    this.#part.enter()
    try {
      this.#handle = this.#make()
    } catch (cause) {
      throw this.#part.trapped(cause)
    }
    this.#generation = this.#part.generation
  }

  /** Gives the object back. Further use is `ERR_CLOSED`. */
  free(): void {
    const handle = this.#handle
    this.#handle = undefined
    if (handle !== undefined && !this.lost) handle.free()
  }
}

/** Double-precision numbers in a part's memory, seen from here. Any call into the core may move memory: ask {@link numbers} each time. */
export class CoreNumbers {
  readonly #part: CorePart
  readonly #pointer: number
  readonly #length: number
  #view: Float64Array

  constructor(part: CorePart, pointer: number, length: number) {
    this.#part = part
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
    return new Float64Array(this.#part.enter().buffer, this.#pointer, this.#length)
  }
}

function unavailable(message: string, cause: unknown): ShelflifeError {
  return new ShelflifeError('ERR_WASM_UNAVAILABLE', message, { cause })
}
