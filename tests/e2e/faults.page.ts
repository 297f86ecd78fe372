/** Runs in the page: a day in the life of a tier on an IndexedDB that fails, again and again, each time at another call. */

import { storeContext } from '../../js/core/tier-core.ts'
import { indexedDB as store } from '../../js/stores/indexeddb.ts'
import type { Persist, Tier, TierStats } from '../../js/stores/tier.ts'
import { ManualClock } from '../../js/testing.ts'
import { FAULTS, type Fault, FaultyIndexedDb, type Plan } from './faulty-indexeddb.ts'

/** Longer than all deadlines and retries of one operation together, by the tier's clock. */
const LONG_MS = 400_000
const KEYS = 9

interface Life {
  readonly calls: number
  readonly faults: number
  readonly stats: TierStats
}

/** For each fault: how many lives were lived, how many met it, and what went wrong in them. */
export interface Report {
  readonly calls: number
  readonly lives: Record<string, { lived: number; met: number; failures: string[]; errors: Record<string, number> }>
}

let serial = 0

/** `step`: a fault at each `step`-th call; all faults together meet every call, if there are at least as many. */
export default async function run({ step, only }: { step: number; only?: readonly string[] }): Promise<Report> {
  const unhandled: string[] = []
  addEventListener('unhandledrejection', event => {
    event.preventDefault()
    unhandled.push(`unhandled: ${event.reason?.stack ?? event.reason}`)
  })
  addEventListener('error', event => {
    event.preventDefault()
    unhandled.push(`uncaught: ${event.message} ${event.error?.stack}`)
  })
  const { calls, stats } = await live(undefined)
  if (Object.keys(stats.errors).length > 0 || stats.dropped > 0) throw new Error(`without a fault: ${JSON.stringify(stats)}`)
  const report: Report = { calls, lives: {} }
  for (const [index, fault] of FAULTS.entries()) {
    if (only?.includes(fault) === false) continue
    const outcome = { lived: 0, met: 0, failures: [] as string[], errors: {} as Record<string, number> }
    report.lives[fault] = outcome
    const plans: [string, Plan][] = []
    for (let at = 1 + (index % step); at <= calls; at += step) plans.push([`call ${at}`, (_, n) => (n === at ? fault : 'none')])
    for (const from of [1, 3, 20]) plans.push([`every call from ${from}`, (_, n) => (n >= from ? fault : 'none')])
    plans.push(['every third get', (call, n) => (call === 'get' && n % 3 === 0 ? fault : 'none')])
    for (const [what, plan] of plans) {
      outcome.lived += 1
      try {
        const { faults, stats } = await live(plan)
        if (faults > 0) outcome.met += 1
        for (const [kind, count] of Object.entries(stats.errors)) outcome.errors[kind] = (outcome.errors[kind] ?? 0) + count
      } catch (error) {
        outcome.failures.push(`${what}: ${(error as Error).message}`)
      }
      outcome.failures.push(...unhandled.splice(0).map(text => `${what}: ${text}`))
    }
  }
  return report
}

