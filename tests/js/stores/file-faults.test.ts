import { expect, test } from 'vitest'
import { storeContext } from '../../../js/core/tier-core.ts'
import type { FileLayer } from '../../../js/stores/fs/layer.ts'
import { FsMedium } from '../../../js/stores/fs/medium.ts'
import { ManualClock } from '../../../js/testing.ts'
import { segmentStore } from '../../../js/tier/segment-store.ts'
import { UnsyncedDisk } from './unsynced-files.ts'

/** Calls of a layer and of its files, each of which `fate` may make fail. */
function faulty(layer: FileLayer, fate: () => void): FileLayer {
  const calls = <T extends object>(target: T, except: string): T =>
    new Proxy(target, {
      get(object, name) {
        const method: unknown = Reflect.get(object, name)
        if (typeof method !== 'function' || name === except) return method
        return async (...args: unknown[]) => {
          fate()
          const result: unknown = await method.apply(object, args)
          return name === 'open' ? calls(result as object, 'close') : result
        }
      },
    })
  return calls(layer, '')
}

/** Two processes, one after the other; a call of the first fails. Gives how many there were. */
async function live(at: number, code: string): Promise<number> {
  const clock = new ManualClock()
  const disk = new UnsyncedDisk()
  let calls = 0
  const fate = () => {
    calls += 1
    if (calls === at) throw Object.assign(new Error(code), { code })
  }
  const storeOn = (fail: () => void) => {
    const openMedium = () => new FsMedium('/cache', { openLayer: async () => faulty(disk.layer(), fail), fileBytes: 20_000 })
    return segmentStore({ name: 'faulty', maxSize: 60_000, openMedium }).openTier(storeContext(clock))
  }
  const settled = async <T>(work: Promise<T>): Promise<PromiseSettledResult<T>> => {
    let outcome: PromiseSettledResult<T> | undefined
    void Promise.allSettled([work]).then(([settled]) => {
      outcome = settled
    })
    for (let waited = 0; outcome === undefined; waited += 1) {
      if (waited > 300) throw new Error(`it hangs: ${code} at call ${at}`)
      await clock.advanceAsync(1000)
    }
    if (outcome.status === 'rejected') expect(outcome.reason.code).toMatch(/^ERR_(STORE|QUOTA|TIMEOUT|CLOSED)$/)
    return outcome
  }
  /** By key: what may be the newest. A write that failed may have been done. */
  const possible = new Map<string, (number | undefined)[]>()
  const check = async (tier: ReturnType<typeof storeOn>) => {
    const keys = [...possible.keys()]
    const outcome = await settled(tier.getMany(keys))
    if (outcome.status === 'rejected') throw outcome.reason
    for (const [index, entry] of outcome.value.entries()) {
      const found = (entry?.value as { serial: number } | undefined)?.serial
      if (found !== undefined) expect(possible.get(keys[index] as string), `${code} at call ${at}`).toContain(found)
    }
  }
  const first = storeOn(fate)
  for (let serial = 1; serial <= 40; serial += 1) {
    const key = `k${serial % 9}`
    const isDelete = serial % 6 === 0
    const entry = { value: { serial, text: 'x'.repeat(2500) }, writtenAt: clock.wall(), expiresAt: Number.POSITIVE_INFINITY }
    const persist = serial % 2 === 0 ? 'stored' : 'durable'
    const outcome = await settled<unknown>(isDelete ? first.deleteMany([key], { persist }) : first.setMany([{ key, entry }], { persist }))
    const newest = isDelete ? undefined : serial
    possible.set(key, outcome.status === 'fulfilled' ? [newest] : [...(possible.get(key) ?? []), newest])
    if (serial % 4 === 0) await check(first)
  }
  await settled(first.close())
  disk.isHeld = false
  const second = storeOn(() => {})
  await check(second)
  const entry = { value: 1, writtenAt: clock.wall(), expiresAt: Number.POSITIVE_INFINITY }
  expect((await settled(second.setMany([{ key: 'again', entry }], { persist: 'stored' }))).status).toBe('fulfilled')
  expect((await second.getMany(['again']))[0]?.value).toBe(1)
  await settled(second.close())
  expect(clock.timers).toBe(0)
  return calls
}

test.each(['EIO', 'ENOSPC', 'EMFILE', 'EACCES'])(
  '%s at the n-th call of the file system, for every n: success or a typed error, no wrong value, and the next process works',
  {
    timeout: 120_000,
  },
  async code => {
    const calls = await live(0, code)
    expect(calls).toBeGreaterThan(200)
    for (let at = 1; at <= calls; at += 1) await live(at, code)
  },
)
