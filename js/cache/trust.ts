/**
 * Whether a tier is to be asked and believed. After some failures in a row it is left alone ({@link Circuit}). A change that it does
 * not take is remembered ({@link Missed}), and what it may have older of that is not read until it has been told.
 */

import { Alarm, type Driver } from '../core/driver.ts'
import { ClosedError, isShelflifeError, ShelflifeError } from '../errors.ts'
import type { Invalidation, StoreChange, Tier } from '../stores/tier.ts'
import { Circuit, type CircuitState } from './circuit.ts'
import { Missed } from './missed.ts'
import type { ResolvedTier } from './tier-options.ts'
import type { Change, UnderWay } from './under-way.ts'
import type { Untold } from './untold.ts'

/** Whom a tier tells when it is left alone, and when it is back. */
export interface TierWatch {
  /** Others have changed what it holds. */
  changed?(change: StoreChange): void
  /** Whether memory has a value of a key of the tiers. */
  isInUse?(key: string): boolean
  down(tier: string, error: unknown): void
  up(tier: string, repaired: number): void
  /** The cache is closed, and the tier has not been told of so many changes. */
  untold(tier: string, missed: number, isKept: boolean): void
}

/** What {@link Trust} is made of. */
export interface TrustOptions {
  readonly name: string
  readonly driver: Driver
  readonly options: ResolvedTier
  readonly watch: TierWatch
  readonly underWay: UnderWay
  /** Calls the tier, and waits no longer than for a read. */
  readonly ask: (call: (tier: Tier) => Promise<unknown>) => Promise<unknown>
}

/** After a single failure, what was missed is told so soon. */
const REPAIR_MS = 1000
/** Keys told in one call. */
const REPAIR_KEYS = 512
/** Failures that say something of what was asked, and nothing of the tier. */
const CALLERS: readonly string[] = ['ERR_CODEC', 'ERR_QUOTA', 'ERR_QUEUE_FULL', 'ERR_INVALID_ARGUMENT', 'ERR_ABORTED', 'ERR_CLOSED']
/** Every key is in this namespace or in one within it. */
const EVERYTHING: Invalidation = { namespace: '' }

/** See the top of this file. */
export class Trust {
  readonly counts = { failures: 0, repaired: 0 }
  readonly #from: TrustOptions
  readonly #circuit: Circuit
  readonly #missed = new Missed()
  readonly #again: Alarm
  #repairing: Promise<void> | undefined
  /** Told since it was left alone. */
  #repairedSince = 0
  /** Whether it has at least heard of every change; what it has not taken of them is missed. */
  #isInformed = true
  #lastError: unknown
  #isClosed = false

  constructor(from: TrustOptions) {
    this.#from = from
    this.#circuit = new Circuit(from.options.failures)
    this.#again = new Alarm(() => this.#tryAgain())
  }

  get state(): CircuitState {
    return this.#circuit.state
  }

