/**
 * Schedules of a cache over one tier or two that are slow or dead at times, from seeds. Versions only rise: once a set, a deletion or an
 * invalidation was acknowledged, whatever became of the tiers meanwhile, nobody who asks after that reads anything older. In the
 * end the tiers are well again, have been told of everything, and are read.
 */

import { type Cache, createCache, type TierMode } from '../../../js/index.ts'
import { ManualClock } from '../../../js/testing.ts'
import { Outcomes } from './outcomes.ts'
import { Seeded } from './random.ts'
import { type Health, UnreliableStore } from './unreliable-store.ts'

const KEYS = ['a', 'b', 'c', 'd']
const TAGS = ['odd', 'even']
const MODES: readonly TierMode[] = ['write-through', 'write-through', 'write-behind', 'on-evict']
const HEALTH: readonly Health[] = ['well', 'well', 'slow', 'dead', 'half dead']

/** How often what happened. What never happened was not tested. */
export type TiersSeen = Record<
  'values' | 'nothing' | 'fromTier' | 'rejected' | 'offered' | 'bypassed' | 'timeouts' | 'repaired' | 'down' | 'up',
  number
>

/** Runs so many schedules from `firstSeed` on; rejects at the first that goes wrong, with its seed. */
export async function checkTierSchedules(schedules: number, firstSeed = 0): Promise<TiersSeen> {
  const seen: TiersSeen = {
    ...{ values: 0, nothing: 0, fromTier: 0, rejected: 0, offered: 0 },
    ...{ bypassed: 0, timeouts: 0, repaired: 0, down: 0, up: 0 },
  }
  for (let seed = firstSeed; seed < firstSeed + schedules; seed += 1) {
    try {
      await new TierSchedule(seed, seen).run()
    } catch (cause) {
      throw new Error(`seed ${seed}: ${cause instanceof Error ? cause.message : cause}`, { cause })
    }
  }
  return seen
}

class TierSchedule {
  readonly #seen: TiersSeen
  readonly #random: Seeded
  readonly #clock = new ManualClock()
  readonly #stores: readonly UnreliableStore[]
  readonly #cache: Cache<number>
  /** The version below which nothing may be read any more, by key. */
  readonly #floor = new Map<string, number>()
  readonly #outcomes = new Outcomes()
  #version = 0

