import { describe, expect, test } from 'vitest'
import { storeContext } from '../../../js/core/tier-core.ts'
import { ShelflifeError } from '../../../js/errors.ts'
import type { Segment } from '../../../js/stores/segment-medium.ts'
import type { Persist, Tier } from '../../../js/stores/tier.ts'
import { type Fault, type FaultPlan, faultyStore, ManualClock, MemoryLog, MemoryMedium, memoryStore } from '../../../js/testing.ts'
import { segmentStore } from '../../../js/tier/segment-store.ts'

const FAULTS: Fault[] = ['fail', 'quota', 'fail-after', 'hang', 'hang-forever']
/** Longer than all deadlines and retries of one operation together. */
const LONG_MS = 300_000

/** Waits for `work`, letting time pass until it settles; fails when it never does. */
async function settle<T>(clock: ManualClock, work: Promise<T>): Promise<{ value: T } | { error: unknown }> {
  let outcome: { value: T } | { error: unknown } | undefined
  work.then(
    value => {
      outcome = { value }
    },
    error => {
      outcome = { error }
    },
  )
  for (let waited = 0; outcome === undefined; waited += 1000) {
    if (waited > LONG_MS) throw new Error('it hangs')
    await clock.advanceAsync(1000)
  }
  return outcome
}

/** A day in the life of a tier. Every read must give the newest value or nothing, whatever fails. */
async function live(plan: FaultPlan): Promise<{ calls: number; stats: ReturnType<Tier['stats']> }> {
  const clock = new ManualClock()
  let calls = 0
  const store = faultyStore(memoryStore({ log: new MemoryLog(), maxSize: 40_000 }), (call, n) => {
    calls = n
    return plan(call, n)
  })
  const tier = store.openTier(storeContext(clock))
  const newest = new Map<string, number>()
  const write = async (key: string, serial: number, persist: Persist) => {
    newest.set(key, serial)
    const value = { serial, text: 'x'.repeat(3000) }
    const outcome = await settle(
      clock,
      tier.setMany([{ key, entry: { value, writtenAt: clock.wall(), expiresAt: Infinity } }], { persist }),
    )
    if ('error' in outcome) expect(outcome.error).toMatchObject({ code: expect.stringMatching(/^ERR_(STORE|QUOTA|TIMEOUT|CLOSED)$/) })
    return !('error' in outcome)
  }
  const check = async () => {
    const keys = [...newest.keys()]
    const outcome = await settle(clock, tier.getMany(keys))
    if ('error' in outcome) throw outcome.error
    for (const [index, entry] of outcome.value.entries()) {
      if (entry !== undefined) expect((entry.value as { serial: number }).serial).toBe(newest.get(keys[index] as string))
    }
    return outcome.value
  }
  for (let serial = 1; serial <= 24; serial += 1) {
    const persist = (['stored', 'memory', 'durable'] as const)[serial % 3] as Persist
    const stored = await write(`k${serial % 9}`, serial, persist)
    const found = await check()
    // What was acknowledged is there: the budget holds nine of them.
    if (stored && persist !== 'memory' && tier.stats().errors.read === undefined)
      expect(found[[...newest.keys()].indexOf(`k${serial % 9}`)]).toBeDefined()
    if (serial % 8 === 0) {
      await settle(clock, tier.deleteMany(['k1'], { persist: 'stored' }))
      newest.set('k1', -1)
      await check()
    }
    if (serial === 17) {
      await settle(clock, tier.clear())
      newest.clear()
    }
  }
  // Still queued when it is closed.
  await write('k0', 25, 'memory')
  expect(await settle(clock, tier.close())).toEqual({ value: undefined })
  expect(clock.timers).toBe(0)
  return { calls, stats: tier.stats() }
}

function usedBy({ segments }: MemoryLog): number {
  return [...segments.values()].reduce((sum, { directory, payload }) => sum + directory.length + payload.length, 0)
}

/** A store on a medium with a capacity of which the tier knows nothing. */
function fullStore(log: MemoryLog, disk: { readonly capacity: number }) {
  class FullMedium extends MemoryMedium {
    override append(segments: readonly Segment[]): Promise<number[]> {
      const more = segments.reduce((sum, { directory, payload }) => sum + directory.length + payload.length, 0)
      if (usedBy(log) + more > disk.capacity) return Promise.reject(new ShelflifeError('ERR_QUOTA', 'the medium is full'))
      return super.append(segments)
    }
  }
  return segmentStore({ name: 'full', maxSize: Number.POSITIVE_INFINITY, openMedium: () => new FullMedium(log) })
}

