import { describe, expect, it } from 'vitest'
import { createRegistry } from '../../../js/metrics/registry.ts'
import { nextTask } from '../../../js/next-task.ts'
import { createPool } from '../../../js/pool/pool.ts'
import type { PoolOptions } from '../../../js/pool/types.ts'
import { ManualClock } from '../../../js/testing/manual-clock.ts'

/** A pool of numbered things, and which of them are gone. */
function things<S = undefined>(options: Partial<PoolOptions<number, S>> = {}) {
  let made = 0
  const gone: number[] = []
  const pool = createPool<number, S>({
    create: async () => {
      made += 1
      return made
    },
    destroy: thing => gone.push(thing),
    ...options,
  })
  return { pool, gone, made: () => made }
}

const code = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no error',
    error => (error as { code?: string }).code ?? error,
  )

describe('lending', () => {
  it('makes as many as are wanted, up to max, and serves the others in order', async () => {
    const { pool, made } = things({ max: 2 })
    const [a, b] = await Promise.all([pool.acquire(), pool.acquire()])
    const got: string[] = []
    const c = pool.acquire().then(lease => [got.push(`c ${lease.value}`), lease] as const)
    const d = pool.acquire().then(lease => [got.push(`d ${lease.value}`), lease] as const)
    await nextTask()
    expect([made(), got, pool.stats()]).toMatchObject([2, [], { lent: 2, waiting: 2 }])
    b.release()
    a.release()
    await Promise.all([c, d])
    expect(got).toEqual([`c ${b.value}`, `d ${a.value}`])
    expect(pool.stats()).toMatchObject({ size: 2, lent: 2, created: 2, acquired: 4, waiting: 0 })
  })

  it('lends what came back last, and a lease gives back once', async () => {
    const { pool, made } = things()
    const leases = await Promise.all([pool.acquire(), pool.acquire()])
    leases[0].release()
    leases[1].release()
    leases[1].release()
    expect(pool.stats()).toMatchObject({ idle: 2, lent: 0 })
    expect((await pool.acquire()).value).toBe(leases[1].value)
    expect(made()).toBe(2)
  })

  it('gives back what use has done with, however it ends, and destroys what is broken', async () => {
    const { pool, gone } = things()
    expect(await pool.use(thing => thing * 10)).toBe(10)
    const failing = async () => Promise.reject(new Error('no'))
    await expect(pool.use(failing)).rejects.toThrow('no')
    expect([pool.stats().idle, gone]).toEqual([1, []])
    await expect(pool.use(failing, { isBroken: () => true })).rejects.toThrow('no')
    expect([pool.stats().size, gone]).toEqual([0, [1]])
    const lease = await pool.acquire()
    lease.discard()
    expect(gone).toEqual([1, 2])
  })

  it('keeps beside each resource what was prepared of it', async () => {
    const { pool } = things({ prepare: async thing => ({ statement: `select ${thing}` }) })
    expect(await pool.use((_, { statement }) => statement)).toBe('select 1')
    expect((await pool.acquire()).state).toEqual({ statement: 'select 1' })
  })

  it('asks whether what was idle is still good', async () => {
    const bad = new Set([1])
    const { pool, gone, made } = things({ max: 1, validate: async thing => !bad.has(thing) })
    await pool.use(() => undefined)
    expect(await pool.use(thing => thing)).toBe(2)
    expect([gone, made()]).toEqual([[1], 2])
    expect(await Promise.all([1, 2, 3].map(() => pool.use(async thing => thing)))).toEqual([2, 2, 2])
  })

  it('lets no newcomer pass those that wait', async () => {
    const { pool } = things({ max: 1 })
    const order: string[] = []
    const first = await pool.acquire()
    const waits = pool.use(() => void order.push('waited'))
    first.release()
    const newcomer = pool.use(() => void order.push('newcomer'))
    await Promise.all([waits, newcomer])
    expect(order).toEqual(['waited', 'newcomer'])
  })
})

describe('failures', () => {
  it('of create reach those that wait, one each, and the pool goes on', async () => {
    let fails = 2
    const { pool } = things({
      max: 1,
      create: async () => {
        fails -= 1
        if (fails >= 0) throw new TypeError('no route')
        return 7
      },
    })
    const outcomes = [1, 2, 3].map(() => code(pool.use(thing => thing)))
    expect(await Promise.all(outcomes)).toEqual(['ERR_HANDLER', 'ERR_HANDLER', 'no error'])
    expect(pool.stats()).toMatchObject({ failures: 2, created: 1, size: 1, creating: 0 })
  })

  it('of create by time: the caller hears of it, and what comes later is destroyed', async () => {
    const clock = new ManualClock()
    let answer: (thing: number) => void = () => undefined
    let told: AbortSignal | undefined
    const { pool, gone } = things({
      clock,
      createTimeout: 100,
      create: ({ signal }) => {
        told = signal
        return new Promise<number>(resolve => {
          answer = resolve
        })
      },
    })
    const outcome = code(pool.acquire())
    await clock.advanceAsync(100)
    expect([await outcome, told?.aborted]).toEqual(['ERR_TIMEOUT', true])
    answer(9)
    await nextTask()
    expect([gone, pool.stats().size]).toEqual([[9], 0])
  })

  it('of prepare end what was made', async () => {
    const { pool, gone } = things({ prepare: () => Promise.reject(new Error('no such table')) })
    expect(await code(pool.acquire())).toBe('ERR_HANDLER')
    expect(gone).toEqual([1])
  })

  it('of destroy are counted', async () => {
    const { pool } = things({ destroy: () => Promise.reject(new Error('gone already')) })
    const { discard } = await pool.acquire()
    discard()
    await nextTask()
    expect(pool.stats()).toMatchObject({ failures: 1, destroyed: 1 })
  })
})

