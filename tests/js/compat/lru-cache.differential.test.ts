import { inspect, isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { Seeded } from '../model/random.ts'
import { ours, reference } from './both.ts'
import { ASYNCHRONOUS, Player, randomProgram, SYNCHRONOUS } from './lru-cache-programs.ts'

beforeAll(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'], now: 1_700_000_000_000 })
})
afterAll(() => {
  vi.useRealTimers()
})

/** Plays one program on both at once, so that both see the same times, and compares after each step. */
async function compare(seed: number, calls: readonly string[]): Promise<number> {
  const program = randomProgram(new Seeded(seed), calls)
  const began = performance.now()
  const perf = { now: () => performance.now() - began + 1000 }
  const players = [new Player(reference, program, perf), new Player(ours, program, perf)] as const
  const waits = calls === ASYNCHRONOUS
  const check = (at: number) => {
    const [theirs, mine] = players.map(player => player.take())
    if (isDeepStrictEqual(theirs, mine)) return
    const differs = theirs?.findIndex((line, index) => !isDeepStrictEqual(line, mine?.[index])) ?? 0
    const about = { seed, at, options: program.options, callbacks: program.callbacks, step: program.steps[at] }
    expect.fail(inspect({ ...about, differs, theirs, mine }, { depth: 8, breakLength: 140 }))
  }
  for (const [at, step] of program.steps.entries()) {
    if (step.call === 'advance') {
      if (waits) await vi.advanceTimersByTimeAsync(step.ms)
      else vi.advanceTimersByTime(step.ms)
      for (const player of players) player.look()
    }
    for (const player of players) player.play(step)
    if (waits) await vi.advanceTimersByTimeAsync(0)
    check(at)
  }
  if (waits) await vi.advanceTimersByTimeAsync(100)
  else vi.advanceTimersByTime(100)
  for (const player of players) player.look()
  check(program.steps.length)
  vi.clearAllTimers()
  return program.steps.length
}

async function compareMany(first: number, programs: number, calls: readonly string[]): Promise<number> {
  let steps = 0
  for (let seed = first; seed < first + programs; seed += 1) steps += await compare(seed, calls)
  return steps
}

test('10 000 random programs without fetches give the same under both imports', { timeout: 240_000 }, async () => {
  expect(await compareMany(1, 10_000, SYNCHRONOUS)).toBeGreaterThan(200_000)
})

test('4 000 random programs with fetches give the same under both imports', { timeout: 240_000 }, async () => {
  // A fetch whose size is refused when it lands in the background has nobody to tell: in both, it is an unhandled rejection.
  const unheard = await unhandledDuring(async () => {
    expect(await compareMany(1_000_000, 4000, ASYNCHRONOUS)).toBeGreaterThan(80_000)
  })
  const [theirs, ours] = [true, false].map(is => unheard.filter(error => (error as Error).stack?.includes('node_modules/lru-cache') === is))
  expect(ours?.length).toBe(theirs?.length)
  expect(unheard.every(error => error instanceof TypeError)).toBe(true)
})

/** What nobody handled while `run` ran; the listeners of the test runner do not see it. */
async function unhandledDuring(run: () => Promise<void>): Promise<unknown[]> {
  const found: unknown[] = []
  const others = process.listeners('unhandledRejection')
  const collect = (error: unknown) => found.push(error)
  process.removeAllListeners('unhandledRejection').on('unhandledRejection', collect)
  try {
    await run()
    await new Promise(resolve => setImmediate(resolve))
  } finally {
    process.removeListener('unhandledRejection', collect)
    for (const other of others) process.on('unhandledRejection', other)
  }
  return found
}
