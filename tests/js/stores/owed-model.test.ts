/**
 * Random work on a tier whose medium fails for a while now and then, and that dies and is opened again: nothing shows that was overwritten,
 * deleted or given up, in this process whether that could be written or not, after a restart where it was acknowledged.
 */

import { expect, test } from 'vitest'
import { storeContext } from '../../../js/core/tier-core.ts'
import type { Tier } from '../../../js/stores/tier.ts'
import { type Fault, faultyStore, ManualClock, MemoryLog, memoryStore } from '../../../js/testing.ts'
import { mulberry } from './mulberry.ts'
import { outcomeOf } from './outcome.ts'

/** `SHELFLIFE_OWED=2000 npx vitest run js/stores/owed-model` for more. */
const ROUNDS = Number(process.env.SHELFLIFE_OWED ?? 60)
const FAULTS: readonly Fault[] = ['fail', 'fail-after', 'quota', 'hang']
const KEYS = ['a', 'b', 'c', 'd', 'e']
const TAGS = ['t', 'u']

interface Value {
  readonly key: string
  readonly tag: string
  readonly source: string | undefined
  isDead: boolean
  isDeadForGood: boolean
}

async function round(seed: number): Promise<void> {
  const random = mulberry(seed)
  const pick = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)] as T
  const clock = new ManualClock()
  const log = new MemoryLog()
  const values: Value[] = []
  let isBad = false
  let fault: Fault = 'fail'
  /** Ends with the process that is not the latest. */
  let lives = 0
  const open = () => {
    log.held = 0
    lives += 1
    const life = lives
    const plan = () => (life === lives ? (isBad && random() < 0.7 ? fault : 'none') : 'hang-forever')
    return faultyStore(memoryStore({ log }), plan).openTier(storeContext(clock))
  }
  const settle = async (work: Promise<unknown>): Promise<boolean> =>
    !((await outcomeOf(work, () => clock.advanceAsync(1000), 400)) instanceof Error)
  let tier: Tier = open()
  const story: string[] = []
  const kill = async (dead: readonly Value[], what: string, work: Promise<unknown>) => {
    for (const value of dead) value.isDead = true
    const isAcknowledged = await settle(work)
    if (isAcknowledged) for (const value of dead) value.isDeadForGood = true
    story.push(`${what}: ${isAcknowledged}`)
  }
  const check = async () => {
    const reading = tier.getMany(KEYS)
    await settle(reading)
    for (const [at, entry] of (await reading).entries()) {
      if (entry === undefined) continue
      const value = values[(entry.value as { serial: number }).serial] as Value
      const said = `seed ${seed}: ${story.join('\n')}\nread ${KEYS[at]}: ${JSON.stringify(entry)}`
      expect({ key: value.key, isDead: value.isDead }, said).toEqual({ key: KEYS[at], isDead: false })
    }
  }
  for (let step = 0; step < 40; step += 1) {
    if (random() < 0.1) {
      isBad = !isBad
      fault = pick(FAULTS)
      story.push(isBad ? fault : 'well')
    }
    await clock.advanceAsync(pick([1, 10, 1500, 20_000]))
    const persist = pick(['memory', 'stored'] as const)
    const kind = random()
    const key = pick(KEYS)
    if (kind < 0.45) {
      const source = random() < 0.3 ? pick(KEYS.filter(other => other !== key)) : undefined
      const value: Value = { key, tag: pick(TAGS), source, isDead: false, isDeadForGood: false }
      const dead = values.filter(other => other.key === key || other.source === key)
      const serial = values.push(value) - 1
      const facts = { tags: [value.tag], ...(source !== undefined && { dependsOn: [source] }) }
      const entry = { value: { serial }, writtenAt: clock.wall(), expiresAt: Number.POSITIVE_INFINITY, facts }
      const isRefused = { value: false }
      const work = tier.setMany([{ key, entry }], { persist }).catch(error => {
        isRefused.value = true
        throw error
      })
      await kill(
        dead,
        `set ${key} ${JSON.stringify(facts)} ${persist}`,
        persist === 'memory' ? work.then(() => Promise.reject(new Error('only queued'))) : work,
      )
    } else if (kind < 0.6) {
      const dead = values.filter(other => other.key === key || other.source === key)
      const work = tier.deleteMany([key], { persist })
      await kill(dead, `delete ${key} ${persist}`, persist === 'memory' ? work.then(() => Promise.reject(new Error('only queued'))) : work)
    } else if (kind < 0.75) {
      const tag = pick(TAGS)
      const dead = values.filter(other => other.tag === tag)
      const work = tier.invalidate({ tags: [tag] }, { persist })
      await kill(
        dead,
        `invalidate ${tag} ${persist}`,
        persist === 'memory' ? work.then(() => Promise.reject(new Error('only queued'))) : work,
      )
    } else if (kind < 0.8) {
      await kill([...values], 'clear', tier.clear())
    } else if (kind < 0.9) {
      story.push(kind < 0.85 ? 'dies' : 'is closed')
      if (kind >= 0.85) await settle(tier.close())
      tier = open()
      await settle(tier.open())
      for (const value of values) value.isDead = value.isDeadForGood
    }
    await check()
  }
  isBad = false
  await settle(tier.close())
}

test(`in ${ROUNDS} stories nothing comes up again that was lost, given up or replaced`, { timeout: 600_000 }, async () => {
  for (let seed = 1; seed <= ROUNDS; seed += 1) await round(seed)
})
