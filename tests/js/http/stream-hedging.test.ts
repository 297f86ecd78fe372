/** Streams whose head is long in coming, and whose host asks for a pause. */

import { describe, expect, test, vi } from 'vitest'
import { createFetch } from '../../../js/http/fetch.ts'
import type { FetchOptions, Transport } from '../../../js/http/types.ts'
import { ManualClock } from '../../../js/testing/manual-clock.ts'
import { outcome, settle } from './transport.ts'

const URL = 'https://a.example/'

/** Heads come after as long as each is told to take, bodies when the test says so. */
function slow(clock: ManualClock, head: (nth: number) => { ms: number; status?: number; headers?: Record<string, string> }) {
  const sent: { signal: AbortSignal; sink: ReadableStreamDefaultController<Uint8Array> | undefined }[] = []
  const transport: Transport = (_url, { signal }) => {
    const own: (typeof sent)[number] = { signal: signal as AbortSignal, sink: undefined }
    sent.push(own)
    const { ms, ...init } = head(sent.length)
    return new Promise((resolve, reject) => {
      signal?.addEventListener('abort', () => {
        own.sink?.error(signal.reason)
        reject(signal.reason)
      })
      clock.timer(clock.monotonic() + ms, () => {
        const start = (sink: ReadableStreamDefaultController<Uint8Array>) => {
          own.sink = sink
        }
        resolve(new Response(new ReadableStream({ start }), init))
      })
    })
  }
  return { sent, transport }
}

function client(head: Parameters<typeof slow>[1], options: FetchOptions = {}) {
  const clock = new ManualClock()
  const { sent, transport } = slow(clock, head)
  const fetch = createFetch({ clock, fetch: transport, hedge: { delay: 100, budget: { minPerSecond: 9 } }, ...options })
  const write = (nth: number, text: string) => sent[nth - 1]?.sink?.enqueue(new TextEncoder().encode(text))
  const close = (nth: number) => sent[nth - 1]?.sink?.close()
  return { clock, sent, fetch, write, close }
}

const atRest = { queued: 0, inflight: 0, sleeping: 0 }

