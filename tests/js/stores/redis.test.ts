import { describe, expect, test } from 'vitest'
import { storeContext } from '../../../js/core/tier-core.ts'
import { isShelflifeError } from '../../../js/errors.ts'
import { type RedisOptions, redis } from '../../../js/stores/redis.ts'
import type { Tier } from '../../../js/stores/tier.ts'
import { ManualClock } from '../../../js/testing.ts'
import { FakeRedis } from './fake-redis.ts'

const clocks = new WeakMap<Tier, ManualClock>()

async function open(server: FakeRedis, options: Partial<RedisOptions> = {}, clock = new ManualClock()): Promise<Tier> {
  const tier = redis({ client: server, commandTimeout: 100, ...options }).openTier(storeContext(clock))
  clocks.set(tier, clock)
  const opening = tier.open()
  await clock.advanceAsync(0)
  if (!server.isReady || server.mood !== 'well') await clock.advanceAsync(2000)
  await opening
  return tier
}

function entryOf(tier: Tier, value: unknown, ttl = Number.POSITIVE_INFINITY) {
  const now = (clocks.get(tier) as ManualClock).wall()
  return { value, writtenAt: now, expiresAt: now + ttl }
}

function set(tier: Tier, key: string, value: unknown, persist: 'memory' | 'stored' | 'durable' = 'stored') {
  return tier.setMany([{ key, entry: entryOf(tier, value) }], { persist })
}

async function read(tier: Tier, key: string): Promise<unknown> {
  return (await tier.getMany([key]))[0]?.value
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'none',
    error => (isShelflifeError(error) ? error.code : `not ours: ${error}`),
  )
}

test('what is given up before the tier is opened opens it', async () => {
  for (const give of [
    (tier: Tier) => tier.invalidate({ tags: ['t'] }, { persist: 'stored' }),
    (tier: Tier) => tier.clear(),
    (tier: Tier) => tier.deleteMany(['a'], { persist: 'stored' }),
  ]) {
    const clock = new ManualClock()
    const tier = redis({ client: new FakeRedis() }).openTier(storeContext(clock))
    let isDone = false
    void give(tier).then(() => {
      isDone = true
    })
    await clock.advanceAsync(2000)
    expect(isDone).toBe(true)
    expect(tier.stats().state).toBe('on')
    await tier.close()
  }
})

