/** Tiers of several tabs on one log, in one process: what one of them does the others see, whatever they have missed. */

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { storeContext } from '../../../js/core/tier-core.ts'
import type { ListedSegment, Peers, Segment } from '../../../js/stores/segment-medium.ts'
import { Tabs } from '../../../js/stores/tabs.ts'
import type { MediumContext, StoreChange, Tier } from '../../../js/stores/tier.ts'
import { ManualClock, MemoryLog, MemoryMedium } from '../../../js/testing.ts'
import { segmentStore } from '../../../js/tier/segment-store.ts'
import { FakeChannel, FakeLocks, FakePage } from './fake-page.ts'
import { mulberry } from './mulberry.ts'

const signal = () => new AbortController().signal

/** A log that knows when it was emptied. */
class SharedLog extends MemoryLog {
  override writers = Number.POSITIVE_INFINITY
  clearing = 0
  /** Holds the next list up. */
  stalled: Promise<void> | undefined
}

class SharedMedium extends MemoryMedium {
  readonly isOrdered = true
  readonly peers: Peers
  readonly #log: SharedLog
  readonly #context: MediumContext
  #clearing: number

  constructor(log: SharedLog, peers: Peers, context: MediumContext) {
    super(log)
    this.#log = log
    this.peers = peers
    this.#context = context
    this.#clearing = log.clearing
  }

  override append(segments: readonly Segment[]): Promise<number[]> {
    this.#meet()
    this.peers.begin()
    return super.append(segments)
  }

  override async list(after: number): Promise<ListedSegment[]> {
    this.#meet()
    const { stalled } = this.#log
    this.#log.stalled = undefined
    await stalled
    return super.list(after)
  }

  override clear(): Promise<void> {
    this.#log.clearing += 1
    this.#clearing = this.#log.clearing
    return super.clear()
  }

  override close(): Promise<void> {
    this.peers.close()
    return super.close()
  }

  #meet(): void {
    if (this.#clearing === this.#log.clearing) return
    this.#clearing = this.#log.clearing
    this.#context.forgotten()
  }
}

interface Tab {
  readonly page: FakePage
  readonly tier: Tier
  readonly changes: StoreChange[]
}

interface Budget {
  readonly maxSize?: number
  readonly isInUse?: (key: string) => boolean
}

let clock: ManualClock
let log: SharedLog
let locks: FakeLocks

beforeEach(() => {
  clock = new ManualClock()
  log = new SharedLog()
  locks = new FakeLocks()
  FakeChannel.open.clear()
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  vi.stubGlobal('BroadcastChannel', FakeChannel)
  vi.stubGlobal('navigator', { locks })
})
afterEach(() => {
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

async function open({ maxSize = Number.POSITIVE_INFINITY, isInUse }: Budget = {}): Promise<Tab> {
  const page = new FakePage()
  const changes: StoreChange[] = []
  return page.within(async () => {
    const store = segmentStore({
      name: 'shared',
      maxSize,
      openMedium: context => new SharedMedium(log, new Tabs('log'), context),
    })
    const tier = store.openTier({ ...storeContext(clock), onChange: change => changes.push(change), isInUse })
    await tier.open()
    return { page, tier, changes }
  })
}

async function set({ tier }: Tab, key: string, value: unknown): Promise<void> {
  const entry = { value, writtenAt: clock.wall(), expiresAt: Number.POSITIVE_INFINITY }
  const done = tier.setMany([{ key, entry }], { persist: 'stored' })
  await clock.advanceAsync(1)
  await done
}

async function get({ tier }: Tab, ...keys: string[]): Promise<unknown[]> {
  return (await tier.getMany(keys)).map(entry => entry?.value)
}

/** Lets bells ring and logs be read. */
async function settle(turnMs = 1): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) {
    vi.advanceTimersByTime(10)
    await clock.advanceAsync(turnMs)
  }
}

async function close(...tabs: Tab[]): Promise<void> {
  for (const { page, tier } of tabs) await page.within(() => tier.close())
  expect([FakeChannel.open.size, locks.held, clock.timers, ...tabs.map(({ page }) => page.listening)]).toEqual([
    0,
    [],
    0,
    ...tabs.map(() => 0),
  ])
}

