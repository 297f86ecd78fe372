import { describe, expect, test, vi } from 'vitest'
import { createFetch } from '../../../js/http/fetch.ts'
import type { FetchOptions, Transport } from '../../../js/http/types.ts'
import { ManualClock } from '../../../js/testing/manual-clock.ts'
import { outcome, settle } from './transport.ts'

const URL = 'http://origin.test/a'

/** A transport whose bodies come piece by piece, when the test says so. */
function dripping(headers: Record<string, string> = {}) {
  const bodies: ReadableStreamDefaultController<Uint8Array>[] = []
  const transport: Transport = async () => new Response(new ReadableStream({ start: body => void bodies.push(body) }), { headers })
  const drip = async (text: string, at = bodies.length - 1) => {
    bodies[at]?.enqueue(new TextEncoder().encode(text))
    await settle()
  }
  return { transport, bodies, drip }
}

function client(options: FetchOptions) {
  const clock = new ManualClock()
  return { clock, fetch: createFetch({ clock, retry: false, ...options }) }
}

describe('idleTimeout', () => {
  test('ends an attempt in whose body nothing comes any more, and not one that goes on slowly', async () => {
    const { transport, drip, bodies } = dripping()
    const { clock, fetch } = client({ fetch: transport, idleTimeout: '1s' })
    const failed = outcome(fetch(URL))
    await settle()
    for (let piece = 0; piece < 5; piece += 1) {
      await clock.advanceAsync(900)
      await drip('x')
    }
    await clock.advanceAsync(999)
    expect(fetch.stats().inflight).toBe(1)
    await clock.advanceAsync(1)
    expect(await failed).toMatchObject({
      code: 'ERR_TIMEOUT',
      phase: 'idle',
      timeoutMs: 1000,
      attempts: 1,
      phases: { attempts: 5500, connect: 0, firstByte: 0, body: 5500, backoff: 0 },
    })
    expect([fetch.stats().inflight, clock.timers, bodies.length]).toEqual([0, 0, 1])
    await fetch.close()
  })

  test('is a failure like others: tried again', async () => {
    const { transport, drip, bodies } = dripping()
    const { clock, fetch } = client({ fetch: transport, retry: { maxRetries: 1, initialDelay: 0, maxDelay: 0 } })
    const response = fetch(URL, { idleTimeout: 100 })
    await clock.advanceAsync(100)
    await settle()
    expect(bodies).toHaveLength(2)
    await drip('whole')
    bodies[1]?.close()
    expect(await (await response).text()).toBe('whole')
    expect(fetch.stats()).toMatchObject({ retries: 1, failures: {} })
    expect(clock.timers).toBe(0)
    await fetch.close()
  })
})

describe('onDownloadProgress', () => {
  test('is told of each piece, for all who share the request, and ends nothing by throwing', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
    const { transport, drip, bodies } = dripping({ 'content-length': '6' })
    const { fetch } = client({ fetch: transport })
    const seen: unknown[] = []
    const first = fetch(URL, {
      onDownloadProgress: () => {
        throw new Error('mine')
      },
    })
    const second = fetch(URL, { onDownloadProgress: progress => seen.push(progress) })
    await settle()
    await drip('abc')
    await drip('def')
    bodies[0]?.close()
    expect([await (await first).text(), await (await second).text()]).toEqual(['abcdef', 'abcdef'])
    expect(seen).toEqual([
      { transferred: 3, total: 6 },
      { transferred: 6, total: 6 },
    ])
    expect(bodies).toHaveLength(1)
    warned.mockRestore()
    await fetch.close()
  })
})

describe('maxRequestSize', () => {
  const form = new FormData()
  form.append('a', new Blob(['x'.repeat(20)]))

  test.each<[string, BodyInit, boolean]>([
    ['a text of ten bytes', 'äääää', true],
    ['a text of eleven', 'äääääx', false],
    ['bytes', new Uint8Array(11), false],
    ['a buffer', new ArrayBuffer(10), true],
    ['a blob', new Blob(['x'.repeat(11)]), false],
    ['parameters', new URLSearchParams({ a: 'ä' }), true],
    ['a form', form, false],
  ])('counts %s', async (_name, body, fits) => {
    const { fetch } = client({ fetch: async () => new Response('ok'), maxRequestSize: 10 })
    const result = await outcome(fetch(URL, { method: 'POST', body }))
    if (fits) expect(result).toHaveProperty('value')
    else expect(result).toMatchObject({ code: 'ERR_REQUEST_TOO_LARGE', limit: 10 })
    expect(fetch.stats().sent).toBe(fits ? 1 : 0)
    await fetch.close()
  })

  test('counts a stream while it is sent, and tries nothing again', async () => {
    const transport: Transport = async (_url, { body }) => {
      try {
        return new Response(`${(await new Response(body).arrayBuffer()).byteLength}`)
      } catch (cause) {
        throw new TypeError('fetch failed', { cause })
      }
    }
    const { fetch } = client({ fetch: transport, maxRequestSize: 10, retry: { maxRetries: 2 } })
    const sending = (size: number) => ({ method: 'PUT', body: new Blob(['x'.repeat(size)]).stream(), duplex: 'half' }) as RequestInit
    expect(await (await fetch(URL, sending(10))).text()).toBe('10')
    expect(await outcome(fetch(URL, sending(11)))).toMatchObject({ code: 'ERR_REQUEST_TOO_LARGE' })
    expect(fetch.stats().sent).toBe(2)
    await fetch.close()
  })
})

describe('a transport that sees more', () => {
  test('tells when it is connected, and how well a body is compressed', async () => {
    const clock = new ManualClock()
    const transport: Transport = async (url, _init, progress) => {
      clock.advance(30)
      progress.connected()
      clock.advance(20)
      progress.encoded(20_000)
      const size = url.endsWith('bomb') ? 3_000_000 : 1_900_000
      return new Response(new Uint8Array(size))
    }
    const fetch = createFetch({ clock, fetch: transport, retry: false, maxResponseSize: '10mb' })
    expect((await (await fetch(URL)).arrayBuffer()).byteLength).toBe(1_900_000)
    expect(await outcome(fetch(`${URL}/bomb`))).toMatchObject({
      code: 'ERR_RESPONSE_TOO_LARGE',
      phases: { connect: 30, firstByte: 20, body: 0, attempts: 50 },
    })
    await fetch.close()
  })
})
