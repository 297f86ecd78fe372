import { expect, test } from 'vitest'
import { createFetch } from '../../../js/http/fetch.ts'
import type { FetchOptions, HostLimitChange } from '../../../js/http/types.ts'
import { createRegistry } from '../../../js/metrics/registry.ts'
import { ManualClock } from '../../../js/testing.ts'

interface Origin {
  busy: number
  readonly waiting: (() => void)[]
  inside: number
  most: number
}

/** An origin that serves `workers` at a time, 20 ms each, and refuses whoever would wait behind more than `patience` others. */
function client(workers: number, options: FetchOptions = {}, patience = Number.POSITIVE_INFINITY) {
  const clock = new ManualClock()
  const changes: HostLimitChange[] = []
  const hosts = new Map<string, Origin>()
  const at = (ms: number) => new Promise<void>(resolve => clock.timer(clock.monotonic() + ms, resolve).hold(true))
  const transport = async (url: string) => {
    const { host } = new URL(url)
    const origin = hosts.get(host) ?? { busy: 0, waiting: [], inside: 0, most: 0 }
    hosts.set(host, origin)
    origin.inside += 1
    origin.most = Math.max(origin.most, origin.inside)
    try {
      return await serve(origin)
    } finally {
      origin.inside -= 1
    }
  }
  const serve = async (origin: Origin) => {
    if (origin.busy >= workers && origin.waiting.length >= patience) {
      await at(5)
      return new Response('', { status: 503 })
    }
    if (origin.busy >= workers) await new Promise<void>(resolve => origin.waiting.push(resolve))
    else origin.busy += 1
    await at(20)
    const next = origin.waiting.shift()
    if (next === undefined) origin.busy -= 1
    else next()
    return new Response('ok')
  }
  const fetch = createFetch({
    ...{ fetch: transport, clock, dedupe: false, retry: false, concurrency: 1000, timeout: '60s', totalTimeout: 1e9 },
    ...options,
  })
  fetch.on('concurrency', change => changes.push(change))
  /** Keeps `callers` busy for so long. */
  const load = async (host: string, callers: number, ms: number) => {
    const end = clock.monotonic() + ms
    const caller = async () => {
      while (clock.monotonic() < end) await fetch(`https://${host}/`)
    }
    const all = Promise.all(Array.from({ length: callers }, caller))
    for (let step = 0; step < ms + 2000; step += 5) await clock.advanceAsync(5)
    await all
  }
  return { clock, fetch, changes, load, hosts, limit: (host: string) => fetch.explain(`https://${host}/`).slots.perHost }
}

test('each host finds its own: one that serves 20 at a time has more than one that serves 2', async () => {
  const { changes, load, limit } = client(20, { adaptiveConcurrency: { max: 200 } })
  await load('wide.example', 100, 8000)
  expect(limit('wide.example')).toBeGreaterThanOrEqual(16)
  expect(limit('wide.example')).toBeLessThanOrEqual(40)
  expect(limit('never.example')).toBe(8)
  expect(changes.every(({ host }) => host === 'wide.example')).toBe(true)
  const narrow = client(2, { adaptiveConcurrency: { max: 200 } })
  await narrow.load('narrow.example', 100, 8000)
  expect(narrow.limit('narrow.example')).toBeLessThan(8)
})

test('refusals lower it at once, and each change says why', async () => {
  const metrics = createRegistry()
  const { changes, load, limit, hosts } = client(
    4,
    { metrics, name: 'c', adaptiveConcurrency: { algorithm: 'aimd', initial: 50, max: 50 } },
    0,
  )
  expect(limit('a.example')).toBe(50)
  await load('a.example', 60, 4000)
  expect(hosts.get('a.example')?.most).toBe(50)
  expect(limit('a.example')).toBeLessThan(12)
  expect(changes[0]).toMatchObject({ host: 'a.example', from: 50, reason: 'overload' })
  const text = await metrics.metrics()
  expect(text).toContain(`client_concurrency_limit{client="c",host="a.example"} ${limit('a.example')}`)
  expect(text).toMatch(/client_concurrency_changes_total\{client="c",host="a\.example",reason="overload"\} \d+/)
})

test('a deadline of an attempt is too much, too; what callers give up is not', async () => {
  const clock = new ManualClock()
  const changes: HostLimitChange[] = []
  const options = { retry: false, dedupe: false, timeout: 100, totalTimeout: 1000, adaptiveConcurrency: { initial: 10 } } as const
  const fetch = createFetch({
    fetch: (_url, init) => new Promise((_, reject) => init.signal?.addEventListener('abort', () => reject(new Error('aborted')))),
    clock,
    ...options,
  })
  fetch.on('concurrency', change => changes.push(change))
  const controller = new AbortController()
  const given = Array.from({ length: 5 }, () => fetch('https://a.example/', { signal: controller.signal }).catch(() => undefined))
  await clock.advanceAsync(50)
  controller.abort()
  await Promise.all(given)
  expect(changes).toEqual([])
  const late = fetch('https://a.example/').catch((error: unknown) => error)
  await clock.advanceAsync(100)
  expect(await late).toMatchObject({ code: 'ERR_TIMEOUT' })
  expect(changes).toEqual([{ host: 'a.example', from: 10, to: 9, reason: 'overload' }])
})

test('what cannot be meant is refused', () => {
  for (const adaptiveConcurrency of [{ min: 0 }, { min: 5, max: 4 }, { algorithm: 'magic' as never }, { initial: 0.5 }])
    expect(() => createFetch({ adaptiveConcurrency })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
})
