/**
 * A schedule of turns in the core. Those that come while nobody can begin, and those that end or are given up, are written down here and told
 * in one call: when somebody may begin, at the latest when the promises that are settled by now have had their turn.
 */

import { CoreTrappedError } from '../errors.ts'
import { CoreHandle, type CoreNumbers } from './door.ts'
import { Alarm, type Driver } from './driver.ts'
import { part, QueueHandle } from './parts/schedule.ts'
import { type QueueLane, QueueLanes } from './queue-lanes.ts'
import { QueuePlaces } from './queue-places.ts'
import { DEADLINES, LOADS, REASONS } from './schedule-numbers.ts'
import type { Deadline, LimitReason, Load, ScheduleConfig, Submitted } from './schedule-types.ts'
import { SENT, type Turn } from './turn.ts'

/** The layout of the buffer, as `src/wasm/queue.rs` has it. */
const HEAD = 2
const NEWCOMERS = 128
const NEWCOMER = 5
const ENDED = 64
const END = 2
/** In place of what an end says about the load. */
const GIVEN_UP = 3
const ACTIONS = 64
const ACTION = 4
const ENDED_AT = HEAD + NEWCOMERS * NEWCOMER
const ACTIONS_AT = ENDED_AT + ENDED * END
const NEVER = Number.POSITIVE_INFINITY

const settled = Promise.resolve()

/** See the top of this file. */
export class QueueCore {
  /** Turns that wait, as far as they have been told. */
  waiting = 0
  running = 0
  /** Places that are taken. */
  taken = 0
  /** Told when the number of places has moved. Must not throw. */
  onLimitChange: ((from: number, to: number, reason: LimitReason) => void) | undefined
  readonly #core: CoreHandle<QueueHandle>
  readonly #driver: Driver
  readonly #onRest: () => void
  readonly #alarm = new Alarm(() => this.#tryTo(() => this.#perform()), { holds: true })
  readonly #lanes = new QueueLanes()
  readonly #places = new QueuePlaces()
  readonly #coming = new Float64Array(NEWCOMERS * NEWCOMER)
  readonly #newcomers: (Turn | undefined)[] = new Array(NEWCOMERS).fill(undefined)
  #come = 0
  /** Those who are about to hear what the core has decided, and which deadline has passed, or -1. */
  readonly #acting: (Turn | undefined)[] = new Array(ACTIONS).fill(undefined)
  readonly #deadlines = new Int8Array(ACTIONS)
  readonly #ending = new Float64Array(ENDED * END)
  #ended = 0
  /** Whether there is one among them that was given up. */
  #givenUp = false
  #buffer: CoreNumbers
  #concurrency: number
  #paused = false
  #performing = false
  #awaited = false
  #closed = false
  #hasBurst = true
  /** How much the core has been told, and what it had been told when nothing was left to do. */
  #inputs = 0
  #performed = 0
  readonly #flush = () => {
    this.#awaited = false
    // Many that end at once are told before, but nobody has asked what follows from it.
    if (this.#ended > 0 || this.#inputs !== this.#performed) this.#tryTo(() => this.#perform())
  }

