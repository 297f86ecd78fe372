import { describe, expect, test } from 'vitest'
import { type CircuitChange, CircuitOpenError, circuitBreaker, isShelflifeError } from '../../../js/index.ts'
import { ManualClock, plantTrap } from '../../../js/testing.ts'

const invalid = expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' })
const fails = () => Promise.reject(new Error('down'))
const works = () => 'up'

function breakerOf(options: Parameters<typeof circuitBreaker>[0] = {}) {
  const clock = new ManualClock()
  const changes: string[] = []
  const breaker = circuitBreaker({
    ...{ clock, window: { type: 'consecutive', failures: 3 }, openDuration: 1000 },
    ...options,
    onStateChange: ({ key, from, to, cause }: CircuitChange) => changes.push(`${key}${from}>${to}:${cause}`),
  })
  return { clock, changes, breaker }
}

async function failed(breaker: ReturnType<typeof circuitBreaker>, times: number, key = '') {
  for (let n = 0; n < times; n += 1) await breaker.execute(fails, { key }).catch(() => undefined)
}

describe('circuitBreaker', () => {
  test('refuses at once after failures in a row, then one call decides', async () => {
    const { clock, changes, breaker } = breakerOf()
    await failed(breaker, 2)
    expect(await breaker.execute(works)).toBe('up')
    await failed(breaker, 3)
    let called = false
    const refused = await breaker.execute(() => (called = true)).catch(error => error)
    expect(refused).toBeInstanceOf(CircuitOpenError)
    expect(isShelflifeError(refused)).toBe(true)
    expect(refused).toMatchObject({ code: 'ERR_CIRCUIT_OPEN', retryable: true, retryAt: clock.wall() + 1000, key: '' })
    expect(called).toBe(false)
    expect([breaker.state(), breaker.retryAt()]).toEqual(['open', clock.wall() + 1000])
    clock.advance(1000)
    expect([breaker.state(), breaker.retryAt()]).toEqual(['half-open', undefined])
    await failed(breaker, 1)
    expect(breaker.state()).toBe('open')
    clock.advance(1000)
    expect(await breaker.execute(works)).toBe('up')
    expect(breaker.state()).toBe('closed')
    expect(changes).toEqual([
      'closed>open:failures',
      'open>half-open:probe',
      'half-open>open:probes-failed',
      'open>half-open:probe',
      'half-open>closed:probes-passed',
    ])
    expect(breaker.stats()).toEqual({ succeeded: 2, failed: 6, ignored: 0, refused: 1, opened: 2, keys: 1 })
    expect(clock.timers).toBe(0)
  })

  test('windows of calls and of time, slow calls, and each key for itself', async () => {
    const counted = breakerOf({ window: { type: 'count', size: 4 }, failureRatio: 0.5, minimumCalls: 4 }).breaker
    await counted.execute(works)
    await counted.execute(works)
    await failed(counted, 1)
    expect(counted.state()).toBe('closed')
    expect(counted.window()).toEqual({ calls: 3, failed: 1, slow: 0 })
    await failed(counted, 1)
    expect([counted.state(), counted.state('other')]).toEqual(['open', 'closed'])

    const timed = breakerOf({ window: { type: 'time', duration: '10s' }, minimumCalls: 2 })
    await failed(timed.breaker, 1, 'a')
    timed.clock.advance(11_000)
    await failed(timed.breaker, 1, 'a')
    expect(timed.breaker.state('a')).toBe('closed')
    await failed(timed.breaker, 1, 'a')
    expect(timed.breaker.state('a')).toBe('open')
    expect(await timed.breaker.execute(works, { key: 'b' })).toBe('up')

    const slow = breakerOf({ window: { type: 'count', size: 10 }, minimumCalls: 2, slowCallDuration: 100 })
    for (let n = 0; n < 2; n += 1) {
      const call = slow.breaker.execute(() => new Promise(resolve => slow.clock.timer(slow.clock.monotonic() + 100, () => resolve(n))))
      slow.clock.advance(100)
      await call
    }
    expect(slow.changes).toEqual(['closed>open:slow-calls'])
  })

  test('half-open: ignored, aborted and never-settling calls do not hold it', async () => {
    const { clock, changes, breaker } = breakerOf({
      halfOpen: { calls: 2, successRatio: 0.5, maxWait: 500 },
      isFailure: error => ((error as Error).message === 'mine' ? 'ignored' : true),
    })
    await failed(breaker, 3)
    clock.advance(1000)
    const controller = new AbortController()
    const aborted = breaker.execute(() => new Promise(() => undefined), { signal: controller.signal })
    void breaker.execute(() => new Promise(() => undefined))
    await expect(breaker.execute(works)).rejects.toMatchObject({ code: 'ERR_CIRCUIT_OPEN' })
    controller.abort(new Error('enough'))
    await expect(aborted).rejects.toThrow('enough')
    await expect(breaker.execute(() => Promise.reject(new Error('mine')))).rejects.toThrow('mine')
    expect(breaker.state()).toBe('half-open')
    void breaker.execute(() => new Promise(() => undefined))
    clock.advance(500)
    await expect(breaker.execute(works)).rejects.toMatchObject({ code: 'ERR_CIRCUIT_OPEN', retryAt: clock.wall() + 1000 })
    clock.advance(1000)
    expect(await breaker.execute(works)).toBe('up')
    expect(breaker.state()).toBe('closed')
    expect(changes.slice(2)).toEqual(['half-open>open:no-verdict', 'open>half-open:probe', 'half-open>closed:probes-passed'])
  })

  test('stays open for longer each time, up to a limit', async () => {
    const { clock, breaker } = breakerOf({ openBackoff: 2, maxOpenDuration: 3000 })
    await failed(breaker, 3)
    for (const duration of [1000, 2000, 3000, 3000]) {
      expect(breaker.retryAt()).toBe(clock.wall() + duration)
      clock.advance(duration)
      await failed(breaker, 1)
    }
    clock.advance(3000)
    await breaker.execute(works)
    await failed(breaker, 3)
    expect(breaker.retryAt()).toBe(clock.wall() + 1000)
  })

  test('isolate counts, reset ends everything', async () => {
    const { changes, breaker } = breakerOf()
    const first = breaker.isolate('a')
    const second = breaker.isolate('a')
    await expect(breaker.execute(works, { key: 'a' })).rejects.toMatchObject({
      code: 'ERR_CIRCUIT_OPEN',
      retryAt: Number.POSITIVE_INFINITY,
    })
    first()
    first()
    expect(breaker.state('a')).toBe('isolated')
    second[Symbol.dispose]()
    expect(await breaker.execute(works, { key: 'a' })).toBe('up')
    const third = breaker.isolate('a')
    breaker.reset('a')
    expect(breaker.state('a')).toBe('closed')
    breaker.isolate('a')
    third()
    expect(changes).toEqual([
      'aclosed>isolated:isolated',
      'aisolated>closed:released',
      'aclosed>isolated:isolated',
      'aisolated>closed:reset',
      'aclosed>isolated:isolated',
      'aisolated>closed:released',
    ])
  })

  test('is saved and goes on elsewhere', async () => {
    const one = breakerOf({ window: { type: 'count', size: 20 }, minimumCalls: 4 })
    await failed(one.breaker, 4, 'down')
    await failed(one.breaker, 3, 'shaky')
    await one.breaker.execute(works, { key: 'fine' })
    const saved = JSON.parse(JSON.stringify(one.breaker))
    const other = breakerOf({ window: { type: 'count', size: 20 }, minimumCalls: 4 })
    other.clock.advance(400)
    other.breaker.restore(saved)
    expect([other.breaker.state('down'), other.breaker.retryAt('down')]).toEqual(['open', other.clock.wall() + 600])
    expect(other.breaker.window('shaky')).toEqual({ calls: 3, failed: 3, slow: 0 })
    await failed(other.breaker, 1, 'shaky')
    expect(other.breaker.state('shaky')).toBe('open')
    for (const wrong of [undefined, {}, { ...saved, version: 2 }, { ...saved, circuits: { a: ['x'] } }, { ...saved, window: 0 }])
      expect(() => other.breaker.restore(wrong as never)).toThrow(invalid)
  })

  test('modes that let everybody through, results that are failures, keys of keys, listeners that throw', async () => {
    const watched = breakerOf({ mode: 'metrics-only' })
    await failed(watched.breaker, 4)
    expect([watched.breaker.state(), watched.breaker.stats().refused]).toEqual(['open', 1])
    const off = breakerOf({ mode: 'disabled' })
    await failed(off.breaker, 9)
    expect(off.breaker.state()).toBe('closed')
    const strict = breakerOf({ isFailureResult: result => (result as { status: number }).status >= 500, key: key => new URL(key).host })
    for (let n = 0; n < 3; n += 1) await strict.breaker.execute(() => ({ status: 503 }), { key: `https://example.com/${n}` })
    expect(strict.breaker.state('https://example.com/9')).toBe('open')
    const told: string[] = []
    const stop = strict.breaker.on('refused', ({ key }) => told.push(key))
    await expect(strict.breaker.execute(works, { key: 'https://example.com/' })).rejects.toThrow(CircuitOpenError)
    stop()
    await expect(strict.breaker.execute(works, { key: 'https://example.com/' })).rejects.toThrow(CircuitOpenError)
    await expect(strict.breaker.execute(works, { key: 'no url' })).rejects.toThrow(TypeError)
    expect(told).toEqual(['example.com'])
  })

  test('a trap of the core begins anew, and what was under way does not matter', async () => {
    const { breaker } = breakerOf()
    await failed(breaker, 3)
    const call = breakerOf().breaker.execute(async () => 'up')
    expect(() => plantTrap()).toThrow()
    expect(await call).toBe('up')
    expect(breaker.state()).toBe('closed')
    await failed(breaker, 3)
    expect(breaker.state()).toBe('open')
  })

  test('10 k keys: no timer, and the keys stay bounded', async () => {
    const { clock, breaker } = breakerOf({ maxKeys: 1000 })
    await failed(breaker, 3, 'offender')
    for (let n = 0; n < 10_000; n += 1) await breaker.execute(works, { key: `k${n}` })
    expect(breaker.stats().keys).toBe(1000)
    expect(breaker.state('offender')).toBe('open')
    expect(clock.timers).toBe(0)
  })

  test('bad options are refused by name', () => {
    const bad: [string, object][] = [
      ['window.type', { window: { type: 'tide' } }],
      ['window.duration', { window: { type: 'time', duration: 0 } }],
      ['window.size', { window: { type: 'count', size: 100_000 } }],
      ['window.failures', { window: { type: 'consecutive' } }],
      ['failureRatio', { failureRatio: 0 }],
      ['failureRatio', { failureRatio: Number.NaN }],
      ['minimumCalls', { minimumCalls: 11, window: { type: 'count', size: 10 } }],
      ['openBackoff', { openBackoff: 0.5 }],
      ['openDuration', { openDuration: 0 }],
      ['halfOpen.calls', { halfOpen: { calls: 0 } }],
      ['mode', { mode: 'off' }],
      ['isFailure', { isFailure: true }],
    ]
    for (const [name, options] of bad) {
      expect(() => circuitBreaker(options)).toThrow(invalid)
      expect(() => circuitBreaker(options)).toThrow(name)
    }
  })

  test('lists the circuits that are not closed, up to a number', async () => {
    const { clock, breaker } = breakerOf()
    expect(breaker.circuits()).toEqual([])
    await breaker.execute(works, { key: 'well' })
    for (const key of ['a', 'b', 'c']) await failed(breaker, 3, key)
    breaker.isolate('d')
    const retryAt = clock.wall() + 1000
    const open = ['a', 'b', 'c'].map(key => ({ key, state: 'open', retryAt }))
    expect(breaker.circuits()).toEqual([...open, { key: 'd', state: 'isolated' }])
    expect(breaker.circuits(2)).toEqual(open.slice(0, 2))
    clock.advance(1000)
    expect(breaker.circuits()[0]).toEqual({ key: 'a', state: 'half-open' })
  })
})