describe('a Redis that does not answer', () => {
  test('a read is a miss after the deadline, and at once when the breaker is open; it closes by itself', async () => {
    const server = new FakeRedis()
    const clock = new ManualClock()
    const tier = await open(server, { breaker: { failures: 3, openFor: 1000 } }, clock)
    await set(tier, 'a', 1)
    server.mood = 'silent'
    const reads = [1, 2, 3, 4].map(() => tier.getMany(['a']))
    let done = 0
    for (const read of reads)
      void read.then(() => {
        done += 1
      })
    await clock.advanceAsync(99)
    expect(done).toBe(0)
    await clock.advanceAsync(1)
    expect(done).toBe(4)
    expect(await Promise.all(reads)).toEqual([[undefined], [undefined], [undefined], [undefined]])
    expect(tier.stats()).toMatchObject({ state: 'off', reason: 'no reply within 100 ms', errors: { timeout: 3, breaker: 1 } })
    const { length } = server.commands
    for (let at = 0; at < 1000; at += 1) expect(await read(tier, 'a')).toBeUndefined()
    expect(server.commands).toHaveLength(length)
    server.mood = 'well'
    await clock.advanceAsync(1000)
    expect(tier.stats().state).toBe('on')
    expect(await read(tier, 'a')).toBe(1)
    await tier.close()
    expect(server.listeners).toBe(0)
    expect(clock.timers).toBe(0)
  })

  test('trials come further and further apart, one at a time', async () => {
    const server = new FakeRedis()
    const clock = new ManualClock()
    const tier = await open(server, { breaker: { failures: 1, openFor: 1000, maxOpenFor: 8000 } }, clock)
    server.mood = 'silent'
    const read = tier.getMany(['a'])
    await clock.advanceAsync(100)
    await read
    const before = server.commands.length
    await clock.advanceAsync(120_000)
    const trials = server.commands.slice(before)
    expect(new Set(trials)).toEqual(new Set(['PING']))
    // Four to eight seconds apart, once they are as far apart as may be.
    expect(trials.length).toBeGreaterThan(120 / 8.2)
    expect(trials.length).toBeLessThan(120 / 4 + 4)
    await tier.close()
  })

  test('a broken connection is a miss at once', async () => {
    const server = new FakeRedis()
    const clock = new ManualClock()
    const tier = await open(server, { breaker: { failures: 2 } }, clock)
    await set(tier, 'a', 1)
    server.setReady(false)
    for (let at = 0; at < 5; at += 1) expect(await read(tier, 'a')).toBeUndefined()
    expect(tier.stats().state).toBe('off')
    server.setReady(true)
    await clock.advanceAsync(0)
    expect(await read(tier, 'a')).toBe(1)
    await tier.close()
  })

  test('a deadline that passed while this thread was busy is given a moment to read the reply', async () => {
    const server = new FakeRedis()
    const clock = new ManualClock()
    const tier = await open(server, {}, clock)
    await set(tier, 'a', 1)
    server.mood = 'slow'
    const reading = read(tier, 'a')
    // As a host does that could not wake anybody: all at once, and then the timer.
    clock.sleep(5000)
    clock.advance(110)
    server.release()
    expect(await reading).toBe(1)
    expect(tier.stats().errors).toEqual({})
    await tier.close()
  })

  test('what was not there at the start comes later', async () => {
    const server = new FakeRedis()
    server.isReady = false
    const clock = new ManualClock()
    const tier = await open(server, {}, clock)
    expect(tier.stats()).toMatchObject({ state: 'off', reason: 'no connection yet' })
    expect(await codeOf(set(tier, 'a', 1))).toBe('ERR_STORE')
    expect(await read(tier, 'a')).toBe(1)
    server.setReady(true)
    await clock.advanceAsync(0)
    await tier.flush()
    expect(server.texts.size).toBe(1)
    await tier.close()
  })

  test('calls under way are bounded', async () => {
    const server = new FakeRedis()
    const tier = await open(server)
    server.mood = 'silent'
    const reads = Array.from({ length: 5000 }, (_, at) => tier.getMany([`k${at}`]))
    await clocks.get(tier)?.advanceAsync(100)
    await Promise.all(reads)
    expect(server.mostUnanswered).toBeLessThan(2100)
    expect(tier.stats().errors.overload).toBe(5000 - 2048)
    await tier.close()
  })

  test('a stored write rejects at the deadline, and is there when Redis answers again', async () => {
    const server = new FakeRedis()
    const clock = new ManualClock()
    const tier = await open(server, {}, clock)
    server.mood = 'silent'
    const late = codeOf(set(tier, 'a', 1))
    await clock.advanceAsync(100)
    expect(await late).toBe('ERR_TIMEOUT')
    await clock.advanceAsync(1000)
    expect(await codeOf(set(tier, 'b', 2))).toBe('ERR_STORE')
    expect(await codeOf(tier.flush())).toBe('ERR_STORE')
    expect(await codeOf(tier.clear().then(() => set(tier, 'c', 3)))).toBe('ERR_STORE')
    await set(tier, 'd', 4, 'memory')
    server.mood = 'well'
    await clock.advanceAsync(10_000)
    const keys = ['a', 'b', 'd']
    expect((await tier.getMany(keys)).map(entry => entry?.value)).toEqual([undefined, undefined, 4])
    await tier.close()
  })
})

