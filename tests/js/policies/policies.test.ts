import { describe, expect, test, vi } from 'vitest'
import {
  adaptiveConcurrency,
  bulkhead,
  type CallContext,
  circuitBreaker,
  createRateLimiter,
  fallback,
  hedge,
  type LimitChange,
  type Policy,
  pipeline,
  rateLimit,
  retry,
  retryBudget,
  timeout,
} from '../../../js/index.ts'
import { ManualClock } from '../../../js/testing.ts'
import { Seeded } from '../model/random.ts'

const invalid = expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' })

/** A function that fails so often, and then works. */
function failing(times: number, error: unknown = new Error('down')) {
  let calls = 0
  return Object.assign(
    async () => {
      calls += 1
      if (calls <= times) throw error
      return `up after ${calls}`
    },
    { calls: () => calls },
  )
}

/** Resolves when the clock has moved so far. */
function later<T>(clock: ManualClock, ms: number, value: T): Promise<T> {
  return new Promise(resolve => clock.timer(clock.monotonic() + ms, () => resolve(value)))
}

describe('retry', () => {
  test('tries again after growing delays, and tells', async () => {
    const clock = new ManualClock()
    const told: [number, number][] = []
    const policy = retry({
      maxRetries: 3,
      backoff: 'none',
      initialDelay: 100,
      clock,
      onRetry: ({ attempt, delayMs }) => told.push([attempt, delayMs]),
    })
    const call = policy.execute(failing(3))
    await clock.advanceAsync(700)
    expect(await call).toBe('up after 4')
    expect(told).toEqual([
      [1, 100],
      [2, 200],
      [3, 400],
    ])
    const exhausted = policy.execute(failing(4)).catch(error => error.message)
    await clock.advanceAsync(700)
    expect(await exhausted).toBe('down')
    expect(clock.timers).toBe(0)
  })

  test('each attempt has its number, and the same key, priority and deadline', async () => {
    const clock = new ManualClock()
    const seen: Pick<CallContext, 'attempt' | 'key' | 'priority' | 'deadline'>[] = []
    const call = pipeline(timeout({ total: 1000, clock }), retry({ backoff: 'none', clock })).execute(
      ({ attempt, key, priority, deadline }) => {
        seen.push({ attempt, key, priority, deadline })
        if (attempt < 3) throw new Error('not yet')
      },
      { key: 'k', priority: 7 },
    )
    const deadline = clock.wall() + 1000
    await clock.advanceAsync(300)
    await call
    expect(seen).toEqual([1, 2, 3].map(attempt => ({ attempt, key: 'k', priority: 7, deadline })))
  })

  test('a pause that ends after the deadline is not begun; one that was asked for is kept', async () => {
    const clock = new ManualClock()
    const policy = pipeline(timeout({ total: '5s', clock }), retry({ clock, seed: 1 }))
    const slow = failing(1, Object.assign(new Error('busy'), { retryAfterMs: 6000 }))
    await expect(policy.execute(slow)).rejects.toThrow('busy')
    expect(slow.calls()).toBe(1)
    const soon = failing(1, Object.assign(new Error('busy'), { retryAt: clock.wall() + 3000 }))
    const call = policy.execute(soon)
    await clock.advanceAsync(2999)
    expect(soon.calls()).toBe(1)
    await clock.advanceAsync(1)
    expect(await call).toBe('up after 2')
  })

  test('what says no is not tried again; shouldRetry decides otherwise', async () => {
    const clock = new ManualClock()
    const breaker = circuitBreaker({ clock })
    breaker.isolate()
    const work = failing(9)
    await expect(pipeline(retry({ clock }), breaker).execute(work)).rejects.toMatchObject({ code: 'ERR_CIRCUIT_OPEN' })
    await expect(retry({ clock, shouldRetry: async () => false }).execute(work)).rejects.toThrow('down')
    await expect(retry({ clock, maxRetries: 0 }).execute(work)).rejects.toThrow('down')
    expect(work.calls()).toBe(2)
  })

  test('a budget keeps the load down when everything fails', async () => {
    const clock = new ManualClock()
    const budget = retryBudget({ ratio: 0.2, minPerSecond: 1, clock })
    const policies = [retry({ clock, budget, initialDelay: 1, maxDelay: 1 }), retry({ clock, budget, initialDelay: 1, maxDelay: 1 })]
    const work = failing(Number.POSITIVE_INFINITY)
    for (let n = 0; n < 500; n += 1) {
      const call = (policies[n % 2] as Policy).execute(work).catch(() => undefined)
      await clock.advanceAsync(3)
      await call
    }
    expect(work.calls()).toBe(500 + 100 + 10)
    expect(budget.left()).toBe(0)
  })
})

