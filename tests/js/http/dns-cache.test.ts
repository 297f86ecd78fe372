import type { lookup as Lookup } from 'node:dns'
import { expect, test } from 'vitest'
import { DnsCache } from '../../../js/http/transports/dns-cache.ts'

function system() {
  const asked: string[] = []
  const answers: ((error: Error | null) => void)[] = []
  const lookup = ((host: string, _options: unknown, callback: (error: Error | null, found: unknown) => void) => {
    asked.push(host)
    answers.push(error =>
      callback(error, [
        { address: '10.0.0.1', family: 4 },
        { address: '::1', family: 6 },
      ]),
    )
  }) as unknown as typeof Lookup
  return { asked, lookup, answer: (error: Error | null = null) => answers.shift()?.(error) }
}

const found = (cache: DnsCache, host: string, options: object = {}) =>
  new Promise((resolve, reject) => {
    cache.lookup(host, options, (error, address, family) =>
      error === null ? resolve(family === undefined ? address : [address, family]) : reject(error),
    )
  })

test('the system is asked once for all who ask at the same time, and not again for a while', async () => {
  const { asked, lookup, answer } = system()
  const cache = new DnsCache(60_000, lookup)
  const both = Promise.all([found(cache, 'a.example'), found(cache, 'a.example', { all: true })])
  answer()
  expect(await both).toEqual([
    ['10.0.0.1', 4],
    [expect.objectContaining({ address: '10.0.0.1' }), expect.objectContaining({ family: 6 })],
  ])
  await found(cache, 'a.example')
  expect(asked).toEqual(['a.example'])
})

test('a failure is not remembered, and what is forgotten is asked anew', async () => {
  const { asked, lookup, answer } = system()
  const cache = new DnsCache(60_000, lookup)
  const lost = found(cache, 'a.example')
  answer(new Error('ENOTFOUND'))
  await expect(lost).rejects.toThrow('ENOTFOUND')
  const again = found(cache, 'a.example')
  answer()
  await again
  cache.forget('a.example')
  const anew = found(cache, 'a.example')
  answer()
  await anew
  expect(asked.length).toBe(3)
})

test('it remembers no more than 1000 hosts', async () => {
  const { asked, lookup, answer } = system()
  const cache = new DnsCache(60_000, lookup)
  for (let at = 0; at <= 1000; at += 1) {
    const one = found(cache, `h${at}`)
    answer()
    await one
  }
  await found(cache, 'h1000')
  expect(asked.length).toBe(1001)
  const first = found(cache, 'h0')
  answer()
  await first
  expect(asked.length).toBe(1002)
})
