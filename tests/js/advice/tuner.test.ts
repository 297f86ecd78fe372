import { afterEach, describe, expect, it } from 'vitest'
import {
  createBatcher,
  createMemoryCache,
  createMonitor,
  createTuner,
  type Monitor,
  type TunerOptions,
  type TunerStep,
} from '../../../js/index.ts'
import { ManualClock } from '../../../js/testing/manual-clock.ts'
import { zipf } from '../../../www/shared/zipf.mjs'

const open: Monitor[] = []
afterEach(() => {
  for (const monitor of open.splice(0)) monitor.close()
})

function tuned(options: TunerOptions) {
  const clock = new ManualClock()
  const monitor = createMonitor({ clock })
  open.push(monitor)
  const cache = createMemoryCache<number, number>({ max: 300, clock })
  monitor.watch('users', cache)
  const steps: TunerStep[] = []
  const tuner = createTuner(monitor, { interval: '10s', onStep: step => steps.push(step), ...options })
  const next = zipf({ keys: 5000, seed: 1 })
  const run = (seconds: number, readsPerSecond = 500) => {
    for (let second = 0; second < seconds; second += 1) {
      for (let read = 0; read < readsPerSecond; read += 1) {
        const key = next()
        if (cache.get(key) === undefined) cache.set(key, key)
      }
      clock.advance(1000)
    }
  }
  return { clock, cache, tuner, steps, run }
}

describe('a tuner', () => {
  it('only says what it would do, unless it is told to, and says it once', () => {
    const { cache, steps, run } = tuned({})
    run(60)
    expect(cache.stats().max).toBe(300)
    expect(steps.filter(({ id }) => id === 'users:larger')).toMatchObject([
      { action: 'proposed', option: 'users.max', from: 300, after: null },
    ])
  })

  it('makes a cache larger, keeps what helps, and stays within four times what it found', () => {
    const { cache, steps, run } = tuned({ mode: 'apply' })
    run(120)
    const { max } = cache.stats()
    expect(max).toBeGreaterThan(300)
    expect(max).toBeLessThanOrEqual(1200)
    expect(steps.slice(0, 2)).toMatchObject([
      { action: 'applied', option: 'users.max', from: 300 },
      { action: 'kept', id: 'users:larger' },
    ])
    const [, kept] = steps
    expect(kept?.after).toBeGreaterThan((kept as TunerStep).before)
  })

  it('stays within its bounds', () => {
    const { cache, run } = tuned({ mode: 'apply', bounds: { 'users.max': [100, 450] } })
    run(200)
    expect(cache.stats().max).toBe(450)
  })

  it('takes back what makes the goal worse, and leaves it alone for a while', () => {
    let goal = 1
    const { cache, steps, run } = tuned({ mode: 'apply', goal: () => goal })
    run(10)
    expect(cache.stats().max).toBeGreaterThan(300)
    goal = 0.9
    run(10)
    expect(cache.stats().max).toBe(300)
    expect(steps.map(({ action }) => action)).toEqual(['applied', 'rolled-back'])
    goal = 1
    run(80)
    expect(steps).toHaveLength(2)
    run(40)
    expect(steps.length).toBeGreaterThan(2)
  })

  it('makes one change at a time, and waits where nothing happens', () => {
    const { steps, run } = tuned({ mode: 'apply' })
    run(10)
    expect(steps).toHaveLength(1)
    run(60, 0)
    expect(steps).toHaveLength(1)
    run(1)
    expect(steps.map(({ action }) => action)).toEqual(['applied', 'kept'])
  })

  it('goes on when its goal throws, and says so', async () => {
    const { cache, run } = tuned({
      mode: 'apply',
      goal: () => {
        throw new Error('no idea')
      },
    })
    const warned = new Promise<Error>(resolve => process.once('warning', resolve))
    run(30)
    expect(cache.stats().max).toBe(300)
    expect((await warned).message).toMatch(/the goal of a tuner threw: no idea/)
  })

  it('makes batches larger while that makes keys wait less', async () => {
    const clock = new ManualClock()
    const monitor = createMonitor({ clock, interval: 50 })
    open.push(monitor)
    // A batch takes 20 ms, and each of its keys 0.1 ms.
    const batcher = createBatcher(
      (keys: number[]) =>
        new Promise<number[]>(resolve => void clock.timer(clock.monotonic() + 20 + keys.length / 10, () => resolve(keys))),
      { maxBatchSize: 10, concurrency: 1, cache: false, clock },
    )
    monitor.watch('users', batcher)
    const steps: TunerStep[] = []
    createTuner(monitor, { mode: 'apply', interval: '1s', bounds: { 'users.maxBatchSize': [1, 200] }, onStep: step => steps.push(step) })
    let key = 0
    const worker = async () => {
      for (;;) {
        key += 1
        await batcher.load(key)
      }
    }
    for (let at = 0; at < 100; at += 1) void worker().catch(() => {})
    for (let ms = 0; ms < 8000; ms += 5) {
      clock.advance(5)
      await new Promise(resolve => setImmediate(resolve))
    }
    expect(batcher.maxBatchSize).toBeGreaterThan(50)
    expect(steps.slice(0, 2).map(({ action, id }) => `${action} ${id}`)).toEqual(['applied users:batch-size', 'kept users:batch-size'])
    expect(steps[1]?.after).toBeGreaterThan((steps[1]?.before as number) / 2)
    batcher.close()
  })

  it('changes nothing once it is closed', () => {
    const { cache, tuner, steps, run } = tuned({ mode: 'apply' })
    tuner.close()
    run(30)
    expect(cache.stats().max).toBe(300)
    expect(steps).toEqual([])
  })

  it('refuses what cannot be meant', () => {
    const bad: TunerOptions[] = [{ mode: 'maybe' as 'apply' }, { tolerance: 2 }, { bounds: { 'users.max': [5, 1] } }, { interval: -1 }]
    for (const options of bad) expect(() => tuned(options)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
  })
})
