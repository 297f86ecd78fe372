/** How long calls usually take, in the core, seen from here. */

import { CoreHandle } from './door.ts'
import { HedgeHandle, part } from './parts/schedule.ts'

/** `delay` in milliseconds where it is fixed; else `Infinity`, and the quantile and how many calls have to be known. */
export interface HedgeConfig {
  readonly delay: number
  readonly quantile: number
  readonly minSamples: number
}

/** See the top of this file. */
export class HedgeCore {
  readonly #core: CoreHandle<HedgeHandle>

  constructor({ delay, quantile, minSamples }: HedgeConfig) {
    this.#core = new CoreHandle(part, () => new HedgeHandle(delay, quantile, minSamples))
  }

  /** A call has succeeded and took so long, in milliseconds. */
  record(took: number, now: number): void {
    this.#core.useOrRenew(core => core.record(took, now))
  }

  /** After how many milliseconds another attempt may begin; `undefined` as long as nobody knows. */
  delay(): number | undefined {
    const delay = this.#core.useOrRenew(core => core.delay()) ?? Number.POSITIVE_INFINITY
    return delay === Number.POSITIVE_INFINITY ? undefined : delay
  }

  /** Gives the core back. */
  close(): void {
    this.#core.free()
  }
}
