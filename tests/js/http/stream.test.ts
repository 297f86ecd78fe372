import { expect, test } from 'vitest'
import { createCache } from '../../../js/cache/cache.ts'
import { createFetch } from '../../../js/http/fetch.ts'
import type { FetchOptions, Transport } from '../../../js/http/types.ts'
import { jsonArray, ndjson } from '../../../js/index.ts'
import { ManualClock } from '../../../js/testing/manual-clock.ts'
import { countListeners, outcome, settle } from './transport.ts'

const URL = 'http://origin.test/a'
const KEPT = { headers: { 'cache-control': 'max-age=60' } }

/** A transport whose bodies come piece by piece, when the test says so. */
function dripping(init: ResponseInit = KEPT) {
  const bodies: { sink: ReadableStreamDefaultController<Uint8Array>; cancelled: unknown; signal: AbortSignal }[] = []
  const transport: Transport = async (_url, { signal }) => {
    const start = (sink: ReadableStreamDefaultController<Uint8Array>) => {
      bodies.push({ sink, cancelled: undefined, signal: signal as AbortSignal })
      signal?.addEventListener('abort', () => sink.error(signal.reason), { once: true })
    }
    const at = bodies.length
    const cancel = (reason: unknown) => {
      const body = bodies[at]
      if (body !== undefined) body.cancelled = reason
    }
    return new Response(new ReadableStream({ start, cancel }), init)
  }
  const drip = async (text: string) => {
    bodies.at(-1)?.sink.enqueue(new TextEncoder().encode(text))
    await settle()
  }
  return { transport, bodies, drip }
}

function client(options: FetchOptions) {
  const clock = new ManualClock()
  return { clock, fetch: createFetch({ clock, retry: false, ...options }) }
}

const idle = { queued: 0, inflight: 0, sleeping: 0 }

test('resolves at the head, has its slot until the end, and is kept then', async () => {
  const { transport, bodies, drip } = dripping()
  const cache = createCache()
  const { fetch, clock } = client({ fetch: transport, cache, concurrency: 1 })
  const response = await fetch.stream(URL)
  expect([response.status, response.url, response.headers.get('x-cache'), response.redirected]).toEqual([200, URL, 'miss', false])
  const next = fetch(`${URL}/next`)
  expect(fetch.stats()).toMatchObject({ inflight: 1, queued: 1, misses: 1 })
  const text = response.text()
  await drip('{"n":')
  expect(cache.memory.size).toBe(0)
  await drip('1}')
  bodies[0]?.sink.close()
  expect(await text).toBe('{"n":1}')
  await settle()
  expect(fetch.stats()).toMatchObject({ inflight: 1, queued: 0, bytes: 7 })
  bodies[1]?.sink.close()
  await next
  expect(await fetch.json(URL)).toEqual({ n: 1 })
  const again = await fetch.stream(URL)
  expect([again.headers.get('x-cache'), await again.json(), bodies.length]).toEqual(['hit', { n: 1 }, 2])
  expect([fetch.stats().inflight, clock.timers]).toEqual([0, 0])
  await fetch.close()
  await cache.close()
})

test('one that is cancelled gives its slot back, ends the request and is not kept', async () => {
  const { transport, bodies, drip } = dripping()
  const cache = createCache()
  const { fetch, clock } = client({ fetch: transport, cache })
  const response = await fetch.stream(URL)
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  const first = reader.read()
  await drip('part')
  expect((await first).value?.byteLength).toBe(4)
  await reader.cancel('enough')
  expect([bodies[0]?.signal.aborted, cache.memory.size, clock.timers]).toEqual([true, 0, 0])
  expect(fetch.stats()).toMatchObject({ ...idle, failures: {} })
  await fetch.close()
})

test.each(['before', 'after'])('an abort %s the head rejects at once and leaves nothing', async when => {
  const { transport, bodies } = dripping()
  const hangs: Transport = (_url, { signal }) =>
    new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason), { once: true }))
  const { fetch, clock } = client({ fetch: when === 'after' ? transport : hangs })
  const controller = new AbortController()
  const listeners = countListeners(controller.signal)
  const opening = fetch.stream(URL, { signal: controller.signal })
  const result = outcome(when === 'after' ? opening.then(response => response.text()) : opening)
  await settle()
  controller.abort('left')
  expect(await result).toBe('left')
  await settle()
  expect([listeners(), clock.timers, bodies[0]?.signal.aborted ?? true]).toEqual([0, 0, true])
  expect(fetch.stats()).toMatchObject({ ...idle, failures: { ERR_ABORTED: 1 } })
  await fetch.close()
})

