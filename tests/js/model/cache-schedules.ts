/**
 * Schedules of what goes on at once in a cache with a tier, a loader and a namespace, from seeds: reads, loads, writes, deletions,
 * invalidations, aborts and timeouts that begin and end in random order.
 *
 * Versions only rise. Once a change was acknowledged, who asks after that must not read anything older; everyone gets one
 * answer; and nothing is left behind.
 */

import { type Cache, createCache, isShelflifeError } from '../../../js/index.ts'
import { ManualClock } from '../../../js/testing.ts'
import { MapStore } from '../cache/map-store.ts'
import { Outcomes } from './outcomes.ts'
import { Seeded } from './random.ts'

const KEYS = ['a', 'b', 'c']
const WINDOWS = [0, 50, 500]
/** With every write and every load, so that giving it up reaches all. */
const TAG = 'all'
/** What the third key is made from, in those schedules that have sources. */
const [SOURCE, MADE] = ['a', 'c']

/** How often what happened. What never happened was not tested. */
export type Seen = Record<
  'values' | 'nothing' | 'origin' | 'timeouts' | 'aborts' | 'stale' | 'discarded' | 'batches' | 'givenUp' | 'within',
  number
>

/** Runs so many schedules from `firstSeed` on; rejects at the first that goes wrong, with its seed. */
export async function checkSchedules(schedules: number, firstSeed = 0): Promise<Seen> {
  const seen: Seen = { values: 0, nothing: 0, origin: 0, timeouts: 0, aborts: 0, stale: 0, discarded: 0, batches: 0, givenUp: 0, within: 0 }
  for (let seed = firstSeed; seed < firstSeed + schedules; seed += 1) {
    try {
      await new Schedule(seed, seen).run()
    } catch (cause) {
      throw new Error(`seed ${seed}: ${cause instanceof Error ? cause.message : cause}`, { cause })
    }
  }
  return seen
}

/** The cache, or a namespace in it. */
interface Place {
  readonly cache: Cache<number>
  /** The version below which nothing may be read any more, since a change was acknowledged, by key. */
  readonly floor: Map<string, number>
}

/** Operations whose loads and store answers end in random order. */
class Schedule {
  readonly #seen: Seen
  readonly #random: Seeded
  readonly #clock = new ManualClock()
  readonly #places: readonly Place[]
  readonly #hasSources: boolean
  /** Whether what is expired is gone. */
  readonly #isStrict: boolean
  /** What somebody waits for, and may end in any order. */
  readonly #paused: (() => void)[] = []
  readonly #outcomes = new Outcomes()
  #version = 0

