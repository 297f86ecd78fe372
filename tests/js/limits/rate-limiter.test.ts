import { describe, expect, test, vi } from 'vitest'
import { createRateLimiter, createRegistry, isShelflifeError, RateLimitedError } from '../../../js/index.ts'
import { ManualClock, plantTrap } from '../../../js/testing.ts'
import { Seeded } from '../model/random.ts'

const invalid = expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' })

/** Lets promises settle. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve()
}

describe('createRateLimiter', () => {
  test('lets a burst through at once, and the others at the rate, in order', async () => {
    const clock = new ManualClock()
    const limiter = createRateLimiter({ tokensPerInterval: 300, interval: '1s', burst: 3, clock })
    const began: [number, number][] = []
    const calls = Array.from({ length: 303 }, async (_, n) => {
      await limiter.acquire()
      began.push([n, clock.monotonic()])
    })
    await settled()
    expect(began).toEqual([0, 1, 2].map(n => [n, 0]))
    expect(clock.timers).toBe(1)
    expect(clock.heldTimers).toBe(1)
    await clock.advanceAsync(500)
    expect(began).toHaveLength(3 + 150)
    await clock.advanceAsync(500)
    await Promise.all(calls)
    expect(began.map(([n]) => n)).toEqual(Array.from({ length: 303 }, (_, n) => n))
    expect(limiter.stats()).toEqual({ admitted: 303, refused: 0, aborted: 0, waiting: 0, tokens: 0 })
    expect(clock.timers).toBe(0)
  })

  test('a costly call is not overtaken by cheap ones, nor by those who do not wait', async () => {
    const clock = new ManualClock()
    const limiter = createRateLimiter({ tokensPerInterval: 10, interval: 1000, clock })
    expect(limiter.tryAcquire(8)).toBe(true)
    const order: string[] = []
    const costly = limiter.acquire(10).then(() => order.push('costly'))
    const cheap = limiter.acquire(1).then(() => order.push('cheap'))
    expect(limiter.tryAcquire()).toBe(false)
    await clock.advanceAsync(799)
    expect(order).toEqual([])
    await clock.advanceAsync(101)
    await Promise.all([costly, cheap])
    expect(order).toEqual(['costly', 'cheap'])
  })

  test('refuses at once whoever would wait too long, and says for how long', async () => {
    const clock = new ManualClock()
    const limiter = createRateLimiter({ name: 'mail', tokensPerInterval: 1, interval: '1s', maxWait: '2s', clock })
    const calls = Array.from({ length: 4 }, () => limiter.acquire())
    const error = await calls[3]?.catch(reason => reason)
    expect(error).toBeInstanceOf(RateLimitedError)
    expect(isShelflifeError(error)).toBe(true)
    expect(error).toMatchObject({ code: 'ERR_RATE_LIMITED', name: 'RateLimitedError', reason: 'wait', retryAfterMs: 3000, retryable: true })
    expect(error.message).toContain('mail')
    await clock.advanceAsync(2000)
    await Promise.all(calls.slice(0, 3))
    const none = createRateLimiter({ tokensPerInterval: 1, interval: '1s', maxQueue: 0, clock })
    await none.acquire()
    await expect(none.acquire()).rejects.toMatchObject({ code: 'ERR_RATE_LIMITED', reason: 'queue', retryAfterMs: 1000 })
    const impatient = createRateLimiter({ tokensPerInterval: 1, interval: '1s', maxWait: 0, clock })
    await impatient.acquire()
    await expect(impatient.acquire()).rejects.toMatchObject({ reason: 'wait' })
  })

  test('an abort frees the place once, and leaves no listener', async () => {
    const clock = new ManualClock()
    const limiter = createRateLimiter({ tokensPerInterval: 1, interval: '1s', clock })
    await limiter.acquire()
    const controller = new AbortController()
    const add = vi.spyOn(controller.signal, 'addEventListener')
    const remove = vi.spyOn(controller.signal, 'removeEventListener')
    const given = Array.from({ length: 20 }, () => limiter.acquire(1, { signal: controller.signal }))
    const last = limiter.acquire()
    const results = Promise.allSettled(given)
    const reason = new Error('enough')
    controller.abort(reason)
    for (const result of await results) expect(result).toEqual({ status: 'rejected', reason })
    expect(add).toHaveBeenCalledTimes(1)
    expect(remove).toHaveBeenCalledTimes(1)
    expect(limiter.stats()).toMatchObject({ waiting: 1, aborted: 20 })
    await clock.advanceAsync(1000)
    await last
    await expect(limiter.acquire(1, { signal: controller.signal })).rejects.toBe(reason)
    expect(clock.timers).toBe(0)
  })

  test('random calls and aborts: everyone is answered once, and nobody is left', async () => {
    const clock = new ManualClock()
    const limiter = createRateLimiter({ tokensPerInterval: 1000, interval: '1s', burst: 5, maxWait: 300, maxQueue: 50, clock })
    const seeded = new Seeded(7)
    const counts = { admitted: 0, refused: 0, aborted: 0 }
    const count = (outcome: keyof typeof counts) => {
      counts[outcome] += 1
    }
    const calls: Promise<void>[] = []
    const controllers: AbortController[] = []
    for (let turn = 0; turn < 5000; turn += 1) {
      const controller = new AbortController()
      controllers.push(controller)
      calls.push(
        limiter.acquire(1 + seeded.below(5), { signal: controller.signal }).then(
          () => count('admitted'),
          error => count(error instanceof RateLimitedError ? 'refused' : 'aborted'),
        ),
      )
      if (seeded.below(10) < 3) seeded.pick(controllers).abort()
      if (seeded.below(10) < 6) clock.advance(seeded.below(8000) / 1000)
    }
    clock.advance(1000)
    await Promise.all(calls)
    expect(Object.values(counts).every(one => one > 50)).toBe(true)
    expect(limiter.stats()).toMatchObject({ ...counts, waiting: 0 })
    expect(clock.timers).toBe(0)
  })

  test('a hold lets nobody through, and refuses whom it makes wait too long', async () => {
    const clock = new ManualClock()
    const limiter = createRateLimiter({ tokensPerInterval: 2, interval: '1s', maxWait: '3s', clock })
    await Promise.all([limiter.acquire(), limiter.acquire()])
    const calls = [limiter.acquire(), limiter.acquire(), limiter.acquire()]
    const results = Promise.allSettled(calls)
    limiter.holdUntil(new Date(clock.wall() + 2900))
    limiter.holdUntil(clock.wall())
    clock.advance(2899)
    expect(limiter.stats().waiting).toBe(2)
    expect(limiter.tryAcquire()).toBe(false)
    clock.advance(1)
    expect((await results).map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected'])
    expect(() => limiter.holdUntil(Number.NaN)).toThrow(invalid)
    expect(() => limiter.holdUntil('tomorrow' as never)).toThrow(invalid)
  })

  test('sleep of the machine fills the bucket once', () => {
    const clock = new ManualClock()
    const limiter = createRateLimiter({ tokensPerInterval: 5, interval: '1s', clock })
    expect(limiter.tryAcquire(5)).toBe(true)
    clock.sleep(3_600_000)
    expect(limiter.stats().tokens).toBe(5)
    clock.setWall(0)
    expect(limiter.tryAcquire(5)).toBe(true)
    expect(limiter.tryAcquire()).toBe(false)
  })

  test('a trap is told to those who wait, and gives nobody a second burst', async () => {
    const clock = new ManualClock()
    const limiter = createRateLimiter({ tokensPerInterval: 2, interval: '1s', clock })
    await limiter.acquire(2)
    const waiting = limiter.acquire()
    expect(() => plantTrap()).toThrow()
    expect(limiter.tryAcquire()).toBe(false)
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_CORE_TRAPPED' })
    const after = limiter.acquire()
    await clock.advanceAsync(500)
    await after
  })

  test('close rejects those who wait and refuses newcomers', async () => {
    const clock = new ManualClock()
    const limiter = createRateLimiter({ tokensPerInterval: 1, interval: '1s', clock })
    await limiter.acquire()
    const waiting = limiter.acquire()
    limiter.close()
    limiter[Symbol.dispose]()
    const closed = expect.objectContaining({ code: 'ERR_CLOSED' })
    await expect(waiting).rejects.toEqual(closed)
    await expect(limiter.acquire()).rejects.toEqual(closed)
    expect(() => limiter.tryAcquire()).toThrow(closed)
    expect(() => limiter.holdUntil(0)).toThrow(closed)
    expect(limiter.stats()).toEqual({ admitted: 1, refused: 0, aborted: 1, waiting: 0, tokens: 0 })
    expect(clock.timers).toBe(0)
    createRateLimiter({ tokensPerInterval: 1, interval: '1s', clock }).close()
  })

  test('reports calls and waits', async () => {
    const clock = new ManualClock()
    const metrics = createRegistry({ clock })
    const limiter = createRateLimiter({ tokensPerInterval: 1, interval: '1s', maxQueue: 1, name: 'api', clock, metrics })
    const calls = [limiter.acquire(), limiter.acquire(), limiter.acquire()]
    const results = Promise.allSettled(calls)
    expect(await metrics.metrics()).toContain('rate_limit_waiting{limiter="api"} 1')
    await clock.advanceAsync(1000)
    await results
    limiter.close()
    const text = await metrics.metrics()
    expect(text).toContain('rate_limit_calls_total{limiter="api",outcome="admitted"} 2')
    expect(text).toContain('rate_limit_calls_total{limiter="api",outcome="refused"} 1')
    expect(text).toContain('rate_limit_wait_seconds_sum{limiter="api"} 1')
    expect(text).toContain('rate_limit_waiting{limiter="api"} 0')
  })

  test('says what cannot be meant', async () => {
    const right = { tokensPerInterval: 5, interval: '1s' } as const
    const wrong = [undefined, null, {}, { interval: 1 }, { tokensPerInterval: 5 }, { tokensPerInterval: 1.5, interval: 1 }]
    const more = [
      { ...right, interval: 0 },
      { ...right, interval: Number.POSITIVE_INFINITY },
      { ...right, interval: 1e-6 },
      { ...right, burst: 0 },
    ]
    const last = [
      { ...right, burst: 2 ** 32 },
      { ...right, maxWait: -1 },
      { ...right, maxQueue: 1.5 },
      { ...right, name: 5 },
    ]
    for (const options of [...wrong, ...more, ...last]) expect(() => createRateLimiter(options as never)).toThrow(invalid)
    const limiter = createRateLimiter(right)
    for (const cost of [0, -1, 1.5, 6, Number.NaN, '1', null]) {
      await expect(limiter.acquire(cost as never)).rejects.toEqual(invalid)
      expect(() => limiter.tryAcquire(cost as never)).toThrow(invalid)
    }
    await expect(limiter.acquire(6)).rejects.toThrow('burst of 5')
    await expect(limiter.acquire(1, { signal: {} as never })).rejects.toEqual(invalid)
    expect(limiter.stats()).toMatchObject({ tokens: 5, admitted: 0 })
  })
})