describe('time', () => {
  it('ends the wait of a caller', async () => {
    const clock = new ManualClock()
    const { pool } = things({ max: 1, acquireTimeout: 50, clock })
    const lease = await pool.acquire()
    const outcome = code(pool.acquire())
    await clock.advanceAsync(50)
    expect(await outcome).toBe('ERR_TIMEOUT')
    lease.release()
    expect(pool.stats()).toMatchObject({ idle: 1, waiting: 0 })
  })

  it('ends a question whether a resource is good, which then is not', async () => {
    const clock = new ManualClock()
    const { pool, gone } = things({ max: 1, createTimeout: 50, validate: () => new Promise(() => undefined), clock })
    await pool.use(() => undefined)
    const lease = pool.acquire()
    await clock.advanceAsync(50)
    expect([(await lease).value, gone, pool.stats().failures]).toEqual([2, [1], 1])
    ;(await lease).release()
    const [again, closing] = [code(pool.acquire()), pool.close()]
    expect(await again).toBe('ERR_CLOSED')
    await clock.advanceAsync(50)
    await closing
    expect([gone, clock.heldTimers]).toEqual([[1, 2], 0])
  })

  it('ends what is idle, down to min', async () => {
    const clock = new ManualClock()
    const { pool, gone } = things({ min: 1, idleTimeout: 100, clock })
    await pool.warmUp(3)
    await clock.advanceAsync(50)
    await pool.use(() => undefined)
    await clock.advanceAsync(50)
    expect([gone.length, pool.stats().idle]).toEqual([2, 1])
    await clock.advanceAsync(1000)
    expect(pool.stats().idle).toBe(1)
    expect(clock.timers).toBe(0)
  })

  it('and use wear a resource out', async () => {
    const clock = new ManualClock()
    const { pool, gone } = things({ maxLifetime: 1000, maxUses: 2, clock })
    for (let time = 0; time < 3; time += 1) await pool.use(() => undefined)
    expect(gone).toEqual([1])
    clock.advance(1000)
    expect(await pool.use(thing => thing)).toBe(3)
    expect(gone).toEqual([1, 2])
  })
})

describe('warming up', () => {
  it('that fails leaves nobody waiting who counted on it', async () => {
    let refuse: (error: Error) => void = () => undefined
    let made = 0
    const { pool } = things({
      create: () => {
        made += 1
        return made === 1
          ? new Promise<number>((_, reject) => {
              refuse = reject
            })
          : made
      },
    })
    const warming = pool.warmUp().catch(error => (error as Error).cause)
    const lease = pool.acquire()
    const why = new Error('no')
    refuse(why)
    expect(await warming).toBe(why)
    expect([(await lease).value, pool.stats().failures]).toEqual([2, 1])
  })
})

describe('giving up', () => {
  it('takes a caller out of line', async () => {
    const { pool } = things({ max: 1 })
    const lease = await pool.acquire()
    const leaver = new AbortController()
    const left = pool.acquire({ signal: leaver.signal })
    const stays = pool.use(thing => thing)
    leaver.abort('enough')
    await expect(left).rejects.toBe('enough')
    lease.release()
    expect(await stays).toBe(1)
    await expect(pool.acquire({ signal: leaver.signal })).rejects.toBe('enough')
  })

  it('is asked of whoever comes when as many wait as may', async () => {
    const { pool } = things({ max: 1, maxQueue: 1 })
    const lease = await pool.acquire()
    const waits = pool.acquire()
    expect(await code(pool.acquire())).toBe('ERR_QUEUE_FULL')
    lease.release()
    ;(await waits).release()
  })
})

describe('the end', () => {
  it('waits for what is lent, rejects who waits, and destroys all', async () => {
    const { pool, gone } = things({ max: 1 })
    const lease = await pool.acquire()
    const waits = code(pool.acquire())
    let closed = false
    const closing = pool.close().then(() => {
      closed = true
    })
    expect([await waits, await code(pool.acquire()), await code(pool.warmUp())]).toEqual(['ERR_CLOSED', 'ERR_CLOSED', 'ERR_CLOSED'])
    expect(closed).toBe(false)
    lease.release()
    await closing
    await pool.close()
    expect(gone).toEqual([1])
  })

  it('comes also for what is being made', async () => {
    let answer: (thing: number) => void = () => undefined
    const { pool, gone } = things({
      create: () =>
        new Promise<number>(resolve => {
          answer = resolve
        }),
    })
    const warming = pool.warmUp(1)
    const closing = pool.close()
    answer(4)
    await closing
    await warming
    expect(gone).toEqual([4])
  })
})