describe('tiers on one log', () => {
  test('one that empties the log while it reads what others have written keeps nothing of that', async () => {
    const [one, two] = [await open(), await open()]
    await two.tier.clear()
    let release = () => {}
    log.stalled = new Promise(resolve => {
      release = resolve
    })
    await set(two, 'a', 1)
    await settle()
    const cleared = one.tier.clear()
    release()
    await settle()
    await cleared
    expect(one.tier.stats().entries).toBe(0)
    await set(two, 'b', 2)
    await settle()
    expect([await get(one, 'a', 'b'), await get(two, 'a', 'b')]).toEqual([
      [undefined, 2],
      [undefined, 2],
    ])
    await close(one, two)
  })

  test('hear which keys changed, and read what is there now', async () => {
    const [one, two] = [await open(), await open()]
    await set(one, 'a', 1)
    await settle()
    expect([two.changes, await get(two, 'a')]).toEqual([[{ keys: ['a'] }], [1]])
    await set(two, 'a', 2)
    await two.tier.deleteMany(['b'], { persist: 'stored' })
    await settle()
    expect([one.changes.flatMap(change => ('keys' in change ? change.keys : [])), await get(one, 'a')]).toEqual([['a', 'b'], [2]])
    await close(one, two)
  })

  test('who was away looks when it comes back: sets, deletions, invalidations', async () => {
    const [one, two] = [await open(), await open()]
    const entry = (key: string) => ({ value: 1, writtenAt: clock.wall(), expiresAt: Number.POSITIVE_INFINITY, facts: { tags: [key] } })
    await one.tier.setMany(
      ['a', 'b', 'c'].map(key => ({ key, entry: entry(key) })),
      { persist: 'stored' },
    )
    await settle()
    two.page.leave()
    two.changes.length = 0
    await set(one, 'a', 2)
    await one.tier.deleteMany(['b'], { persist: 'stored' })
    await one.tier.invalidate({ tags: ['c'] }, { persist: 'stored' })
    await settle()
    expect(two.changes).toEqual([])
    two.page.comeBack()
    await settle()
    expect(await get(two, 'a', 'b', 'c')).toEqual([2, undefined, undefined])
    expect(two.changes).toContainEqual({ keys: expect.arrayContaining(['a', 'b']) })
    expect(two.changes).toContainEqual({ invalidation: expect.objectContaining({ tags: ['c'] }) })
    await close(one, two)
  })

  test('who comes back when what it missed was rewritten forgets everything', async () => {
    const [one, two] = [await open(), await open()]
    await set(one, 'a', 1)
    await settle()
    two.page.leave()
    two.changes.length = 0
    for (let at = 0; at < 80; at += 1) await set(one, `k${at % 3}`, at)
    await one.tier.deleteMany(['a'], { persist: 'stored' })
    for (let at = 0; at < 80; at += 1) await set(one, `k${at % 3}`, at)
    expect(one.tier.stats().compactions).toBeGreaterThan(0)
    two.page.comeBack()
    await settle()
    expect(two.changes).toContainEqual({ all: true, isEmptied: false })
    expect(await get(two, 'a', 'k0', 'k1', 'k2')).toEqual([undefined, 78, 79, 77])
    await close(one, two)
  })

  test('a log that was emptied is empty for all, and what is written after that is there for all', async () => {
    const [one, two] = [await open(), await open()]
    await set(one, 'a', 1)
    await settle()
    await one.tier.clear()
    await settle()
    expect([two.changes.at(-1), await get(two, 'a')]).toEqual([{ all: true, isEmptied: true }, [undefined]])
    await set(two, 'b', 1)
    await settle()
    expect(await get(one, 'a', 'b')).toEqual([undefined, 1])
    await close(one, two)
  })

  test('who writes takes in first what others have written before', async () => {
    const [one, two] = [await open(), await open()]
    two.page.leave()
    await set(one, 'a', 1)
    await set(one, 'b', 1)
    await set(two, 'b', 2)
    expect(await get(two, 'a', 'b')).toEqual([1, 2])
    two.page.comeBack()
    await settle()
    expect(await get(one, 'a', 'b')).toEqual([1, 2])
    await close(one, two)
  })

  test('while one has the right to load a key the others wait, and find what it stored', async () => {
    const [one, two] = [await open(), await open()]
    const release = await one.tier.lock?.('k', signal)
    let second: (() => void) | undefined | 'waits' = 'waits'
    void two.tier.lock?.('k', signal)?.then(release => {
      second = release
    })
    void one.tier.setMany([{ key: 'k', entry: { value: 1, writtenAt: clock.wall(), expiresAt: Number.POSITIVE_INFINITY } }], {
      persist: 'memory',
    })
    // Given back, it is kept until what is queued is stored.
    release?.()
    expect(second).toBe('waits')
    await settle()
    expect([typeof second, await get(two, 'k')]).toEqual(['function', [1]])
    ;(second as unknown as () => void)()
    await settle()
    await close(one, two)
  })

  test('who waits for longer than ten seconds goes on without, and it is counted', async () => {
    const [one, two] = [await open(), await open()]
    const release = await one.tier.lock?.('k', signal)
    const waiting = two.tier.lock?.('k', signal)
    await clock.advanceAsync(9999)
    await clock.advanceAsync(2)
    expect(await waiting).toBeUndefined()
    expect(two.tier.stats().errors).toEqual({ unlocked: 1 })
    release?.()
    await settle()
    await close(one, two)
  })
})

