/**
 * A tier as the cache sees it: one that may be slow, dead for a while, or late, and must never be believed when it could not be told
 * of a change.
 *
 * A read that takes too long, or fails, is a miss. After some failures in a row the tier is left alone ({@link Circuit}). A change
 * that it does not take is remembered ({@link Missed}), and what it may have older of that is not read until it has been told.
 */

import type { Clock } from '../clock.ts'
import { Alarm, type Driver, driverOf } from '../core/driver.ts'
import { storeContext } from '../core/tier-core.ts'
import { ClosedError, isShelflifeError, ShelflifeError, TimeoutError } from '../errors.ts'
import type { Invalidation, Persist, Room, StoreChange, Tier, TierEntry } from '../stores/tier.ts'
import { Circuit } from './circuit.ts'
import { Missed } from './missed.ts'
import { Patience, type Wait } from './patience.ts'
import type { ResolvedTier, TierMode } from './tier-options.ts'
import type { CacheTierStats } from './types.ts'

/** A write of one key. */
export interface TierWrite {
  readonly key: string
  readonly entry: TierEntry
}

/** How a change is made. */
export interface HowToChange {
  readonly persist: Persist
  /** Nobody waits for it. */
  readonly isLoose?: boolean
  /** Hears of a failure that reaches nobody else. */
  readonly told?: ((error: unknown) => void) | undefined
}

/** A change of keys, or of what is named otherwise. */
interface Change extends HowToChange {
  readonly keys: readonly string[]
  /** In the order of the keys; left out for deletions. */
  readonly entries?: readonly TierEntry[]
  /** Instead of keys: what is given up, or everything. */
  readonly wide?: Invalidation | 'all'
}

interface Pending {
  readonly ticket: number
  /** `undefined`: it is being deleted. */
  entry: TierEntry | undefined
}

/** Whom a tier tells when it is left alone, and when it is back. */
export interface TierWatch {
  /** Others have changed what it holds. */
  changed?(change: StoreChange): void
  down(tier: string, error: unknown): void
  up(tier: string, repaired: number): void
}

/** A write that has not come back after this will not. Longer than a store's own attempts. */
const WRITE_MS = 60_000
/** Keys that may be under way without anybody waiting for them. More are not written, and deleted later. */
const MOST_LOOSE = 16_384
/** After a single failure, what was missed is told so soon. */
const REPAIR_MS = 1000
/** Keys told in one call. */
const REPAIR_KEYS = 512
/** Keys that one timeout is for. */
const TIMED_KEYS = 1000
/** Failures that say something of what was asked, and nothing of the tier. */
const CALLERS: readonly string[] = ['ERR_CODEC', 'ERR_QUOTA', 'ERR_QUEUE_FULL', 'ERR_INVALID_ARGUMENT', 'ERR_ABORTED', 'ERR_CLOSED']

/** See the top of this file. */
export class GuardedTier {
  readonly mode: TierMode
  readonly #tier: Tier
  readonly #options: ResolvedTier
  readonly #clock: Clock
  readonly #driver: Driver
  readonly #watch: TierWatch
  readonly #circuit: Circuit
  readonly #missed = new Missed()
  /** Writes that the tier has not answered yet: reads are answered with them. */
  readonly #pending = new Map<string, Pending>()
  readonly #patience: Patience
  readonly #writePatience: Patience
  readonly #again: Alarm
  readonly #counts = { bypassed: 0, timeouts: 0, failures: 0, repaired: 0, outdated: 0, unsent: 0, pendingHits: 0 }
  readonly #loose = new Set<Promise<unknown>>()
  #looseKeys = 0
  /** The number of the latest change. */
  #ticket = 0
  /** Calls of `clear` that are under way: nothing is there until they are over. */
  #clearing = 0
  #repairing: Promise<void> | undefined
  /** Told since it was left alone. */
  #repairedSince = 0
  /** Whether it has at least heard of every change; what it has not taken of them is missed. */
  #isInformed = true
  #lastError: unknown
  #isClosed = false
  readonly #opening: Promise<void>
  #isOpen = false
  /** Calls that came before the tier was open and have not gone on yet. Later ones must not overtake them. */
  #queuedAtDoor = 0