it('lends each thing to one at a time, loses none, and serves everybody, whatever happens', async () => {
  let state = 5
  const random = (below: number) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    return (state >>> 8) % below
  }
  for (let round = 0; round < 60; round += 1) {
    const clock = new ManualClock()
    const pause = (ms: number) => new Promise<void>(resolve => void clock.timer(clock.monotonic() + ms, resolve))
    const alive = new Set<number>()
    const out = new Set<number>()
    let made = 0
    let most = 0
    const max = 1 + random(4)
    const pool = createPool({
      create: async () => {
        await pause(random(20))
        if (random(6) === 0) throw new Error('no')
        made += 1
        alive.add(made)
        most = Math.max(most, alive.size)
        return made
      },
      destroy: thing => void alive.delete(thing),
      ...(random(2) === 0 && { validate: async () => random(4) > 0 }),
      ...{ max, maxUses: 1 + random(5), idleTimeout: 30, acquireTimeout: 60, clock },
    })
    let settled = 0
    const callers = Array.from({ length: 25 }, async () => {
      await pause(random(150))
      const leaver = random(4) === 0 ? new AbortController() : undefined
      if (leaver !== undefined) void pause(random(40)).then(() => leaver.abort('enough'))
      await pool
        .use(
          async thing => {
            expect(out.has(thing)).toBe(false)
            expect(alive.has(thing)).toBe(true)
            out.add(thing)
            await pause(random(30))
            out.delete(thing)
            if (random(5) === 0) throw new Error('broken')
          },
          { isBroken: () => true, signal: leaver?.signal },
        )
        .catch((error: unknown) => {
          if (error instanceof Error && error.name === 'AssertionError') throw error
        })
      settled += 1
    })
    let done = false
    const all = Promise.all(callers).then(() => {
      done = true
    })
    for (let turn = 0; turn < 200 && !done; turn += 1) await clock.advanceAsync(5)
    await all
    expect(pool.stats()).toMatchObject({ waiting: 0, lent: 0 })
    const closing = pool.close()
    await clock.advanceAsync(100)
    await closing
    expect([settled, alive.size]).toEqual([25, 0])
    expect(most).toBeLessThanOrEqual(max)
  }
})

it('reports to a registry', async () => {
  const registry = createRegistry()
  const { pool } = things({ name: 'db', metrics: registry })
  await pool.use(() => undefined)
  const text = await registry.metrics()
  expect(text).toContain('pool_resources{pool="db",state="idle"} 1')
  expect(text).toContain('pool_acquired_total{pool="db"} 1')
})

it.each([[{ create: 1 }], [{ max: 0 }], [{ min: 3, max: 2 }], [{ idleTimeout: 0 }], [{ validate: true }], [{ maxUses: 0 }]])(
  'refuses options that cannot be meant: %j',
  options => {
    expect(() => createPool({ create: () => 1, ...options } as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
  },
)

describe('what is given wrong', () => {
  it('takes a resource back, as broken, when `isBroken` throws', async () => {
    const { pool, gone } = things({ max: 1 })
    const work = () => Promise.reject(new Error('of the work'))
    const isBroken = () => {
      throw new Error('of isBroken')
    }
    await expect(pool.use(work, { isBroken })).rejects.toThrow('of the work')
    expect([gone, pool.stats().lent, await pool.use(thing => thing)]).toEqual([[1], 0, 2])
  })

  it('rejects options that are none, before anything is lent', async () => {
    const { pool } = things({ max: 1 })
    const all = [pool.acquire(null as never), pool.use(() => 1, null as never), pool.use(() => 1, { isBroken: 5 as never })]
    expect(await Promise.all(all.map(code))).toEqual(['ERR_INVALID_ARGUMENT', 'ERR_INVALID_ARGUMENT', 'ERR_INVALID_ARGUMENT'])
    expect(pool.stats()).toMatchObject({ lent: 0, created: 0 })
  })

  it.each([0, 1])('lends what there is, or can be, with maxQueue %i', async maxQueue => {
    const { pool } = things({ max: 3, maxQueue })
    const lent = [1, 2, 3].map(() => pool.acquire())
    const waits = Array.from({ length: maxQueue }, () => pool.acquire())
    expect(await code(pool.acquire())).toBe('ERR_QUEUE_FULL')
    const [first] = await Promise.all(lent)
    expect([pool.stats().waiting, await code(pool.acquire())]).toEqual([maxQueue, 'ERR_QUEUE_FULL'])
    first?.release()
    await Promise.all(waits)
    expect(pool.stats()).toMatchObject({ lent: 2 + maxQueue, waiting: 0 })
  })
})
