/**
 * What lies below the write queue of an SQLite tier: a table, which is kept in order whatever becomes of its file ({@link KeptTable}).
 *
 * SQLite works at once, in this thread. So a round of writes is small, others have a turn after it, and a lock that another
 * process holds is waited for here, not in SQLite.
 */

import type { Clock } from '../clock.ts'
import type { Alarm } from '../core/driver.ts'
import { isShelflifeError } from '../errors.ts'
import { nextTask } from '../next-task.ts'
import type { Compression } from '../stores/compression.ts'
import type { Outgoing } from '../stores/directory.ts'
import { decodeEntry } from '../stores/entry-bytes.ts'
import type { Durability } from '../stores/segment-medium.ts'
import { failureOf } from '../stores/sqlite/driver.ts'
import type { Row } from '../stores/sqlite/table.ts'
import type { StoreContext, TierEntry } from '../stores/tier.ts'
import type { TierCore } from './core.ts'
import { HiddenKeys } from './hidden-keys.ts'
import { Gone, type KeptSource, KeptTable, type KeptTableHost } from './kept-table.ts'
import { TOLERANCE_MS } from './pending-entry.ts'
import { isWhole, PressedValues } from './pressed-values.ts'
import { keyOfEntry } from './records.ts'
import type { RowLog } from './row-reader.ts'
import type { LogCounts, LogSizes } from './tier-log.ts'

/** Bytes of one transaction: about 5 ms of work. */
const ROUND_BYTES = 256 * 1024
/** Rows read before others have a turn. */
const READS = 512
/** Rows that were read and wait to be moved to the end. */
const MOST_USED = 1024
/** What an {@link SqliteLog} works on. */
export interface SqliteSource extends KeptSource {
  readonly compression: Compression
  /** How often it is looked whether others have written, in milliseconds; `Infinity`: never. */
  readonly pollMs: number
}

/** See the top of this file. */
export class SqliteLog implements RowLog {
  readonly roundBytes = ROUND_BYTES
  readonly whyReadOnly = 'the file cannot be written'
  readonly counts: LogCounts
  readonly #source: SqliteSource
  readonly #clock: Clock
  readonly #core: TierCore
  readonly #hidden = new HiddenKeys()
  readonly #values: PressedValues
  readonly #used = new Set<number>()
  readonly #kept: KeptTable
  #turn: Promise<unknown> = Promise.resolve()
  #epoch = 0
  #clearing = 0
  #isRepairing = false
  #isClosed = false
  readonly #onChange: StoreContext['onChange']
  readonly #isInUse: StoreContext['isInUse']
  readonly #poll: Alarm

  /** In the place of `former`, which was given up, it goes on with what that had counted and heard. */
  constructor(source: SqliteSource, context: StoreContext, former?: SqliteLog) {
    const counts: LogCounts = former?.counts ?? { reads: 0, reclaimed: 0, compactions: 0, errors: new Map() }
    this.counts = counts
    this.#source = source
    const host: KeptTableHost = {
      counts,
      count: kind => this.count(kind),
      shut: () => this.#used.clear(),
      replaced: () => context.onChange?.({ all: true }),
    }
    this.#kept = new KeptTable(source, context.core, host, former?.seen)
    this.#values = new PressedValues(source.compression, counts)
    this.#clock = context.clock
    this.#core = context.core
    this.#onChange = context.onChange
    const { isInUse } = context
    this.#isInUse = isInUse && (key => isInUse(keyOfEntry(key)))
    this.#poll = new context.core.Alarm(() => this.#hear())
  }

  /** The last that was heard of others; nothing before it was open. */
  get seen(): number | undefined {
    return this.#kept.seen
  }

  get writable(): boolean {
    return this.#kept.isWritable
  }

  get epoch(): number {
    return this.#epoch
  }

