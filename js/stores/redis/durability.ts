/** Whether a reply of Redis means that what was written is synced: only where it syncs before it replies. */

import { ShelflifeError } from '../../errors.ts'
import type { RedisLine } from './line.ts'

/** See the top of this file. Redis is asked once. */
export class Durability {
  readonly #line: RedisLine
  #isGiven: Promise<boolean> | undefined

  constructor(line: RedisLine) {
    this.#line = line
  }

  /** @throws ShelflifeError `ERR_STORE` where it does not, or does not say so. */
  async require(): Promise<void> {
    this.#isGiven ??= this.#ask()
    if (await this.#isGiven) return
    throw new ShelflifeError(
      'ERR_STORE',
      "it is stored; but Redis syncs before it replies only with 'appendonly yes' and 'appendfsync always'",
    )
  }

  async #ask(): Promise<boolean> {
    try {
      const replies = await this.#line.call([
        ['CONFIG', 'GET', 'appendonly'],
        ['CONFIG', 'GET', 'appendfsync'],
      ])
      return String(replies.map(textsOf)) === 'appendonly,yes,appendfsync,always'
    } catch {
      this.#isGiven = undefined
      return false
    }
  }
}

/** The texts of a reply that is a list or a map. */
function textsOf(reply: unknown): string[] {
  if (reply instanceof Uint8Array) return [Buffer.from(reply).toString()]
  if (reply instanceof Map || Array.isArray(reply)) return [...reply].flatMap(textsOf)
  return typeof reply === 'object' && reply !== null ? Object.entries(reply).flatMap(textsOf) : [String(reply)]
}