describe('timeout', () => {
  test('ends what takes too long, at once, and aborts its signal', async () => {
    const clock = new ManualClock()
    const policy = timeout({ attempt: 100, clock })
    let signal: AbortSignal | undefined
    const call = policy.execute(context => {
      signal = context.signal
      return new Promise(() => undefined)
    })
    expect(clock.heldTimers).toBe(1)
    clock.advance(99)
    expect(signal?.aborted).toBe(false)
    clock.advance(1)
    await expect(call).rejects.toMatchObject({ code: 'ERR_TIMEOUT', phase: 'attempt', timeoutMs: 100 })
    expect(signal?.aborted).toBe(true)
    expect(signal?.reason).toMatchObject({ code: 'ERR_TIMEOUT' })
    expect(clock.heldTimers).toBe(0)
  })

  test('calls in time set one timer between them, which holds nothing once they are done', async () => {
    const clock = new ManualClock()
    const timer = vi.spyOn(clock, 'timer')
    const policy = timeout({ total: 1000, clock })
    const calls = Array.from({ length: 100 }, (_, n) => policy.execute(() => n))
    expect(clock.heldTimers).toBe(1)
    expect(await Promise.all(calls)).toHaveLength(100)
    for (let n = 0; n < 100; n += 1) await policy.execute(() => n)
    expect(timer).toHaveBeenCalledTimes(1)
    expect(clock.heldTimers).toBe(0)
    const late = policy.execute(() => new Promise(() => undefined)).catch(error => error.code)
    clock.advance(1000)
    expect(await late).toBe('ERR_TIMEOUT')
  })

  test('the alarm that rings too early is set for the next', async () => {
    const clock = new ManualClock()
    const policy = timeout({ total: 100, clock })
    await policy.execute(() => 1)
    clock.advance(60)
    const late = policy.execute(() => new Promise(() => undefined)).catch(error => error.code)
    clock.advance(60)
    let isOver = false
    void late.then(() => (isOver = true))
    await Promise.resolve()
    expect(isOver).toBe(false)
    clock.advance(40)
    expect(await late).toBe('ERR_TIMEOUT')
  })
})

