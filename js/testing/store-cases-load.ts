/** What stores promise when there is much, when it is strange, and when something goes wrong. */

import { plantTrap } from '../core/door.ts'
import type { Persist } from '../stores/tier.ts'
import { type Cases, codeOf, equal, generator, same, valuesOf } from './store-bench.ts'

/** The promise of a store with a byte budget. */
export const BUDGET = 'the byte budget holds, and the oldest go first'

export const LOAD_CASES: Cases = {
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