  /** See {@link Circuit.generation}. */
  get generation(): number {
    return this.#circuit.generation
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Whether it has taken every change so far, and answers. */
  get isWhole(): boolean {
    return this.#circuit.state === 'closed' && this.#isInformed && this.#missed.size === 0
  }

  /** Changes that it has missed. */
  get missed(): number {
    return this.#missed.size
  }

  /** Whether it may have something older of `key`. */
  hasMissed(key: string): boolean {
    return this.#missed.has(key)
  }

  /** Whether it may have something older of keys that nobody can name. */
  get isWide(): boolean {
    return this.#missed.isWide
  }

  /** Asks to let a read through; its outcome must be told. */
  admitsRead(): boolean {
    return this.#isInformed && this.admitsChange()
  }

  /** Asks to let a change through. Before the tier has been told what was given up, it would take that for news. */
  admitsChange(): boolean {
    return !this.#missed.isWide && this.#circuit.admits()
  }

  /** What it has not been told, those among it that are `underWay`; `undefined` when there is nothing. */
  untold(underWay: readonly string[]): Untold | undefined {
    const keys = [...new Set([...underWay, ...this.#missed.keys(Number.POSITIVE_INFINITY, () => true)])]
    const meant = this.#missed.meant().map(([, one]) => one)
    const { isAll } = this.#missed
    return keys.length === 0 && meant.length === 0 && !isAll ? undefined : { keys, meant, isAll }
  }

  /** What it was not told before this cache was made, as of `ticket`: it is told now. */
  recall({ keys, meant, isAll }: Untold, ticket: number): void {
    this.#missed.addKeys(keys, ticket)
    for (const one of meant) this.#missed.addMeant(one, this.#from.underWay.next())
    if (isAll) this.#missed.addAll(ticket)
    void this.repair().catch(() => {})
  }

  /** A change that the tier has not even heard of. */
  skipped(change: Change, ticket: number): void {
    this.#isInformed = false
    this.missedBy(change, ticket)
  }

  /** The tier has not taken a change, or nobody knows. */
  missedBy({ keys, wide }: Change, ticket: number): void {
    if (wide === undefined) this.#missed.addKeys(keys, ticket)
    else if (wide === 'all') this.#missed.addAll(ticket)
    else this.#missed.addMeant(wide, ticket)
    if (this.#circuit.state === 'closed') this.#later(REPAIR_MS)
  }

  /** The tier has taken a change. */
  told({ keys, wide }: Change, ticket: number): void {
    if (wide === undefined) this.#missed.toldKeys(keys, ticket)
    else if (wide === 'all') this.#missed.toldAll(ticket)
    else this.#missed.toldMeant(ticket)
  }

  /** A call has come back. */
  succeeded(generation: number): void {
    if (!this.#circuit.succeeded(generation)) return
    this.#from.watch.up(this.#from.name, this.#repairedSince)
    this.#repairedSince = 0
  }

  /** A call has failed. */
  failed(error: unknown, generation: number): void {
    if (this.#isClosed || isCallers(error)) return this.undecided(generation)
    this.counts.failures += 1
    this.#lastError = error
    const wasClosed = this.#circuit.state === 'closed'
    if (!this.#circuit.failed(generation)) return
    this.#later(this.#from.options.halfOpenMs)
    if (wasClosed) this.#from.watch.down(this.#from.name, error)
  }

  /** A call has ended in a way that says nothing of the tier. */
  undecided(generation: number): void {
    this.#circuit.undecided(generation)
  }

  /** Tells the tier what it has missed. */
  repair(): Promise<void> {
    this.#repairing ??= this.#tellAll().finally(() => {
      this.#repairing = undefined
      if (this.#isBehind && this.#circuit.state !== 'open') this.#later(REPAIR_MS)
    })
    return this.#repairing
  }

  /** Why a call does not go through. */
  unable(): ShelflifeError {
    const { name } = this.#from
    if (this.#isClosed) return new ClosedError(`tier ${name}`)
    return new ShelflifeError('ERR_STORE', `tier ${name} is left alone, for it failed`, { cause: this.#lastError, retryable: true })
  }

  close(): void {
    this.#isClosed = true
    this.#from.driver.set(this.#again, Number.POSITIVE_INFINITY)
  }

  get #isBehind(): boolean {
    return this.#missed.size > 0 || !this.#isInformed
  }

  #later(ms: number): void {
    const { driver } = this.#from
    if (!this.#isClosed && (this.#again.index < 0 || ms > REPAIR_MS)) driver.set(this.#again, driver.now() + ms)
  }

  #tryAgain(): void {
    this.#circuit.halfOpen()
    if (this.#isBehind) void this.repair().catch(() => {})
  }

  async #tellAll(): Promise<void> {
    const { underWay } = this.#from
    for (const [ticket, meant] of this.#missed.meant()) {
      await this.#tell(tier => tier.invalidate(meant, { persist: 'stored' }))
      this.#repaired(this.#missed.toldMeant(ticket))
    }
    if (this.#missed.isAll) {
      const { ticket } = underWay
      await this.#tell(tier => tier.invalidate(EVERYTHING, { persist: 'stored' }))
      this.#repaired(this.#missed.toldAll(ticket))
    }
    for (;;) {
      // What is being written now is about to be told.
      const keys = this.#missed.keys(REPAIR_KEYS, key => underWay.get(key) === undefined)
      if (keys.length === 0) break
      const { ticket } = underWay
      await this.#tell(tier => tier.deleteMany(keys, { persist: 'stored' }))
      this.#repaired(this.#missed.toldKeys(keys, ticket))
    }
    if (!this.#missed.isWide) this.#isInformed = true
  }

  /** A call that decides whether the tier is back. */
  async #tell(call: (tier: Tier) => Promise<unknown>): Promise<void> {
    const { generation } = this.#circuit
    if (!this.#circuit.admits()) throw this.unable()
    try {
      await this.#from.ask(call)
    } catch (error) {
      this.failed(error, generation)
      throw error
    }
    this.succeeded(generation)
  }

  #repaired(count: number): void {
    this.counts.repaired += count
    this.#repairedSince += count
  }
}

/** Whether a failure says something of what was asked, and nothing of the tier. */
export function isCallers(error: unknown): boolean {
  return isShelflifeError(error) && CALLERS.includes(error.code)
}
