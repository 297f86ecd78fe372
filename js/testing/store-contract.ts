/** What every store promises, as cases that any test framework can run. */

import { plantTrap } from '../core/door.ts'
import { storeContext } from '../core/tier-core.ts'
import { isShelflifeError } from '../errors.ts'
import type { Invalidation, Persist, Store, Tier, TierEntry } from '../stores/tier.ts'
import { ManualClock } from './manual-clock.ts'

/** A place to store things, fresh for one case. */
export interface StoreUnderTest {
  /** A store on that place; every call means the same place. */
  store(options?: { maxSize?: number }): Store
  /** Removes the place. */
  dispose?(): Promise<void> | void
}

/** One promise of the contract. */
export interface StoreCase {
  readonly name: string
  run(): Promise<void>
}

/** What a store need not have: a log that is compacted, and a budget of its own in bytes. */
export type StoreFeature = 'compaction' | 'budget'

/**
 * The contract of stores. `fresh` gives a new empty place for each case. Cases reject when a promise is broken. A store without some
 * feature says so in `lacks`.
 *
 * ```ts
 * for (const { name, run } of testStore(() => ({ store: () => myStore() }))) test(name, run)
 * ```
 */
export function testStore(
  fresh: () => StoreUnderTest | Promise<StoreUnderTest>,
  { lacks = [] }: { readonly lacks?: readonly StoreFeature[] } = {},
): StoreCase[] {
  const cases = Object.entries(CASES).filter(([name]) => name !== BUDGET || !lacks.includes('budget'))
  return cases.map(([name, body]) => ({
    name,
    async run() {
      const place = await fresh()
      const bench = new Bench(place, lacks)
      try {
        await body(bench)
      } finally {
        await bench.close()
        await place.dispose?.()
      }
    },
  }))
}

/** One tier at a time on one place, with a clock of its own. */
class Bench {
  readonly clock = new ManualClock()
  readonly lacks: readonly StoreFeature[]
  readonly #place: StoreUnderTest
  #tier: Tier | undefined

  constructor(place: StoreUnderTest, lacks: readonly StoreFeature[]) {
    this.#place = place
    this.lacks = lacks
  }