const PADDING = 'x'.repeat(1000)

test.each<[string, Budget, string]>([
  ['', {}, ''],
  [', for want of room what is not in use goes', { maxSize: 24_000, isInUse: key => key < 'k3' }, PADDING],
])('several tabs, random work, hiding, leaving, closing: all converge%s', { timeout: 60_000 }, async (_, budget, padding) => {
  const seeds = Number(process.env.SHELFLIFE_TAB_ROUNDS ?? 60)
  for (let seed = 1; seed <= seeds; seed += 1) {
    log = new SharedLog()
    FakeChannel.open.clear()
    const random = mulberry(seed)
    const dice = (most: number) => Math.floor(random() * most)
    const tabs: Tab[] = []
    for (let at = 0; at < 3; at += 1) tabs.push(await open(budget))
    const away = new Set<Tab>()
    let [settled, before]: [number, unknown[]] = [0, []]
    for (let step = 1; step <= 120; step += 1) {
      const at = dice(tabs.length)
      const tab = tabs[at] as Tab
      const key = `k${dice(6)}`
      const persist = dice(2) === 0 ? 'memory' : 'stored'
      const kind = dice(100)
      const entry = {
        value: [step, padding],
        writtenAt: clock.wall(),
        expiresAt: Number.POSITIVE_INFINITY,
        facts: { tags: [`t${dice(2)}`] },
      }
      let work: Promise<unknown> = Promise.resolve()
      if (kind < 50) work = tab.tier.setMany([{ key, entry }], { persist })
      else if (kind < 65) work = tab.tier.deleteMany([key], { persist })
      else if (kind < 70) work = tab.tier.invalidate({ tags: [`t${dice(2)}`] }, { persist })
      else if (kind < 72) work = tab.tier.clear()
      else if (kind < 80) {
        tab.page.leave()
        away.add(tab)
      } else if (kind < 86) {
        tab.page.comeBack()
        away.delete(tab)
      } else if (kind < 88) {
        await tab.page.within(async () => {
          const closed = tab.tier.close()
          await settle()
          await closed
        })
        away.delete(tab)
        tabs[at] = await open(budget)
      } else work = tab.tier.getMany([key])
      if (dice(2) === 0) await clock.advanceAsync(dice(150))
      else void work.catch(() => {})
      if (step % 40 > 0) continue
      for (const one of away) one.page.comeBack()
      away.clear()
      const flushed = Promise.all(tabs.map(one => one.tier.flush()))
      await settle(200)
      await flushed
      await settle()
      const keys = Array.from({ length: 6 }, (_, at) => `k${at}`)
      const seen = await Promise.all(tabs.map(one => get(one, ...keys)))
      expect(seen, `seed ${seed}, step ${step}`).toEqual(tabs.map(() => seen[0]))
      // What was gone does not come back.
      for (const [at, value] of (seen[0] as (readonly [number, string] | undefined)[]).entries())
        if (value !== undefined && value[0] <= settled) expect(value, `seed ${seed}, step ${step}`).toEqual(before[at])
      ;[settled, before] = [step, seen[0] as unknown[]]
      // Who has just come sees the same.
      const fresh = await open(budget)
      expect(await get(fresh, ...keys), `seed ${seed}, step ${step}`).toEqual(seen[0])
      await fresh.page.within(() => fresh.tier.close())
    }
    for (const one of tabs) expect(one.tier.stats()).toMatchObject({ state: 'on', dropped: 0, errors: {} })
    await close(...tabs)
  }
})