describe('hedge of fetch.stream', () => {
  test('the head that comes first wins; the other is aborted and gives its place back, and the body has one until its end', async () => {
    const { clock, sent, fetch, write, close } = client(nth => ({ ms: nth === 1 ? 1000 : 50 }))
    const opening = fetch.stream(URL)
    await clock.advanceAsync(120)
    expect(fetch.stats().inflight).toBe(2)
    await clock.advanceAsync(30)
    const response = await opening
    expect([sent.length, sent[0]?.signal.aborted, sent[1]?.signal.aborted]).toEqual([2, true, false])
    expect(fetch.stats()).toMatchObject({ inflight: 1, sent: 2, misses: 1 })
    const text = response.text()
    write(2, 'late')
    await clock.advanceAsync(2000)
    expect(fetch.stats().inflight).toBe(1)
    close(2)
    expect(await text).toBe('late')
    expect(fetch.stats()).toMatchObject({ ...atRest, bytes: 4, failures: {} })
    await fetch.close()
    expect(clock.heldTimers).toBe(0)
  })

  test("its place is another's only when the one that was beaten is broken off", async () => {
    const underWay: number[] = []
    const { clock, sent, fetch, close } = client(
      nth => {
        underWay.push(sent.filter(({ signal }) => !signal.aborted).length)
        return { ms: nth === 1 ? 1000 : 50 }
      },
      { concurrency: 2 },
    )
    const opening = fetch.stream(URL)
    await clock.advanceAsync(110)
    const next = fetch.stream(`${URL}next`)
    expect(fetch.stats()).toMatchObject({ inflight: 2, queued: 1 })
    await clock.advanceAsync(40)
    const texts = [(await opening).text(), next.then(response => response.text())]
    await clock.advanceAsync(50)
    close(2)
    close(3)
    expect([await Promise.all(texts), underWay]).toEqual([
      ['', ''],
      [1, 2, 2],
    ])
    await fetch.close()
  })

  test('after the head nothing more is sent, however long the body takes', async () => {
    const { clock, sent, fetch, close } = client(() => ({ ms: 50 }))
    const opening = fetch.stream(URL)
    await clock.advanceAsync(50)
    const text = (await opening).text()
    await clock.advanceAsync(1000)
    expect([sent.length, fetch.stats().inflight]).toEqual([1, 1])
    close(1)
    await text
    await fetch.close()
  })

  test('one that comes second is aborted, and the first goes on', async () => {
    const { clock, sent, fetch, write, close } = client(() => ({ ms: 130 }))
    const opening = fetch.stream(URL)
    await clock.advanceAsync(130)
    const response = await opening
    expect([sent.length, sent[0]?.signal.aborted, sent[1]?.signal.aborted, fetch.stats().inflight]).toEqual([2, false, true, 1])
    const text = response.text()
    write(1, 'first')
    await clock.advanceAsync(500)
    close(1)
    expect(await text).toBe('first')
    await fetch.close()
    expect(clock.heldTimers).toBe(0)
  })

  test('one that fails, or is told to wait, changes nothing; its body is let go of', async () => {
    const { clock, sent, fetch, close } = client(nth => (nth === 2 ? { ms: 5, status: 503 } : { ms: 200 }))
    const opening = fetch.stream(URL)
    await clock.advanceAsync(110)
    expect([sent.length, sent[1]?.signal.aborted, fetch.stats().inflight]).toEqual([2, true, 1])
    await clock.advanceAsync(90)
    const response = await opening
    close(1)
    expect([response.status, await response.text()]).toEqual([200, ''])
    expect(fetch.stats()).toMatchObject({ ...atRest, sent: 2, retries: 0 })
    await fetch.close()
  })

  test('when the attempt fails, what is beside it ends, and it is tried again', async () => {
    const { clock, sent, fetch, close } = client(nth => (nth === 1 ? { ms: 150, status: 503 } : { ms: nth === 2 ? 1000 : 20 }), {
      retry: { initialDelay: 0, maxDelay: 0 },
    })
    const opening = fetch.stream(URL)
    await clock.advanceAsync(150)
    expect(sent[1]?.signal.aborted).toBe(true)
    await clock.advanceAsync(20)
    const response = await opening
    close(3)
    await response.text()
    expect([response.status, sent.length, fetch.stats().retries, fetch.stats().inflight]).toEqual([200, 3, 1, 0])
    await fetch.close()
    expect(clock.heldTimers).toBe(0)
  })

  test.each(['an abort', 'a deadline', 'close()'])('%s ends all of them', async how => {
    const { clock, sent, fetch } = client(() => ({ ms: 1_000_000 }), { retry: false, timeout: 300 })
    const controller = new AbortController()
    const opening = outcome(fetch.stream(URL, { signal: controller.signal }))
    await clock.advanceAsync(150)
    if (how === 'an abort') controller.abort(new Error('enough'))
    else if (how === 'a deadline') await clock.advanceAsync(150)
    else await fetch.close()
    expect(await opening).toMatchObject(
      { 'an abort': { message: 'enough' }, 'a deadline': { code: 'ERR_TIMEOUT' }, 'close()': { code: 'ERR_CLOSED' } }[how] as object,
    )
    expect(sent.map(({ signal }) => signal.aborted)).toEqual([true, true])
    expect(fetch.stats()).toMatchObject(atRest)
    await fetch.close()
    expect(clock.heldTimers).toBe(0)
  })

  test('cancelling the body of the winner ends it and gives the place back', async () => {
    const { clock, sent, fetch } = client(nth => ({ ms: nth === 1 ? 1000 : 50 }))
    const opening = fetch.stream(URL)
    await clock.advanceAsync(150)
    await (await opening).body?.cancel()
    expect([sent[1]?.signal.aborted, fetch.stats().inflight, clock.heldTimers]).toEqual([true, 0, 0])
    await fetch.close()
  })

  test('no other is sent for what is not safe, nor where there is no place', async () => {
    const { clock, sent, fetch } = client(() => ({ ms: 500 }), { perHost: 1 })
    const posting = fetch.stream(URL, { method: 'POST', body: 'x' })
    await clock.advanceAsync(500)
    await (await posting).body?.cancel()
    const getting = fetch.stream(URL)
    await clock.advanceAsync(500)
    await (await getting).body?.cancel()
    expect(sent.length).toBe(2)
    await fetch.close()
  })

  test('how long heads take is known apart from how long whole answers do', async () => {
    const { clock, sent, fetch, close } = client(nth => ({ ms: nth === 21 ? 5000 : 20 }), {
      dedupe: false,
      hedge: { delay: { quantile: 0.9, minSamples: 10 } },
    })
    for (let n = 1; n <= 10; n += 1) {
      const call = fetch(URL)
      await clock.advanceAsync(1000)
      close(n)
      await call
    }
    for (let n = 11; n <= 20; n += 1) {
      const opening = fetch.stream(URL)
      await clock.advanceAsync(20)
      close(n)
      await (await opening).text()
    }
    const opening = fetch.stream(URL)
    await clock.advanceAsync(50)
    await opening
    expect(sent.length).toBe(22)
    await fetch.close()
  })
})

