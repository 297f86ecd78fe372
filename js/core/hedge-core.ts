/** How long calls usually take, in the core, seen from here. */

import { CoreHandle } from './door.ts'
import { HedgeHandle, part } from './parts/schedule.ts'

/** See the top of this file. */
export class HedgeCore {
  readonly #core: CoreHandle<HedgeHandle>

  /** `delay` in milliseconds where it is fixed; else `Infinity`, and the quantile and how many calls have to be known. */
  constructor({ delay, quantile, minSamples }: { readonly delay: number; readonly quantile: number; readonly minSamples: number }) {
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
}
