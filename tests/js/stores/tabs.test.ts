import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Tabs } from '../../../js/stores/tabs.ts'
import { FakeChannel, FakeLocks, FakePage } from './fake-page.ts'

const never = new AbortController().signal
let locks: FakeLocks

beforeEach(() => {
  locks = new FakeLocks()
  FakeChannel.open.clear()
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  vi.stubGlobal('BroadcastChannel', FakeChannel)
  vi.stubGlobal('navigator', { locks })
})
afterEach(() => {
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

/** A tab, and how often it was told that there is news. */
function tab(name = 'log') {
  const page = new FakePage()
  const tabs = page.within(() => new Tabs(name))
  const one = { page, tabs, news: 0 }
  page.within(() =>
    tabs.listen(() => {
      one.news += 1
    }),
  )
  return one
}

/** Lets messages arrive. */
async function arrive(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve()
}

describe('the bell', () => {
  test('reaches the others on the same log, and not the one who rings', async () => {
    const [one, two, three, other] = [tab(), tab(), tab(), tab('another')]
    one.tabs.tell()
    await arrive()
    expect([one.news, two.news, three.news, other.news]).toEqual([0, 1, 1, 0])
  })

  test('who rings again and again is heard at once, and then once in a while, to the last', async () => {
    const [one, two] = [tab(), tab()]
    const heard = async (ms: number) => {
      vi.advanceTimersByTime(ms)
      await arrive()
      return two.news
    }
    for (let times = 0; times < 5; times += 1) one.tabs.tell()
    expect([await heard(0), await heard(9), await heard(1)]).toEqual([1, 1, 2])
    expect(await heard(1000)).toBe(2)
    one.tabs.tell()
    expect(await heard(0)).toBe(3)
    // What is owed is not left to a timer that may never ring.
    for (const [at, act] of (['hide', 'leave'] as const).entries()) {
      one.tabs.tell()
      one.page[act]()
      expect([await heard(0), await heard(100)]).toEqual([4 + at * 2, 4 + at * 2])
      one.page.show()
      one.tabs.tell()
      expect(await heard(0)).toBe(5 + at * 2)
    }
    one.tabs.tell()
    one.page.within(() => one.tabs.close())
    expect([await heard(0), vi.getTimerCount()]).toEqual([8, 0])
  })

  test('no bell of a hidden page waits for a timer: not where it was hidden from its start, and not where it thawed or came back so', async () => {
    const page = new FakePage()
    page.hide()
    const hidden = page.within(() => new Tabs('log'))
    page.within(() => hidden.listen(() => {}))
    const one = tab()
    const ring = async (tabs: Tabs, times = 3) => {
      const { news } = one
      for (let time = 0; time < times; time += 1) tabs.tell()
      await arrive()
      return one.news - news
    }
    expect([hidden.begin(), await ring(hidden)]).toEqual([false, 3])
    for (const act of ['resume', 'comeBack'] as const) {
      page[act]()
      expect([hidden.begin(), await ring(hidden)]).toEqual([false, 3])
    }
    page.show()
    vi.advanceTimersByTime(10)
    expect(await ring(hidden)).toBe(1)
    page.within(() => hidden.close())
    one.page.within(() => one.tabs.close())
    expect(vi.getTimerCount()).toBe(0)
  })

  test('a page that has just been hidden rings before it writes, and the others look again', async () => {
    const [one, two] = [tab(), tab()]
    one.page.hide()
    expect(one.tabs.begin()).toBe(true)
    expect(one.tabs.begin()).toBe(true)
    await arrive()
    expect([one.news, two.news]).toEqual([0, 2])
    vi.advanceTimersByTime(499)
    expect(two.news).toBe(2)
    vi.advanceTimersByTime(1)
    expect(two.news).toBe(3)
    vi.advanceTimersByTime(1499)
    expect(two.news).toBe(3)
    vi.advanceTimersByTime(1)
    expect(two.news).toBe(4)
    vi.advanceTimersByTime(10_000)
    expect(two.news).toBe(4)
  })

  test.each(['hide', 'leave'] as const)(
    'what is being written when the page goes (%s) may be there later, and nobody left to say so',
    async act => {
      const [one, two] = [tab(), tab()]
      expect(one.tabs.begin()).toBe(false)
      await arrive()
      expect(two.news).toBe(0)
      one.page[act]()
      await arrive()
      expect(two.news).toBe(1)
      vi.advanceTimersByTime(2000)
      expect(two.news).toBe(3)
      // What was told before the page goes is told.
      one.page.comeBack()
      one.tabs.begin()
      one.tabs.tell()
      await arrive()
      const { news } = two
      one.page[act]()
      vi.advanceTimersByTime(2000)
      await arrive()
      expect(two.news).toBe(news)
    },
  )

  test('one that has been hidden for long lives on, and writes as if it were seen', () => {
    const one = tab()
    one.page.hide()
    vi.advanceTimersByTime(1001)
    expect(one.tabs.begin()).toBe(false)
    one.page.leave()
    expect(one.tabs.begin()).toBe(true)
    one.page.comeBack()
    expect(one.tabs.begin()).toBe(false)
  })

  test('a page that is left has no channel open, even when it writes then: it could not go into the back/forward cache', async () => {
    const [one, two] = [tab(), tab()]
    one.page.leave()
    expect(FakeChannel.open.size).toBe(1)
    one.tabs.begin()
    one.tabs.tell()
    expect(FakeChannel.open.size).toBe(1)
    await arrive()
    expect(two.news).toBe(2)
    two.tabs.tell()
    await arrive()
    expect(one.news).toBe(0)
    one.page.comeBack()
    expect([one.news, FakeChannel.open.size]).toEqual([1, 2])
    vi.advanceTimersByTime(10)
    two.tabs.tell()
    await arrive()
    expect(one.news).toBe(2)
  })

  test.each(['show', 'resume', 'comeBack'] as const)('who wakes (%s) looks', act => {
    const one = tab()
    one.page[act]()
    expect(one.news).toBe(1)
  })

  test('who thaws while hidden looks and listens again; who is hidden does not look', () => {
    const one = tab()
    one.page.hide()
    expect(one.news).toBe(0)
    one.page.leave()
    one.page.resume()
    expect([one.news, FakeChannel.open.size]).toEqual([1, 1])
  })

  test('without a page, as in a worker, it rings and hears', async () => {
    const [one, two] = [new Tabs('log'), new Tabs('log')]
    let news = 0
    two.listen(() => {
      news += 1
    })
    one.tell()
    expect(one.begin()).toBe(false)
    await arrive()
    expect(news).toBe(1)
  })

  test('closed, it leaves nothing behind and does nothing any more', async () => {
    const [one, two] = [tab(), tab()]
    two.page.hide()
    two.tabs.begin()
    await arrive()
    expect(one.page.listening).toBeGreaterThan(0)
    one.page.within(() => one.tabs.close())
    one.page.within(() => one.tabs.close())
    two.tabs.tell()
    one.tabs.tell()
    one.page.comeBack()
    await arrive()
    vi.advanceTimersByTime(1000)
    expect([one.news, two.news, one.page.listening, FakeChannel.open.size, vi.getTimerCount()]).toEqual([1, 0, 0, 1, 0])
    expect(one.tabs.locks).toBe(false)
    one.page.within(() => one.tabs.listen(() => {}))
    expect([one.page.listening, FakeChannel.open.size]).toEqual([0, 1])
  })

  test('without BroadcastChannel nobody hears of anything, and nothing throws', () => {
    vi.stubGlobal('BroadcastChannel', undefined)
    const one = tab()
    one.tabs.tell()
    one.page.hide()
    expect(one.tabs.begin()).toBe(true)
    one.page.show()
    expect(one.news).toBe(1)
    one.page.within(() => one.tabs.close())
  })
})

describe('locks', () => {
  test('are held by one, and then by the next', async () => {
    const [one, two] = [tab().tabs, tab().tabs]
    const release = await one.lock('k', { signal: never })
    const order: string[] = []
    const second = two.lock('k', { signal: never }).then(release => {
      order.push('two')
      return release
    })
    expect(await two.lock('another', { signal: never })).toBeTypeOf('function')
    await arrive()
    expect(order).toEqual([])
    release?.()
    const next = await second
    expect([order, locks.held]).toEqual([['two'], ['log another', 'log k']])
    next?.()
    await arrive()
    expect(locks.held).toEqual(['log another'])
  })

  test('who gives up waiting has none, and does not stand in the way of others', async () => {
    const [one, two, three] = [tab().tabs, tab().tabs, tab().tabs]
    const release = await one.lock('k', { signal: never })
    const controller = new AbortController()
    const second = two.lock('k', { signal: controller.signal })
    const third = three.lock('k', { signal: never })
    controller.abort(new Error('too long'))
    expect(await second).toBeUndefined()
    release?.()
    expect(await third).toBeTypeOf('function')
  })

  test('that may not be asked for, or do not exist, are none', async () => {
    const { tabs } = tab()
    vi.stubGlobal('navigator', { locks: { request: () => Promise.reject(new DOMException('not here', 'SecurityError')) } })
    expect([tabs.locks, await tabs.lock('k', { signal: never })]).toEqual([true, undefined])
    for (const navigator of [{}, undefined]) {
      vi.stubGlobal('navigator', navigator)
      expect([tabs.locks, await tabs.lock('k', { signal: never })]).toEqual([false, undefined])
    }
  })

  test('one compacts, the others leave it to that one; a failure lets the next one try', async () => {
    const [one, two] = [tab().tabs, tab().tabs]
    const done: string[] = []
    let end = () => {}
    const first = one.alone(async () => {
      await new Promise<void>(resolve => {
        end = resolve
      })
      done.push('one')
    })
    await arrive()
    await two.alone(async () => void done.push('two'))
    end()
    await first
    expect(done).toEqual(['one'])
    await expect(one.alone(() => Promise.reject(new Error('full')))).rejects.toThrow('full')
    await two.alone(async () => void done.push('two'))
    vi.stubGlobal('navigator', {})
    await one.alone(async () => void done.push('by itself'))
    expect(done).toEqual(['one', 'two', 'by itself'])
  })
})
