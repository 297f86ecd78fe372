/**
 * A {@link Tier} in a Redis that many may share. Reads are one command for all keys asked for together, and never reject for
 * Redis's sake; writes leave in rounds, one at a time, all that has gathered meanwhile in one go.
 *
 * What cannot be written waits, within bounds. Of what is given up beyond them the key is remembered, and hidden, until Redis
 * has forgotten it too; with too many of those everything is given up. So no older value shows in the place of a lost one.
 */

import { untilAborted } from '../../abort-watch.ts'
import { ClosedError } from '../../errors.ts'
import { readAborted, within } from '../../tier/deadlines.ts'
import { PressedValues } from '../../tier/pressed-values.ts'
import { type Pending, WriteQueue, writeOf } from '../../tier/write-queue.ts'
import type { Invalidation, Persist, StoreContext, Tier, TierEntry, TierStats } from '../tier.ts'
import { Doubts } from './doubts.ts'
import { Durability } from './durability.ts'
import { Exchange } from './exchange.ts'
import { Ledger } from './ledger.ts'
import { RedisLine } from './line.ts'
import { RedisNames } from './names.ts'
import type { Parts, RedisTierOptions } from './parts.ts'
import { RedisReader } from './reader.ts'
import { RedisWriter } from './writer.ts'

const CLOSE_MS = 5000

/** See the top of this file. */
export class RedisTier implements Tier {
  readonly name: string
  readonly isShared = true
  readonly #parts: Parts
  readonly #exchange: Exchange
  readonly #durability: Durability
  readonly #reader: RedisReader
  readonly #writer: RedisWriter
  readonly #errors = new Map<string, number>()
  #opening: Promise<void> | undefined
  #closing: Promise<void> | undefined

  constructor(options: RedisTierOptions, context: StoreContext) {
    const { clock, core } = context
    const count = (kind: string) => this.#errors.set(kind, (this.#errors.get(kind) ?? 0) + 1)
    const names = new RedisNames(options.prefix)
    this.name = options.name
    this.#parts = {
      options,
      clock,
      core,
      names,
      line: new RedisLine(options.connect, context, options.line, { count, onUp: () => this.#writer.isBack() }),
      ledger: new Ledger(names, clock),
      values: new PressedValues(options.compression, {}),
      queue: new WriteQueue(),
      doubts: new Doubts(),
      counts: { hits: 0, misses: 0, reads: 0, writes: 0, dropped: 0 },
      count,
      open: () => this.open(),
    }
    this.#exchange = new Exchange(this.#parts, context.onChange)
    this.#durability = new Durability(this.#parts.line)
    this.#reader = new RedisReader(this.#parts, this.#exchange)
    this.#writer = new RedisWriter(this.#parts, this.#exchange, this.#durability)
  }

  open(): Promise<void> {
    this.#opening ??= this.#parts.line.open().then(() => this.#exchange.run().catch(() => {}))
    return this.#opening
  }

  async getMany(
    keys: readonly string[],
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<(TierEntry | undefined)[]> {
    this.#begin()
    if (signal?.aborted) throw readAborted(signal)
    const reading = this.#reader.read(keys)
    const found = await (signal === undefined ? reading : untilAborted(reading, signal, readAborted))
    for (const entry of found) this.#parts.counts[entry === undefined ? 'misses' : 'hits'] += 1
    return found
  }

  async setMany(
    entries: readonly { readonly key: string; readonly entry: TierEntry }[],
    { persist }: { readonly persist: Persist },
  ): Promise<void> {
    this.#begin()
    const { ledger, counts, count } = this.#parts
    ledger.learn(entries)
    ledger.changed(entries.map(({ key }) => key))
    let failure: unknown
    const writes = entries.map(({ key, entry }): Pending => {
      let bytes: Uint8Array | undefined
      try {
        bytes = this.#writer.encode(entry)
      } catch (error) {
        // The old value must not stay in the place of one that could not be kept.
        failure ??= error
        count('codec')
        counts.dropped += 1
      }
      return writeOf(key, bytes, entry.expiresAt, entry.writtenAt, persist === 'durable')
    })
    await this.#writer.store(writes, persist)
    if (failure !== undefined) throw failure
  }

  async deleteMany(keys: readonly string[], { persist = 'memory' }: { readonly persist?: Persist | undefined } = {}): Promise<boolean[]> {
    this.#begin()
    const { ledger, clock } = this.#parts
    ledger.changed(keys)
    const wall = clock.wall()
    const had = this.#reader.has(keys)
    const deletions = keys.map(key => writeOf(key, undefined, Number.POSITIVE_INFINITY, wall, persist === 'durable'))
    const [answer] = await Promise.all([had, this.#writer.store(deletions, persist)])
    return answer
  }

  async invalidate(
    { mode = 'delete', ...meant }: Invalidation,
    { persist = 'stored' }: { readonly persist?: Persist | undefined } = {},
  ): Promise<void> {
    this.#begin()
    this.#parts.ledger.raise(meant, mode)
    if (persist === 'memory') this.#writer.schedule()
    else await this.#exchange.run()
    if (persist === 'durable') await this.#durability.require()
  }

  async clear(): Promise<void> {
    this.#begin()
    this.#writer.clear()
    this.#parts.ledger.begin()
    await this.#exchange.run()
  }

  async flush(): Promise<void> {
    this.#refuseClosed()
    await this.#writer.flush()
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  stats(): TierStats {
    const { line, queue, doubts, counts } = this.#parts
    return {
      name: this.name,
      state: this.#opening === undefined || this.#closing !== undefined ? 'closed' : line.isUp ? 'on' : 'off',
      reason: line.isUp ? undefined : line.reason,
      // How many there are only Redis knows, and asking would cost it.
      entries: 0,
      segments: 0,
      bytes: 0,
      liveBytes: 0,
      deadBytes: 0,
      queued: queue.size + doubts.size,
      queuedBytes: queue.bytes + doubts.bytes,
      reclaimed: 0,
      compactions: 0,
      ...counts,
      ...this.#parts.values.stats,
      errors: Object.fromEntries(this.#errors),
    }
  }

  async #close(): Promise<void> {
    await this.#opening
    const { core, line } = this.#parts
    if (line.isUp) await within(core, CLOSE_MS, this.#writer.flush()).catch(() => {})
    line.close()
    this.#writer.close()
  }

  #begin(): void {
    this.#refuseClosed()
    void this.open()
  }

  #refuseClosed(): void {
    if (this.#closing !== undefined) throw new ClosedError(`tier ${this.name}`)
  }
}