test.each<[string, FetchOptions, string, number]>([
  ['of the attempt', { timeout: 100, retry: { maxRetries: 3 } }, 'attempt', 100],
  ['in total', { totalTimeout: 100, timeout: 200 }, 'total', 100],
  ['of silence', { idleTimeout: 100 }, 'idle', 100],
])('the deadline %s ends the body, and nothing is tried again', async (_name, options, phase, timeoutMs) => {
  const { transport, bodies, drip } = dripping()
  const { fetch, clock } = client({ fetch: transport, ...options })
  const response = await fetch.stream(URL)
  const text = outcome(response.text())
  await drip('part')
  await clock.advanceAsync(100)
  expect(await text).toMatchObject({ code: 'ERR_TIMEOUT', phase, timeoutMs, attempts: 1, phases: { firstByte: 0, body: 100 } })
  expect([bodies.length, bodies[0]?.signal.aborted, clock.timers]).toEqual([1, true, 0])
  expect(fetch.stats()).toMatchObject({ ...idle, failures: { ERR_TIMEOUT: 1 } })
  await fetch.close()
})

test('a reader who takes his time is not a silent origin', async () => {
  const { transport, bodies, drip } = dripping()
  const { fetch, clock } = client({ fetch: transport, idleTimeout: 100 })
  const reader = ((await fetch.stream(URL)).body as ReadableStream<Uint8Array>).getReader()
  await drip('a')
  await reader.read()
  await clock.advanceAsync(5000)
  await drip('b')
  expect((await reader.read()).value?.byteLength).toBe(1)
  bodies[0]?.sink.close()
  expect((await reader.read()).done).toBe(true)
  await fetch.close()
})

test('before the head it is tried again as others are; a failure of the body is final', async () => {
  let n = 0
  const transport: Transport = async () => {
    n += 1
    if (n === 1) throw new TypeError('reset')
    if (n === 2) return new Response('busy', { status: 503 })
    return new Response(new ReadableStream({ pull: sink => sink.error(new TypeError('cut')) }))
  }
  const { fetch } = client({ fetch: transport, retry: { maxRetries: 5, initialDelay: 0, maxDelay: 0 } })
  const response = await fetch.stream(URL)
  expect(response.status).toBe(200)
  expect(await outcome(response.text())).toMatchObject({ code: 'ERR_NETWORK', attempts: 3, message: expect.stringContaining('cut') })
  expect(n).toBe(3)
  expect(fetch.stats()).toMatchObject({ ...idle, retries: 2, failures: { ERR_NETWORK: 1 } })
  await fetch.close()
})

test('the last failure is handed over as it is', async () => {
  const { fetch } = client({
    fetch: async () => new Response('busy', { status: 503 }),
    retry: { maxRetries: 1, initialDelay: 0, maxDelay: 0 },
  })
  const response = await fetch.stream(URL)
  expect([response.status, await response.text()]).toEqual([503, 'busy'])
  expect(fetch.stats()).toMatchObject({ ...idle, sent: 2 })
  await fetch.close()
})

test('has no limit of size unless the call sets one; what is too large is passed on and not kept', async () => {
  const large = () => new Response('x'.repeat(3000), KEPT)
  const cache = createCache()
  const { fetch } = client({ fetch: async () => large(), cache, maxResponseSize: 1000 })
  expect((await (await fetch.stream(URL)).text()).length).toBe(3000)
  expect(cache.memory.size).toBe(0)
  expect(await outcome((await fetch.stream(URL, { maxResponseSize: 2000 })).text())).toMatchObject({
    code: 'ERR_RESPONSE_TOO_LARGE',
    limit: 2000,
  })
  expect(fetch.stats()).toMatchObject(idle)
  await fetch.close()
})

test('an answer without body has given its slot back', async () => {
  const { fetch } = client({ fetch: async () => new Response(null, { status: 204 }) })
  expect((await fetch.stream(URL)).body).toBe(null)
  expect((await fetch.stream(URL, { method: 'HEAD' })).body).toBe(null)
  expect(fetch.stats()).toMatchObject(idle)
  await fetch.close()
})

test.each(['an abort', 'too many bytes', 'close()'])('%s ends a body whose transport ignores its signal', async how => {
  const cancelled: unknown[] = []
  const transport: Transport = async () => {
    const pull = (sink: ReadableStreamDefaultController<Uint8Array>) => sink.enqueue(new Uint8Array(60))
    return new Response(new ReadableStream({ pull, cancel: reason => void cancelled.push(reason) }))
  }
  const { fetch, clock } = client({ fetch: transport })
  const controller = new AbortController()
  const { body } = await fetch.stream(URL, { signal: controller.signal, maxResponseSize: 100 })
  const reader = (body as ReadableStream<Uint8Array>).getReader()
  expect((await reader.read()).value?.byteLength).toBe(60)
  if (how === 'an abort') controller.abort('left')
  else if (how === 'close()') await fetch.close()
  const error = await outcome(reader.read())
  expect(error).toEqual({ 'an abort': 'left', 'too many bytes': expect.any(Error), 'close()': expect.any(Error) }[how])
  expect(cancelled).toEqual([error])
  expect(clock.timers).toBe(0)
  await fetch.close()
})

