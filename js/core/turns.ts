/**
 * Who has his turn. While all that wait differ in their priority at the most, there is nothing to weigh: whoever came first of the highest is next. So places
 * are given here, without a call, and the core is asked as soon as somebody comes who differs in more: it takes over who has a place and who waits, and gives
 * them back when there is nobody left.
 */

import type { Driver } from './driver.ts'
import { PriorityLine } from './priority-line.ts'
import { QueueCore } from './queue-core.ts'
import type { AdaptiveConfig, AttemptRate, LimitReason, Load, Submitted } from './schedule-types.ts'
import { LISTED, NOWHERE, OUTSIDE, type Turn, Turnline } from './turn.ts'

/** The limits; times are milliseconds. */
export interface TurnsConfig {
  readonly concurrency: number
  readonly perLane: number
  readonly maxQueue: number
  /** Who makes way where the queue is full; with `'wait'` nobody: who comes waits outside. */
  readonly overflow: 'reject' | 'drop-oldest' | 'wait'
  /** How long a turn has to wait to come before one of a priority higher by one; `Infinity`: however long, it does not. */
  readonly aging: number
  readonly rateLimit: AttemptRate | undefined
  readonly adaptive: AdaptiveConfig | undefined
}

const NEVER = Number.POSITIVE_INFINITY
/** What the core can count. */
export const MOST = 2 ** 32 - 1
/** So many may wait outside. */
const MOST_OUTSIDE = 100_000

/** See the top of this file. */
export class Turns {
  onLimitChange: ((from: number, to: number, reason: LimitReason) => void) | undefined
  readonly #config: TurnsConfig
  readonly #driver: Driver
  /** Whether a place may be given here, and a queue be kept. */
  readonly #gives: boolean
  readonly #queues: boolean
  /** Those that wait, but while the core is asked. */
  readonly #line = new PriorityLine()
  /** Those that wait for room in the queue, whatever their priority, in the order in which they came. */
  readonly #outside = new Turnline()
  /** Those that have a place given here. */
  readonly #given = new Turnline()
  /** The key of these, where keys matter. */
  #key = ''
  #concurrency: number
  #paused = false
  #core: QueueCore | undefined
  /** Whether the core decides. */
  #asks = false
  #passing = false
  #entering = false

  constructor(config: TurnsConfig, driver: Driver) {
    this.#config = config
    this.#driver = driver
    this.#concurrency = config.concurrency
    this.#gives = config.rateLimit === undefined && config.adaptive === undefined
    this.#queues = this.#gives && config.aging === NEVER && config.overflow !== 'drop-oldest'
  }

  get waiting(): number {
    return this.#line.length + this.#outside.length + (this.#core?.waiting ?? 0)
  }

  get running(): number {
    return this.#given.length + (this.#core?.running ?? 0)
  }

  /** How many places there are. */
  get concurrency(): number {
    const { adaptive } = this.#config
    return adaptive === undefined ? this.#concurrency : (this.#core?.concurrency ?? adaptive.initial)
  }

  set concurrency(concurrency: number) {
    this.#concurrency = concurrency
    this.#core?.setConcurrency(concurrency)
    this.#pass()
  }

  /** Whether nobody begins for now. */
  get paused(): boolean {
    return this.#paused
  }

  set paused(paused: boolean) {
    this.#paused = paused
    this.#core?.setPaused(paused)
    this.#pass()
  }

  /** Asks for a turn, which may begin, and end, within the call. */
  enter(turn: Turn): Submitted {
    if (!this.#asks) {
      if (this.#gives && turn.weight === 1 && turn.timeout === undefined) {
        if (this.#next === undefined && this.#isFree && this.#sharesKey(turn)) {
          this.#begin(turn)
          return 'in'
        }
        if (this.#queues && turn.maxWait === undefined && this.#isAlike(turn)) return this.#queue(turn)
      }
      this.#ask()
    }
    return this.#enterCore(turn)
  }

  /** A turn that has begun is over. `load` is what a limit that moves is told. */
  end(turn: Turn, load: Load = 'served'): void {
    if (turn.place !== LISTED) {
      this.#core?.end(turn, load)
      return
    }
    this.#given.remove(turn)
    turn.place = NOWHERE
    if (this.#next !== undefined) this.#pass()
  }

  /** Gives a turn up, whether it waits or has begun. */
  leave(turn: Turn): void {
    if (turn.place === OUTSIDE) this.#outside.remove(turn)
    else if (turn.place !== LISTED) {
      this.#core?.cancel(turn)
      return
    } else if (turn.hasBegun) this.#given.remove(turn)
    else this.#line.remove(turn)
    turn.place = NOWHERE
    this.#pass()
  }

  /** Those that are not over. */
  all(): Turn[] {
    return [...this.#given, ...(this.#core?.turns() ?? []), ...this.#line, ...this.#outside]
  }

  /** Gives the core back. No turn may be left. */
  close(): void {
    this.#core?.close()
  }

  /** Whose turn is next, as long as the core is not asked. */
  get #next(): Turn | undefined {
    return this.#line.first ?? this.#outside.first
  }

  get #isFree(): boolean {
    const { perLane } = this.#config
    const places = perLane < this.#concurrency ? perLane : this.#concurrency
    return !this.#paused && this.#given.length < places
  }

  #sharesKey({ key }: Turn): boolean {
    return this.#config.perLane === MOST || this.#given.length === 0 || key === this.#key
  }