describe('the write queue', () => {
  test('is bounded; of what is given up nothing older shows, and Redis forgets it when it is back', async () => {
    const server = new FakeRedis()
    const clock = new ManualClock()
    const tier = await open(server, { maxQueued: 100, breaker: { failures: 1 } }, clock)
    await tier.setMany(
      Array.from({ length: 300 }, (_, at) => ({ key: `k${at}`, entry: entryOf(tier, 'old') })),
      { persist: 'stored' },
    )
    clock.advance(10)
    server.setReady(false)
    for (let at = 0; at < 300; at += 1) await set(tier, `k${at}`, 'new', 'memory')
    expect(tier.stats()).toMatchObject({ dropped: 200, state: 'off' })
    expect(tier.stats().queued).toBe(300)
    expect(await read(tier, 'k0')).toBeUndefined()
    expect(await read(tier, 'k299')).toBe('new')
    server.setReady(true)
    await clock.advanceAsync(10)
    await tier.flush()
    expect(await read(tier, 'k0')).toBeUndefined()
    expect(await read(tier, 'k299')).toBe('new')
    expect(server.texts.size).toBe(100)
    await tier.close()
  })

  test('what was given up is not read as it was before, while Redis answers and cannot be told', async () => {
    const server = new FakeRedis()
    const clock = new ManualClock()
    const tier = await open(server, { maxQueued: 1 }, clock)
    await set(tier, 'a', 'old')
    server.setReady(false)
    await clock.advanceAsync(0)
    for (const key of ['a', 'b']) await set(tier, key, 'new', 'memory')
    expect(tier.stats().dropped).toBe(1)
    server.mood = { refuses: command => (command === 'EVAL' ? 'ERR not now' : undefined) }
    server.setReady(true)
    await clock.advanceAsync(2000)
    expect([tier.stats().state, await read(tier, 'a')]).toEqual(['on', undefined])
    server.mood = 'well'
    await clock.advanceAsync(3000)
    expect([await read(tier, 'a'), await read(tier, 'b'), server.texts.has('shelflife|e|a')]).toEqual([undefined, 'new', false])
    await tier.close()
  })

  test('with too many keys given up, everything is', async () => {
    const server = new FakeRedis()
    const clock = new ManualClock()
    const tier = await open(server, { maxQueued: 10, breaker: { failures: 1 } }, clock)
    await set(tier, 'before', 1)
    server.setReady(false)
    for (let at = 0; at < 50_020; at += 1) await set(tier, `k${at}`, at, 'memory')
    const { queued, queuedBytes, errors } = tier.stats()
    expect(queued).toBeLessThan(100)
    expect(queuedBytes).toBeLessThan(100_000)
    expect(errors.forgotten).toBe(1)
    server.setReady(true)
    await clock.advanceAsync(10)
    await tier.flush()
    expect(await read(tier, 'before')).toBeUndefined()
    expect(await read(tier, 'k50019')).toBe(50_019)
    await tier.close()
  })

  test('two processes: what one gives up the other does not find, and what it does not know it asks for', async () => {
    const server = new FakeRedis()
    const clock = new ManualClock()
    const tier = await open(server, {}, clock)
    const theirs = await open(new FakeRedis(server), {}, clock)
    const tagged = (key: string) => ({ key, entry: { ...entryOf(tier, key), facts: { tags: ['t'] } } })
    await tier.setMany([tagged('a'), { key: 'b', entry: entryOf(tier, 'b') }], { persist: 'stored' })
    await theirs.invalidate({ tags: ['t'] })
    expect(await read(tier, 'a')).toBeUndefined()
    expect(await read(tier, 'b')).toBe('b')
    await theirs.invalidate({ tags: ['t'] })
    // It has not heard of that: who waits for it finds it all the same, who does not need not.
    await tier.setMany([tagged('a')], { persist: 'stored' })
    expect([await read(tier, 'a'), await read(theirs, 'a')]).toEqual(['a', 'a'])
    await theirs.invalidate({ prefix: '' })
    await tier.setMany([tagged('c')], { persist: 'memory' })
    await tier.flush().catch(() => {})
    await theirs.clear()
    expect([await read(tier, 'a'), await read(tier, 'b')]).toEqual([undefined, undefined])
    await tier.setMany([tagged('a')], { persist: 'stored' })
    expect(await read(theirs, 'a')).toBe('a')
    await tier.close()
    await theirs.close()
  })

  test('what has waited does not overwrite what others have written since', async () => {
    const server = new FakeRedis()
    const clock = new ManualClock()
    const tier = await open(server, { breaker: { failures: 1 } }, clock)
    server.setReady(false)
    await set(tier, 'a', 'old', 'memory')
    await set(tier, 'b', 'old', 'memory')
    await tier.deleteMany(['c'])
    clock.advance(5000)
    const theirs = await open(new FakeRedis(server), {}, clock)
    await set(theirs, 'a', 'theirs')
    await set(theirs, 'c', 'theirs')
    server.setReady(true)
    await clock.advanceAsync(10)
    await tier.flush()
    expect((await tier.getMany(['a', 'b', 'c'])).map(entry => entry?.value)).toEqual(['theirs', 'old', 'theirs'])
    await tier.close()
    await theirs.close()
  })

  test('one round at a time; what gathers meanwhile goes together', async () => {
    const server = new FakeRedis()
    const tier = await open(server)
    server.mood = 'slow'
    const writes: Promise<void>[] = []
    for (let at = 0; at < 1000; at += 1) {
      writes.push(set(tier, `k${at % 100}`, at))
      if (at % 100 === 0) await Promise.resolve()
    }
    server.mood = 'well'
    server.release()
    await Promise.all(writes)
    expect(server.commands.filter(name => name === 'SET').length).toBeLessThan(202)
    expect(await read(tier, 'k99')).toBe(999)
    await tier.close()
  })

  test('a write is refused for want of memory: neither the new value nor the old one is there', async () => {
    const server = new FakeRedis()
    const tier = await open(server)
    await set(tier, 'a', 1)
    server.mood = { refuses: command => (command === 'SET' ? "OOM command not allowed when used memory > 'maxmemory'." : undefined) }
    expect(await codeOf(set(tier, 'a', 2))).toBe('ERR_QUOTA')
    server.mood = 'well'
    expect(await read(tier, 'a')).toBeUndefined()
    expect(tier.stats()).toMatchObject({ state: 'on', dropped: 1, errors: { oom: 1 } })
    await tier.close()
  })

  test('a replica refuses writes and goes on answering reads', async () => {
    const server = new FakeRedis()
    const clock = new ManualClock()
    const tier = await open(server, {}, clock)
    await set(tier, 'a', 1)
    server.mood = { refuses: command => (command === 'SET' ? "READONLY You can't write against a read only replica." : undefined) }
    for (let at = 0; at < 20; at += 1) {
      const refused = codeOf(set(tier, 'b', at))
      await clock.advanceAsync(1000)
      expect(await refused).toBe('ERR_STORE')
    }
    expect(await read(tier, 'a')).toBe(1)
    server.mood = 'well'
    await clock.advanceAsync(1000)
    await tier.flush()
    expect(server.texts.has('shelflife|e|b')).toBe(true)
    await tier.close()
  })

  test('what still loads counts as no answer', async () => {
    const server = new FakeRedis()
    const tier = await open(server, { breaker: { failures: 2 } })
    server.mood = { refuses: () => 'LOADING Redis is loading the dataset in memory' }
    expect(await read(tier, 'a')).toBeUndefined()
    expect(await read(tier, 'a')).toBeUndefined()
    expect(tier.stats()).toMatchObject({ state: 'off', errors: { loading: 2, breaker: 1 } })
    await tier.close()
  })
})