describe('a stream whose host asks for a pause', () => {
  test.each([
    ['the last answer', { retry: false }, { status: 429, headers: { 'retry-after': '10' } }, 10_000],
    ['an answer that is tried again', {}, { status: 429, headers: { 'retry-after': '10' } }, 10_000],
    ['a good one that says nothing is left', {}, { headers: { ratelimit: '"default";r=0;t=4' } }, 4000],
  ] as const)('%s holds all requests to that host', async (_name, options, first, ms) => {
    const clock = new ManualClock()
    const at: number[] = []
    const fetch = createFetch({
      ...{ clock, rateLimitHeaders: true, ...options },
      fetch: async () => {
        at.push(clock.monotonic())
        return new Response('text', at.length === 1 ? first : {})
      },
    })
    const opening = fetch.stream(URL).then(response => response.text())
    await settle()
    const next = fetch(`${URL}next`)
    await clock.advanceAsync(ms - 1)
    expect(at).toEqual([0])
    await clock.advanceAsync(1)
    await opening
    await next
    expect(at.slice(1).every(time => time === ms)).toBe(true)
    await fetch.close()
    expect(clock.timers).toBe(0)
  })

  test.each(['stream', 'fetch'] as const)('a hedge of %s that is told to wait holds them, too', async way => {
    const headers = { 'retry-after': '5' }
    const { clock, fetch, close, sent } = client(nth => (nth === 2 ? { ms: 5, status: 429, headers } : { ms: 200 }), {
      rateLimitHeaders: true,
    })
    const going = way === 'stream' ? fetch.stream(URL) : fetch(URL)
    await clock.advanceAsync(105)
    if (way === 'fetch') close(2)
    await clock.advanceAsync(1)
    expect(fetch.explain(`${URL}next`).reasons).toMatchObject([{ reason: 'held' }])
    await clock.advanceAsync(94)
    close(1)
    expect((await going).status).toBe(200)
    if (way === 'stream') await (await going).text()
    expect([sent.length, fetch.stats().inflight]).toEqual([2, 0])
    await fetch.close()
  })
})

test('what an attempt took that was tried again is told when the stream fails', async () => {
  const clock = new ManualClock()
  let sent = 0
  const fetch = createFetch({
    clock,
    retry: { initialDelay: 0, maxDelay: 0 },
    fetch: async () => {
      sent += 1
      const first = sent === 1
      await new Promise<void>(resolve => clock.timer(clock.monotonic() + (first ? 300 : 50), resolve))
      return first ? new Response('', { status: 503 }) : new Response(new ReadableStream({ pull: sink => sink.error(new Error('cut')) }))
    },
  } as FetchOptions)
  const opening = fetch.stream(URL)
  await clock.advanceAsync(350)
  expect(await outcome((await opening).text())).toMatchObject({ attempts: 2, phases: { firstByte: 350 } })
  await fetch.close()
})

test('a listener that throws ends no stream', async () => {
  const fetch = createFetch({ fetch: async () => new Response('text') })
  const warn = vi.spyOn(process, 'emitWarning').mockReturnValue()
  const response = await fetch.stream(URL, {
    onDownloadProgress: () => {
      throw new Error('of the listener')
    },
  })
  expect(await response.text()).toBe('text')
  expect(warn.mock.calls[0]?.[0]).toMatchObject({ cause: { message: 'of the listener' } })
  warn.mockRestore()
  await fetch.close()
})