  #isAlike(turn: Turn): boolean {
    const next = this.#next
    return next === undefined ? this.#sharesKey(turn) : next.key === turn.key
  }

  #queue(turn: Turn): Submitted {
    const { maxQueue, overflow } = this.#config
    if (this.#line.length >= maxQueue || this.#outside.length > 0) return overflow === 'wait' ? this.#waitOutside(turn) : 'queue-full'
    turn.place = LISTED
    this.#line.push(turn)
    return 'in'
  }

  #begin(turn: Turn): void {
    this.#key = turn.key
    turn.place = LISTED
    turn.hasBegun = true
    this.#given.push(turn)
    turn.start()
  }

  /** Gives places that are free to those that wait; in a loop, since a turn may be over within the call that begins it. */
  #pass(): void {
    if (this.#passing || this.#asks) return
    this.#passing = true
    try {
      while (!this.#asks && this.#isFree) {
        const turn = this.#line.shift() ?? this.#outside.shift()
        if (turn === undefined) break
        this.#begin(turn)
      }
      if (!this.#asks && this.#outside.length > 0) this.#letIn()
    } finally {
      this.#passing = false
    }
    if (this.#asks) this.#rest()
  }

  /** There may be room in the queue. */
  #letIn(): void {
    while (this.#line.length < this.#config.maxQueue) {
      const turn = this.#outside.shift()
      if (turn === undefined) return
      turn.place = LISTED
      this.#line.push(turn)
    }
  }

  /** From now on the core decides. */
  #ask(): void {
    const core = this.#made()
    this.#asks = true
    for (const turn of this.#given) {
      this.#given.remove(turn)
      core.adopt(turn)
    }
    for (let turn = this.#line.shift(); turn !== undefined; turn = this.#line.shift()) core.append(turn)
  }

  #enterCore(turn: Turn): Submitted {
    const core = this.#made()
    const { overflow, maxQueue } = this.#config
    // Others wait outside, and who comes goes behind them.
    if (this.#outside.length > 0) return this.#waitOutside(turn)
    const isFull = core.waiting >= maxQueue
    if (this.#queues && !isFull && turn.maxWait === undefined && (this.#paused || core.taken >= this.#concurrency)) {
      core.append(turn)
      this.#asks = true
      return 'in'
    }
    const isInner = this.#entering
    this.#entering = true
    const answer = core.submit(turn)
    this.#entering = isInner
    if (answer === 'queue-full' && overflow === 'wait') return this.#waitOutside(turn)
    // Those before may have been the last; and after a trap there was nobody left before this one.
    if (!isInner) this.#asks = core.size > 0 || this.#outside.length > 0
    return answer
  }

  #waitOutside(turn: Turn): Submitted {
    if (this.#outside.length >= MOST_OUTSIDE) return 'queue-full'
    turn.place = OUTSIDE
    this.#outside.push(turn)
    return 'in'
  }

  /** The core has nothing to do: lets in who waits outside, and takes the decision back when there is nobody left. */
  #rest(): void {
    const core = this.#core
    if (this.#passing || !this.#asks || core === undefined) return
    this.#passing = true
    try {
      const { maxQueue } = this.#config
      for (let { first } = this.#outside; first !== undefined; first = this.#outside.first) {
        if (core.waiting >= maxQueue && (this.#paused || core.taken >= this.#concurrency)) break
        this.#outside.remove(first)
        first.place = NOWHERE
        const answer = core.submit(first)
        if (answer === 'in') continue
        if (answer !== 'queue-full') {
          first.refuse(answer)
          continue
        }
        first.place = OUTSIDE
        this.#outside.unshift(first)
        break
      }
    } finally {
      this.#passing = false
    }
    // Whoever is about to enter is not counted yet.
    if (core.size === 0 && this.#outside.length === 0 && !this.#entering) this.#asks = false
  }

  /** Made when it is first asked: a queue at the top of a module must not compile the core while modules are loaded. */
  #made(): QueueCore {
    if (this.#core === undefined) {
      const { overflow, ...config } = this.#config
      const unused = { initialDelay: 0, maxDelay: 0, decorrelated: false, maxRetryAfter: 0, seed: 0 }
      const whole = { ...unused, ...config, dropOldest: overflow === 'drop-oldest', concurrency: this.#concurrency }
      this.#core = new QueueCore(whole, this.#driver, () => this.#rest())
      this.#core.onLimitChange = (from, to, reason) => this.onLimitChange?.(from, to, reason)
      if (this.#paused) this.#core.setPaused(true)
    }
    return this.#core
  }
}
