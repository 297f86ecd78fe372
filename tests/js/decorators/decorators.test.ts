import { describe, expect, test, vi } from 'vitest'
import {
  cached,
  concurrencyLimited,
  createCache,
  createRateLimiter,
  createRegistry,
  lazyLoaded,
  rateLimited,
  timed,
} from '../../../js/index.ts'
import { ManualClock, plantTrap } from '../../../js/testing.ts'

const invalid = expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' })

describe('cached', () => {
  test('answers a method from a cache, each object for itself', async () => {
    const clock = new ManualClock()
    const calls: unknown[] = []
    class Users {
      readonly #name: string
      constructor(name: string) {
        this.#name = name
      }

      @cached({ ttl: '1m', clock })
      async load(id: number, options?: { deep: boolean }): Promise<string> {
        calls.push([this.#name, id, options])
        return `${this.#name} ${id}`
      }
    }
    const a = new Users('a')
    const b = new Users('b')
    expect(await Promise.all([a.load(1), a.load(1), b.load(1)])).toEqual(['a 1', 'a 1', 'b 1'])
    await a.load(1, { deep: true })
    expect(calls).toHaveLength(3)
    clock.advance(60_000)
    await a.load(1)
    expect(calls).toHaveLength(4)
  })

  test('wraps a function, over a cache of yours', async () => {
    const cache = createCache<string | number>({ max: 10 })
    const load = vi.fn(async (id: number) => `user ${id}`)
    const loadUser = cached({ cache, key: (id: number) => `user:${id}`, ttl: '1m' })(load)
    expect([await loadUser(1), await loadUser(1)]).toEqual(['user 1', 'user 1'])
    expect(load).toHaveBeenCalledTimes(1)
    expect(cache.memory.get('user:1')).toBe('user 1')
    expect(() => cached({ cache } as never)).toThrow(invalid)
    expect(() => cached({ ttl: -1 })).toThrow(invalid)
    expect(() => cached()('no function' as never)).toThrow(invalid)
  })
})

test('timed records the time of methods and functions, failing ones too', async () => {
  const clock = new ManualClock()
  const timer = createRegistry({ clock }).timer({ name: 'call_seconds' })
  const record = vi.spyOn(timer, 'time')
  class Work {
    readonly factor = 2
    @timed(timer)
    double(n: number): number {
      return n * this.factor
    }
  }
  expect(new Work().double(4)).toBe(8)
  const fail = timed(timer)(async () => {
    throw new Error('no')
  })
  await expect(fail()).rejects.toThrow('no')
  expect(record).toHaveBeenCalledTimes(2)
  expect(() => timed({} as never)).toThrow(invalid)
})

describe('lazyLoaded', () => {
  test('makes a value once for each object', async () => {
    let made = 0
    class Service {
      readonly id: number
      constructor(id: number) {
        this.id = id
      }

      @lazyLoaded()
      async connection(): Promise<string> {
        return `${this.id}:${++made}`
      }

      @lazyLoaded()
      get config(): Promise<number> {
        return Promise.resolve(this.id * 10)
      }
    }
    const a = new Service(1)
    const b = new Service(2)
    expect(await Promise.all([a.connection(), a.connection(), b.connection()])).toEqual(['1:1', '1:1', '2:2'])
    expect(await a.config).toBe(10)
    expect(await b.config).toBe(20)
  })

  test('wraps a function, and ages with a ttl', async () => {
    const clock = new ManualClock()
    let made = 0
    const load = lazyLoaded({ ttl: '1m', clock })(async () => ++made)
    expect([await load(), await load()]).toEqual([1, 1])
    clock.advance(60_000)
    expect(await load()).toBe(2)
  })
})

describe('concurrencyLimited', () => {
  /** Calls that end when told, and how many run. */
  function gate() {
    const state = { running: 0, most: 0, ends: [] as (() => void)[] }
    async function work<T>(value: T): Promise<T> {
      state.running += 1
      state.most = Math.max(state.most, state.running)
      await new Promise<void>(resolve => state.ends.push(resolve))
      state.running -= 1
      return value
    }
    return { state, work }
  }

  async function finish(state: { ends: (() => void)[] }, running: Promise<unknown>): Promise<void> {
    let done = false
    const mark = () => {
      done = true
    }
    running.then(mark, mark)
    for (let turn = 0; turn < 1000 && !done; turn += 1) {
      state.ends.shift()?.()
      await Promise.resolve()
    }
    expect(done).toBe(true)
  }

  test('runs so many calls of a method at once, in order', async () => {
    const { state, work } = gate()
    class Api {
      readonly prefix = 'n'
      @concurrencyLimited({ concurrency: 3 })
      async load(n: number): Promise<string> {
        return `${this.prefix}${await work(n)}`
      }
    }
    const api = new Api()
    const all = Promise.all(Array.from({ length: 20 }, (_, n) => api.load(n)))
    expect(state.running).toBe(3)
    await finish(state, all)
    expect(await all).toEqual(Array.from({ length: 20 }, (_, n) => `n${n}`))
    expect(state.most).toBe(3)
  })

  test('wraps a function, with a limit for each key and a limit of those who wait', async () => {
    const { state, work } = gate()
    const limited = concurrencyLimited({ concurrency: 3, perKey: 1, maxQueue: 2, key: (name: string) => name })(work)
    const first = [limited('a'), limited('a'), limited('b')]
    expect(state.running).toBe(2)
    const rest = [limited('a'), limited('a')]
    await expect(rest[1]).rejects.toMatchObject({ code: 'ERR_QUEUE_FULL', retryable: true })
    const all = Promise.all([...first, rest[0]])
    await finish(state, all)
    expect(await all).toEqual(['a', 'a', 'b', 'a'])
  })

  test('a failure frees the place, and a trap is told to those who wait', async () => {
    const limited = concurrencyLimited({ concurrency: 1 })((end: () => Promise<string>) => end())
    await expect(limited(() => Promise.reject(new Error('no')))).rejects.toThrow('no')
    await expect(
      limited(() => {
        throw new Error('at once')
      }),
    ).rejects.toThrow('at once')
    expect(await limited(async () => 'fine')).toBe('fine')
    let end!: (value: string) => void
    const running = limited(() => new Promise<string>(resolve => (end = resolve)))
    const waiting = limited(async () => 'never')
    const lost = [running, waiting].map(one => one.catch(error => error.code))
    expect(() => plantTrap()).toThrow()
    const after = limited(async () => 'after')
    end('late')
    expect(await Promise.all(lost)).toEqual(['ERR_CORE_TRAPPED', 'ERR_CORE_TRAPPED'])
    expect(await after).toBe('after')
    for (const wrong of [{}, { concurrency: 0 }, { concurrency: 1, maxQueue: -1 }, { concurrency: 1, perKey: 1.5 }])
      expect(() => concurrencyLimited(wrong as never)).toThrow(invalid)
  })
})

describe('rateLimited', () => {
  test('runs calls of a method at the rate, those of all objects together', async () => {
    const clock = new ManualClock()
    const began: string[] = []
    class Api {
      readonly prefix: string
      constructor(prefix: string) {
        this.prefix = prefix
      }

      @rateLimited({ tokensPerInterval: 2, interval: '1s', clock })
      async load(n: number): Promise<string> {
        began.push(`${this.prefix}${n}`)
        return `${this.prefix}${n}`
      }
    }
    const [a, b] = [new Api('a'), new Api('b')]
    const all = Promise.all([a.load(1), b.load(2), a.load(3), b.load(4)])
    await clock.advanceAsync(0)
    expect(began).toEqual(['a1', 'b2'])
    await clock.advanceAsync(500)
    expect(began).toEqual(['a1', 'b2', 'a3'])
    await clock.advanceAsync(500)
    expect(await all).toEqual(['a1', 'b2', 'a3', 'b4'])
  })

  test('wraps a function, with costs, a signal, and a limiter of yours', async () => {
    const clock = new ManualClock()
    const limiter = createRateLimiter({ tokensPerInterval: 10, interval: '1s', maxWait: '1s', clock })
    const sent: number[] = []
    const send = rateLimited({
      limiter,
      cost: (mails: string[], _signal?: AbortSignal) => mails.length,
      signal: (_mails, signal) => signal,
    })((mails: string[], _signal?: AbortSignal) => sent.push(mails.length))
    expect(await send(Array.from({ length: 8 }, String))).toBe(1)
    const controller = new AbortController()
    const waiting = send(['a', 'b', 'c', 'd'], controller.signal)
    await expect(send(Array.from({ length: 10 }, String))).rejects.toMatchObject({ code: 'ERR_RATE_LIMITED', retryAfterMs: 1200 })
    await expect(send(Array.from({ length: 11 }, String))).rejects.toEqual(invalid)
    controller.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
    await send(['a', 'b'])
    expect(sent).toEqual([8, 2])
    for (const wrong of [undefined, {}, { limiter: {} }, { limiter, cost: 1 }, { limiter, signal: 'none' }])
      expect(() => rateLimited(wrong as never)).toThrow(invalid)
    expect(() => rateLimited({ limiter })('no function' as never)).toThrow(invalid)
  })

  test('gives each key a limit of its own, and keeps none that is as good as new', async () => {
    const clock = new ManualClock()
    const limited = rateLimited({ tokensPerInterval: 1, interval: '1s', clock, key: (host: string) => host })(async (host: string) => host)
    const first = Promise.all(['a', 'b', 'a'].map(limited))
    await clock.advanceAsync(999)
    expect(clock.timers).toBe(1)
    await clock.advanceAsync(1)
    expect(await first).toEqual(['a', 'b', 'a'])
    for (const wrong of [
      { key: 'host' },
      { key: (host: string) => host, limiter: createRateLimiter({ tokensPerInterval: 1, interval: 1 }) },
    ])
      expect(() => rateLimited({ tokensPerInterval: 1, interval: 1, ...wrong } as never)).toThrow(invalid)
  })

  test('refuses a key that is no string, which would limit nothing', async () => {
    const clock = new ManualClock()
    let runs = 0
    const limited = rateLimited({ tokensPerInterval: 1, interval: '1h', maxWait: 0, clock, key: (key: unknown) => key as string })(
      (_: unknown) => {
        runs += 1
      },
    )
    for (const wrong of [{ host: 'a' }, { host: 'a' }, undefined, 5]) await expect(limited(wrong)).rejects.toEqual(invalid)
    expect(runs).toBe(0)
    expect(() => rateLimited({ limiter: null } as never)).toThrow(invalid)
  })
})

test('what TypeScript makes with experimentalDecorators is refused, and says so', () => {
  const decorate = cached() as unknown as (target: object, key: string) => unknown
  expect(() => decorate({ load() {} }, 'load')).toThrow(
    /must be decorated by standard decorators, without experimentalDecorators; received an object/,
  )
})