describe('what lies in Redis', () => {
  test('ends by itself, a little later than for readers', async () => {
    const server = new FakeRedis()
    const tier = await open(server)
    await tier.setMany([{ key: 'a', entry: entryOf(tier, 1, 5000) }], { persist: 'stored' })
    await set(tier, 'b', 1)
    expect(server.lives).toEqual(new Map([['shelflife|e|a', 6000]]))
    await tier.close()
  })

  test('whatever bytes are there, a read gives the value or a miss', async () => {
    const server = new FakeRedis()
    const tier = await open(server, { maxValueSize: 1000 })
    await set(tier, 'a', { n: 1, text: 'x'.repeat(100) })
    const good = Buffer.from(server.texts.get('shelflife|e|a') as Buffer)
    let seed = 1
    const random = (below: number) => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0
      return (seed >>> 8) % below
    }
    for (let round = 0; round < 3000; round += 1) {
      const bad = Buffer.from(good.subarray(0, random(8) === 0 ? random(good.length) : good.length))
      for (let flips = random(3); flips >= 0; flips -= 1) if (bad.length > 0) bad[random(bad.length)] = random(256)
      server.texts.set('shelflife|e|a', bad)
      const value = await read(tier, 'a')
      // The times in the head have no checksum: with another one the value is right or gone.
      if (value !== undefined) expect(value).toEqual({ n: 1, text: 'x'.repeat(100) })
    }
    server.texts.set('shelflife|e|a', Buffer.from('{"of":"another program"}'))
    expect(await read(tier, 'a')).toBeUndefined()
    // The value of another key is not this one's.
    server.texts.set('shelflife|e|b', good)
    expect(await read(tier, 'b')).toBeUndefined()
    server.texts.set('shelflife|e|c', Buffer.concat([good, Buffer.alloc(2000)]))
    expect(await read(tier, 'c')).toBeUndefined()
    expect(Object.keys(tier.stats().errors).sort()).toEqual(['damaged', 'format', 'size'])
    await tier.close()
  })

  test('a value that is too large is refused, and the old one is gone', async () => {
    const server = new FakeRedis()
    const tier = await open(server, { maxValueSize: 1000 })
    await set(tier, 'a', 1)
    expect(await codeOf(set(tier, 'a', 'x'.repeat(1000)))).toBe('ERR_QUOTA')
    expect(await read(tier, 'a')).toBeUndefined()
    await tier.close()
  })

  test('durable is refused where a reply does not mean that, and the value is there', async () => {
    const server = new FakeRedis()
    const tier = await open(server)
    expect(await codeOf(set(tier, 'a', 1, 'durable'))).toBe('ERR_STORE')
    expect(server.texts.size).toBe(1)
    expect(await codeOf(tier.invalidate({ tags: ['t'] }, { persist: 'durable' }))).toBe('ERR_STORE')
    await tier.close()
  })

  test('options that cannot be meant are refused', () => {
    const client = new FakeRedis()
    const bad = [
      {},
      { client, url: 'redis://localhost' },
      { client: {} },
      { url: 'nonsense' },
      { client, prefix: '' },
      { client, prefix: 'a|b' },
      { client, commandTimeout: 0 },
      { client, maxQueued: 0 },
      { client, breaker: { failures: 0 } },
      { client, breaker: 'never' },
      { client: Object.assign(new FakeRedis(), { isCluster: true }) },
    ]
    for (const options of bad)
      expect(() => redis(options as RedisOptions)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
  })
})