describe('bulkhead', () => {
  test('runs so many at once, of each key too, and the others in order', async () => {
    const clock = new ManualClock()
    const policy = bulkhead({ concurrency: 3, perKey: 2, maxQueue: 10, clock })
    const order: string[] = []
    const work = (name: string, key: string, priority = 0) =>
      policy.execute(
        async () => {
          order.push(name)
          await later(clock, 10, name)
        },
        { key, priority },
      )
    const calls = [work('a1', 'a'), work('a2', 'a'), work('a3', 'a'), work('b1', 'b'), work('a4', 'a', 1), work('b2', 'b')]
    expect(policy.stats()).toEqual({ running: 3, waiting: 3 })
    await clock.advanceAsync(10)
    expect(order).toEqual(['a1', 'a2', 'b1', 'b2', 'a4', 'a3'])
    await clock.advanceAsync(10)
    await Promise.all(calls)
    expect(policy.stats()).toEqual({ running: 0, waiting: 0 })
  })

  test('refuses when it is full, after too long, and the oldest where that is wanted', async () => {
    const clock = new ManualClock()
    const busy = () => new Promise(() => undefined)
    const strict = bulkhead({ concurrency: 1, clock })
    void strict.execute(busy)
    await expect(strict.execute(busy)).rejects.toMatchObject({ code: 'ERR_QUEUE_FULL', reason: 'queue', name: 'BulkheadFullError' })
    const patient = bulkhead({ concurrency: 1, maxQueue: 5, maxWait: 100, clock })
    void patient.execute(busy)
    const waiting = patient.execute(busy)
    clock.advance(100)
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_QUEUE_FULL', reason: 'wait' })
    const fresh = bulkhead({ concurrency: 1, maxQueue: 2, overflow: 'drop-oldest', clock })
    void fresh.execute(busy)
    const [oldest] = [fresh.execute(busy), fresh.execute(busy), fresh.execute(busy)]
    await expect(oldest).rejects.toMatchObject({ reason: 'dropped' })
    expect(fresh.stats()).toEqual({ running: 1, waiting: 2 })
    fresh.concurrency = 3
    expect(fresh.stats()).toEqual({ running: 3, waiting: 0 })
  })

  /** cockatiel: a newcomer took the slot of a call that had been accepted, which was then rejected. */
  test('a place is handed over before any newcomer has a chance', async () => {
    const policy = bulkhead({ concurrency: 1, maxQueue: 1 })
    const order: string[] = []
    let finish: () => void = () => undefined
    const first = policy.execute(() => new Promise<void>(resolve => (finish = resolve)))
    const second = policy.execute(() => order.push('second'))
    finish()
    for (let turn = 0; turn < 5; turn += 1) {
      await Promise.resolve()
      policy.execute(() => order.push('newcomer')).catch(() => undefined)
    }
    await Promise.all([first, second])
    expect(order[0]).toBe('second')
  })

  test('random interleavings: never more than may, in order within a priority, nobody accepted is refused', async () => {
    const clock = new ManualClock()
    const seeded = new Seeded(5)
    const policy = bulkhead({ concurrency: 4, maxQueue: 20, clock })
    let [running, most, accepted, refused, aborted] = [0, 0, 0, 0, 0]
    const began = new Map<number, number[]>()
    const calls: Promise<unknown>[] = []
    for (let n = 0; n < 3000; n += 1) {
      const controller = new AbortController()
      const priority = seeded.below(3)
      const isFull = policy.stats().running === 4 && policy.stats().waiting === 20
      const call = policy.execute(
        async () => {
          running += 1
          most = Math.max(most, running)
          began.set(priority, [...(began.get(priority) ?? []), n])
          await later(clock, seeded.below(30), n)
          running -= 1
        },
        { priority, signal: controller.signal },
      )
      calls.push(
        call.then(
          () => (accepted += 1),
          error => {
            if (error?.code === 'ERR_QUEUE_FULL') {
              refused += 1
              expect(isFull).toBe(true)
            } else aborted += 1
          },
        ),
      )
      if (policy.stats().waiting > 0 && seeded.below(10) === 0) controller.abort()
      if (seeded.below(3) === 0) await clock.advanceAsync(seeded.below(10))
    }
    await clock.advanceAsync(10_000)
    await Promise.all(calls)
    expect([most, accepted + refused + aborted]).toEqual([4, 3000])
    expect(Math.min(accepted, refused, aborted)).toBeGreaterThan(20)
    for (const order of began.values()) expect(order).toEqual([...order].sort((a, b) => a - b))
    expect(policy.stats()).toEqual({ running: 0, waiting: 0 })
  })
})

describe('adaptiveConcurrency', () => {
  test('finds about as many as the server has places, says why it moves, and gives way to refusals', async () => {
    const clock = new ManualClock()
    const changes: LimitChange[] = []
    const policy = adaptiveConcurrency({ max: 100, maxQueue: 1000, clock, onLimitChange: change => changes.push(change) })
    expect(policy.concurrency).toBe(10)
    const free = Array.from({ length: 12 }, () => 0)
    let refuses = false
    const serve = () => {
      if (refuses) return Promise.reject(Object.assign(new Error('busy'), { status: 503 }))
      const server = free.indexOf(Math.min(...free))
      free[server] = Math.max(free[server] as number, clock.monotonic()) + 20
      return later(clock, (free[server] as number) - clock.monotonic(), 0)
    }
    const run = async (ms: number) => {
      const end = clock.monotonic() + ms
      while (clock.monotonic() < end) {
        while (policy.stats().waiting < 50) policy.execute(serve).catch(() => undefined)
        await clock.advanceAsync(5)
      }
    }
    await run(15_000)
    expect(policy.concurrency).toBeGreaterThanOrEqual(10)
    expect(policy.concurrency).toBeLessThanOrEqual(15)
    expect(new Set(changes.map(({ reason }) => reason))).toContain('headroom')
    expect(changes.at(-1)?.to).toBe(policy.concurrency)
    refuses = true
    await run(500)
    expect(policy.concurrency).toBe(1)
    expect(changes.at(-1)?.reason).toBe('overload')
  }, 20_000)

  test('bad options are refused by name', () => {
    expect(() => adaptiveConcurrency({ algorithm: 'guess' as never })).toThrow('algorithm')
    expect(() => adaptiveConcurrency({ min: 5, max: 4 })).toThrow('max')
    expect(() => adaptiveConcurrency({ initial: 0 })).toThrow('initial')
  })
})

