import Keyv from 'keyv'
import { describe, expect, test } from 'vitest'
import { keyvStore } from '../../../js/stores/keyv.ts'
import { ManualClock } from '../../../js/testing.ts'
import { type Lived, live } from './life.ts'

/** Between the calls that fail. `SHELFLIFE_FAULT_STEP=1` for each. */
const STEP = Number(process.env.SHELFLIFE_FAULT_STEP ?? 5)
const LATE_MS = 10_000

/** It throws, rejects, does it and rejects, does it much later, answers nonsense. */
const FAULTS = ['throws', 'rejects', 'rejects after', 'late', 'nonsense'] as const
type Fault = (typeof FAULTS)[number]
type Plan = (n: number) => Fault | undefined

const NONSENSE = [7, {}, 'sl1|', () => {}, Number.NaN]

/** A storage adapter that fails as planned. */
class FaultyAdapter {
  readonly map = new Map<string, unknown>()
  calls = 0
  met = 0
  plan: Plan
  readonly #late: { ms: number; go: () => void }[] = []

  constructor(plan: Plan) {
    this.plan = plan
  }

  get(key: string) {
    return this.#act(() => this.map.get(key))
  }
  getMany(keys: string[]) {
    return this.#act(() => keys.map(key => this.map.get(key)))
  }
  set(key: string, value: unknown) {
    return this.#act(() => {
      this.map.set(key, value)
      return true
    })
  }
  delete(key: string) {
    return this.#act(() => this.map.delete(key))
  }
  clear() {
    return this.#act(() => this.map.clear())
  }

  tick(ms: number): void {
    for (const one of [...this.#late]) {
      one.ms -= ms
      if (one.ms > 0) continue
      this.#late.splice(this.#late.indexOf(one), 1)
      one.go()
    }
  }

  #act<T>(work: () => T): Promise<T> {
    this.calls += 1
    const fault = this.plan(this.calls)
    if (fault === undefined) return Promise.resolve().then(work)
    this.met += 1
    if (fault === 'throws') throw new Error('planned')
    if (fault === 'late') return new Promise(resolve => this.#late.push({ ms: LATE_MS, go: () => resolve(work()) }))
    const n = this.calls
    return Promise.resolve().then(() => {
      if (fault === 'rejects') throw new Error('planned')
      work()
      if (fault === 'rejects after') throw new Error('planned')
      return NONSENSE[n % NONSENSE.length] as T
    })
  }
}

async function day(isKeyv: boolean, plan: Plan, isLying = false): Promise<Lived & { calls: number; met: number }> {
  const clock = new ManualClock()
  const adapter = new FaultyAdapter(plan)
  let calls = 0
  const lived = await live({
    clock,
    store: keyvStore(isKeyv ? new Keyv({ store: adapter }) : adapter, { timeout: 500 }),
    isLying,
    tick: ms => adapter.tick(ms),
    calm() {
      calls = adapter.calls
      adapter.plan = () => undefined
      adapter.tick(LATE_MS)
    },
  })
  return { ...lived, calls, met: adapter.met }
}

describe.each([true, false])('of a Keyv: %s', isKeyv => {
  test('nothing fails without a fault', async () => {
    const { stats, next, calls } = await day(isKeyv, () => undefined)
    expect([stats.errors, stats.dropped, next.errors]).toEqual([{}, 0, {}])
    expect(calls).toBeGreaterThan(60)
  })

  test.each(FAULTS)(
    '%s at the n-th call, for every n, and from then on: success or a typed error, the newest value or none, never a hang',
    { timeout: 600_000 },
    async fault => {
      const { calls } = await day(isKeyv, () => undefined)
      const plans: [string, Plan][] = []
      for (let at = 1 + (FAULTS.indexOf(fault) % STEP); at <= calls; at += STEP)
        plans.push([`call ${at}`, n => (n === at ? fault : undefined)])
      for (const from of [1, 2, 5, 20, 50]) plans.push([`from ${from} on`, n => (n >= from ? fault : undefined)])
      plans.push(['every third', n => (n % 3 === 0 ? fault : undefined)])
      for (const [what, plan] of plans) {
        const { met } = await day(isKeyv, plan, fault === 'nonsense').catch(error => {
          throw new Error(`${fault}, ${what}: ${error.message}`, { cause: error })
        })
        expect(met, what).toBeGreaterThan(0)
      }
    },
  )
})
