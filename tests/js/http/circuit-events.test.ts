import { expect, test } from 'vitest'
import { createFetch } from '../../../js/http/fetch.ts'
import type { CircuitChange } from '../../../js/policies/breaker-options.ts'
import { ManualClock } from '../../../js/testing.ts'
import { heldTransport } from './transport.ts'

const URL_A = 'https://a.example/1'

function client() {
  const clock = new ManualClock()
  const { transport, calls } = heldTransport()
  const told: string[] = []
  const tell = ({ key, from, to, cause }: CircuitChange) => void told.push(`${key}: ${from} > ${to}, ${cause}`)
  const breaker = {
    window: { type: 'consecutive', failures: 2 },
    openDuration: '5s',
    halfOpen: { maxWait: '10s' },
    onStateChange: tell,
  } as const
  const fetch = createFetch({
    fetch: transport,
    clock,
    retry: false,
    dedupe: false,
    timeout: '60s',
    totalTimeout: '60s',
    circuitBreaker: breaker,
  })
  const answered = async (status: number) => {
    const call = fetch(URL_A)
    calls.at(-1)?.answer('', { status })
    await call
  }
  return { clock, calls, fetch, told, answered }
}

test('failures open, a probe decides, and every change is told with its cause', async () => {
  const { clock, fetch, told, answered } = client()
  const heard: CircuitChange[] = []
  const stop = fetch.on('circuit', change => heard.push(change))
  await answered(500)
  await answered(500)
  expect(told.splice(0)).toEqual(['a.example: closed > open, failures'])
  expect(fetch.circuit('a.example')).toMatchObject({ state: 'open', retryAt: clock.wall() + 5000 })
  clock.advance(5000)
  await answered(500)
  expect(told.splice(0)).toEqual(['a.example: open > half-open, probe', 'a.example: half-open > open, probes-failed'])
  expect(heard.length).toBe(3)
  stop()
  clock.advance(5000)
  await answered(200)
  expect(told.splice(0)).toEqual(['a.example: open > half-open, probe', 'a.example: half-open > closed, probes-passed'])
  expect(heard.length).toBe(3)
  expect(fetch.circuit('a.example')).toMatchObject({ state: 'closed', retryAt: undefined })
})

test('a probe that nobody hears of opens it again', async () => {
  const { clock, fetch, told, answered } = client()
  await answered(500)
  await answered(500)
  clock.advance(5000)
  void fetch(URL_A).catch(() => undefined)
  clock.advance(10_000)
  await expect(fetch(URL_A)).rejects.toMatchObject({ code: 'ERR_CIRCUIT_OPEN' })
  expect(told.slice(1)).toEqual(['a.example: open > half-open, probe', 'a.example: half-open > open, no-verdict'])
})

test('isolated, a host is left alone until it is reset', async () => {
  const { calls, clock, fetch, told, answered } = client()
  const { circuit } = fetch
  const waiting = Array.from({ length: 10 }, () => fetch(URL_A).catch((error: unknown) => error))
  expect(calls.length).toBe(8)
  circuit('a.example').isolate()
  circuit('a.example').isolate()
  expect(fetch.hosts()).toMatchObject([{ host: 'a.example', circuit: 'isolated' }])
  for (const call of calls) call.answer()
  const ends = await Promise.all(waiting)
  expect(ends.filter(end => (end as { code?: string }).code === 'ERR_CIRCUIT_OPEN').length).toBe(2)
  await expect(fetch(URL_A)).rejects.toMatchObject({ code: 'ERR_CIRCUIT_OPEN' })
  clock.advance(100_000)
  await expect(fetch(URL_A)).rejects.toMatchObject({ code: 'ERR_CIRCUIT_OPEN' })
  circuit('a.example').reset()
  await answered(200)
  expect(told).toEqual(['a.example: closed > isolated, isolated', 'a.example: isolated > closed, reset'])
})

test('reset forgets failures', async () => {
  const { fetch, told, answered } = client()
  await answered(500)
  fetch.circuit('a.example').reset()
  await answered(500)
  expect(told).toEqual([])
})

test('what cannot be meant is refused', () => {
  const { fetch } = client()
  const refused = expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' })
  expect(() => createFetch().circuit('a.example')).toThrow(refused)
  expect(() => fetch.circuit('')).toThrow(refused)
  expect(() => fetch.on('retry' as never, () => undefined)).toThrow(refused)
  expect(() => fetch.on('circuit', undefined as never)).toThrow(refused)
})

/** What it throws at nobody would be an unhandled rejection, which ends the run of tests. */
test('whoever is told, or is asked for an attempt, may close the client', async () => {
  const closed = expect.objectContaining({ code: 'ERR_CLOSED' })
  const told = client()
  told.fetch.on('circuit', () => void told.fetch.close())
  const waiting = told.fetch('https://b.example/1').catch(error => error)
  await told.answered(500)
  await told.answered(500).catch(() => undefined)
  expect(await waiting).toEqual(closed)
  const asked = createFetch({
    fetch: () => {
      void asked.close()
      return Promise.resolve(new Response('late'))
    },
    concurrency: 1,
  })
  const all = await Promise.all([1, 2, 3].map(at => asked(`https://a.example/${at}`).catch(error => error)))
  expect(all).toEqual([closed, closed, closed])
})