describe('hedge', () => {
  test('asks once more after the delay, takes the first answer and aborts the other', async () => {
    const clock = new ManualClock()
    const signals: AbortSignal[] = []
    const policy = hedge({ delay: 100, clock })
    const call = policy.execute(({ attempt, signal }) => {
      signals.push(signal)
      return attempt === 1 ? new Promise<string>(() => undefined) : later(clock, 50, `answer ${attempt}`)
    })
    await clock.advanceAsync(99)
    expect(signals).toHaveLength(1)
    await clock.advanceAsync(51)
    expect(await call).toBe('answer 2')
    expect(signals.map(signal => signal.aborted)).toEqual([true, false])
    expect(clock.timers).toBe(0)
  })

  test('a live quantile: nothing before there are samples, then only for the slow', async () => {
    const clock = new ManualClock()
    let hedges = 0
    const policy = hedge({ delay: { quantile: 0.9, minSamples: 20 }, clock, onHedge: () => (hedges += 1) })
    for (let n = 0; n < 40; n += 1) {
      const call = policy.execute(() => later(clock, 10 + (n % 10), n))
      await clock.advanceAsync(30)
      await call
    }
    expect(hedges).toBeLessThanOrEqual(3)
    const before = hedges
    const slow = policy.execute(({ attempt }) => later(clock, attempt === 1 ? 500 : 10, attempt))
    await clock.advanceAsync(40)
    expect([await slow, hedges]).toEqual([2, before + 1])
  })

  test('a failure is one when no other attempt is left, and the budget bounds them', async () => {
    const clock = new ManualClock()
    const policy = hedge({ delay: 10, maxHedges: 2, budget: { ratio: 0.5, minPerSecond: 0 }, clock })
    const failed = policy.execute(() => Promise.reject(new Error('down')))
    await expect(failed).rejects.toThrow('down')
    const [first, second] = [0, 1].map(() =>
      policy.execute(({ attempt }) => (attempt === 1 ? later(clock, 100, 'slow') : Promise.reject(new Error('down')))),
    )
    await clock.advanceAsync(100)
    expect([await first, await second]).toEqual(['slow', 'slow'])
    let attempts = 0
    const many = Array.from({ length: 20 }, () =>
      policy.execute(() => {
        attempts += 1
        return later(clock, 100, 0)
      }),
    )
    await clock.advanceAsync(100)
    await Promise.all(many)
    expect(attempts).toBeLessThanOrEqual(20 + 11)
  })
})

describe('fallback and rateLimit', () => {
  test('an answer in place of an error, but not of an abort', async () => {
    const clock = new ManualClock()
    expect(await fallback('none').execute(failing(1))).toBe('none')
    expect(await fallback((error: unknown) => (error as Error).message).execute(failing(1))).toBe('down')
    await expect(fallback(1, { shouldHandle: () => false }).execute(failing(1))).rejects.toThrow('down')
    const controller = new AbortController()
    const call = fallback('none').execute(() => new Promise(() => undefined), { signal: controller.signal })
    controller.abort(new Error('enough'))
    await expect(call).rejects.toThrow('enough')
    const limited = rateLimit({ tokensPerInterval: 1, interval: 1000, maxWait: 0, perKey: true, clock })
    expect(await limited.execute(() => 1, { key: 'a' })).toBe(1)
    await expect(limited.execute(() => 1, { key: 'a' })).rejects.toMatchObject({ code: 'ERR_RATE_LIMITED' })
    expect(await limited.execute(() => 1, { key: 'b' })).toBe(1)
    const shared = createRateLimiter({ tokensPerInterval: 1, interval: 1000, clock })
    await rateLimit(shared).execute(() => 1)
    expect(shared.stats().admitted).toBe(1)
  })
})