  get sizes(): LogSizes {
    try {
      const sizes = this.#kept.table?.sizes()
      if (sizes !== undefined) return { ...sizes, segments: 0 }
    } catch {
      this.count('read')
    }
    return { entries: 0, segments: 0, bytes: 0, liveBytes: 0 }
  }

  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work)
    this.#turn = result.catch(() => {})
    return result
  }

  open(): Promise<void> {
    return this.inTurn(async () => {
      await this.#kept.open()
      this.#wait()
    })
  }

  async readMany(keys: readonly string[], damaged: (key: string) => void): Promise<(TierEntry | undefined)[]> {
    const found: (TierEntry | undefined | Promise<TierEntry | undefined>)[] = []
    for (const [at, key] of keys.entries()) {
      if (at > 0 && at % READS === 0) await nextTask()
      found.push(this.#read(key, damaged))
    }
    return Promise.all(found)
  }

  has(keys: readonly string[]): boolean[] {
    const wall = this.#clock.wall()
    const { table } = this.#kept
    return keys.map(key => {
      if (table === undefined || this.#clearing > 0 || this.#hidden.has(key, wall)) return false
      try {
        return table.has(key, wall, wall + TOLERANCE_MS)
      } catch (error) {
        this.#failed(error)
        return false
      }
    })
  }

  knows(): boolean {
    return true
  }

  hide(key: string): void {
    this.#hidden.hide(key, this.#clock.wall())
  }

  async append(writes: readonly Outgoing[], durability: Durability): Promise<void> {
    let spare = 0
    const used = [...this.#used]
    const stored = await this.#values.press(writes)
    const how = { writes: stored, used, isInUse: this.#isInUse, durability }
    const more = () => {
      spare = Math.max(ROUND_BYTES, spare * 2)
    }
    await this.#kept.work(table => table.write({ ...how, wall: this.#clock.wall(), spare }), more)
    this.#hidden.show(writes)
    for (const id of used) this.#used.delete(id)
    await nextTask()
  }

  async compact(): Promise<void> {}

  async clear(ready: () => Promise<void>): Promise<void> {
    this.#epoch += 1
    this.#clearing += 1
    try {
      await this.inTurn(async () => {
        await ready()
        await this.#kept.work(
          table => table.clear(),
          () => {},
        )
        this.#hidden.clear()
        this.#used.clear()
      })
    } catch (error) {
      this.#hidden.hideAll(this.#clock.wall())
      throw error
    } finally {
      this.#clearing -= 1
    }
  }

  async close(): Promise<void> {
    this.#epoch += 1
    this.#isClosed = true
    this.#core.driver.set(this.#poll, Number.POSITIVE_INFINITY)
    this.#kept.shut()
  }

  count(kind: string): void {
    this.counts.errors.set(kind, (this.counts.errors.get(kind) ?? 0) + 1)
  }

  kindOf(error: unknown): string {
    if (!isShelflifeError(error)) return failureOf(error)
    return error.code === 'ERR_QUOTA' ? 'quota' : error.code === 'ERR_TIMEOUT' ? 'busy' : failureOf(error.cause)
  }

  isFatal(): boolean {
    return this.#kept.isDead
  }

  isFinal(error: unknown): boolean {
    return this.#kept.isDead || (isShelflifeError(error) && (error.code === 'ERR_QUOTA' || error.code === 'ERR_TIMEOUT'))
  }

  #read(key: string, damaged: (key: string) => void): TierEntry | undefined | Promise<TierEntry | undefined> {
    const { table } = this.#kept
    if (table === undefined || this.#clearing > 0) return undefined
    try {
      this.counts.reads += 1
      const row = table.get(key)
      if (row === undefined) return undefined
      const wall = this.#clock.wall()
      if (row === 'damaged') {
        this.count('damaged')
        damaged(key)
        return undefined
      }
      const { bytes, expiresAt, writtenAt } = row
      if (expiresAt <= wall || writtenAt > wall + TOLERANCE_MS || this.#hidden.has(key, writtenAt)) return undefined
      if (table.isOld(row) && this.#used.size < MOST_USED) this.#used.add(row.id)
      const encoded = this.#values.expand(bytes)
      if (encoded instanceof Promise) return this.#expanded(key, encoded, row, damaged)
      return { ...decodeEntry(encoded), expiresAt, writtenAt }
    } catch (error) {
      if (isShelflifeError(error)) {
        this.count('codec')
        damaged(key)
      } else this.#failed(error)
      return undefined
    }
  }

  async #expanded(
    key: string,
    encoded: Promise<Uint8Array>,
    { expiresAt, writtenAt }: Row,
    damaged: (key: string) => void,
  ): Promise<TierEntry | undefined> {
    try {
      const entry = { ...decodeEntry(await encoded), expiresAt, writtenAt }
      return this.#hidden.has(key, writtenAt) ? undefined : entry
    } catch (error) {
      this.count('expand')
      if (!isWhole(error)) damaged(key)
      return undefined
    }
  }

  /** A read failed. A file that may be at fault is looked at when its turn comes. */
  #failed(error: unknown): void {
    const failure = failureOf(error)
    this.count(failure === 'failed' ? 'read' : failure)
    if (this.#kept.isBroken(error)) this.#repair(error)
  }

  #repair(error: unknown): void {
    if (this.#isRepairing) return
    this.#isRepairing = true
    void this.inTurn(async () => {
      try {
        // A write may have noticed meanwhile that the file is gone.
        if (!this.#isClosed && (!(error instanceof Gone) || this.#kept.isGone)) await this.#kept.repair(error)
      } catch {
        // The next write says so.
      } finally {
        this.#isRepairing = false
      }
    })
  }

  /** Tells what others have written since it was looked last. */
  #hear(): void {
    try {
      if (this.#kept.isGone) this.#repair(new Gone('the file is gone'))
      for (const change of this.#kept.table?.news.read() ?? []) this.#onChange?.(change)
    } catch (error) {
      // What is busy now is read next time.
      if (failureOf(error) !== 'busy') this.#failed(error)
    }
    this.#wait()
  }

  #wait(): void {
    const { driver } = this.#core
    if (!this.#isClosed) driver.set(this.#poll, driver.now() + this.#source.pollMs)
  }
}