  async open(options: { maxSize?: number } = {}): Promise<Tier> {
    await this.close()
    this.#tier = this.#place.store(options).openTier(storeContext(this.clock))
    await this.#tier.open()
    equal(this.#tier.stats().state, 'on', `the tier opens (${this.#tier.stats().reason})`)
    return this.#tier
  }

  async close(): Promise<void> {
    await this.#tier?.close()
    this.#tier = undefined
  }

  entry(value: unknown, ttl = Number.POSITIVE_INFINITY): TierEntry {
    return { value, writtenAt: this.clock.wall(), expiresAt: this.clock.wall() + ttl }
  }

  async set(tier: Tier, values: Record<string, unknown> | Map<string, unknown>, persist: Persist = 'stored'): Promise<void> {
    const pairs = values instanceof Map ? [...values] : Object.entries(values)
    await tier.setMany(
      pairs.map(([key, value]) => ({ key, entry: this.entry(value) })),
      { persist },
    )
  }
}

const BUDGET = 'the byte budget holds, and the oldest go first'

const CASES: Record<string, (bench: Bench) => Promise<void>> = {
  'gives back what was stored, in the order asked for, after a restart too': async bench => {
    const values = {
      a: { n: 1, s: 'ü', l: [null, true, -0] },
      b: 12n,
      c: new Date(5),
      d: new Map<unknown, unknown>([[1, new Set(['x'])]]),
      e: undefined,
      f: null,
      g: new Uint8Array([1, 2, 3]),
    }
    for (const persist of ['stored', 'durable'] as const) await bench.set(await bench.open(), values, persist)
    const tier = await bench.open()
    const keys = ['g', 'none', 'a', 'a', ...Object.keys(values)]
    const found = await tier.getMany(keys)
    for (const [index, key] of keys.entries()) {
      if (key === 'none') equal(found[index], undefined, 'a miss')
      else equal(show(found[index]?.value), show((values as Record<string, unknown>)[key]), key)
    }
    equal(found[0]?.writtenAt, bench.clock.wall(), 'writtenAt')
  },

  'keeps the facts of an entry, queued or stored, and after a restart': async bench => {
    const facts = { freshUntil: 7, swr: 1000, sie: 2000, etag: '"é"', lastModified: 'then' }
    let tier = await bench.open()
    const writes = [
      { key: 'a', entry: { ...bench.entry({ n: 1 }), facts } },
      { key: 'none', entry: { ...bench.entry(null), facts: { none: true as const } } },
      { key: 'plain', entry: bench.entry('text') },
    ]
    const holds = async (when: string) => {
      const found = await tier.getMany(['a', 'none', 'plain'])
      equal(show(found.map(entry => entry?.facts)), show([facts, { none: true }, undefined]), `facts ${when}`)
      equal(show(found.map(entry => entry?.value)), show([{ n: 1 }, null, 'text']), `values ${when}`)
    }
    await tier.setMany(writes, { persist: 'memory' })
    await holds('queued')
    await tier.flush()
    await holds('stored')
    tier = await bench.open()
    await holds('after a restart')
  },

  'the newest write wins, queued or stored, and after a restart': async bench => {
    let tier = await bench.open()
    for (const persist of ['stored', 'memory', 'stored', 'memory'] as const) {
      for (let round = 0; round < 3; round += 1) await bench.set(tier, { k: `${persist}${round}`, other: round }, persist)
      equal((await tier.getMany(['k']))[0]?.value, `${persist}2`, 'before the restart')
    }
    await tier.setMany(
      [1, 2].map(value => ({ key: 'twice', entry: bench.entry(value) })),
      { persist: 'stored' },
    )
    tier = await bench.open()
    same(await valuesOf(tier, ['k', 'other', 'twice']), ['memory2', 2, 2])
  },

  'a delete hides at once and for good': async bench => {
    let tier = await bench.open()
    await bench.set(tier, { a: 1, b: 2, c: 3 })
    await bench.set(tier, { b: 4, d: 5 }, 'memory')
    const deleted = tier.deleteMany(['a', 'b', 'd', 'none'], { persist: 'stored' })
    same(await valuesOf(tier, ['a', 'b', 'c', 'd']), [undefined, undefined, 3, undefined])
    same(await deleted, [true, true, true, false])
    tier = await bench.open()
    same(await valuesOf(tier, ['a', 'b', 'c', 'd']), [undefined, undefined, 3, undefined])
    same(await tier.deleteMany(['a', 'c']), [false, true])
  },

  'an entry ends when it expires, and one from the future is not believed': async bench => {
    let tier = await bench.open()
    const { clock } = bench
    const future = { value: 3, writtenAt: clock.wall() + 3_600_000, expiresAt: Number.POSITIVE_INFINITY }
    for (const persist of ['memory', 'stored'] as const) {
      await tier.setMany(
        [
          { key: 'short', entry: bench.entry(1, 1000) },
          { key: 'long', entry: bench.entry(2, 5000) },
          { key: 'future', entry: future },
        ],
        { persist },
      )
      same(await valuesOf(tier, ['short', 'long', 'future']), [1, 2, undefined])
    }
    clock.advance(1000)
    same(await valuesOf(tier, ['short', 'long']), [undefined, 2])
    tier = await bench.open()
    same(await valuesOf(tier, ['short', 'long', 'future']), [undefined, 2, undefined])
    clock.advance(4000)
    same(await valuesOf(tier, ['long']), [undefined])
  },

  'clear forgets what came before it and nothing that came after': async bench => {
    let tier = await bench.open()
    await bench.set(tier, { a: 1, b: 2 })
    await bench.set(tier, { c: 3 }, 'memory')
    const cleared = tier.clear()
    const set = bench.set(tier, { b: 5 })
    same(await valuesOf(tier, ['a', 'b', 'c']), [undefined, 5, undefined])
    await Promise.all([cleared, set])
    tier = await bench.open()
    same(await valuesOf(tier, ['a', 'b', 'c']), [undefined, 5, undefined])
  },

  'invalidation takes what is meant and was written before, at once and for good': async bench => {
    const all = ['user:1', 'user:2', 'user:3', 'users', 'made']
    const keys: Record<string, readonly [Invalidation, readonly string[]]> = {
      prefix: [{ prefix: 'user:' }, ['user:1', 'user:2', 'user:3', 'made']],
      pattern: [{ pattern: 'user?2' }, ['user:2']],
      key: [{ key: 'user:1' }, ['user:1', 'made']],
      tags: [{ tags: ['none', 'odd'] }, ['user:1', 'user:3']],
      source: [{ source: 'user:1' }, ['made']],
    }
    for (const [name, [meant, gone]] of Object.entries(keys)) {
      let tier = await bench.open()
      await tier.clear()
      await bench.set(tier, { 'user:2': 1, users: 1 })
      const tagged = ['user:1', 'user:3'].map(key => ({ key, entry: { ...bench.entry(1), facts: { tags: ['odd'] } } }))
      const made = { key: 'made', entry: { ...bench.entry(1), facts: { dependsOn: ['user:1'] } } }
      await tier.setMany([...tagged, made], { persist: 'memory' })
      const expected = all.map(key => (gone.includes(key) ? undefined : 1))
      const done = tier.invalidate(meant)
      equal(show(await valuesOf(tier, all)), show(expected), `${name}, at once`)
      await done
      tier = await bench.open()
      equal(show(await valuesOf(tier, all)), show(expected), `${name}, after a restart`)
      // The clock has not moved, and goes back: what comes later is later all the same.
      bench.clock.setWall(bench.clock.wall() - 30_000)
      const again = gone.map(key => ({ key, entry: { ...bench.entry(2), facts: { tags: ['odd'], dependsOn: ['user:1'] } } }))
      await tier.setMany(again, { persist: 'stored' })
      for (const when of ['written anew', 'and after a restart']) {
        equal(show(await valuesOf(tier, gone)), show(gone.map(() => 2)), `${name}, ${when}`)
        tier = await bench.open()
      }
      await tier.invalidate(meant)
      equal(show(await valuesOf(tier, gone)), show(gone.map(() => undefined)), `${name}, a second time`)
    }
  },

  'with expire, what is given up is stale since then, and deletion wins': async bench => {
    let tier = await bench.open()
    const write = (key: string) => ({ key, entry: { ...bench.entry(key), facts: { tags: [key, 'all'], dependsOn: ['source'] } } })
    await tier.setMany([write('a'), write('b')], { persist: 'stored' })
    bench.clock.advance(1000)
    await tier.invalidate({ tags: ['a'], mode: 'expire' }, { persist: 'memory' })
    const since = bench.clock.wall()
    bench.clock.advance(1000)
    for (const when of ['at once', 'after a restart']) {
      const [a, b] = await tier.getMany(['a', 'b'])
      equal(show([a?.value, a?.expiredAt, b?.expiredAt]), show(['a', since, undefined]), when)
      tier = await bench.open()
    }
    await tier.invalidate({ tags: ['all'] })
    await tier.invalidate({ tags: ['a'], mode: 'expire' })
    same(await valuesOf(tier, ['a', 'b']), [undefined, undefined])
  },

  'what depends on a key goes when that is written or deleted, after a restart too': async bench => {
    let tier = await bench.open()
    const made = (from: string) => ({ key: `from ${from}`, entry: { ...bench.entry(from), facts: { dependsOn: [from, 'x'] } } })
    for (const persist of ['stored', 'memory'] as const) {
      await tier.setMany([made('a'), made('b'), made('c')], { persist })
      await bench.set(tier, { other: 1 })
      if (persist === 'stored') tier = await bench.open()
      await bench.set(tier, { a: 1 }, persist)
      await tier.deleteMany(['b'], { persist })
      const found = [undefined, undefined, 'c']
      same(await valuesOf(tier, ['from a', 'from b', 'from c']), found)
      tier = await bench.open()
      same(await valuesOf(tier, ['from a', 'from b', 'from c']), found)
    }
  },

  'of very many invalidations the older ones become one': async bench => {
    let tier = await bench.open()
    const write = (at: number) => ({ key: `k${at}`, entry: { ...bench.entry(at), facts: { tags: [`t${at}`] } } })
    const writes = Array.from({ length: 1500 }, (_, at) => write(at))
    await tier.setMany(writes, { persist: 'stored' })
    for (let at = 0; at < 1400; at += 1) await tier.invalidate({ tags: [`t${at}`] }, { persist: 'memory' })
    await tier.setMany([write(1)], { persist: 'stored' })
    for (const when of ['at once', 'after a restart']) {
      const found = await valuesOf(
        tier,
        writes.map(({ key }) => key),
      )
      equal(show(found.slice(0, 1400).filter(value => value !== undefined)), '[1]', when)
      tier = await bench.open()
    }
  },

  'keys are exact, whatever they are': async bench => {
    const keys = [
      '',
      '\0',
      '\0shelflife\0r0',
      '\0shelflife\0e',
      '__proto__',
      'constructor',
      '../../etc/passwd',
      'a/b',
      'CON',
      'ä',
      'a\u0308',
      '\ud800x',
      '\udc00x',
      '\ufeff',
      'k'.repeat(100_000),
    ]
    await bench.set(await bench.open(), new Map(keys.map((key, index) => [key, index])))
    const tier = await bench.open()
    same(
      await valuesOf(tier, keys),
      keys.map((_, index) => index),
    )
    same(await valuesOf(tier, ['\ufffdx', 'A/b', 'k']), [undefined, undefined, undefined])
  },

  'flush and close store what was only queued': async bench => {
    let tier = await bench.open()
    await bench.set(tier, { a: 1 }, 'memory')
    await tier.flush()
    equal(tier.stats().queued, 0, 'nothing is queued after a flush')
    await bench.set(tier, { b: 2 }, 'memory')
    tier = await bench.open()
    same(await valuesOf(tier, ['a', 'b']), [1, 2])
  },

  'many entries, overwritten and deleted, stay exact, while a log is compacted too': async bench => {
    let tier = await bench.open()
    const keys = Array.from({ length: 1500 }, (_, index) => `key:${index}`)
    const expected = new Map<string, unknown>()
    for (let round = 0; round < 6; round += 1) {
      for (const [index, key] of keys.entries()) {
        if ((index + round) % 3 === 0) continue
        expected.set(key, { round, index, text: 'x'.repeat((index * 7) % 300) })
      }
      await bench.set(tier, expected)
      const doomed = keys.filter((_, index) => (index + round) % 7 === 0)
      await tier.deleteMany(doomed, { persist: 'stored' })
      for (const key of doomed) expected.delete(key)
    }
    if (!bench.lacks.includes('compaction') && tier.stats().compactions === 0) throw new Error('nothing was compacted')
    for (const reopened of [tier, undefined]) {
      tier = reopened ?? (await bench.open())
      const found = await valuesOf(tier, keys)
      for (const [index, key] of keys.entries()) equal(JSON.stringify(found[index]), JSON.stringify(expected.get(key)), key)
      same([tier.stats().errors, tier.stats().dropped], [{}, 0])
    }
  },

  [BUDGET]: async bench => {
    const maxSize = 400_000
    let tier = await bench.open({ maxSize })
    for (let index = 0; index < 60; index += 1) {
      await bench.set(tier, { [`k${index}`]: 'x'.repeat(12_000), [`small${index}`]: index })
      if (tier.stats().bytes > maxSize) throw new Error(`${tier.stats().bytes} bytes`)
    }
    const check = async () => {
      const found = await valuesOf(
        tier,
        Array.from({ length: 60 }, (_, index) => `k${index}`),
      )
      const first = found.findIndex(value => value !== undefined)
      if (first < 1 || first > 50) throw new Error(`the oldest left is ${first}`)
      equal(
        found.slice(first).every(value => value !== undefined),
        true,
        'no gaps',
      )
    }
    await check()
    tier = await bench.open({ maxSize })
    await check()
    const refused = await codeOf(bench.set(tier, { huge: 'x'.repeat(300_000) }))
    equal(refused, 'ERR_QUOTA', 'a value that cannot fit')
  },

  'a large value, and one that cannot be encoded': async bench => {
    let tier = await bench.open()
    const large = 'ü'.repeat(300_000)
    await bench.set(tier, { large, before: 1 })
    equal(await codeOf(bench.set(tier, { good: 2, before: () => {} })), 'ERR_CODEC', 'a function')
    tier = await bench.open()
    const [found, good, before] = await valuesOf(tier, ['large', 'good', 'before'])
    same([found === large, good, before], [true, 2, undefined])
  },

  'a value set is a value kept, whatever its owner does to it': async bench => {
    const tier = await bench.open()
    const value = { list: [1] }
    await bench.set(tier, { value }, 'memory')
    value.list.push(2)
    const [found] = (await valuesOf(tier, ['value'])) as [{ list: number[] }]
    found.list.push(3)
    same(await valuesOf(tier, ['value']), [{ list: [1] }])
  },

  'a read gives up when its signal aborts, a closed tier refuses': async bench => {
    const tier = await bench.open()
    await bench.set(tier, { a: 1 })
    const signal = AbortSignal.abort('enough')
    equal(await codeOf(tier.getMany(['a'], { signal })), 'ERR_ABORTED', 'aborted before')
    const controller = new AbortController()
    const reading = codeOf(tier.getMany(['a'], { signal: controller.signal }))
    controller.abort()
    equal(await reading, 'ERR_ABORTED', 'aborted meanwhile')
    await tier.close()
    equal(await codeOf(tier.getMany(['a'])), 'ERR_CLOSED', 'closed')
    equal(await codeOf(bench.set(tier, { a: 1 })), 'ERR_CLOSED', 'closed')
  },

  'a trap in the core loses nothing': async bench => {
    const tier = await bench.open()
    await bench.set(tier, { a: 1, b: 2 })
    await bench.set(tier, { b: 3 }, 'memory')
    try {
      plantTrap()
    } catch {}
    same(await valuesOf(tier, ['a', 'b', 'c']), [1, 3, undefined])
    await bench.set(tier, { c: 4 })
    try {
      plantTrap()
    } catch {}
    await bench.set(tier, { d: 5 })
    same(await valuesOf(tier, ['a', 'b', 'c', 'd']), [1, 3, 4, 5])
    same(await valuesOf(await bench.open(), ['a', 'b', 'c', 'd']), [1, 3, 4, 5])
  },

  'random operations, overlapping, equal a map': async bench => {
    const random = generator(20_261_121)
    const model = new Map<string, unknown>()
    let tier = await bench.open()
    const keys = Array.from({ length: 25 }, (_, index) => `k${index}`)
    const pick = () => keys[Math.floor(random() * keys.length)] as string
    for (let step = 0; step < 300; step += 1) {
      const under: Promise<unknown>[] = []
      for (let overlapping = Math.floor(random() * 6); overlapping >= 0; overlapping -= 1) {
        const dice = random()
        const persist = (['memory', 'stored', 'durable'] as const)[Math.floor(random() * 3)] as Persist
        const key = pick()
        if (dice < 0.6) {
          const value = { step, text: 'y'.repeat(Math.floor(random() * 2000)) }
          under.push(tier.setMany([{ key, entry: bench.entry(value) }], { persist }))
          model.set(key, value)
        } else if (dice < 0.85) {
          under.push(tier.deleteMany([key], { persist }))
          model.delete(key)
        } else if (dice < 0.87) {
          under.push(tier.clear())
          model.clear()
        }
      }
      if (random() < 0.5) await Promise.all(under)
      same(
        await valuesOf(tier, keys),
        keys.map(key => model.get(key)),
      )
      await Promise.all(under)
      if (random() < 0.1) tier = await bench.open()
    }
    same(tier.stats().errors, {})
  },
}

async function valuesOf(tier: Tier, keys: readonly string[]): Promise<unknown[]> {
  return (await tier.getMany(keys)).map(entry => entry?.value)
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work
    return 'no error'
  } catch (error) {
    return isShelflifeError(error) ? error.code : `not ours: ${error}`
  }
}

function equal(found: unknown, expected: unknown, what: string): void {
  if (!Object.is(found, expected))
    throw new Error(`${what}: expected ${String(expected).slice(0, 300)}, found ${String(found).slice(0, 300)}`)
}

function same(found: unknown, expected: unknown): void {
  equal(show(found), show(expected), 'values')
}

/** A text that differs when values differ, in type too. */
function show(value: unknown): string {
  if (Object.is(value, -0)) return '-0'
  if (typeof value === 'bigint') return `${value}n`
  if (value instanceof Date) return `Date ${value.getTime()}`
  if (value instanceof Map) return `Map ${show([...value])}`
  if (value instanceof Set) return `Set ${show([...value])}`
  if (value instanceof Uint8Array) return `bytes ${value}`
  if (Array.isArray(value)) return `[${value.map(show).join()}]`
  if (typeof value === 'object' && value !== null) return `{${Object.entries(value).map(([key, item]) => `${key}:${show(item)}`)}}`
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}

/** Numbers from 0 to 1 that look random (mulberry32). */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
