/**
 * What lies below the write queue of a tier over Keyv: commands with a deadline, and never two writes under way at once.
 *
 * A command that is late cannot be taken back and may take effect some day. Until it has settled nothing is written, so that it
 * cannot undo anything newer; what it was to write is hidden, and deleted afterwards.
 */

import type { Clock } from '../clock.ts'
import { isShelflifeError, ShelflifeError, TimeoutError } from '../errors.ts'
import type { Compression } from '../stores/compression.ts'
import type { Outgoing } from '../stores/directory.ts'
import { exactText } from '../stores/exact-text.ts'
import type { KeyvLike } from '../stores/keyv.ts'
import { entryOfText, textOf } from '../stores/text-entry.ts'
import type { StoreContext, TierEntry } from '../stores/tier.ts'
import type { TierCore } from './core.ts'
import { withDeadline } from './deadlines.ts'
import { HiddenKeys } from './hidden-keys.ts'
import { TOLERANCE_MS } from './pending-entry.ts'
import { isWhole, PressedValues } from './pressed-values.ts'
import type { RowLog } from './row-reader.ts'
import { kindOf, type LogCounts, type LogSizes } from './tier-log.ts'

/** Keys that go in one command. */
const MANY = 500
/** Characters for each byte that is not text. */
const BASE64 = 4 / 3

