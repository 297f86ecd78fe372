import { describe, expect, it } from 'vitest'
import { bulkhead, circuitBreaker, createRegistry, pipeline, rateLimit, retry, timeout } from '../../../js/index.ts'
import { nextTask } from '../../../js/next-task.ts'
import { ManualClock } from '../../../js/testing.ts'

const invalid = expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' })
const fails = () => Promise.reject(new Error('down'))
const forever = () => new Promise<never>(() => undefined)

function made(clock = new ManualClock()) {
  const breaker = circuitBreaker({ window: { type: 'consecutive', failures: 2 }, openDuration: '10s', clock })
  const places = bulkhead({ concurrency: 1, maxQueue: 1, clock })
  return { clock, breaker, places, call: pipeline(retry({ maxRetries: 0, clock }), breaker, places, timeout({ attempt: '5s', clock })) }
}

describe('a pipeline', () => {
  it('counts calls, and shows what its policies count', async () => {
    const { call } = made()
    await call.execute(async () => 1)
    await call.execute(fails).catch(() => undefined)
    const runs = call.execute(forever)
    runs.catch(() => undefined)
    const { policies, ...counts } = call.stats()
    expect(counts).toEqual({ calls: 3, running: 1, succeeded: 1, failed: 1 })
    expect(policies).toEqual([
      { policy: 'circuitBreaker', stats: expect.objectContaining({ succeeded: 1, failed: 1, refused: 0 }) },
      { policy: 'bulkhead', stats: { running: 1, waiting: 0 } },
    ])
  })

  it('explains what a call would meet, outermost first', async () => {
    const { call, clock } = made()
    expect(call.explain('a')).toEqual([])
    for (let n = 0; n < 2; n += 1) await call.execute(fails, { key: 'a' }).catch(() => undefined)
    clock.advance(4000)
    expect(call.explain('a')).toEqual([{ policy: 'circuitBreaker', effect: 'refuse', reason: 'the circuit is open', ms: 6000 }])
    expect(call.explain('b')).toEqual([])
    void call.execute(forever, { key: 'b' }).catch(() => undefined)
    expect(call.explain('b')).toEqual([{ policy: 'bulkhead', effect: 'wait', reason: '1 calls run and 0 wait' }])
    void call.execute(forever, { key: 'b' }).catch(() => undefined)
    expect(call.explain('b')).toEqual([{ policy: 'bulkhead', effect: 'refuse', reason: '1 calls run and 1 wait' }])
    expect(call.explain('a').map(({ policy }) => policy)).toEqual(['circuitBreaker', 'bulkhead'])
  })

  it('explains a limit of the rate, and what lies in a pipeline within it', async () => {
    const clock = new ManualClock()
    const inner = pipeline(rateLimit({ tokensPerInterval: 1, interval: '1s', clock }))
    const call = pipeline(timeout({ total: '30s', clock }), inner)
    await call.execute(async () => 1)
    expect(call.explain()).toEqual([{ policy: 'rateLimit', effect: 'wait', reason: 'no tokens are left, and 0 calls wait' }])
    clock.advance(1000)
    expect(call.explain()).toEqual([])
  })

  it('isolates and resets the circuits of a key', async () => {
    const { call, breaker } = made()
    const release = call.isolate('a')
    await expect(call.execute(async () => 1, { key: 'a' })).rejects.toMatchObject({ code: 'ERR_CIRCUIT_OPEN' })
    expect(call.explain('a')).toMatchObject([{ reason: 'the circuit is isolated', ms: Number.POSITIVE_INFINITY }])
    release()
    expect(await call.execute(async () => 1, { key: 'a' })).toBe(1)
    for (let n = 0; n < 2; n += 1) await call.execute(fails, { key: 'a' }).catch(() => undefined)
    expect(breaker.state('a')).toBe('open')
    call.reset('a')
    expect(breaker.state('a')).toBe('closed')
    expect(() => pipeline(retry()).isolate('a')).toThrow(invalid)
  })

  it('saves its circuits for another pipeline of the same policies', async () => {
    const clock = new ManualClock()
    const { call } = made(clock)
    for (let n = 0; n < 2; n += 1) await call.execute(fails, { key: 'a' }).catch(() => undefined)
    const saved = JSON.parse(JSON.stringify(call))
    const other = made(clock)
    other.call.restore(saved)
    expect(other.breaker.state('a')).toBe('open')
    for (const wrong of [undefined, {}, { version: 1, policies: [] }, { version: 1, policies: [null, null, null, null] }])
      expect(() => other.call.restore(wrong as never)).toThrow(invalid)
    const twice = pipeline(other.breaker, circuitBreaker({ window: { type: 'time', duration: '10s' }, clock }))
    other.call.reset('a')
    // The second does not fit, so the first is left alone.
    expect(() => twice.restore({ version: 1, policies: [saved.policies[1], saved.policies[1]] })).toThrow(invalid)
    expect(other.breaker.state('a')).toBe('closed')
  })
})

it('reports breakers and bulkheads to a registry', async () => {
  const registry = createRegistry()
  const clock = new ManualClock()
  const breaker = circuitBreaker({ window: { type: 'consecutive', failures: 1 }, name: 'db', metrics: registry, clock })
  const places = bulkhead({ concurrency: 2, name: 'db', metrics: registry, clock })
  const call = pipeline(breaker, places)
  await call.execute(async () => 1, { key: 'a' })
  await call.execute(fails, { key: 'b' }).catch(() => undefined)
  void call.execute(forever, { key: 'a' })
  await nextTask()
  const text = await registry.metrics()
  for (const line of [
    'circuit_breaker_calls_total{breaker="db",outcome="succeeded"} 1',
    'circuit_breaker_calls_total{breaker="db",outcome="failed"} 1',
    'circuit_breaker_keys{breaker="db",state="open"} 1',
    'circuit_breaker_keys{breaker="db",state="closed"} 1',
    'circuit_breaker_transitions_total{breaker="db",to="open"} 1',
    'bulkhead_running{bulkhead="db"} 1',
    'bulkhead_concurrency{bulkhead="db"} 2',
  ])
    expect(text).toContain(line)
})