test('of what a limiter has refused nothing is known while it is tried again', async () => {
  const clock = new ManualClock()
  const signals: (AbortSignal | undefined)[] = []
  const acquire = async (_cost?: number, options?: { signal?: AbortSignal | undefined }) => {
    signals.push(options?.signal)
    throw new Error('not now')
  }
  const controller = new AbortController()
  const call = pipeline(retry({ initialDelay: 10, backoff: 'none', clock }), rateLimit({ acquire }))
  const outcome = call.execute(() => 1, { signal: controller.signal }).catch((error: unknown) => error)
  await clock.advanceAsync(10)
  await clock.advanceAsync(20)
  controller.abort('left')
  expect(await outcome).toBe('left')
  // The first one is of the whole call, and the others of attempts that are over.
  expect(signals.map(signal => signal?.aborted)).toEqual([true, false, false])
})

describe('what users are asked further in', () => {
  const never = () => new Promise<never>(() => undefined)
  const asked: Record<string, (ask: (context?: CallContext) => Promise<never>) => Policy> = {
    fallback: ask => fallback((_error, context) => ask(context)),
    shouldRetry: ask => retry({ shouldRetry: () => ask() }),
  }
  test.each(
    Object.entries(asked).flatMap(([name, make]) =>
      ['timeout', 'abort'].flatMap(how => [true, false].map(reads => ({ name, make, how, reads }))),
    ),
  )('a $name that hangs is ended by $how, where the function has read its signal: $reads', async ({ make, how, reads }) => {
    const clock = new ManualClock()
    let seen: AbortSignal | undefined
    const ask = (context?: CallContext) => {
      seen = context?.signal
      return never()
    }
    const call = pipeline(timeout({ total: 1000, clock }), make(ask))
    const controller = new AbortController()
    const fails = async ({ signal }: CallContext) => {
      throw new Error(`down, ${signal.aborted}`)
    }
    const outcome = call.execute(reads ? fails : failing(9), { signal: controller.signal }).catch((error: unknown) => error)
    await clock.advanceAsync(1)
    if (how === 'abort') controller.abort('left')
    else await clock.advanceAsync(1000)
    expect(await outcome).toEqual(how === 'abort' ? 'left' : expect.objectContaining({ code: 'ERR_TIMEOUT' }))
    expect(seen?.aborted ?? true).toBe(true)
    expect(clock.heldTimers).toBe(0)
  })
})

