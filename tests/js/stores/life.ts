/** A day in the life of a tier whose store fails at times: for tests of stores that are asked by commands. */

import { expect } from 'vitest'
import { storeContext } from '../../../js/core/tier-core.ts'
import type { Persist, Store, Tier, TierStats } from '../../../js/stores/tier.ts'
import type { ManualClock } from '../../../js/testing.ts'
import { outcomeOf } from './outcome.ts'

/** Longer than all deadlines and retries of one operation together. */
const LONG_MS = 300_000
const STEP_MS = 50
const KEYS = 9

/** What is lived through. */
export interface Day {
  readonly clock: ManualClock
  readonly store: Store
  /** Nothing in the place of a value need not be told from a value that never was. Default: that is counted. */
  readonly isLying?: boolean
  /** Time has passed. */
  tick(ms: number): void
  /** From now on nothing fails. */
  calm(): void
}

/** What became of the first tier, and of the one after it. */
export interface Lived {
  readonly stats: TierStats
  readonly next: TierStats
}

/**
 * Writes, deletes, invalidates, clears and closes; then another tier looks what is there. Throws when a read gives anything but the newest value or
 * none, when a failure has no code, when something hangs, when a second tier finds what was never there or what was replaced, or when that does not work.
 */
export async function live({ clock, store, isLying = false, tick, calm }: Day): Promise<Lived> {
  const settle = async <T>(work: Promise<T>): Promise<T | Error> => {
    let turns = 0
    const pass = async () => {
      // What is on its way without a timer comes first.
      if (turns % 2 === 1) tick(STEP_MS)
      await clock.advanceAsync(turns % 2 === 1 ? STEP_MS : 0)
      turns += 1
    }
    const outcome = await outcomeOf(work, pass, (2 * LONG_MS) / STEP_MS)
    if (outcome instanceof Error) expect(outcome).toMatchObject({ code: expect.stringMatching(/^ERR_(STORE|QUOTA|TIMEOUT|CLOSED)$/) })
    return outcome
  }
  /** By key: what a read may give beside nothing, and what the next tier may find. What failed may have been done. */
  const newest = new Map<string, number | undefined>()
  const possible = new Map<string, Set<number>>()
  const check = async (tier: Tier, isAllowed: (key: string, serial: number) => boolean) => {
    const keys = [...newest.keys()]
    const found = await settle(tier.getMany(keys))
    if (found instanceof Error) throw found
    for (const [at, entry] of found.entries()) {
      const key = keys[at] as string
      const serial = (entry?.value as { serial: number } | undefined)?.serial
      if (serial !== undefined && !isAllowed(key, serial)) throw new Error(`${key} is ${serial}, newest is ${newest.get(key)}`)
    }
    return found
  }
  const forget = (keys: Iterable<string>, outcome: unknown) => {
    for (const key of keys) {
      newest.set(key, undefined)
      if (!(outcome instanceof Error)) possible.delete(key)
    }
  }
  const tier = store.openTier(storeContext(clock))
  const isNewest = (key: string, serial: number) => newest.get(key) === serial
  for (let serial = 1; serial <= 24; serial += 1) {
    const key = `k${serial % KEYS}`
    const persist = (['stored', 'memory', 'stored'] as const)[serial % 3] as Persist
    const facts = serial % 4 === 0 ? { tags: ['t'] } : undefined
    const entry = { value: { serial, text: 'x'.repeat(500) }, writtenAt: clock.wall(), expiresAt: Number.POSITIVE_INFINITY }
    newest.set(key, serial)
    const outcome = await settle(tier.setMany([{ key, entry: facts === undefined ? entry : { ...entry, facts } }], { persist }))
    const isStored = !(outcome instanceof Error) && persist === 'stored'
    possible.set(key, isStored ? new Set([serial]) : new Set(possible.get(key)).add(serial))
    const before = JSON.stringify(tier.stats().errors)
    const found = await check(tier, isNewest)
    const isSound = before === JSON.stringify(tier.stats().errors) && tier.stats().state === 'on'
    if (isStored && isSound && !isLying)
      expect(found[[...newest.keys()].indexOf(key)], `${key} is lost, ${JSON.stringify(tier.stats())}`).toBeDefined()
    if (serial % 8 === 0) {
      forget(['k1'], await settle(tier.deleteMany(['k1'], { persist: 'stored' })))
      await check(tier, isNewest)
    }
    if (serial === 13) {
      const tagged = [...newest].filter(([, serial]) => serial !== undefined && serial % 4 === 0).map(([key]) => key)
      forget(tagged, await settle(tier.invalidate({ tags: ['t'] })))
      await check(tier, isNewest)
    }
    if (serial === 18) {
      forget([...newest.keys()], await settle(tier.clear()))
      await check(tier, isNewest)
    }
  }
  expect(await settle(tier.close())).toBeUndefined()
  const stats = tier.stats()
  calm()
  const next = store.openTier(storeContext(clock))
  await check(next, (key, serial) => possible.get(key)?.has(serial) === true)
  const entry = { value: { serial: 99 }, writtenAt: clock.wall(), expiresAt: Number.POSITIVE_INFINITY }
  expect(await settle(next.setMany([{ key: 'again', entry }], { persist: 'stored' }))).toBeUndefined()
  expect((await settle(next.getMany(['again']))) as unknown[]).toMatchObject([{ value: { serial: 99 } }])
  expect(await settle(next.close())).toBeUndefined()
  expect(clock.timers).toBe(0)
  return { stats, next: next.stats() }
}
