import { describe, expect, test } from 'vitest'
import { createFetch } from '../../../js/index.ts'
import { ManualClock } from '../../../js/testing.ts'

/** Answers after as long as it is told, and notes what was sent and aborted. */
function origin(clock: ManualClock, delays: (nth: number) => { ms: number; status?: number }) {
  const seen = { sent: 0, aborted: 0, most: 0, running: 0 }
  const fetch = (_url: string, { signal }: RequestInit) => {
    seen.sent += 1
    seen.running += 1
    seen.most = Math.max(seen.most, seen.running)
    const nth = seen.sent
    const { ms, status = 200 } = delays(nth)
    return new Promise<Response>((resolve, reject) => {
      signal?.addEventListener('abort', () => {
        seen.aborted += 1
        seen.running -= 1
        reject(signal.reason)
      })
      clock.timer(clock.monotonic() + ms, () => {
        seen.running -= 1
        resolve(new Response(`${nth}`, { status }))
      })
    })
  }
  return { seen, fetch }
}

describe('hedge of createFetch', () => {
  test('the first answer wins, the other is aborted, and both took a place', async () => {
    const clock = new ManualClock()
    const { seen, fetch: transport } = origin(clock, nth => ({ ms: nth === 1 ? 1000 : 50 }))
    const fetch = createFetch({ clock, hedge: { delay: 100 }, fetch: transport })
    const call = fetch('https://a.example/')
    await clock.advanceAsync(120)
    expect(fetch.stats().inflight).toBe(2)
    await clock.advanceAsync(30)
    expect(await (await call).text()).toBe('2')
    expect(seen).toMatchObject({ sent: 2, aborted: 1 })
    expect(fetch.stats()).toMatchObject({ inflight: 0, sent: 2 })
    await fetch.close()
    expect(clock.heldTimers).toBe(0)
  })

  test('a hedge that fails changes nothing; nor is one sent where there is no place, for what is not safe, or beyond the budget', async () => {
    const clock = new ManualClock()
    const { seen, fetch: transport } = origin(clock, nth => (nth === 2 ? { ms: 5, status: 503 } : { ms: 200 }))
    const fetch = createFetch({
      clock,
      perHost: 2,
      retry: false,
      hedge: { delay: 100, budget: { ratio: 0, minPerSecond: 1 } },
      fetch: transport,
    })
    const call = fetch('https://a.example/')
    await clock.advanceAsync(200)
    expect([(await call).status, seen.sent]).toEqual([200, 2])
    const post = fetch('https://a.example/', { method: 'POST', body: 'x' })
    await clock.advanceAsync(200)
    expect([(await post).status, seen.sent]).toEqual([200, 3])
    const full = [1, 2].map(n => fetch(`https://a.example/${n}`))
    await clock.advanceAsync(200)
    await Promise.all(full)
    expect([seen.sent, seen.most]).toEqual([5, 2])
    await fetch.close()
    const spent = createFetch({ clock, hedge: { delay: 100, budget: { ratio: 0, minPerSecond: 0 } }, fetch: transport })
    const last = spent('https://a.example/')
    await clock.advanceAsync(200)
    await last
    expect(seen.sent).toBe(6)
    await spent.close()
  })

  test('a live quantile for each host', async () => {
    const clock = new ManualClock()
    const { seen, fetch: transport } = origin(clock, nth => ({ ms: nth === 31 ? 5000 : 20 }))
    const fetch = createFetch({ clock, dedupe: false, hedge: { delay: { quantile: 0.9, minSamples: 30 } }, fetch: transport })
    for (let n = 0; n < 30; n += 1) {
      const call = fetch('https://a.example/')
      await clock.advanceAsync(20)
      await call
    }
    expect(seen.sent).toBe(30)
    const slow = fetch('https://a.example/')
    await clock.advanceAsync(50)
    expect(await (await slow).text()).toBe('32')
    await fetch.close()
  })

  test('aborts and deadlines end both', async () => {
    const clock = new ManualClock()
    const { seen, fetch: transport } = origin(clock, () => ({ ms: 1_000_000 }))
    const fetch = createFetch({ clock, retry: false, timeout: 300, hedge: { delay: 100, budget: { minPerSecond: 9 } }, fetch: transport })
    const controller = new AbortController()
    const aborted = fetch('https://a.example/', { signal: controller.signal })
    await clock.advanceAsync(150)
    controller.abort(new Error('enough'))
    await expect(aborted).rejects.toThrow('enough')
    expect(seen).toMatchObject({ sent: 2, aborted: 2 })
    const late = fetch('https://a.example/').catch(error => error.code)
    await clock.advanceAsync(300)
    expect(await late).toBe('ERR_TIMEOUT')
    expect(seen).toMatchObject({ sent: 4, aborted: 4 })
    expect(fetch.stats()).toMatchObject({ inflight: 0, queued: 0 })
    expect(() => createFetch({ hedge: { maxHedges: 0 } })).toThrow('hedge.maxHedges')
    await fetch.close()
    expect(clock.heldTimers).toBe(0)
  })
})
