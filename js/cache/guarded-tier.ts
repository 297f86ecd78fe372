/**
 * A tier as the cache sees it: one that may be slow, dead for a while, or late, and must never be believed when it could not be told
 * of a change.
 *
 * A read that takes too long, or fails, is a miss, and so is one of a tier that is not to be trusted ({@link Trust}). A change that
 * it has not answered yet answers reads ({@link UnderWay}).
 */

import type { Clock } from '../clock.ts'
import { driverOf } from '../core/driver.ts'
import { storeContext } from '../core/tier-core.ts'
import { TimeoutError } from '../errors.ts'
import type { Invalidation, Offered, Room, StoreContext, Tier, TierEntry } from '../stores/tier.ts'
import { Doorway } from './doorway.ts'
import { TierChanges } from './tier-changes.ts'
import type { ResolvedTier, TierMode } from './tier-options.ts'
import { type TierWatch, Trust } from './trust.ts'
import type { CacheTierStats } from './types.ts'
import { type Change, type HowToChange, type Pending, type TierWrite, UnderWay } from './under-way.ts'
import type { Memo, Untold } from './untold.ts'

export type { TierWatch } from './trust.ts'
export type { HowToChange, TierWrite } from './under-way.ts'

/** See the top of this file. */
export class GuardedTier {
  readonly mode: TierMode
  readonly #tier: Tier
  readonly #options: ResolvedTier
  readonly #clock: Clock
  readonly #door: Doorway
  readonly #underWay = new UnderWay()
  readonly #trust: Trust
  readonly #changes: TierChanges
  readonly #watch: TierWatch
  /** Where that is kept what it is not told any more. */
  readonly #memo: Memo | undefined
  /** What was kept is being looked up: until then the tier is not asked. */
  #recalling: Promise<void> | undefined
  readonly #counts = { bypassed: 0, timeouts: 0, outdated: 0, unsent: 0, pendingHits: 0 }

