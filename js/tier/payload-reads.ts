/** Payloads from a medium: those that are asked for within a microtask come together, where the medium can do that. */

import { isShelflifeError, TimeoutError } from '../errors.ts'
import type { SegmentMedium } from '../stores/segment-medium.ts'
import type { TierCore } from './core.ts'
import { READ_MS, withDeadline } from './deadlines.ts'

type Payload = Uint8Array | undefined

/** Segments that come together: half a megabyte. */
const TOGETHER = 16
/** What could not be read so often in a row is lost: it would be missed for ever, and keep others from being written anew. */
const LOST = 3

interface Gathering {
  readonly segments: number[]
  readonly payloads: Promise<readonly Payload[]>
}

/** See the top of this file. */
export class PayloadReads {
  readonly #medium: SegmentMedium
  readonly #core: TierCore
  #gathering: Gathering | undefined
  /** How often segments could not be read. */
  readonly #failures = new Map<number, number>()

  constructor(medium: SegmentMedium, core: TierCore) {
    this.#medium = medium
    this.#core = core
  }

  /** The payload of a segment as it is stored; `undefined` when it is gone, or cannot be read again and again. */
  async read(segment: number): Promise<Payload> {
    if (this.#medium.readMany === undefined) return this.#readOne(segment)
    if (this.#gathering === undefined || this.#gathering.segments.length === TOGETHER) this.#gathering = this.#gather()
    const { segments, payloads } = this.#gathering
    const at = segments.push(segment) - 1
    try {
      return (await payloads)[at]
    } catch (error) {
      // One that cannot be read must not take the others along.
      if (segments.length === 1 || error instanceof TimeoutError) throw error
      return this.#readOne(segment)
    }
  }

  #gather(): Gathering {
    const segments: number[] = []
    const payloads = Promise.resolve().then(async () => {
      if (this.#gathering?.segments === segments) this.#gathering = undefined
      if (segments.length === 1) return [await this.#readOne(segments[0] as number)]
      return withDeadline(this.#core, READ_MS, async call => (await this.#medium.readMany?.(segments, call)) ?? [])
    })
    return { segments, payloads }
  }

  async #readOne(segment: number): Promise<Payload> {
    try {
      const payload = await withDeadline(this.#core, READ_MS, call => this.#medium.read(segment, call))
      this.#failures.delete(segment)
      return payload
    } catch (error) {
      if (isShelflifeError(error) && error.retryable) throw error
      const failures = (this.#failures.get(segment) ?? 0) + 1
      this.#failures.set(segment, failures)
      if (failures < LOST) throw error
      return undefined
    }
  }
}
