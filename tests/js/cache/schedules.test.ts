import { expect, test } from 'vitest'
import { type Cache, createCache, isShelflifeError } from '../../../js/index.ts'
import { ManualClock } from '../../../js/testing.ts'
import { Seeded } from '../model/random.ts'
import { MapStore } from './map-store.ts'

const KEYS = ['a', 'b', 'c']
const WINDOWS = [0, 50, 500]

const SHARE = 25_000

/** Four shares of 25 000 make 100 000. */
test.each([0, 1, 2, 3])(
  'in random schedules, share %i of four, no acknowledged change is undone, and nothing is left behind',
  {
    timeout: 300_000,
  },
  async share => {
    const seen = { values: 0, nothing: 0, origin: 0, timeouts: 0, aborts: 0, stale: 0, discarded: 0, batches: 0 }
    for (let seed = share * SHARE; seed < (share + 1) * SHARE; seed += 1) await new Schedule(seed, seen).run()
    // What never happened was not tested.
    for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(1000)
  },
)

/** Operations whose loads and store answers end in random order. Versions only rise: reading an older one is an error. */
class Schedule {
  readonly #seed: number
  readonly #seen: Record<string, number>
  readonly #random: Seeded
  readonly #clock = new ManualClock()
  readonly #cache: Cache<number>
  /** What somebody waits for, and may end in any order. */
  readonly #paused: (() => void)[] = []
  /** The version below which nothing may be read any more, since a change was acknowledged. */
  readonly #floor = new Map<string, number>()
  readonly #running: Promise<void>[] = []
  #version = 0
  #settled = 0

  constructor(seed: number, seen: Record<string, number>) {
    this.#seed = seed
    this.#seen = seen
    this.#random = new Seeded(seed)
    const random = this.#random
    const store = new MapStore()
    store.pause = () => new Promise(resolve => this.#paused.push(resolve))
    this.#cache = createCache<number>({
      clock: this.#clock,
      max: 2,
      ttl: 40,
      swr: random.pick(WINDOWS),
      staleIfError: random.pick(WINDOWS),
      errorBackoff: random.pick([0, 30]),
      refreshAhead: random.pick([1, 0.5]),
      softTimeout: random.pick([20, Number.POSITIVE_INFINITY]),
      hardTimeout: random.pick([60, Number.POSITIVE_INFINITY]),
      negativeTtl: random.pick([0, 50]),
      ...(random.below(3) > 0 && { store }),
    })
  }

  async run(): Promise<void> {
    for (let step = 0; step < 25; step += 1) await this.#step()
    for (let turn = 0; turn < 5000 && this.#settled < this.#running.length; turn += 1) {
      this.#letGo()
      if (this.#random.below(8) === 0) this.#clock.advance(10)
      await Promise.resolve()
    }
    await Promise.all(this.#running)
    // Loads that nobody waits for go on in the background.
    for (let turn = 0; turn < 1000 && this.#isBusy(); turn += 1) {
      this.#letGo()
      await Promise.resolve()
    }
    const { discarded, staleHits, staleAfterError, staleAfterTimeout } = this.#cache.stats()
    this.#count('discarded', discarded)
    this.#count('stale', staleHits + staleAfterError + staleAfterTimeout)
    const left = { ...this.#cache.pending(), timers: this.#clock.heldTimers }
    if (this.#isBusy() || left.timers > 0) throw new Error(`seed ${this.#seed} leaves ${JSON.stringify(left)}`)
    await this.#cache.close()
  }

  async #step(): Promise<void> {
    const key = this.#random.pick(KEYS)
    switch (this.#random.below(12)) {
      case 0:
      case 1:
      case 2:
        return this.#read([key], options => this.#cache.getOrSet(key, this.#loader, options).then(value => [value]))
      case 3: {
        const keys = Array.from({ length: 1 + this.#random.below(4) }, () => this.#random.pick(KEYS))
        return this.#read(keys, options => this.#cache.getOrSetMany(keys, this.#manyLoader, options))
      }
      case 4:
        return this.#read([key], () => this.#cache.get(key, { allowStale: this.#random.below(2) === 0 }).then(value => [value]))
      case 5:
        return this.#read([key], () => this.#cache.refresh(key, this.#loader).then(value => [value]))
      case 6: {
        const value = ++this.#version
        return this.#change([key], value, this.#cache.set(key, value))
      }
      case 7:
        return this.#change([key], ++this.#version, this.#cache.delete(key))
      case 8:
        return this.#random.below(3) === 0 ? this.#change(KEYS, ++this.#version, this.#cache.clear()) : undefined
      case 9:
        this.#clock.advance(this.#random.below(80))
        return
      default:
        this.#letGo()
        await Promise.resolve()
    }
  }

  readonly #loader = (): Promise<number | undefined> => this.#outcome()

  readonly #manyLoader = async (keys: readonly string[]): Promise<Map<string, number | Error | undefined>> => {
    this.#count('batches')
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

  #read(keys: readonly string[], ask: (options: { signal?: AbortSignal; forceFresh?: boolean }) => Promise<(number | undefined)[]>): void {
    const least = keys.map(key => this.#floor.get(key) ?? 0)
    const controller = this.#random.below(4) === 0 ? new AbortController() : undefined
    const answer = ask({ ...(controller && { signal: controller.signal }), ...(this.#random.below(10) === 0 && { forceFresh: true }) })
    if (controller !== undefined) this.#paused.push(() => controller.abort(new Error('abort')))
    this.#expect(
      answer.then(
        values => this.#check(keys, values, least),
        error => this.#excuse(error, keys, least),
      ),
    )
  }

  #check(keys: readonly string[], values: readonly (number | undefined)[], least: readonly number[]): void {
    if (values.length !== keys.length) throw new Error(`seed ${this.#seed}: ${values.length} answers for ${keys.length} keys`)
    for (const [at, value] of values.entries()) {
      this.#count(value === undefined ? 'nothing' : 'values')
      if (value !== undefined && value < (least[at] as number))
        throw new Error(`seed ${this.#seed}: read version ${value} of ${keys[at]} after ${least[at]} was acknowledged`)
    }
  }

  #excuse(error: unknown, keys: readonly string[], least: readonly number[]): void {
    if (isShelflifeError(error) && error.code === 'ERR_PARTIAL_LOAD')
      return this.#check(keys, (error as unknown as { values: (number | undefined)[] }).values, least)
    if (isShelflifeError(error) && error.code === 'ERR_TIMEOUT') return this.#count('timeouts')
    const { message } = error as Error
    if (message === 'origin') return this.#count('origin')
    if (message === 'abort') return this.#count('aborts')
    throw error
  }

  #change(keys: readonly string[], to: number, change: Promise<unknown>): void {
    this.#expect(
      change.then(() => {
        for (const key of keys) this.#floor.set(key, Math.max(this.#floor.get(key) ?? 0, to))
      }),
    )
  }

  #expect(outcome: Promise<void>): void {
    this.#running.push(
      outcome.then(() => {
        this.#settled += 1
      }),
    )
  }

  #letGo(): void {
    this.#paused.splice(this.#random.below(this.#paused.length + 1), 1)[0]?.()
  }

  #isBusy(): boolean {
    const { loads, leases } = this.#cache.pending()
    return loads + leases > 0
  }

  #count(what: string, by = 1): void {
    this.#seen[what] = (this.#seen[what] ?? 0) + by
  }
}