  constructor(options: ResolvedTier, clock: Clock, watch: TierWatch) {
    this.mode = options.mode
    this.#options = options
    this.#clock = clock
    this.#watch = watch
    this.#tier = options.store.openTier({ ...storeContext(clock), onChange: change => watch.changed?.(change) })
    this.#driver = driverOf(clock)
    this.#circuit = new Circuit(options.failures)
    this.#patience = new Patience(this.#driver, options.timeoutMs, { holds: true })
    this.#writePatience = new Patience(this.#driver, WRITE_MS)
    this.#again = new Alarm(() => this.#tryAgain())
    // A tier that cannot open is off and says so; one that rejects all the same fails at its first call.
    this.#opening = attempt(() => this.#tier.open())
      .catch(() => {})
      .then(() => {
        this.#isOpen = true
      })
  }

  get isShared(): boolean {
    return this.#tier.isShared === true
  }

  /** What the tier has of `keys`, in their order. Rejects only when `signal` aborts or the tier is closed. */
  async getMany(keys: readonly string[], signal?: AbortSignal): Promise<(TierEntry | undefined)[]> {
    const found = new Array<TierEntry | undefined>(keys.length).fill(undefined)
    const asked: number[] = []
    for (const [index, key] of keys.entries()) {
      const pending = this.#pending.get(key)
      if (pending !== undefined) found[index] = this.#pendingEntry(pending)
      else if (this.#missed.has(key)) this.#counts.bypassed += 1
      else if (this.#clearing === 0) asked.push(index)
    }
    if (asked.length === 0) return found
    if (!this.#isInformed || this.#missed.isWide || !this.#circuit.admits()) {
      this.#counts.bypassed += asked.length
      return found
    }
    const { generation } = this.#circuit
    const ticket = this.#ticket
    try {
      const wanted = asked.length === keys.length ? keys : asked.map(index => keys[index] as string)
      const reading = this.#inOrder(() => this.#tier.getMany(wanted, { signal }))
      const entries = await this.#inTime(reading, asked.length)
      this.#succeeded(generation)
      const outdated: string[] = []
      for (const [at, index] of asked.entries()) {
        const entry = entries[at]
        if (entry === undefined || entry.facts?.buster === this.#options.buster) found[index] = entry
        else outdated.push(keys[index] as string)
      }
      if (outdated.length > 0) this.#outdated(outdated, ticket)
    } catch (error) {
      if (error instanceof TimeoutError) this.#counts.timeouts += asked.length
      // A large directory may take long to read, once.
      if (this.#isOpen) this.#failed(error, generation)
      else this.#circuit.undecided(generation)
      if (this.#isClosed || signal?.aborted === true) throw error
    }
    return found
  }

  /** See {@link Tier.lock}. Nobody waits for one that is left alone. */
  lock(key: string, signal: () => AbortSignal): ReturnType<NonNullable<Tier['lock']>> {
    return this.#circuit.state === 'closed' ? this.#tier.lock?.(key, signal) : undefined
  }

  /** Keys whose entries were written last, see {@link Tier.recent}; none where it cannot tell in time. `undefined`: it never can. */
  recent(most: Room, wanted: (key: string) => boolean): Promise<string[]> | undefined {
    if (this.#tier.recent === undefined || this.#circuit.state !== 'closed') return undefined
    const listing = this.#inOrder(async () => (await this.#tier.recent?.(most, wanted)) ?? [])
    return this.#inTime(listing, most.entries).catch(() => [])
  }

  /** Writes; resolves when the tier has it as `persist` says. */
  async set(writes: readonly TierWrite[], how: HowToChange): Promise<void> {
    const { ttlMs, buster } = this.#options
    const ends = ttlMs === Number.POSITIVE_INFINITY ? ttlMs : this.#clock.wall() + ttlMs
    const limited = writes.map(({ key, entry }) => {
      const marked = buster === undefined ? entry : { ...entry, facts: { ...entry.facts, buster } }
      return { key, entry: marked.expiresAt > ends ? { ...marked, expiresAt: ends } : marked }
    })
    const change = { ...how, keys: limited.map(({ key }) => key), entries: limited.map(({ entry }) => entry) }
    await this.#change(change, tier => tier.setMany(limited, how))
  }

  /** Takes copies of what a tier below has, unless it is left alone. */
  copy(writes: readonly TierWrite[]): void {
    if (this.#circuit.state === 'closed' && !this.#missed.isWide) void this.set(writes, { persist: 'memory', isLoose: true })
  }

  /** Deletes; for each key, whether the tier had it, as far as it said so in time. */
  async remove(keys: readonly string[], how: HowToChange): Promise<readonly boolean[]> {
    return (await this.#change({ ...how, keys }, tier => tier.deleteMany(keys, how))) ?? []
  }

  async invalidate(meant: Invalidation, how: HowToChange): Promise<void> {
    await this.#change({ ...how, keys: [], wide: meant }, tier => tier.invalidate(meant, how))
  }

  async clear(how: HowToChange): Promise<void> {
    await this.#change({ ...how, keys: [], wide: 'all' }, tier => tier.clear())
  }

  async flush(): Promise<void> {
    await Promise.all(this.#loose)
    if (this.#circuit.state !== 'closed') throw this.#unable()
    await this.#inOrder(() => this.#tier.flush())
  }

  async close(): Promise<void> {
    // Once more: what it is not told now, it will never be.
    if (this.#circuit.state === 'closed') {
      await this.#inTime(Promise.all(this.#loose)).catch(() => {})
      if (this.#missed.size > 0) await this.#inTime(this.#repair()).catch(() => {})
    }
    this.#isClosed = true
    this.#driver.set(this.#again, Number.POSITIVE_INFINITY)
    await this.#inOrder(() => this.#tier.close())
  }

  stats(): CacheTierStats {
    const stats = this.#tier.stats()
    const { unsent, pendingHits, ...counts } = this.#counts
    return {
      ...stats,
      ...counts,
      hits: stats.hits + pendingHits - counts.outdated,
      misses: stats.misses + counts.outdated,
      dropped: stats.dropped + unsent,
      mode: this.mode,
      circuit: this.#circuit.state,
      missed: this.#missed.size,
    }
  }

  /** Entries of another version. They go, unless something may have been written in their place since they were read. */
  #outdated(keys: readonly string[], ticket: number): void {
    this.#counts.outdated += keys.length
    if (this.#ticket === ticket) void this.remove(keys, { persist: 'memory', isLoose: true })
  }

  #pendingEntry({ entry }: Pending): TierEntry | undefined {
    if (entry === undefined || !(entry.expiresAt > this.#clock.wall())) return undefined
    this.#counts.pendingHits += 1
    return entry
  }

  /** Makes a change, unless the tier is left alone; then it is told later. `undefined` where nobody waits for the answer. */
  #change<T>(change: Change, call: (tier: Tier) => Promise<T>): Promise<T | undefined> {
    this.#ticket += 1
    const ticket = this.#ticket
    const count = Math.max(1, change.keys.length)
    // Before it has been told what was given up, it would take that for news.
    const isFull = change.isLoose === true && this.#looseKeys + count > MOST_LOOSE
    if (isFull || this.#missed.isWide || !this.#circuit.admits()) {
      this.#isInformed = false
      this.#outdatePending(change)
      this.#miss(change, ticket)
      this.#counts[isFull ? 'unsent' : 'bypassed'] += count
      return change.persist === 'memory' ? Promise.resolve(undefined) : Promise.reject(this.#unable())
    }
    this.#hold(change, ticket)
    const { generation } = this.#circuit
    const done = new Promise<T>((resolve, reject) => {
      const settled = (wait: Wait | undefined) => {
        if (wait !== undefined) this.#writePatience.end(wait)
        this.#letGo(change, ticket)
      }
      const late = () => {
        const error = new TimeoutError('store', WRITE_MS)
        settled(undefined)
        this.#counts.timeouts += count
        this.#untold(change, ticket, error, generation)
        reject(error)
      }
      const wait = this.#writePatience.begin(late)
      this.#inOrder(() => call(this.#tier)).then(
        result => {
          settled(wait)
          this.#told(change, ticket)
          this.#succeeded(generation)
          resolve(result)
        },
        error => {
          settled(wait)
          this.#untold(change, ticket, error, generation)
          reject(error)
        },
      )
    })
    if (change.isLoose !== true) return change.persist === 'memory' ? this.#waitFor(done, change, ticket, count) : done
    this.#loosen(done, change, count)
    return Promise.resolve(undefined)
  }

  /** Waits for `done`, but not for long; after that it goes on loose. Only the caller's own mistakes reach him. */
  async #waitFor<T>(done: Promise<T>, change: Change, ticket: number, count: number): Promise<T | undefined> {
    let isDone = false
    const settled = () => {
      isDone = true
    }
    done.then(settled, settled)
    try {
      return await this.#inTime(done)
    } catch (error) {
      if (isDone && isCallers(error)) throw error
      if (isDone) change.told?.(error)
      else {
        this.#counts.timeouts += count
        this.#loosen(done, change, count)
        // Of what was given up nobody knows which keys it means: nothing is believed until the answer comes.
        if (change.wide !== undefined) this.#miss(change, ticket)
      }
      return undefined
    }
  }

  #loosen(done: Promise<unknown>, { told }: Change, count: number): void {
    this.#looseKeys += count
    const loose = done
      .catch(error => told?.(error))
      .finally(() => {
        this.#looseKeys -= count
        this.#loose.delete(loose)
      })
    this.#loose.add(loose)
  }

  #hold(change: Change, ticket: number): void {
    const { keys, entries, wide } = change
    if (wide !== undefined) this.#outdatePending(change)
    if (wide === 'all') this.#clearing += 1
    for (const [at, key] of keys.entries()) {
      const entry = entries?.[at]
      // Whether a source has changed, the tier knows.
      this.#pending.set(key, { ticket, entry: entry?.facts?.dependsOn === undefined ? entry : undefined })
    }
  }

  /** What is on its way is older than a change. */
  #outdatePending({ keys, wide }: Change): void {
    // Nobody can say what of it is meant.
    const outdated = wide === undefined ? keys.map(key => this.#pending.get(key)) : this.#pending.values()
    for (const pending of outdated) if (pending !== undefined) pending.entry = undefined
  }

  #letGo({ keys, wide }: Change, ticket: number): void {
    if (wide === 'all') this.#clearing -= 1
    for (const key of keys) if (this.#pending.get(key)?.ticket === ticket) this.#pending.delete(key)
  }

  /** The tier has taken a change. */
  #told({ keys, wide }: Change, ticket: number): void {
    if (wide === undefined) this.#missed.toldKeys(keys, ticket)
    else if (wide === 'all') this.#missed.toldAll(ticket)
    else this.#missed.toldMeant(ticket)
  }

  /** The tier has not taken a change, or nobody knows. */
  #untold(change: Change, ticket: number, error: unknown, generation: number): void {
    // One that may not write hides what it cannot change, as long as it is open.
    const { state } = this.#tier.stats()
    if (state === 'read-only') return this.#circuit.undecided(generation)
    this.#miss(change, ticket)
    this.#failed(error, generation)
    if (this.#circuit.state === 'closed') this.#later(REPAIR_MS)
  }

  #miss({ keys, wide }: Change, ticket: number): void {
    if (wide === undefined) this.#missed.addKeys(keys, ticket)
    else if (wide === 'all') this.#missed.addAll(ticket)
    else this.#missed.addMeant(wide, ticket)
    if (this.#circuit.state === 'closed') this.#later(REPAIR_MS)
  }

  #succeeded(generation: number): void {
    if (!this.#circuit.succeeded(generation)) return
    this.#watch.up(this.#tier.name, this.#repairedSince)
    this.#repairedSince = 0
  }

  #failed(error: unknown, generation: number): void {
    if (this.#isClosed || isCallers(error)) {
      this.#circuit.undecided(generation)
      return
    }
    this.#counts.failures += 1
    this.#lastError = error
    const wasClosed = this.#circuit.state === 'closed'
    if (!this.#circuit.failed(generation)) return
    this.#later(this.#options.halfOpenMs)
    if (wasClosed) this.#watch.down(this.#tier.name, error)
  }

  #later(ms: number): void {
    if (this.#again.index < 0 || ms > REPAIR_MS) this.#driver.set(this.#again, this.#driver.now() + ms)
  }

  #tryAgain(): void {
    this.#circuit.halfOpen()
    if (this.#isBehind) void this.#repair().catch(() => {})
  }

  get #isBehind(): boolean {
    return this.#missed.size > 0 || !this.#isInformed
  }

  /** Tells the tier what it has missed. */
  #repair(): Promise<void> {
    this.#repairing ??= this.#tellAll().finally(() => {
      this.#repairing = undefined
      if (this.#isBehind && this.#circuit.state !== 'open' && !this.#isClosed) this.#later(REPAIR_MS)
    })
    return this.#repairing
  }

  async #tellAll(): Promise<void> {
    for (const [ticket, meant] of this.#missed.meant()) {
      await this.#tell(tier => tier.invalidate(meant, { persist: 'stored' }))
      this.#repaired(this.#missed.toldMeant(ticket))
    }
    if (this.#missed.isAll) {
      const ticket = this.#ticket
      await this.#tell(tier => tier.invalidate(EVERYTHING, { persist: 'stored' }))
      this.#repaired(this.#missed.toldAll(ticket))
    }
    for (;;) {
      // What is being written now is about to be told.
      const keys = this.#missed.keys(REPAIR_KEYS, key => !this.#pending.has(key))
      if (keys.length === 0) break
      const ticket = this.#ticket
      await this.#tell(tier => tier.deleteMany(keys, { persist: 'stored' }))
      this.#repaired(this.#missed.toldKeys(keys, ticket))
    }
    if (!this.#missed.isWide) this.#isInformed = true
  }

  /** A call that decides whether the tier is back. */
  async #tell(call: (tier: Tier) => Promise<unknown>): Promise<void> {
    const { generation } = this.#circuit
    if (!this.#circuit.admits()) throw this.#unable()
    try {
      await this.#inTime(this.#inOrder(() => call(this.#tier)))
    } catch (error) {
      this.#failed(error, generation)
      throw error
    }
    this.#succeeded(generation)
  }

  #repaired(count: number): void {
    this.#counts.repaired += count
    this.#repairedSince += count
  }

  /** `work`, or a rejection when it takes longer than a read of so many keys may. */
  #inTime<T>(work: Promise<T>, keys = 1): Promise<T> {
    const ms = this.#options.timeoutMs * Math.ceil(keys / TIMED_KEYS)
    if (ms === Number.POSITIVE_INFINITY) return work
    const patience = keys > TIMED_KEYS ? new Patience(this.#driver, ms, { holds: true }) : this.#patience
    return new Promise((resolve, reject) => {
      const wait = patience.begin(() => reject(new TimeoutError('store', ms)))
      const settled = () => patience.end(wait)
      work.then(settled, settled)
      work.then(resolve, reject)
    })
  }

  /** Calls the tier, once it is open, in the order in which the calls came. */
  #inOrder<T>(call: () => Promise<T>): Promise<T> {
    if (this.#isOpen && this.#queuedAtDoor === 0) return attempt(call)
    this.#queuedAtDoor += 1
    return this.#opening.then(() => {
      this.#queuedAtDoor -= 1
      return call()
    })
  }

  #unable(): ShelflifeError {
    const { name } = this.#tier
    if (this.#isClosed) return new ClosedError(`tier ${name}`)
    return new ShelflifeError('ERR_STORE', `tier ${name} is left alone, for it failed`, { cause: this.#lastError, retryable: true })
  }
}

function isCallers(error: unknown): boolean {
  return isShelflifeError(error) && CALLERS.includes(error.code)
}

async function attempt<T>(call: () => Promise<T>): Promise<T> {
  return call()
}

/** Every key is in this namespace or in one within it. */
const EVERYTHING: Invalidation = { namespace: '' }