/** Without a plan nothing fails. */
async function live(plan: Plan | undefined): Promise<Life> {
  serial += 1
  const name = `faults-${Date.now()}-${serial}`
  const clock = new ManualClock()
  const faulty = new FaultyIndexedDb(plan ?? (() => 'none'))
  const restore = faulty.install()
  let isCalm = plan === undefined
  const settle = <T>(work: Promise<T>) => settled(clock, faulty, work, isCalm)
  const open = () => store({ name, maxSize: 40_000 }).openTier(storeContext(clock))
  /** By key: what a read may give beside nothing. The next tier may find what the first one only tried to write. */
  const newest = new Map<string, number>()
  const possible = new Map<string, Set<number>>()
  const acknowledged = new Map<string, number>()
  const tier = open()
  const write = async (key: string, serial: number, persist: Persist) => {
    newest.set(key, serial)
    const value = { serial, text: 'x'.repeat(serial % 4 === 0 ? 900 : 3000) }
    const outcome = await settle(
      tier.setMany([{ key, entry: { value, writtenAt: clock.wall(), expiresAt: Number.POSITIVE_INFINITY } }], { persist }),
    )
    const isStored = !('error' in outcome) && persist !== 'memory'
    if ('error' in outcome) expectTyped(outcome.error)
    possible.set(key, isStored ? new Set([serial]) : new Set(possible.get(key)).add(serial))
    if (isStored) acknowledged.set(key, serial)
    else acknowledged.delete(key)
  }
  const check = async (tier: Tier, isAllowed: (key: string, serial: number) => boolean, isQuiet: () => boolean) => {
    const keys = [...newest.keys()]
    const outcome = await settle(tier.getMany(keys))
    if ('error' in outcome) throw outcome.error
    for (const [index, entry] of outcome.value.entries()) {
      const key = keys[index] as string
      const found = (entry?.value as { serial: number } | undefined)?.serial
      if (found !== undefined && !isAllowed(key, found)) throw new Error(`a wrong value: ${key} is ${found}, not ${newest.get(key)}`)
      if (found === undefined && acknowledged.has(key) && isQuiet()) throw new Error(`${key} is lost and nobody says so`)
    }
  }
  const isNewest = (key: string, serial: number) => newest.get(key) === serial
  const saysNothing = (stats: TierStats) => Object.keys(stats.errors).length === 0 && stats.dropped + stats.reclaimed === 0
  try {
    for (let serial = 1; serial <= 24; serial += 1) {
      await write(`k${serial % KEYS}`, serial, (['stored', 'memory', 'durable'] as const)[serial % 3] as Persist)
      await check(tier, isNewest, () => saysNothing(tier.stats()))
      if (serial % 8 === 0) {
        const outcome = await settle(tier.deleteMany(['k1'], { persist: 'stored' }))
        if ('error' in outcome) expectTyped(outcome.error)
        else possible.delete('k1')
        newest.set('k1', -1)
        acknowledged.delete('k1')
        await check(tier, isNewest, () => false)
      }
      if (serial === 17) {
        const outcome = await settle(tier.clear())
        if ('error' in outcome) expectTyped(outcome.error)
        else possible.clear()
        newest.clear()
        acknowledged.clear()
      }
    }
    const closing = await settle(tier.close())
    if ('error' in closing) throw new Error(`close rejects: ${closing.error}`)
    const { calls, faults } = faulty
    restore()
    isCalm = true
    const stats = tier.stats()
    const next = open()
    await check(
      next,
      (key, serial) => possible.get(key)?.has(serial) === true,
      () => saysNothing(stats) && saysNothing(next.stats()),
    )
    await works(next, clock, settle)
    await settle(next.close())
    if (clock.timers > 0) throw new Error(`${clock.timers} timers are left`)
    await gone(name)
    return { calls, faults, stats }
  } catch (cause) {
    const { state, reason, errors } = tier.stats()
    throw new Error(`${(cause as Error)?.message ?? cause}; last fault at ${faulty.last}, ${state}, ${reason}, ${JSON.stringify(errors)}`)
  } finally {
    restore()
  }
}

/** Now that nothing fails any more. */
async function works(tier: Tier, clock: ManualClock, settle: <T>(work: Promise<T>) => Promise<Outcome<T>>): Promise<void> {
  const entry = { value: 'works', writtenAt: clock.wall(), expiresAt: Number.POSITIVE_INFINITY }
  const outcome = await settle(tier.setMany([{ key: 'again', entry }], { persist: 'stored' }))
  if ('error' in outcome) throw new Error(`does not work again: ${outcome.error}, ${JSON.stringify(tier.stats())}`)
  if ((await tier.getMany(['again']))[0]?.value !== 'works') throw new Error('does not read again')
}

type Outcome<T> = { readonly value: T } | { readonly error: unknown }

/** Waits for `work`; while it takes its time, that of the tier passes. Throws when it never settles. */
async function settled<T>(clock: ManualClock, faulty: FaultyIndexedDb, work: Promise<T>, isCalm: boolean): Promise<Outcome<T>> {
  const outcome: Promise<Outcome<T>> = work.then(
    value => ({ value }),
    error => ({ error }),
  )
  let last = performance.now()
  for (let turn = 0, waited = 0; waited <= LONG_MS; turn += 1) {
    const settled = await Promise.race([outcome, new Promise<undefined>(resolve => setTimeout(resolve, 4))])
    if (settled !== undefined) return settled
    // At first as little as a pause between two tries, then as much as a deadline. Where nothing fails nothing is to be in a hurry.
    const passed = performance.now() - last
    last += passed
    const ms = isCalm ? passed : turn < 20 ? 20 : 1000
    waited += ms
    await clock.advanceAsync(ms)
    if (waited > 45_000) faulty.release()
  }
  throw new Error('it hangs')
}

function expectTyped(error: unknown): void {
  const { code } = error as { code?: unknown }
  if (typeof code !== 'string' || !/^ERR_(STORE|QUOTA|TIMEOUT|CLOSED)$/.test(code))
    throw new Error(`not a typed error: ${(error as Error)?.stack ?? error}`)
}

/** Nobody has left a connection open, or this would be blocked: for longer than it takes to close one that opened too late. */
function gone(name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(`shelflife:${name}`)
    request.onsuccess = () => resolve()
    request.onblocked = () => setTimeout(() => reject(new Error('a connection was left open')), 2000)
    request.onerror = () => reject(request.error)
  })
}

export type { Fault }