  /** `memoOf` gives the place for what it is not told any more, where there is one. */
  constructor(options: ResolvedTier, clock: Clock, watch: TierWatch, memoOf?: (tier: string) => Memo | undefined) {
    this.mode = options.mode
    this.#options = options
    this.#clock = clock
    const onChange: StoreContext['onChange'] = change => watch.changed?.(change)
    const isInUse = (key: string) => watch.isInUse?.(key) === true
    this.#tier = options.store.openTier({
      ...{ ...storeContext(clock), onChange, isInUse },
      onOff: reason => watch.down(name, reason),
      onBack: () => watch.up(name, 0),
    })
    const { name } = this.#tier
    const { timeoutMs } = options
    const driver = driverOf(clock)
    this.#watch = watch
    this.#memo = memoOf?.(name)
    this.#recalling = this.#recall(this.#underWay.next())
    this.#door = new Doorway(this.#tier, driver, timeoutMs, this.#recalling)
    const ask = (call: (tier: Tier) => Promise<unknown>) => this.#door.inTime(this.#door.call(call))
    this.#trust = new Trust({ name, driver, options, watch, underWay: this.#underWay, ask })
    this.#changes = new TierChanges({
      ...{ driver, tier: this.#tier, door: this.#door },
      ...{ underWay: this.#underWay, trust: this.#trust, counts: this.#counts },
    })
  }

  get isShared(): boolean {
    return this.#tier.isShared === true
  }

  /** What the tier has of `keys`, in their order. Rejects only when `signal` aborts or the tier is closed. */
  async getMany(keys: readonly string[], signal?: AbortSignal): Promise<(TierEntry | undefined)[]> {
    if (this.#recalling !== undefined) await this.#recalling
    const found = new Array<TierEntry | undefined>(keys.length).fill(undefined)
    const asked: number[] = []
    for (let index = 0; index < keys.length; index += 1) {
      const key = keys[index] as string
      const pending = this.#underWay.get(key)
      if (pending !== undefined) found[index] = this.#pendingEntry(pending)
      else if (this.#trust.hasMissed(key)) this.#counts.bypassed += 1
      else if (!this.#underWay.isClearing) asked.push(index)
    }
    if (asked.length === 0) return found
    if (!this.#trust.admitsRead()) {
      this.#counts.bypassed += asked.length
      return found
    }
    const { generation } = this.#trust
    const { ticket } = this.#underWay
    try {
      const wanted = asked.length === keys.length ? keys : asked.map(index => keys[index] as string)
      const reading = this.#door.call(tier => tier.getMany(wanted, { signal }))
      const entries = await this.#door.inTime(reading, asked.length)
      this.#trust.succeeded(generation)
      const outdated: string[] = []
      for (let at = 0; at < asked.length; at += 1) {
        const index = asked[at] as number
        const entry = entries[at]
        if (entry === undefined || entry.facts?.buster === this.#options.buster) found[index] = entry
        else outdated.push(keys[index] as string)
      }
      if (outdated.length > 0) this.#outdated(outdated, ticket)
    } catch (error) {
      if (error instanceof TimeoutError) this.#counts.timeouts += asked.length
      // A large directory may take long to read, once.
      if (this.#door.isOpen) this.#trust.failed(error, generation)
      else this.#trust.undecided(generation)
      if (this.#trust.isClosed || signal?.aborted === true) throw error
    }
    return found
  }

  /** See {@link Tier.lock}. Nobody waits for one that is left alone. */
  lock(key: string, signal: () => AbortSignal): ReturnType<NonNullable<Tier['lock']>> {
    return this.#trust.state === 'closed' ? this.#tier.lock?.(key, signal) : undefined
  }

  /** Keys whose entries were written last, see {@link Tier.recent}; none where it cannot tell in time. `undefined`: it never can. */
  recent(most: Room, wanted: (key: string) => boolean): Promise<string[]> | undefined {
    if (this.#tier.recent === undefined || this.#trust.state !== 'closed') return undefined
    const listing = this.#door.call(async tier => (await tier.recent?.(most, wanted)) ?? [])
    return this.#door.inTime(listing, most.entries).catch(() => [])
  }

  /** Writes; resolves when the tier has it as `persist` says. */
  set(writes: readonly TierWrite[], how: HowToChange): Promise<void> {
    const limited = this.#limited(writes)
    const change: Change = { how, keys: limited.map(({ key }) => key), writes: limited }
    return this.#changes.make<void>(change, tier => tier.setMany(limited, how))
  }

  /**
   * Queues one entry for which nobody waits any longer, if the tier does that within the call and nothing else is to be minded. Otherwise
   * nothing has happened, and {@link set} is to be called.
   */
  offer(key: string, entry: TierEntry): Offered {
    const underWay = this.#underWay
    if (!this.#door.isFree || !this.#trust.isWhole || underWay.isClearing || underWay.get(key) !== undefined) return false
    const offered = this.#tier.offer?.(key, this.#asKept(entry)) ?? false
    if (offered === false) return false
    underWay.next()
    this.#trust.succeeded(this.#trust.generation)
    return offered
  }

  /** Takes copies of what a tier below has, unless it is left alone. */
  copy(writes: readonly TierWrite[]): void {
    if (this.#trust.state === 'closed' && !this.#trust.isWide) void this.set(writes, { persist: 'memory', isLoose: true })
  }

  /** Deletes; for each key, whether the tier had it, as far as it said so in time. */
  async remove(keys: readonly string[], how: HowToChange): Promise<readonly boolean[]> {
    return (await this.#changes.make({ how, keys }, tier => tier.deleteMany(keys, how))) ?? []
  }

  async invalidate(meant: Invalidation, how: HowToChange): Promise<void> {
    await this.#changes.make({ how, keys: [], wide: meant }, tier => tier.invalidate(meant, how))
  }

  async clear(how: HowToChange): Promise<void> {
    await this.#changes.make({ how, keys: [], wide: 'all' }, tier => tier.clear())
  }

  async flush(): Promise<void> {
    await this.#underWay.settled()
    if (this.#trust.state !== 'closed') throw this.#trust.unable()
    await this.#door.call(tier => tier.flush())
  }

  /** Before any tier is closed. Never rejects. */
  async leave(): Promise<void> {
    // Once more: what it is not told now, it will never be.
    if (this.#trust.state === 'closed') {
      await this.#door.inTime(this.#underWay.settled()).catch(() => {})
      if (this.#trust.missed > 0) await this.#door.inTime(this.#trust.repair()).catch(() => {})
    }
    const untold = this.#trust.untold(this.#underWay.keys)
    const isKept = this.#memo !== undefined && (await this.#keep(this.#memo, untold))
    if (untold === undefined) return
    const { keys, meant, isAll } = untold
    this.#watch.untold(this.#tier.name, keys.length + meant.length + (isAll ? 1 : 0), isKept)
  }

  async close(): Promise<void> {
    this.#trust.close()
    await this.#door.call(tier => tier.close())
  }

  stats(): CacheTierStats {
    const stats = this.#tier.stats()
    const { unsent, pendingHits, ...counts } = this.#counts
    return {
      ...stats,
      ...counts,
      ...this.#trust.counts,
      hits: stats.hits + pendingHits - counts.outdated,
      misses: stats.misses + counts.outdated,
      dropped: stats.dropped + unsent,
      mode: this.mode,
      circuit: this.#trust.state,
      missed: this.#trust.missed,
    }
  }

  #keep(memo: Memo, untold: Untold | undefined): Promise<boolean> {
    return this.#door.inTime(memo.keep(untold)).then(
      () => true,
      () => false,
    )
  }

  #recall(ticket: number): Promise<void> | undefined {
    return this.#memo?.recall().then(untold => {
      this.#recalling = undefined
      if (untold !== undefined) this.#trust.recall(untold, ticket)
    })
  }

  /** The writes as this tier keeps them: with its version, no longer than its `ttl`. */
  #limited(writes: readonly TierWrite[]): readonly TierWrite[] {
    return this.#keepsAll ? writes : writes.map(({ key, entry }) => ({ key, entry: this.#asKept(entry) }))
  }

  get #keepsAll(): boolean {
    return this.#options.ttlMs === Number.POSITIVE_INFINITY && this.#options.buster === undefined
  }

  #asKept(entry: TierEntry): TierEntry {
    if (this.#keepsAll) return entry
    const { ttlMs, buster } = this.#options
    const ends = this.#clock.wall() + ttlMs
    const marked = buster === undefined ? entry : { ...entry, facts: { ...entry.facts, buster } }
    return marked.expiresAt > ends ? { ...marked, expiresAt: ends } : marked
  }

  /** Entries of another version. They go, unless something may have been written in their place since they were read. */
  #outdated(keys: readonly string[], ticket: number): void {
    this.#counts.outdated += keys.length
    if (this.#underWay.ticket === ticket) void this.remove(keys, { persist: 'memory', isLoose: true })
  }

  #pendingEntry({ entry }: Pending): TierEntry | undefined {
    if (entry === undefined || !(entry.expiresAt > this.#clock.wall())) return undefined
    this.#counts.pendingHits += 1
    return entry
  }
}
