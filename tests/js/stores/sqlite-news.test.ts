import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { describe, expect, test } from 'vitest'
import { type Cache, createCache } from '../../../js/index.ts'
import { sqlite } from '../../../js/stores/sqlite.ts'
import { ManualClock } from '../../../js/testing.ts'
import { mulberry } from './mulberry.ts'
import { drivers, freshFolder } from './sqlite-drivers.ts'

const KINDS = ['set', 'delete', 'tag', 'pattern', 'clear'] as const

describe.skipIf(drivers.length > 0)('no driver of SQLite', () => {
  test.skip('on this machine', () => {})
})

describe.each(drivers)('caches over one file of SQLite, by %s', (name, driver) => {
  /** Two caches as two processes have them, and what lets one hear the other. */
  function two(options: { maxSize?: number } = {}) {
    const { path, dispose } = freshFolder()
    const clocks = [new ManualClock(), new ManualClock()] as const
    const [one, other] = clocks.map(clock =>
      createCache<string>({ clock, persist: 'stored', store: sqlite({ path, driver, ...options }) }),
    ) as [Cache<string>, Cache<string>]
    const hears = async () => {
      await clocks[1].advanceAsync(500)
      await other.flush()
    }
    const close = async () => {
      await one.close()
      await other.close()
      expect(clocks.map(({ timers }) => timers)).toEqual([0, 0])
      dispose()
    }
    return { one, other, hears, close, path }
  }

  test('what one changes the other forgets, and nothing else', async () => {
    const { one, other, hears, close } = two()
    const known = async () => {
      await hears()
      return ['a', 'b', 'c', 'd'].filter(key => other.memory.has(key))
    }
    for (const key of ['a', 'b', 'c', 'd']) await one.set(key, 'old', { tags: [`tag of ${key}`] })
    await hears()
    for (const key of ['a', 'b', 'c', 'd']) await other.get(key)
    expect(await known()).toEqual(['a', 'b', 'c', 'd'])
    await one.set('a', 'new')
    expect(other.memory.peek('a')).toBe('old')
    expect(await known()).toEqual(['b', 'c', 'd'])
    await one.delete('b')
    expect(await known()).toEqual(['c', 'd'])
    await one.invalidateTags(['tag of c'])
    expect(await known()).toEqual(['d'])
    expect([await other.get('a'), await other.get('b'), await other.get('c')]).toEqual(['new', undefined, undefined])
    await other.set('e', 'mine')
    await one.clear()
    expect(await known()).toEqual([])
    expect([await other.get('d'), await other.get('e')]).toEqual([undefined, undefined])
    await close()
  })

  test('a value that was given up by name is not read, once that was heard', async () => {
    const { one, other, hears, close } = two()
    await one.set('a', 'old', { tags: ['t'] })
    await one.set('b', 'old')
    await one.invalidateTags(['t'])
    await one.invalidatePrefix('b')
    await hears()
    expect([await other.get('a'), await other.get('b')]).toEqual([undefined, undefined])
    await close()
  })

  test('own writes are no news, however many', async () => {
    const { one, other, hears, close } = two()
    await other.set('a', 'mine')
    for (let at = 0; at < 300; at += 1) await other.set(`k${at % 7}`, `${at}`)
    await one.set('b', 'theirs')
    await hears()
    expect(other.memory.peek('a')).toBe('mine')
    await close()
  })

  test('of very many transactions, and of very many keys, everything is news', async () => {
    const { one, other, hears, close } = two({ maxSize: 2_000_000 })
    await one.set('a', 'old')
    await other.get('a')
    await one.set('a', 'new')
    for (let at = 0; at < 200; at += 1) await one.set('b', `${at}`)
    await hears()
    expect(other.memory.size).toBe(0)
    expect(await other.get('a')).toBe('new')
    await Promise.all(Array.from({ length: 2000 }, (_, at) => one.set(`a key with a long name, ${at}`, 'v')))
    await hears()
    expect(other.memory.size).toBe(0)
    await close()
  })

  test('two processes converge', { timeout: 60_000 }, async () => {
    const { path, dispose } = freshFolder()
    const folder = fileURLToPath(new URL('../../../target/tests', import.meta.url))
    mkdirSync(folder, { recursive: true })
    const file = `${folder}/sqlite-child-${process.pid}.mjs`
    const entryPoints = [fileURLToPath(new URL('sqlite-child.ts', import.meta.url))]
    await build({ entryPoints, bundle: true, format: 'esm', platform: 'node', outfile: file, logLevel: 'error', external: ['redis'] })
    const child = fork(file, [path, name], { env: { ...process.env, SHELFLIFE_TESTS: import.meta.url } })
    await once(child, 'message')
    const cache = createCache<number>({ persist: 'stored', store: sqlite({ path, driver, pollInterval: 5 }) })
    const ask = async (...what: unknown[]): Promise<unknown> => {
      const answer = once(child, 'message')
      child.send(what)
      // JSON has no undefined.
      return (await answer)[0][0] ?? undefined
    }
    const until = async (isSo: () => boolean | Promise<boolean>) => {
      for (const begun = performance.now(); !(await isSo()); ) {
        if (performance.now() - begun > 20_000) throw new Error('they do not converge')
        await new Promise(resolve => setImmediate(resolve))
      }
    }
    try {
      const random = mulberry(42)
      for (let round = 1; round <= 60; round += 1) {
        const kind = KINDS[round % KINDS.length] as (typeof KINDS)[number]
        const key = `key:${Math.floor(random() * 4)}`
        // Both have it, then one of them changes it.
        await cache.set(key, round, { tags: [`tag of ${key}`] })
        await until(async () => (await ask('get', key)) === round)
        const changes = {
          set: () => cache.set(key, -round),
          delete: () => cache.delete(key),
          tag: () => cache.invalidateTags([`tag of ${key}`]),
          pattern: () => cache.invalidate(`${key}*`),
          clear: () => cache.clear(),
        }
        await (random() < 0.5 ? changes[kind]() : ask(kind, key, -round))
        const left = kind === 'set' ? -round : undefined
        await until(async () => (await cache.get(key)) === left && (await ask('get', key)) === left)
      }
    } finally {
      const ended = once(child, 'exit')
      child.send(['close'])
      await ended
      await cache.close()
      rmSync(file)
      dispose()
    }
  })
})
