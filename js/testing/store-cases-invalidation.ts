/** What stores promise of what is given up by name. */

import type { Invalidation } from '../stores/tier.ts'
import { type Cases, equal, same, show, valuesOf } from './store-bench.ts'

export const INVALIDATION_CASES: Cases = {
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
}