  /** `onRest` is called after every input, when nothing is left to do; it may not throw. */
  constructor(config: ScheduleConfig, driver: Driver, onRest: () => void) {
    this.#driver = driver
    this.#onRest = onRest
    this.#concurrency = config.concurrency
    this.#core = new CoreHandle(part, () => {
      const handle = new QueueHandle({ aging: NEVER, ...config, concurrency: this.#concurrency }, driver.now())
      // After a trap nobody knows how much was in the bucket.
      if (!this.#hasBurst) handle.emptyBucket()
      this.#hasBurst = false
      return handle
    })
    this.#buffer = this.#view()
  }

  /** How many turns wait or last. */
  get size(): number {
    return this.waiting + this.running
  }

  /** How many places there are. */
  get concurrency(): number {
    return this.#core.lost ? this.#concurrency : this.#core.use(core => core.concurrency)
  }

  /** Asks for a turn, which may begin within the call. */
  submit(turn: Turn): Submitted {
    let refused: Submitted | undefined
    this.#tryTo(() => {
      // What they had is free for whoever waits, who then makes room for this one.
      if (this.#ended > 0) {
        this.#take()
        this.#perform()
      }
      const at = this.#come * NEWCOMER
      this.#write(turn)
      this.#take()
      if (turn.place >= 0) return this.#perform()
      const { numbers } = this.#buffer
      refused = numbers[HEAD + at] === -1 ? 'queue-full' : { retryAfterMs: numbers[HEAD + at + 1] as number }
    })
    return refused ?? 'in'
  }

  /** The same for one that is known to have room, and cannot begin yet. Without a deadline for its wait. */
  append(turn: Turn): void {
    // The core would count those who have left, too.
    if (this.#core.lost || this.#givenUp) this.#tryTo(() => this.#take())
    const lane = this.#write(turn)
    // A lane that is not known there yet must not be named twice; and what the core has done meanwhile may have ended one.
    if (this.#come === NEWCOMERS || this.#performing || lane.id < 0) this.#tryTo(() => this.#take())
  }

  /** Takes in a turn that has begun. */
  adopt(turn: Turn): void {
    this.#tryTo(() => {
      const { timeout = NEVER, weight } = turn
      const lane = this.#lanes.join(turn.key)
      this.running += 1
      this.taken += weight
      turn.hasBegun = true
      const name = this.#core.use(core => core.adopt(lane.id, timeout, weight, this.#driver.now()))
      lane.id = this.#buffer.numbers[0] as number
      this.#places.file(turn, name)
      this.#inputs += 1
    })
  }

  /** A turn that has begun is over. */
  end(turn: Turn, load: Load): void {
    this.#over(turn, LOADS[load])
  }

  /** Gives a turn up, whether it waits or has begun. */
  cancel(turn: Turn): void {
    // Whoever is given up must have been told of.
    if (turn.place === SENT) this.#tryTo(() => this.#take())
    this.#givenUp = true
    this.#over(turn, GIVEN_UP)
  }

  /** Changes how many places there are. What has begun goes on. */
  setConcurrency(concurrency: number): void {
    this.#concurrency = concurrency
    this.#tryTo(() => {
      this.#take()
      this.#core.use(core => core.setConcurrency(concurrency, this.#driver.now()))
      this.#perform()
    })
  }

  /** Lets nobody begin, or lets them begin again. */
  setPaused(paused: boolean): void {
    this.#paused = paused
    this.#tryTo(() => {
      this.#take()
      this.#core.use(core => core.setPaused(paused, this.#driver.now()))
      this.#perform()
    })
  }

  /** Those that are not over. */
  turns(): Turn[] {
    const coming = this.#newcomers.slice(0, this.#come)
    return [...this.#places.all(), ...coming].filter(turn => turn !== undefined)
  }

  /** Gives the core back. No turn may be left. */
  close(): void {
    this.#closed = true
    this.#driver.set(this.#alarm, NEVER)
    this.#core.free()
  }

  #over(turn: Turn, how: number): void {
    if (turn.place < 0) return
    const name = this.#places.nameOf(turn)
    if (name !== undefined) {
      const at = this.#ended * END
      this.#ending[at] = name
      this.#ending[at + 1] = how
      this.#ended += 1
    }
    this.#leave(turn)
    if (this.#ended === ENDED) this.#tryTo(() => this.#take())
    if (this.#awaited || this.#performing) return
    this.#awaited = true
    void settled.then(this.#flush)
  }

  #write(turn: Turn): QueueLane {
    const lane = this.#lanes.join(turn.key)
    const at = this.#come * NEWCOMER
    const coming = this.#coming
    coming[at] = lane.id
    coming[at + 1] = turn.timeout ?? NEVER
    coming[at + 2] = turn.maxWait ?? NEVER
    coming[at + 3] = turn.priority
    coming[at + 4] = turn.weight
    this.#newcomers[this.#come] = turn
    this.#come += 1
    this.waiting += 1
    turn.place = SENT
    return lane
  }

  /** Tells the core who has come and who has ended. */
  #take(): void {
    const [come, ended] = [this.#come, this.#ended]
    if (come === 0 && ended === 0) return
    this.#core.use(core => {
      const { numbers } = this.#buffer
      for (let at = 0; at < come * NEWCOMER; at += 1) numbers[HEAD + at] = this.#coming[at] as number
      for (let at = 0; at < ended * END; at += 1) numbers[ENDED_AT + at] = this.#ending[at] as number
      core.take(come, ended, this.#driver.now())
    })
    this.#come = 0
    this.#ended = 0
    this.#givenUp = false
    this.#inputs += 1
    const { numbers } = this.#buffer
    for (let place = 0; place < come; place += 1) {
      const turn = this.#newcomers[place] as Turn
      this.#newcomers[place] = undefined
      const at = HEAD + place * NEWCOMER
      const name = numbers[at] as number
      if (name < 0) this.#leave(turn)
      else {
        this.#lanes.of(turn.key).id = numbers[at + 1] as number
        this.#places.file(turn, name)
      }
    }
  }

  /** Does what the core decided, until nothing is left. What comes in meanwhile is left to the outer call. */
  #perform(): void {
    this.#inputs += 1
    if (this.#performing) return
    this.#performing = true
    try {
      let seen: number
      let count: number
      let buffer: CoreNumbers
      do {
        this.#take()
        seen = this.#inputs
        buffer = this.#buffer
        count = this.#core.use(core => core.drain(this.#driver.now()))
        this.#driver.set(this.#alarm, this.size === 0 ? NEVER : (this.#buffer.numbers[0] as number))
        this.#book(count)
        for (let at = 0; at < count; at += 1) this.#act(at)
        // After a trap on the way there is another buffer.
        // Whoever has begun may have closed it all.
        if (this.#closed) return
      } while (seen !== this.#inputs || this.#ended > 0 || count === ACTIONS || buffer !== this.#buffer)
      this.#performed = this.#inputs
    } finally {
      this.#performing = false
    }
    this.#onRest()
  }

  /** Notes what the core has decided. All of it before anybody hears of it: where many wait, memory is slow, and is asked for all at once so. */
  #book(count: number): void {
    const { numbers } = this.#buffer
    for (let action = 0; action < count; action += 1) {
      const at = ACTIONS_AT + action * ACTION
      const [name, detail] = [numbers[at + 1] as number, numbers[at + 2] as number]
      this.#acting[action] = undefined
      if (numbers[at] === 2) {
        this.onLimitChange?.(name, detail, REASONS[numbers[at + 3] as number] as LimitReason)
        continue
      }
      const turn = this.#places.named(name)
      if (turn === undefined) continue
      this.#acting[action] = turn
      if (numbers[at] === 0) {
        this.#deadlines[action] = -1
        this.waiting -= 1
        this.running += 1
        this.taken += turn.weight
        turn.hasBegun = true
      } else {
        this.#deadlines[action] = detail
        this.#leave(turn)
      }
    }
  }

  #act(action: number): void {
    const turn = this.#acting[action]
    this.#acting[action] = undefined
    const deadline = this.#deadlines[action] as number
    if (deadline >= 0) turn?.expire(DEADLINES[deadline] as Deadline)
    // Somebody who was told before may have given it up.
    else if (turn !== undefined && turn.place >= 0) turn.start()
  }

  /** A turn is over, or has not been let in. */
  #leave(turn: Turn): void {
    this.#places.forget(turn)
    if (turn.hasBegun) {
      this.running -= 1
      this.taken -= turn.weight
    } else this.waiting -= 1
    this.#lanes.leave(turn.key)
  }

  /** After a trap those that wait are told; anything else is not ours to swallow. */
  #tryTo(action: () => void): void {
    if (this.#closed) return
    try {
      if (this.#core.lost) this.#restart(new CoreTrappedError(undefined))
      action()
    } catch (error) {
      if (!(error instanceof CoreTrappedError)) throw error
      this.#restart(error)
    }
  }

  /** A new core hears of those that have begun. */
  #restart(error: CoreTrappedError): void {
    const turns = this.turns()
    for (const turn of turns) this.#leave(turn)
    this.#places.clear()
    this.#newcomers.fill(undefined)
    this.#come = 0
    this.#ended = 0
    this.#givenUp = false
    this.#driver.set(this.#alarm, NEVER)
    this.#core.renew()
    this.#buffer = this.#view()
    if (this.#paused) this.#core.use(core => core.setPaused(true, this.#driver.now()))
    for (const turn of turns) if (turn.hasBegun) this.adopt(turn)
    for (const turn of turns) if (!turn.hasBegun) turn.lose(error)
    this.#onRest()
  }

  #view(): CoreNumbers {
    return this.#core.use(core => this.#core.numbers(core.pointer, core.length))
  }
}
