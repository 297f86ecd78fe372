// What browsers do to IndexedDB, as each engine does it, or as scripts of the page can make it seem.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { engines } from './engines.mjs'
import { checkFilled, fill } from './quota.mjs'

/** `SHELFLIFE_MUTATIONS=1000 node --test tests/e2e/healing-engines.test.mjs` for more. */
const MUTATIONS = Number(process.env.SHELFLIFE_MUTATIONS ?? 200)

for (const [engine, { skip, library }] of Object.entries(engines)) {
  describe(`healing of IndexedDB, in ${engine}`, { skip }, () => {
    const { visit } = library()

    test(`${MUTATIONS} random mutations of stored records: no wrong value, and a tier that works again`, async t => {
      const { page, close } = await visit()
      const outcome = await page.evaluate(async mutations => {
        let state = 20_261_121
        const random = (/** @type {number} */ most) => {
          state = (state * 1_103_515_245 + 12_345) & 0x7fffffff
          return Math.floor((state / 0x7fffffff) * most)
        }
        /** @type {<Result>(request: IDBRequest<Result>) => Promise<Result>} */
        const settled = request =>
          new Promise((resolve, reject) => {
            request.onsuccess = () => resolve(request.result)
            request.onerror = () => reject(request.error)
          })
        const nonsense = () => [null, 'x', 7, {}, [], new Uint8Array(3), new Uint8Array(70_000), new Date(0), { directory: 1 }][random(9)]
        /** @param {any} record */
        const mutate = record => {
          const part = record?.payload instanceof Uint8Array && random(2) === 0 ? 'payload' : 'directory'
          const bytes = record instanceof Uint8Array ? record : record?.[part]
          const dice = random(6)
          if (dice === 0 || !(bytes instanceof Uint8Array) || bytes.length === 0) return nonsense()
          let changed = bytes.slice()
          if (dice === 1) changed = changed.slice(0, random(changed.length))
          else if (dice === 2) changed = new Uint8Array([...changed, random(256)])
          else
            for (let times = random(4); times >= 0; times -= 1) {
              const at = random(changed.length)
              changed[at] = (changed[at] ?? 0) ^ (1 << random(8))
            }
          return record === bytes ? changed : { ...record, [part]: changed }
        }
        const totals = { mutated: 0, found: 0, missed: 0, errors: /** @type {Record<string, number>} */ ({}) }
        const name = 'mutations'
        for (let round = 0; totals.mutated < mutations; round += 1) {
          const cache = shelflife.createCache({ store: shelflife.indexedDB({ name }) })
          for (let at = 0; at < 200; at += 1)
            cache.set(`k${at}`, { round, at, text: 'x'.repeat(random(at < 100 ? 3000 : 20)) }, { tags: [`t${at % 3}`] })
          await cache.flush()
          // Segments so small that a directory has its payload with it.
          for (let at = 180; at < 200; at += 1) await cache.set(`k${at}`, { round, at, again: random(10) }, { persist: 'stored' })
          if (shelflife.tier(cache).state !== 'on') throw new Error(`off in ${round}: ${shelflife.tier(cache).reason}`)
          const open = random(2) === 0
          if (!open) await cache.close()
          const database = await shelflife.raw(name)
          for (let times = 0; times < 1 + (round % 5); times += 1) {
            const place = ['directories', 'payloads', 'payloads', 'about'][random(4)] ?? 'about'
            const stores = database.transaction(place, 'readwrite').objectStore(place)
            const keys = await settled(stores.getAllKeys())
            // Traces are many, the epoch is one.
            const key = place === 'about' && random(2) === 0 ? 'epoch' : keys[random(keys.length)]
            if (key === undefined) continue
            const record = await settled(stores.get(key))
            if (random(4) === 0) await settled(stores.delete(key))
            else await settled(stores.put(mutate(record), key))
            totals.mutated += 1
          }
          database.close()
          const reader = open ? cache : shelflife.createCache({ store: shelflife.indexedDB({ name }) })
          if (open) for (let at = 0; at < 200; at += 1) reader.memory.get(`k${at}`)
          const fresh = open ? shelflife.createCache({ store: shelflife.indexedDB({ name }) }) : reader
          for (let at = 0; at < 200; at += 1) {
            const value = await fresh.get(`k${at}`)
            if (value === undefined) totals.missed += 1
            else if (value.at !== at || value.round !== round) throw new Error(`wrong in ${round}: k${at} is ${JSON.stringify(value)}`)
            else totals.found += 1
          }
          await fresh.set('works', round, { persist: 'stored' })
          for (const [kind, count] of Object.entries(shelflife.tier(fresh).errors)) totals.errors[kind] = (totals.errors[kind] ?? 0) + count
          await fresh.close()
          if (fresh !== cache) await cache.close()
          const again = shelflife.createCache({ store: shelflife.indexedDB({ name }) })
          if ((await again.get('works')) !== round) throw new Error(`not working again in ${round}`)
          await again.close()
        }
        return totals
      }, MUTATIONS)
      t.diagnostic(JSON.stringify(outcome))
      assert.ok(outcome.found > 0 && outcome.missed > 0)
      await close()
    })

    test('a database of a newer version is not touched', async () => {
      const { page, close } = await visit()
      const result = await page.evaluate(async () => {
        const newer = await new Promise(resolve => {
          const request = indexedDB.open('shelflife:newer', 7)
          request.onupgradeneeded = () => request.result.createObjectStore('theirs')
          request.onsuccess = () => resolve(request.result)
        })
        newer.close()
        const cache = shelflife.createCache({ store: shelflife.indexedDB({ name: 'newer' }) })
        await cache.set('a', 1)
        await cache.get('b')
        const { state, reason } = shelflife.tier(cache)
        await cache.close()
        return {
          state,
          reason,
          databases: (await indexedDB.databases())
            .filter(({ name }) => name?.includes('newer'))
            .map(({ name, version }) => `${name} ${version}`),
        }
      })
      assert.equal(result.state, 'off')
      assert.match(result.reason ?? '', /VersionError/)
      assert.deepEqual(result.databases, ['shelflife:newer 7'])
      await close()
    })

    test('a database of the first version begins anew', async () => {
      const { page, close } = await visit()
      const result = await page.evaluate(async () => {
        const older = await new Promise(resolve => {
          const request = indexedDB.open('shelflife:older', 1)
          request.onupgradeneeded = () => {
            const { result } = request
            result
              .createObjectStore('directories', { autoIncrement: true })
              .add({ directory: new Uint8Array(8), payloadBytes: 0, check: 0 })
            result.createObjectStore('payloads')
            result.createObjectStore('about').put({ birth: 'long ago', clearing: '' }, 'epoch')
          }
          request.onsuccess = () => resolve(request.result)
        })
        older.close()
        const cache = shelflife.createCache({ store: shelflife.indexedDB({ name: 'older' }) })
        await cache.set('a', 1, { persist: 'stored' })
        const { state, errors, entries } = shelflife.tier(cache)
        await cache.close()
        return { state, errors, entries }
      })
      assert.deepEqual(result, { state: 'on', errors: { upgraded: 1 }, entries: 1 })
      await close()
    })

    test('an upgrade by newer code in another tab is not blocked', async () => {
      const { page, close } = await visit()
      const result = await page.evaluate(async () => {
        const cache = shelflife.createCache({ store: shelflife.indexedDB({ name: 'upgrade' }) })
        await cache.set('a', 1, { persist: 'stored' })
        const began = performance.now()
        const newer = await new Promise((resolve, reject) => {
          const request = indexedDB.open('shelflife:upgrade', 3)
          request.onblocked = () => reject(new Error('blocked'))
          request.onsuccess = () => resolve(request.result)
        })
        const ms = performance.now() - began
        const code = await cache.set('b', 2, { persist: 'stored' }).catch(error => error.code)
        const values = [await cache.get('a'), await cache.get('b'), (await cache.get('c')) ?? null]
        const { state, errors } = shelflife.tier(cache)
        newer.close()
        await cache.close()
        return { ms, code, values, state, errors }
      })
      assert.ok(result.ms < 1000)
      assert.equal(result.code, 'ERR_STORE')
      assert.deepEqual(result.values, [1, 2, null])
      assert.equal(result.state, 'off')
      assert.equal(result.errors.versionchange, 1)
      await close()
    })

    test('what the browser answers when a database is corrupt: reopen, delete, another name, off', async () => {
      const { page, close } = await visit()
      const results = await page.evaluate(async () => {
        const open = IDBFactory.prototype.open
        const remove = IDBFactory.prototype.deleteDatabase
        const failing = () => {
          const error = new DOMException('Internal error opening backing store for indexedDB.open.', 'UnknownError')
          const request = /** @type {IDBOpenDBRequest} */ ({ error })
          queueMicrotask(() => request.onerror?.(new Event('error')))
          return request
        }
        /** @typedef {(name: string) => boolean} Which */
        /** @type {Which} */
        const probe = name => name.includes('probe')
        /**
         * Lives through it with databases of which some open, some can be deleted, the failing ones after `times` as well.
         * @param {string} what
         * @param {{ opens: Which, removes: Which, times?: number }} behaviour
         */
        const live = async (what, { opens, removes, times = Number.POSITIVE_INFINITY }) => {
          localStorage.clear()
          /** @type {string[]} */
          const log = []
          let left = times
          IDBFactory.prototype.open = function (name, version) {
            const fails = !opens(name) && left > 0
            log.push(`open ${name}${fails ? ' fails' : ''}`)
            left -= fails ? 1 : 0
            return fails ? failing() : open.call(this, name, version)
          }
          IDBFactory.prototype.deleteDatabase = function (name) {
            log.push(`delete ${name}`)
            if (removes(name) && !probe(name)) left = 0
            return removes(name) ? remove.call(this, name) : failing()
          }
          const cache = shelflife.createCache({ store: shelflife.indexedDB({ name: what }) })
          await cache.set('a', 1)
          const code = await cache.set('b', 1, { persist: 'stored' }).catch(error => error.code)
          const { state, errors } = shelflife.tier(cache)
          const outcome = {
            code,
            state,
            errors,
            log: log.filter(line => !line.includes('probe')),
            values: [await cache.get('a'), (await cache.get('z')) ?? null],
          }
          await cache.close()
          Object.assign(IDBFactory.prototype, { open, deleteDatabase: remove })
          return outcome
        }
        return {
          passing: await live('passing', { opens: probe, removes: () => true, times: 2 }),
          deletable: await live('deletable', { opens: probe, removes: () => true }),
          stuck: await live('stuck', { opens: name => name !== 'shelflife:stuck', removes: probe }),
          hopeless: await live('hopeless', { opens: probe, removes: probe }),
          server: await live('server', { opens: () => false, removes: () => true }),
        }
      })
      const { passing, deletable, stuck, hopeless, server: all } = results
      assert.deepEqual([passing.state, passing.errors, passing.code ?? null], ['on', {}, null])
      assert.deepEqual([deletable.state, deletable.errors], ['on', { corrupt: 1, deleted: 1 }])
      assert.equal(deletable.log.filter(line => line.startsWith('delete')).length, 1)
      assert.deepEqual([stuck.state, stuck.errors], ['on', { corrupt: 1, renamed: 1 }])
      assert.equal(stuck.log.at(-1), 'open shelflife:stuck~1')
      assert.equal(hopeless.state, 'off')
      assert.deepEqual([hopeless.errors.corrupt, hopeless.errors.renamed, hopeless.code], [3, 2, 'ERR_STORE'])
      // Nothing opens: it is not the database, so nothing is deleted.
      assert.equal(all.state, 'off')
      assert.deepEqual([all.errors, all.log.filter(line => line.startsWith('delete'))], [{ open: 1 }, []])
      for (const { values } of Object.values(results)) assert.deepEqual(values, [1, null])
      await close()
    })

    test('a tier that was off comes back, without what changed meanwhile', async () => {
      const { page, close } = await visit()
      const result = await page.evaluate(async () => {
        const transaction = IDBDatabase.prototype.transaction
        const options = { max: 2, store: shelflife.indexedDB({ name: 'back' }) }
        const cache = shelflife.createCache(options)
        for (const key of ['a', 'b', 'c', 'd']) await cache.set(key, 'old', { persist: 'stored' })
        IDBDatabase.prototype.transaction = () => {
          throw new DOMException('Connection to Indexed Database server lost', 'UnknownError')
        }
        const code = await cache.set('a', 'new', { persist: 'stored' }).catch(error => error.code)
        const off = shelflife.tier(cache).state
        await cache.set('b', 'new')
        await cache.delete('c')
        IDBDatabase.prototype.transaction = transaction
        await new Promise(resolve => setTimeout(resolve, 1100))
        await cache.get('z')
        while (shelflife.tier(cache).state === 'off') await new Promise(resolve => setTimeout(resolve, 10))
        cache.trim(1)
        const values = []
        for (const key of ['a', 'b', 'c', 'd']) values.push((await cache.get(key)) ?? null)
        await cache.set('e', 1, { persist: 'stored' })
        const { errors } = shelflife.tier(cache)
        await cache.close()
        const again = shelflife.createCache(options)
        for (const key of ['a', 'b', 'c', 'd', 'e']) values.push((await again.get(key)) ?? null)
        await again.close()
        return { code, off, values, errors }
      })
      assert.equal(result.off, 'off')
      assert.equal(result.code, 'ERR_STORE')
      assert.deepEqual(result.values, [null, null, null, 'old', null, null, null, 'old', 1])
      assert.equal(result.errors.revived, 1)
      await close()
    })

    test('a database that is gone at the next visit is counted as lost', async () => {
      const { page, close } = await visit()
      const [first, second, third] = await page.evaluate(async () => {
        localStorage.clear()
        const look = async () => {
          const cache = shelflife.createCache({ store: shelflife.indexedDB({ name: 'visits' }) })
          const found = (await cache.get('a')) ?? null
          await cache.set('a', 1, { persist: 'stored' })
          const { errors } = shelflife.tier(cache)
          await cache.close()
          return [found, errors]
        }
        const looks = [await look(), await look()]
        await new Promise(resolve => {
          indexedDB.deleteDatabase('shelflife:visits').onsuccess = resolve
        })
        return [...looks, await look()]
      })
      assert.deepEqual(
        [first, second, third],
        [
          [null, {}],
          [1, {}],
          [null, { lost: 1 }],
        ],
      )
      await close()
    })

    test('while somebody blocks the database memory goes on; when they let go, the tier does', async t => {
      const { page, close } = await visit()
      const result = await page.evaluate(async () => {
        const holder = await new Promise((resolve, reject) => {
          const request = indexedDB.open('shelflife:held', 2)
          request.onsuccess = () => resolve(request.result)
          request.onerror = () => reject(request.error)
        })
        // It waits for the holder, and whoever opens waits for it.
        const deleted = indexedDB.deleteDatabase('shelflife:held')
        const cache = shelflife.createCache({ store: shelflife.indexedDB({ name: 'held' }) })
        const began = performance.now()
        await cache.set('a', 1)
        const code = await cache.set('b', 2, { persist: 'stored' }).catch(error => error.code)
        const ms = performance.now() - began
        const values = [await cache.get('a'), await cache.get('b'), (await cache.get('c')) ?? null]
        const { state, reason } = shelflife.tier(cache)
        holder.close()
        await new Promise(resolve => {
          if (deleted.readyState === 'done') resolve(undefined)
          deleted.onsuccess = resolve
        })
        await new Promise(resolve => setTimeout(resolve, 1100))
        await cache.get('z')
        while (shelflife.tier(cache).state === 'off') await new Promise(resolve => setTimeout(resolve, 10))
        await cache.set('d', 4, { persist: 'stored' })
        const { errors } = shelflife.tier(cache)
        await cache.close()
        const again = shelflife.createCache({ store: shelflife.indexedDB({ name: 'held' }) })
        const stored = await again.get('d')
        await again.close()
        return { ms, code, values, state, reason, errors, stored }
      })
      t.diagnostic(`memory only after ${Math.round(result.ms)} ms: ${result.reason}`)
      assert.ok(result.ms < 7000)
      assert.deepEqual([result.code, result.state, result.values], ['ERR_STORE', 'off', [1, 2, null]])
      assert.deepEqual([result.errors, result.stored], [{ open: 1, revived: 1 }, 4])
      await close()
    })

    test('a sandboxed frame: memory only, and it says why', async () => {
      const { page, close } = await visit()
      const [value, state, reason] = await page.evaluate(async () => {
        const inside = async () => {
          const cache = shelflife.createCache({ store: shelflife.indexedDB({ name: 'framed' }) })
          await cache.set('a', 1)
          await cache.get('b')
          const { state, reason } = shelflife.tier(cache)
          parent.postMessage([await cache.get('a'), state, reason], '*')
        }
        const frame = document.createElement('iframe')
        frame.sandbox.add('allow-scripts')
        const script = `await import('${location.origin}/entry.js'); await (${inside})()`
        frame.srcdoc = `<script type="module">${script}</script>`
        const said = new Promise(resolve => addEventListener('message', ({ data }) => resolve(data), { once: true }))
        document.body.append(frame)
        return /** @type {Promise<[number, string, string]>} */ (said)
      })
      assert.deepEqual([value, state], [1, 'off'])
      assert.match(reason, /SecurityError/)
      await close()
    })
  })
}

describe('Firefox', { skip: engines.firefox.skip }, () => {
  describe('with room for 2 MiB', () => {
    const { visit } = engines.firefox.library({ prefs: { 'dom.quotaManager.temporaryStorage.fixedLimit': 2048 } })
    test('the oldest are given up, memory goes on, nothing is lost silently', async t => {
      const { page, close } = await visit()
      checkFilled(t, await page.evaluate(fill))
      await close()
    })
  })

  describe('in private', () => {
    const { visit } = engines.firefox.library({ prefs: { 'browser.privatebrowsing.autostart': true } })
    test('what is stored is there at the next visit of the same window', async () => {
      const once = () =>
        visit().then(async ({ page, close }) => {
          const found = await page.evaluate(async () => {
            const cache = shelflife.createCache({ store: shelflife.indexedDB({ name: 'private' }) })
            const value = (await cache.get('a')) ?? null
            await cache.set('a', 1, { persist: 'stored' })
            const { state, errors } = shelflife.tier(cache)
            await cache.close()
            return [value, state, errors]
          })
          await close()
          return found
        })
      assert.deepEqual(await once(), [null, 'on', {}])
      assert.deepEqual(await once(), [1, 'on', {}])
    })
  })
})
