/** What stores promise of an entry: it is there until it is replaced, removed or over. */

import { type Cases, equal, same, show, valuesOf } from './store-bench.ts'

export const ENTRY_CASES: Cases = {
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

  'an entry that is taken within the call is as one that was queued': async bench => {
    let tier = await bench.open()
    const offer = async (values: Record<string, unknown>) => {
      for (const [key, value] of Object.entries(values))
        if ((tier.offer?.(key, bench.entry(value)) ?? false) === false) await bench.set(tier, { [key]: value }, 'memory')
    }
    await bench.set(tier, { a: 1, b: 1, c: 1, tagged: 1 })
    await offer({ a: 2, d: 2 })
    const slow = bench.set(tier, { a: 3, b: 3, d: 3 })
    await offer({ b: 4, e: [4] })
    same(await valuesOf(tier, ['a', 'b', 'c', 'd', 'e']), [3, 4, 1, 3, [4]])
    const deleted = tier.deleteMany(['c', 'd', 'e'])
    await offer({ c: 5 })
    same(await deleted, [true, true, true])
    await slow
    same(await valuesOf(tier, ['a', 'b', 'c', 'd', 'e']), [3, 4, 5, undefined, undefined])
    // Something that was given up does not mean what is set after that, nor the other way round.
    await tier.invalidate({ prefix: 't' })
    await offer({ tagged: 6 })
    const cleared = tier.invalidate({ key: 'b' })
    same(await valuesOf(tier, ['tagged', 'b']), [6, undefined])
    await cleared
    const value = { list: [1] }
    await offer({ value, bad: 1 })
    value.list.push(2)
    equal(
      tier.offer?.(
        'bad',
        bench.entry(() => {}),
      ) ?? false,
      false,
      'a function is not taken',
    )
    same(await valuesOf(tier, ['value', 'bad']), [{ list: [1] }, 1])
    await tier.flush()
    same(await valuesOf(tier, ['a', 'b', 'c', 'd', 'value']), [3, undefined, 5, undefined, { list: [1] }])
    tier = await bench.open()
    same(await valuesOf(tier, ['a', 'b', 'c', 'd', 'e', 'tagged', 'value', 'bad']), [
      3,
      undefined,
      5,
      undefined,
      undefined,
      6,
      { list: [1] },
      1,
    ])
    const gone = tier.clear()
    await offer({ a: 7 })
    await gone
    same(await valuesOf(tier, ['a', 'tagged']), [7, undefined])
    await tier.close()
    equal(tier.offer?.('a', bench.entry(8)) ?? false, false, 'a closed tier takes nothing')
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
}