  constructor(seed: number, seen: TiersSeen) {
    this.#seen = seen
    this.#random = new Seeded(seed)
    const random = this.#random
    this.#stores = ['upper', 'lower'].slice(Math.min(1, random.below(3))).map(name => new UnreliableStore(name))
    this.#cache = createCache<number>({
      ...{ clock: this.#clock, max: 2, ttl: '1h', negativeTtl: random.pick([0, 100]) },
      tiers: this.#stores.map(store => ({
        ...{ store, mode: random.pick(MODES), timeout: random.pick([50, 200]) },
        circuitBreaker: { failures: 1 + random.below(3), halfOpenAfter: 300 },
      })),
    })
    this.#cache.on('tierDown', () => {
      seen.down += 1
    })
    this.#cache.on('tierUp', () => {
      seen.up += 1
    })
  }

  async run(): Promise<void> {
    for (let step = 0; step < 60; step += 1) await this.#step()
    for (const store of this.#stores) store.health = 'well'
    for (let turn = 0; turn < 2000 && (this.#outcomes.areDue || this.#isBehind() || this.#isBusy()); turn += 1) {
      for (const store of this.#stores) for (const go of store.waiting.splice(0)) go()
      if (turn % 8 === 0) this.#clock.advance(50)
      await Promise.resolve()
    }
    this.#outcomes.check()
    if (this.#isBehind()) throw new Error(`a tier was not told: ${JSON.stringify(this.#cache.stats().tiers)}`)
    await this.#restarted()
  }

  /** Everything was told: not even who begins anew finds anything old. */
  async #restarted(): Promise<void> {
    for (const tier of this.#cache.stats().tiers) {
      this.#seen.bypassed += tier.bypassed
      this.#seen.timeouts += tier.timeouts
      this.#seen.repaired += tier.repaired
    }
    for (const { offered } of this.#stores) this.#seen.offered += offered
    await this.#cache.close()
    const next = createCache<number>({ clock: this.#clock, tiers: this.#stores })
    for (const key of KEYS) {
      const value = await next.get(key)
      if (value !== undefined) this.#seen.fromTier += 1
      this.#check([key], [value], [this.#floor.get(key) ?? 0])
    }
    await next.close()
  }

  async #step(): Promise<void> {
    const random = this.#random
    const cache = this.#cache
    const key = random.pick(KEYS)
    const skipsMemory = random.below(4) === 0 && { skipMemoryRead: true }
    const persist = random.pick(['memory', 'memory', 'stored'] as const)
    switch (random.below(16)) {
      case 0:
      case 1:
      case 2:
        return this.#read(
          [key],
          cache.get(key, { ...skipsMemory, skipMemoryWrite: random.below(4) === 0 }).then(value => [value]),
        )
      case 3:
        return this.#read([key, 'a'], cache.getMany([key, 'a'], { ...skipsMemory }))
      case 4:
        return this.#read(
          [key],
          cache.getOrSet(key, this.#loader, { ...skipsMemory, tags: [tagOf(key)], persist }).then(value => [value]),
        )
      case 5:
      case 6:
      case 7: {
        const value = ++this.#version
        const skips = { skipMemoryWrite: random.below(5) === 0, skipTierWrite: random.below(8) === 0 }
        return this.#change([key], value, cache.set(key, value, { tags: [tagOf(key)], persist, ...skips }))
      }
      case 8:
        return this.#change([key], ++this.#version, cache.delete(key, { persist }))
      case 9: {
        const tag = random.pick(TAGS)
        const meant = KEYS.filter(one => tagOf(one) === tag)
        return random.below(2) === 0 ? this.#change(meant, ++this.#version, cache.invalidateTags([tag], { persist })) : undefined
      }
      case 10:
        return random.below(4) === 0 ? this.#change(KEYS, ++this.#version, cache.clear()) : undefined
      case 11:
        random.pick(this.#stores).health = random.pick(HEALTH)
        return
      case 12:
        return this.#clock.advance(random.below(150))
      default:
        random.pick(this.#stores).waiting.shift()?.()
        for (let turn = random.below(6); turn >= 0; turn -= 1) await Promise.resolve()
    }
  }

  readonly #loader = async (): Promise<number | undefined> => {
    const made = ++this.#version
    for (let turn = this.#random.below(5); turn > 0; turn -= 1) await Promise.resolve()
    return this.#random.below(4) === 0 ? undefined : made
  }

  #read(keys: readonly string[], answer: Promise<(number | undefined)[]>): void {
    const least = keys.map(key => this.#floor.get(key) ?? 0)
    this.#outcomes.expect(
      answer.then(
        values => this.#check(keys, values, least),
        // A load that was to be stored.
        error => this.#rejected(error),
      ),
    )
  }

  #check(keys: readonly string[], values: readonly (number | undefined)[], least: readonly number[]): void {
    for (const [at, value] of values.entries()) {
      this.#seen[value === undefined ? 'nothing' : 'values'] += 1
      if (value !== undefined && value < (least[at] as number))
        throw new Error(`version ${value} of ${keys[at]} was read after ${least[at]} was acknowledged`)
    }
  }

  #change(keys: readonly string[], to: number, change: Promise<unknown>): void {
    const acknowledged = () => {
      for (const key of keys) this.#floor.set(key, Math.max(this.#floor.get(key) ?? 0, to))
    }
    this.#outcomes.expect(change.then(acknowledged, error => this.#rejected(error)))
  }

  /** What was to be stored may be refused, and nothing else. */
  #rejected(error: unknown): void {
    this.#seen.rejected += 1
    const { code, message } = error as { code?: string; message: string }
    const isTier = code === 'ERR_STORE' || code === 'ERR_TIMEOUT' || message === 'no connection' || message === 'connection lost'
    if (!isTier) throw error
  }

  /** Calls that nobody waits for any more, since they took too long, take effect all the same. */
  #isBusy(): boolean {
    return this.#stores.some(store => store.underWay > 0)
  }

  #isBehind(): boolean {
    return this.#cache.stats().tiers.some(({ circuit, missed }) => missed > 0 || circuit === 'open')
  }
}

function tagOf(key: string): string {
  return TAGS[KEYS.indexOf(key) % 2] as string
}