/** See the top of this file. */
export class KeyvLog implements RowLog {
  readonly roundBytes = 256 * 1024
  readonly writable = true
  readonly whyReadOnly = ''
  readonly kindOf = kindOf
  readonly counts: LogCounts = { reads: 0, reclaimed: 0, compactions: 0, errors: new Map() }
  /** Keyv does not tell. */
  readonly sizes: LogSizes = { entries: 0, segments: 0, bytes: 0, liveBytes: 0 }
  readonly #keyv: KeyvLike
  readonly #timeoutMs: number
  readonly #values: PressedValues
  readonly #clock: Clock
  readonly #core: TierCore
  readonly #hidden = new HiddenKeys()
  #turn: Promise<unknown> = Promise.resolve()
  #epoch = 0
  #clearing = 0
  /** Writes that were given up and have not settled. */
  #late = 0
  /** What Keyv says instead of rejecting: its last complaint, and how many there were. */
  #complaint: unknown
  #complaints = 0
  readonly #complain = (error: unknown) => {
    this.#complaint = error
    this.#complaints += 1
  }

  constructor(keyv: KeyvLike, timeoutMs: number, compression: Compression, { clock, core }: StoreContext) {
    this.#keyv = keyv
    this.#timeoutMs = timeoutMs
    this.#values = new PressedValues(compression, this.counts, BASE64)
    this.#clock = clock
    this.#core = core
  }

  get epoch(): number {
    return this.#epoch
  }

  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work)
    this.#turn = result.catch(() => {})
    return result
  }

  async open(): Promise<void> {
    this.#keyv.on?.('error', this.#complain)
  }

  async close(): Promise<void> {
    this.#epoch += 1
    this.#keyv.off?.('error', this.#complain)
  }

  async readMany(keys: readonly string[], damaged: (key: string) => void): Promise<(TierEntry | undefined)[]> {
    const found: (TierEntry | undefined)[] = []
    if (this.#clearing > 0) return found
    for (let from = 0; from < keys.length; from += MANY) {
      const some = keys.slice(from, from + MANY)
      try {
        const values = await this.#inTime(() => this.#get(some.map(placeOf)))
        found.push(...(await Promise.all(some.map((key, at) => this.#entryOf(key, values[at], damaged)))))
      } catch (error) {
        this.count(kindOf(error) === 'timeout' ? 'timeout' : 'read')
        for (const _ of some) found.push(undefined)
      }
    }
    return found
  }

  async has(keys: readonly string[]): Promise<boolean[]> {
    const found = await this.readMany(keys, () => {})
    return keys.map((_, at) => found[at] !== undefined)
  }

  knows(): boolean {
    return true
  }

  hide(key: string): void {
    this.#hidden.hide(key, this.#clock.wall())
  }

  async append(batch: readonly Outgoing[]): Promise<void> {
    const wall = this.#clock.wall()
    const entries: { key: string; value: string; ttl?: number }[] = []
    const deleted: string[] = []
    for (const { key, bytes, expiresAt, writtenAt } of await this.#values.press(batch)) {
      if (bytes === undefined || expiresAt <= wall) deleted.push(placeOf(key))
      else {
        const value = textOf(key, bytes, expiresAt, writtenAt)
        const ttl = Math.ceil(expiresAt - wall)
        entries.push({ key: placeOf(key), value, ...(ttl < Number.POSITIVE_INFINITY && { ttl }) })
      }
    }
    for (let from = 0; from < entries.length; from += MANY) await this.#write(() => this.#set(entries.slice(from, from + MANY)))
    for (let from = 0; from < deleted.length; from += MANY) await this.#write(() => this.#delete(deleted.slice(from, from + MANY)))
    this.#hidden.show(batch)
  }

  async compact(): Promise<void> {}

  async clear(ready: () => Promise<void>): Promise<void> {
    this.#epoch += 1
    this.#clearing += 1
    try {
      await this.inTurn(async () => {
        await ready()
        await this.#write(async () => this.#keyv.clear())
        this.#hidden.clear()
      })
    } catch (error) {
      this.#hidden.hideAll(this.#clock.wall())
      throw error
    } finally {
      this.#clearing -= 1
    }
  }

  count(kind: string): void {
    this.counts.errors.set(kind, (this.counts.errors.get(kind) ?? 0) + 1)
  }

  isFinal(error: unknown): boolean {
    return isShelflifeError(error) && error.code === 'ERR_TIMEOUT'
  }

  isFatal(): boolean {
    return false
  }

  async #entryOf(key: string, value: unknown, damaged: (key: string) => void): Promise<TierEntry | undefined> {
    this.counts.reads += 1
    if (value === undefined || value === null) return undefined
    let entry: TierEntry | 'damaged' | Promise<TierEntry> = 'damaged'
    try {
      if (typeof value === 'string') entry = entryOfText(key, value, bytes => this.#values.expand(bytes))
      if (entry instanceof Promise) entry = await entry
    } catch (error) {
      this.count('expand')
      if (!isWhole(error)) damaged(key)
      return undefined
    }
    if (entry === 'damaged') {
      this.count('damaged')
      damaged(key)
      return undefined
    }
    const wall = this.#clock.wall()
    const { expiresAt, writtenAt } = entry
    return expiresAt <= wall || writtenAt > wall + TOLERANCE_MS || this.#hidden.has(key, writtenAt) ? undefined : entry
  }

  async #get(keys: string[]): Promise<readonly unknown[]> {
    const complaints = this.#complaints
    const many: unknown = keys.length > 1 ? await this.#keyv.getMany?.(keys) : undefined
    const values: readonly unknown[] = Array.isArray(many) ? many : await Promise.all(keys.map(async key => this.#keyv.get(key)))
    if (complaints !== this.#complaints && values.includes(undefined)) throw this.#complaint
    return values
  }

  async #set(entries: { key: string; value: string; ttl?: number }[]): Promise<void> {
    const done =
      entries.length > 1 && this.#keyv.setMany !== undefined
        ? await this.#keyv.setMany(entries)
        : await Promise.all(entries.map(async ({ key, value, ttl }) => this.#keyv.set(key, value, ttl)))
    if (done === false || (Array.isArray(done) && done.includes(false))) throw this.#complaint ?? new Error('Keyv did not set it')
  }

  async #delete(keys: string[]): Promise<void> {
    // What it answers says whether there was something.
    if (keys.length > 1 && this.#keyv.deleteMany !== undefined) await this.#keyv.deleteMany(keys)
    else await Promise.all(keys.map(async key => this.#keyv.delete(key)))
  }

  /** One write at a time. It has failed when Keyv says so in any of its ways. Only in turn. */
  async #write(work: () => Promise<unknown>): Promise<void> {
    if (this.#late > 0) throw new TimeoutError('store', this.#timeoutMs)
    const complaints = this.#complaints
    let isLate = false
    try {
      await this.#inTime(() => {
        const writing = work()
        const settled = () => {
          if (isLate) this.#late -= 1
        }
        writing.then(settled, settled)
        return writing
      })
    } catch (error) {
      if (isShelflifeError(error) && error.code === 'ERR_TIMEOUT') {
        isLate = true
        this.#late += 1
        throw error
      }
      throw failed(error)
    }
    if (complaints !== this.#complaints) throw failed(this.#complaint)
  }

  #inTime<T>(work: () => Promise<T>): Promise<T> {
    return withDeadline(this.#core, this.#timeoutMs, ({ signal }) =>
      Promise.race([work(), new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))]),
    )
  }
}

/** Keyv takes a key that begins with its namespace for one that has it already: ours never do. */
function placeOf(key: string): string {
  return `=${exactText(key)}`
}

function failed(cause: unknown): ShelflifeError {
  return new ShelflifeError('ERR_STORE', `Keyv failed: ${cause instanceof Error ? cause.message : cause}`, { cause, retryable: true })
}