  constructor(seed: number, seen: Seen) {
    this.#seen = seen
    this.#random = new Seeded(seed)
    const random = this.#random
    const store = new MapStore()
    store.pause = () => new Promise(resolve => this.#paused.push(resolve))
    const [swr, staleIfError] = [random.pick(WINDOWS), random.pick(WINDOWS)]
    this.#isStrict = swr === 0 && staleIfError === 0
    this.#hasSources = random.below(2) === 0
    const cache = createCache<number>({
      ...{ clock: this.#clock, max: 2, ttl: 40, swr, staleIfError },
      errorBackoff: random.pick([0, 30]),
      refreshAhead: random.pick([1, 0.5]),
      softTimeout: random.pick([20, Number.POSITIVE_INFINITY]),
      hardTimeout: random.pick([60, Number.POSITIVE_INFINITY]),
      negativeTtl: random.pick([0, 50]),
      ...(random.below(3) > 0 && { store }),
    })
    this.#places = [cache, ...(random.below(3) === 0 ? [cache.namespace('n', random.pick([undefined, { max: 1 }]))] : [])].map(one => ({
      cache: one,
      floor: new Map(),
    }))
  }

  async run(): Promise<void> {
    for (let step = 0; step < 25; step += 1) await this.#step()
    for (let turn = 0; turn < 5000 && this.#outcomes.areDue; turn += 1) {
      this.#letGo()
      if (this.#random.below(8) === 0) this.#clock.advance(10)
      await Promise.resolve()
    }
    this.#outcomes.check()
    // Loads that nobody waits for go on in the background, and so do reads of tiers; what is left when they have ended is left behind.
    for (let turn = 0; turn < 1000 && (this.#isBusy() || this.#paused.length + this.#clock.heldTimers > 0); turn += 1) {
      this.#letGo()
      await Promise.resolve()
    }
    for (const { cache } of this.#places) {
      const { discarded, staleHits, staleAfterError, staleAfterTimeout } = cache.stats()
      this.#seen.discarded += discarded
      this.#seen.stale += staleHits + staleAfterError + staleAfterTimeout
    }
    const left = { pending: this.#places.map(({ cache }) => cache.pending()), timers: this.#clock.heldTimers }
    if (this.#isBusy() || left.timers > 0) throw new Error(`left behind: ${JSON.stringify(left)}`)
    this.#outcomes.expect((this.#places[0] as Place).cache.close())
    for (; this.#outcomes.areDue; await Promise.resolve()) this.#letGo()
    this.#outcomes.check()
  }

  async #step(): Promise<void> {
    const random = this.#random
    const place = random.pick(this.#places)
    const { cache } = place
    const key = random.pick(KEYS)
    if (place !== this.#places[0]) this.#seen.within += 1
    switch (random.below(15)) {
      case 0:
      case 1:
      case 2:
        return this.#read(place, [key], options => cache.getOrSet(key, this.#loader, options).then(value => [value]))
      case 3: {
        const keys = Array.from({ length: 1 + random.below(4) }, () => random.pick(KEYS))
        return this.#read(place, keys, options => cache.getOrSetMany(keys, this.#manyLoader, options))
      }
      case 4:
        return this.#read(place, [key], () => cache.get(key, { allowStale: random.below(2) === 0 }).then(value => [value]))
      case 5:
        return this.#read(place, [key], options => cache.refresh(key, this.#loader, options).then(value => [value]))
      case 6:
      case 7: {
        const value = ++this.#version
        return this.#change([place], [key], value, cache.set(key, value, this.#marks()))
      }
      case 8:
        return this.#change([place], [key], ++this.#version, cache.delete(key))
      case 9:
        return random.below(3) === 0 ? this.#change(this.#within(place), KEYS, ++this.#version, cache.clear()) : undefined
      case 10:
        return this.#giveUp(place, key)
      case 11:
        this.#clock.advance(random.below(80))
        return
      default:
        this.#letGo()
        await Promise.resolve()
    }
  }

  #giveUp(place: Place, key: string): void {
    const random = this.#random
    const { cache } = place
    const to = ++this.#version
    this.#seen.givenUp += 1
    const mode = random.below(3) === 0 ? 'expire' : 'delete'
    const isGone = mode === 'delete' || this.#isStrict
    switch (random.below(5)) {
      case 0:
        return this.#change(isGone ? this.#within(place) : [], KEYS, to, cache.invalidateTags([TAG], { mode }))
      case 1:
        return this.#change(isGone ? [place] : [], KEYS, to, cache.invalidate('?', { mode }))
      case 2:
        return this.#change(isGone ? [place] : [], [key], to, cache.invalidate(`${key}*`, { mode }))
      case 3:
        return this.#change(isGone ? [place] : [], [key], to, cache.invalidatePrefix(key, { mode }))
      default:
        return this.#change(this.#isStrict ? [place] : [], [key], to, cache.expire(key))
    }
  }

  /** What a change of `place` as a whole reaches. */
  #within(place: Place): readonly Place[] {
    return place === this.#places[0] ? this.#places : [place]
  }

  #marks(): { tags: string[]; dependsOn?: string[] } {
    return this.#hasSources ? { tags: [TAG], dependsOn: [SOURCE] } : { tags: [TAG] }
  }

  readonly #loader = (): Promise<number | undefined> => this.#outcome()

  readonly #manyLoader = async (keys: readonly string[]): Promise<Map<string, number | Error | undefined>> => {
    this.#seen.batches += 1
    if (this.#random.below(8) === 0) throw new Error('origin')
    const made = await Promise.all(keys.map(() => this.#outcome().catch((error: Error) => error)))
    return new Map(keys.map((key, at) => [key, made[at]]))
  }

  /** What a load comes to, some time after it has begun: a version of that moment, nothing, or a failure. */
  #outcome(): Promise<number | undefined> {
    const made = ++this.#version
    const fate = this.#random.below(8)
    return new Promise((resolve, reject) => {
      this.#paused.push(() => {
        if (fate === 0) reject(new Error('origin'))
        else resolve(fate === 1 ? undefined : made)
      })
    })
  }

  #read(place: Place, keys: readonly string[], ask: (options: object) => Promise<(number | undefined)[]>): void {
    const least = keys.map(key => place.floor.get(key) ?? 0)
    const controller = this.#random.below(4) === 0 ? new AbortController() : undefined
    const isForced = this.#random.below(10) === 0
    const answer = ask({ ...(controller && { signal: controller.signal }), ...(isForced && { forceFresh: true }), ...this.#marks() })
    if (controller !== undefined) this.#paused.push(() => controller.abort(new Error('abort')))
    this.#outcomes.expect(
      answer.then(
        values => this.#check(keys, values, least),
        error => this.#excuse(error, keys, least),
      ),
    )
  }

  #check(keys: readonly string[], values: readonly (number | undefined)[], least: readonly number[]): void {
    if (values.length !== keys.length) throw new Error(`${values.length} answers for ${keys.length} keys`)
    for (const [at, value] of values.entries()) {
      this.#seen[value === undefined ? 'nothing' : 'values'] += 1
      if (value !== undefined && value < (least[at] as number))
        throw new Error(`version ${value} of ${keys[at]} was read after ${least[at]} was acknowledged`)
    }
  }

  #excuse(error: unknown, keys: readonly string[], least: readonly number[]): void {
    const { message } = error as Error
    if (isShelflifeError(error) && error.code === 'ERR_PARTIAL_LOAD')
      this.#check(keys, (error as unknown as { values: (number | undefined)[] }).values, least)
    else if (isShelflifeError(error) && error.code === 'ERR_TIMEOUT') this.#seen.timeouts += 1
    else if (message === 'origin') this.#seen.origin += 1
    else if (message === 'abort') this.#seen.aborts += 1
    else throw error
  }

  /** Once `change` is acknowledged, nothing older than `to` may be read of `keys`, nor of what was made from one of them. */
  #change(places: readonly Place[], keys: readonly string[], to: number, change: Promise<unknown>): void {
    const reached = this.#hasSources && keys.includes(SOURCE) ? [...keys, MADE] : keys
    const acknowledged = () => {
      for (const { floor } of places) for (const key of reached) floor.set(key, Math.max(floor.get(key) ?? 0, to))
    }
    this.#outcomes.expect(change.then(acknowledged))
  }

  #letGo(): void {
    this.#paused.splice(this.#random.below(this.#paused.length + 1), 1)[0]?.()
  }

  #isBusy(): boolean {
    return this.#places.some(({ cache }) => cache.pending().loads + cache.pending().leases > 0)
  }
}