test.each(['locked', 'read'])('a transport that answers with a body that is %s is a failure of the request', async how => {
  const used = new Response('used', KEPT)
  if (how === 'read') await used.text()
  else used.body?.getReader()
  const { fetch, clock } = client({ fetch: async () => used })
  for (const call of [fetch(URL), fetch.stream(URL).then(response => response.text())])
    expect(await outcome(call)).toMatchObject({ code: 'ERR_NETWORK', cause: expect.any(TypeError) })
  expect(fetch.stats()).toMatchObject({ ...idle, failures: { ERR_NETWORK: 2 } })
  expect(clock.timers).toBe(0)
  await fetch.close()
})

test('closing ends streams, and refuses new ones', async () => {
  const { transport, bodies } = dripping()
  const { fetch } = client({ fetch: transport })
  const text = outcome((await fetch.stream(URL)).text())
  await fetch.close()
  expect(await text).toMatchObject({ code: 'ERR_CLOSED' })
  expect(bodies[0]?.signal.aborted).toBe(true)
  expect(await outcome(fetch.stream(URL))).toMatchObject({ code: 'ERR_CLOSED' })
})

test('items come while the body does', async () => {
  const { transport, bodies, drip } = dripping()
  const { fetch } = client({ fetch: transport })
  const got: unknown[] = []
  const reading = (async () => {
    for await (const item of ndjson((await fetch.stream(URL)).body)) got.push(item)
    for await (const item of jsonArray((await fetch.stream(URL)).body)) got.push(item)
  })()
  await settle()
  await drip('{"a":1}\n{"a"')
  expect(got).toEqual([{ a: 1 }])
  await drip(':2}\n')
  bodies[0]?.sink.close()
  await settle()
  await drip('[3,4')
  expect(got).toEqual([{ a: 1 }, { a: 2 }, 3])
  await drip(']')
  bodies[1]?.sink.close()
  await reading
  expect(got).toEqual([{ a: 1 }, { a: 2 }, 3, 4])
  expect(fetch.stats()).toMatchObject(idle)
  await fetch.close()
})

test('before another attempt hooks may change it', async () => {
  const tokens: (string | null)[] = []
  const seen: unknown[] = []
  const transport: Transport = async (_url, { headers }) => {
    tokens.push(new Headers(headers).get('authorization'))
    if (tokens.length === 1) throw new TypeError('reset')
    return tokens.length === 2 ? new Response('busy', { status: 503 }) : new Response('good', KEPT)
  }
  const cache = createCache()
  const { fetch } = client({
    ...{ fetch: transport, cache, retry: { initialDelay: 0, maxDelay: 0 } },
    hooks: {
      beforeRetry: [
        ({ request, attempt, error, status }) => {
          seen.push([attempt, (error as Error | undefined)?.message, status])
          request.headers.set('authorization', `${attempt}`)
        },
      ],
    },
  })
  const response = await fetch.stream(URL)
  expect([response.status, await response.text(), tokens]).toEqual([200, 'good', [null, '2', '3']])
  expect(seen).toEqual([
    [2, 'reset', undefined],
    [3, undefined, 503],
  ])
  await settle()
  expect([cache.memory.size, fetch.stats().retries]).toEqual([0, 2])
  await fetch.close()
  await cache.close()
})

test.each(['answers', 'throws', 'is aborted'])('a hook before another attempt that %s is the end of it', async what => {
  let sent = 0
  const controller = new AbortController()
  const { fetch, clock } = client({
    retry: { initialDelay: 0, maxDelay: 0 },
    fetch: async () => {
      sent += 1
      throw new TypeError('reset')
    },
    hooks: {
      beforeRetry: [
        async () => {
          if (what === 'answers') return new Response('from the hook', { headers: { 'x-by': 'hook' } })
          if (what === 'throws') throw new Error('not again')
          controller.abort('left')
          return undefined
        },
      ],
    },
  })
  const opening = fetch.stream(URL, { signal: controller.signal })
  if (what === 'answers') {
    const response = await opening
    expect([response.headers.get('x-by'), await response.text()]).toEqual(['hook', 'from the hook'])
  } else if (what === 'throws') expect(await outcome(opening)).toMatchObject({ message: 'not again' })
  else expect(await outcome(opening)).toBe('left')
  expect([sent, clock.timers]).toEqual([1, 0])
  expect(fetch.stats()).toMatchObject(idle)
  await fetch.close()
})