describe('pipeline', () => {
  function everything(clock: ManualClock) {
    const places = bulkhead({ concurrency: 3, maxQueue: 100, clock })
    const limiter = createRateLimiter({ tokensPerInterval: 500, interval: '1s', burst: 5, clock })
    const breaker = circuitBreaker({ clock, window: { type: 'count', size: 20 }, failureRatio: 0.9, openDuration: 20 })
    const policy = pipeline(
      timeout({ total: 400, clock }),
      retry({ maxRetries: 2, initialDelay: 5, maxDelay: 50, seed: 3, clock }),
      breaker,
      places,
      rateLimit(limiter),
      hedge({ delay: 30, clock }),
      timeout({ attempt: 100, clock }),
    )
    return { policy, places, limiter, breaker }
  }

  test('abort at any phase rejects at once and leaves no listener, no place, no timer: random aborts', async () => {
    const clock = new ManualClock()
    const seeded = new Seeded(11)
    const { policy, places, limiter } = everything(clock)
    const outcomes: Record<string, number> = {}
    let listeners = 0
    const calls: Promise<unknown>[] = []
    const controllers: { controller: AbortController; reason: Error; settled: () => boolean }[] = []
    for (let n = 0; n < 3000; n += 1) {
      const controller = new AbortController()
      const { signal } = controller
      const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)]
      signal.addEventListener = (...given: Parameters<typeof add>) => {
        listeners += 1
        add(...given)
      }
      signal.removeEventListener = (...given: Parameters<typeof remove>) => {
        listeners -= 1
        remove(...given)
      }
      const kind = seeded.below(6)
      let isSettled = false
      const call = policy.execute(
        ({ signal: own }) => {
          if (kind === 0) throw new Error('thrown')
          if (kind === 1) return Promise.reject(new Error('rejected'))
          if (kind === 2) return new Promise<number>((_, reject) => own.addEventListener('abort', () => reject(own.reason)))
          if (kind === 3) return new Promise<number>(() => undefined)
          return later(clock, seeded.below(60), n)
        },
        { signal, key: `k${n % 3}`, priority: seeded.below(2) },
      )
      calls.push(
        call.then(
          () => {
            isSettled = true
            outcomes.ok = (outcomes.ok ?? 0) + 1
          },
          error => {
            isSettled = true
            const name = error?.code ?? error?.message
            outcomes[name] = (outcomes[name] ?? 0) + 1
          },
        ),
      )
      controllers.push({ controller, reason: new Error('given up'), settled: () => isSettled })
      if (seeded.below(2) === 0) {
        const { controller: one, reason, settled } = seeded.pick(controllers.slice(-20))
        const wasSettled = settled()
        one.abort(reason)
        if (!wasSettled) {
          for (let turn = 0; turn < 40; turn += 1) await Promise.resolve()
          expect(settled()).toBe(true)
        }
      }
      if (seeded.below(2) === 0) await clock.advanceAsync(seeded.below(20))
    }
    await clock.advanceAsync(5000)
    await Promise.all(calls)
    expect(Object.values(outcomes).reduce((sum, count) => sum + count, 0)).toBe(3000)
    expect(outcomes.ok).toBeGreaterThan(50)
    expect(outcomes['given up']).toBeGreaterThan(100)
    expect(listeners).toBe(0)
    expect(places.stats()).toEqual({ running: 0, waiting: 0 })
    expect(limiter.stats().waiting).toBe(0)
    expect(clock.heldTimers).toBe(0)
  }, 30_000)

  test('the order is that of the policies, the first outermost', async () => {
    const clock = new ManualClock()
    const inner = pipeline(retry({ clock, maxRetries: 1, initialDelay: 0, maxDelay: 0 }), fallback('caught'))
    const outer = pipeline(fallback('caught'), retry({ clock, maxRetries: 1, initialDelay: 0, maxDelay: 0 }))
    const [once, twice] = [failing(9), failing(9)]
    expect(await inner.execute(once)).toBe('caught')
    const call = outer.execute(twice)
    await clock.advanceAsync(1)
    expect(await call).toBe('caught')
    expect([once.calls(), twice.calls()]).toEqual([1, 2])
    expect(await pipeline().execute(() => 1)).toBe(1)
    expect(await pipeline(pipeline(outer), inner).execute(() => 2)).toBe(2)
  })

  test('without anybody who reads the signal there is none', async () => {
    const clock = new ManualClock()
    const Platform = globalThis.AbortController
    let made = 0
    globalThis.AbortController = class extends Platform {
      constructor() {
        super()
        made += 1
      }
    }
    const policy = pipeline(
      retry({ clock }),
      circuitBreaker({ clock }),
      bulkhead({ concurrency: 1, clock }),
      timeout({ total: 100, clock }),
    )
    for (let n = 0; n < 10; n += 1) await policy.execute(() => n)
    expect(made).toBe(0)
    await policy.execute(({ signal }) => signal.aborted)
    expect(made).toBe(1)
    globalThis.AbortController = Platform
  })

  test('bad input is refused', async () => {
    expect(() => pipeline({} as never)).toThrow(invalid)
    expect(() => timeout(0)).toThrow(invalid)
    expect(() => timeout({} as never)).toThrow(invalid)
    expect(() => retry({ maxRetries: -1 })).toThrow(invalid)
    expect(() => retry({ backoff: 'linear' as never })).toThrow(invalid)
    expect(() => retry({ budget: { ratio: 2 } })).toThrow(invalid)
    expect(() => bulkhead({} as never)).toThrow(invalid)
    expect(() => bulkhead({ concurrency: 1, overflow: 'wait' as never })).toThrow(invalid)
    expect(() => hedge({ delay: { quantile: 0 } })).toThrow(invalid)
    expect(() => rateLimit({} as never)).toThrow(invalid)
    await expect(timeout(1).execute('x' as never)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
    await expect(timeout(1).execute(() => 1, { signal: 1 as never })).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
    await expect(bulkhead({ concurrency: 1 }).execute(() => 1, { priority: 0.5 })).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
    const gone = AbortSignal.abort(new Error('gone'))
    await expect(timeout(1).execute(() => 1, { signal: gone })).rejects.toThrow('gone')
  })
})

test('a pause that is no number is none, and a budget is checked at the door', async () => {
  let calls = 0
  const call = retry({ maxRetries: 1, initialDelay: 0, retryAfter: () => 'soon' as never })
  const down = call.execute(() => {
    calls += 1
    throw new Error('down')
  })
  await expect(down).rejects.toThrow('down')
  expect(calls).toBe(2)
  for (const budget of [5, null]) expect(() => retry({ budget: budget as never })).toThrow(invalid)
})