describe('a tier on a medium that fails', () => {
  test('from the moment on at which it is closed: what is queued is given up, and closing ends before its deadline', async () => {
    const clock = new ManualClock()
    let fault: Fault = 'none'
    const store = faultyStore(memoryStore({ log: new MemoryLog() }), () => fault)
    const tier = store.openTier(storeContext(clock))
    const write = (key: string, persist: Persist) =>
      tier.setMany([{ key, entry: { value: 1, writtenAt: clock.wall(), expiresAt: Infinity } }], { persist })
    await settle(clock, write('a', 'stored'))
    fault = 'fail'
    await write('b', 'memory')
    const stored = write('c', 'stored')
    const outcome = settle(clock, stored)
    const began = clock.monotonic()
    expect(await settle(clock, tier.close())).toEqual({ value: undefined })
    expect(clock.monotonic() - began).toBeLessThan(5000)
    expect(await outcome).toMatchObject({ error: { code: 'ERR_CLOSED' } })
    expect(tier.stats()).toMatchObject({ state: 'closed', queued: 0, dropped: 2, writes: 1, errors: { write: 5, flush: 1 } })
  })

  test('nothing fails without a fault', async () => {
    const { stats, calls } = await live(() => 'none')
    expect(stats).toMatchObject({ errors: {}, dropped: 0 })
    expect(calls).toBeGreaterThan(30)
  })

  test.each(FAULTS)('%s at the n-th call, for every n: success or a typed error, the newest value or none, never a hang', async fault => {
    const { calls } = await live(() => 'none')
    for (let at = 1; at <= calls; at += 1) await live((_, n) => (n === at ? fault : 'none'))
  })

  test.each(FAULTS)('%s at every call after the n-th', async fault => {
    const { calls } = await live(() => 'none')
    for (const from of [1, 2, 3, 5, 9, 17, 40, calls - 2, calls - 1, calls]) await live((_, n) => (n >= from ? fault : 'none'))
  })

  test.each(FAULTS)('%s at every third read', async fault => {
    await live((call, n) => (call === 'read' && n % 3 === 0 ? fault : 'none'))
  })

  test('a tier that cannot open is off and says why', async () => {
    const clock = new ManualClock()
    const tier = faultyStore(memoryStore(), () => 'fail').openTier(storeContext(clock))
    await tier.open()
    expect(tier.stats()).toMatchObject({ state: 'off', reason: 'a planned failure of open', errors: { open: 1 } })
    expect(await tier.getMany(['a'])).toEqual([undefined])
  })

  test('one that was off, and has worked since, is tried again as soon as the first time', async () => {
    const clock = new ManualClock()
    let fault: Fault = 'none'
    const tier = faultyStore(memoryStore({ log: new MemoryLog() }), () => fault).openTier(storeContext(clock))
    const write = () =>
      settle(clock, tier.setMany([{ key: 'a', entry: { value: 1, writtenAt: clock.wall(), expiresAt: Infinity } }], { persist: 'stored' }))
    for (let times = 1; times <= 4; times += 1) {
      expect(await write()).toEqual({ value: undefined })
      fault = 'fail'
      expect(await write()).toMatchObject({ error: { code: 'ERR_STORE' } })
      expect(tier.stats().state).toBe('off')
      fault = 'none'
      await clock.advanceAsync(1000)
      await tier.getMany(['a'])
      await clock.advanceAsync(10)
      expect(tier.stats(), `after ${times}`).toMatchObject({ state: 'on', errors: { revived: times } })
    }
    await settle(clock, tier.close())
    expect(clock.timers).toBe(0)
  })

  test('closed while it opens for the first time, it writes what it was given', async () => {
    const clock = new ManualClock()
    const log = new MemoryLog()
    const entry = { value: 1, writtenAt: clock.wall(), expiresAt: Infinity }
    const tier = memoryStore({ log }).openTier(storeContext(clock))
    const written = tier.setMany([{ key: 'a', entry }], { persist: 'memory' })
    const stored = tier.setMany([{ key: 'b', entry }], { persist: 'stored' })
    await settle(clock, tier.close())
    await Promise.all([written, stored])
    expect(tier.stats()).toMatchObject({ state: 'closed', writes: 2, dropped: 0 })
    const again = memoryStore({ log }).openTier(storeContext(clock))
    expect(await again.getMany(['a', 'b'])).toMatchObject([{ value: 1 }, { value: 1 }])
    await settle(clock, again.close())
    expect([clock.timers, log.held]).toEqual([0, 0])
  })

  test('closed while it opens in vain, it rejects who waits', async () => {
    const clock = new ManualClock()
    const tier = faultyStore(memoryStore(), () => 'fail').openTier(storeContext(clock))
    const entry = { value: 1, writtenAt: clock.wall(), expiresAt: Infinity }
    const stored = settle(clock, tier.setMany([{ key: 'b', entry }], { persist: 'stored' }))
    await settle(clock, tier.close())
    expect(await stored).toMatchObject({ error: { code: 'ERR_CLOSED' } })
    expect(clock.timers).toBe(0)
  })

  test('on a medium that is full it gives up what is oldest and goes on, with what was given up before', async () => {
    const clock = new ManualClock()
    const log = new MemoryLog()
    const disk = { capacity: Number.POSITIVE_INFINITY }
    const store = fullStore(log, disk)
    const tier = store.openTier(storeContext(clock))
    const value = 'x'.repeat(3000)
    const write = (key: string) =>
      settle(clock, tier.setMany([{ key, entry: { value, writtenAt: clock.wall(), expiresAt: Infinity } }], { persist: 'stored' }))
    await write('old:1')
    await settle(clock, tier.invalidate({ pattern: 'old:*' } as never, { persist: 'durable' }))
    for (let at = 0; at < 10; at += 1) await write(`k${at}`)
    // Somebody else fills the disk to the last byte.
    disk.capacity = usedBy(log)
    for (let at = 10; at < 100; at += 1) expect(await write(`k${at}`)).toEqual({ value: undefined })
    expect(tier.stats()).toMatchObject({ state: 'on', dropped: 0 })
    expect((await tier.getMany(['k99', 'k98', 'old:1'])).map(entry => entry?.value)).toEqual([value, value, undefined])
    await settle(clock, tier.close())
    const again = store.openTier(storeContext(clock))
    expect((await again.getMany(['k99', 'old:1'])).map(entry => entry?.value)).toEqual([value, undefined])
    await settle(clock, again.close())
  })

  test('on a full medium where all that could go would have to be noted, all goes', async () => {
    const clock = new ManualClock()
    const log = new MemoryLog()
    const disk = { capacity: Number.POSITIVE_INFINITY }
    const store = fullStore(log, disk)
    const tier = store.openTier(storeContext(clock))
    const value = 'x'.repeat(3000)
    const write = (keys: string[]) => {
      const entry = { value, writtenAt: clock.wall(), expiresAt: Infinity }
      return settle(
        clock,
        tier.setMany(
          keys.map(key => ({ key, entry })),
          { persist: 'stored' },
        ),
      )
    }
    // Whatever goes alone, the other would come up in its place, or what was given up.
    await settle(clock, tier.invalidate({ key: 'x' }, { persist: 'durable' }))
    disk.capacity = usedBy(log)
    for (const key of ['a', 'b', 'c']) expect(await write([key])).toMatchObject({ error: { code: 'ERR_QUOTA' } })
    disk.capacity = 7000
    for (const key of ['a', 'b', 'c']) expect(await write([key])).toEqual({ value: undefined })
    expect((await tier.getMany(['a', 'c'])).map(entry => entry?.value)).toEqual([undefined, value])
    await settle(clock, tier.close())
  })

  test('a full queue makes a write wait, and one far beyond it is refused', async () => {
    const clock = new ManualClock()
    let isStuck = true
    const tier = faultyStore(memoryStore(), call => (call === 'append' && isStuck ? 'hang' : 'none')).openTier(storeContext(clock))
    await tier.open()
    const write = (key: string) =>
      tier.setMany([{ key, entry: { value: 'x'.repeat(1_000_000), writtenAt: clock.wall(), expiresAt: Infinity } }], { persist: 'memory' })
    const writes: Promise<void>[] = []
    for (let at = 0; at < 40; at += 1) writes.push(write(`k${at}`))
    const outcomes = Promise.allSettled(writes)
    await expect(writes[39]).rejects.toMatchObject({ code: 'ERR_QUEUE_FULL' })
    expect(await Promise.race([writes[20], clock.advanceAsync(10).then(() => 'waits')])).toBe('waits')
    expect(await tier.getMany(['k39', 'k20'])).toMatchObject([undefined, { value: expect.any(String) }])
    isStuck = false
    const settled = await settle(clock, outcomes)
    expect('value' in settled && settled.value.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(30)
    expect((await tier.getMany(['k20']))[0]).toBeDefined()
    await settle(clock, tier.close())
  })
})
