// A database that is full: what is written then, and what is left.

import assert from 'node:assert/strict'

/** In the page: 10 MB, where there is less room. */
export async function fill() {
  const cache = shelflife.createCache({ max: 100, store: shelflife.indexedDB({ name: 'quota' }) })
  // The engine compresses what it can.
  const noise = Array.from({ length: 1 << 20 }, () => String.fromCharCode(33 + Math.random() * 90)).join('')
  const value = (/** @type {number} */ at) => `${at}:${noise.slice(at * 1000, at * 1000 + 16_000)}`
  const outcomes = { stored: 0, refused: /** @type {Record<string, number>} */ ({}) }
  const refused = new Set()
  for (let at = 0; at < 600; at += 1) {
    try {
      await cache.set(`k${at}`, value(at), { persist: 'stored' })
      outcomes.stored += 1
    } catch (error) {
      refused.add(at)
      const { code } = /** @type {import('../../js/errors.ts').ShelflifeError} */ (error)
      outcomes.refused[code] = (outcomes.refused[code] ?? 0) + 1
    }
    if (cache.memory.get(`k${at}`) !== value(at)) throw new Error(`memory does not have k${at}`)
  }
  const { errors, state, reclaimed, dropped, entries } = shelflife.tier(cache)
  await cache.close()
  const again = shelflife.createCache({ max: 100, store: shelflife.indexedDB({ name: 'quota' }) })
  /** @type {number[]} */
  const found = []
  for (let at = 0; at < 600; at += 1) {
    const one = await again.get(`k${at}`)
    if (one !== undefined && one !== value(at)) throw new Error(`k${at} is wrong`)
    if (one !== undefined) found.push(at)
  }
  await again.close()
  return { outcomes, refused: [...refused], errors, state, reclaimed, dropped, entries, found }
}

/**
 * @param {import('node:test').TestContext} t
 * @param {Awaited<ReturnType<typeof fill>>} filled
 */
export function checkFilled(t, filled) {
  const { found, refused, entries, ...rest } = filled
  t.diagnostic(JSON.stringify({ ...rest, entries, found: found.length, oldest: found[0] }))
  assert.equal(rest.state, 'on')
  assert.ok((rest.errors.quota ?? 0) > 0, 'the quota was felt')
  assert.ok(rest.reclaimed > 0, 'something was given up')
  assert.equal(rest.dropped, refused.length)
  // What is left is the youngest, without gaps but for those that were refused.
  const [oldest = 600] = found
  const expected = Array.from({ length: 600 - oldest }, (_, at) => oldest + at).filter(at => !refused.includes(at))
  assert.deepEqual(found, expected)
  assert.ok(found.length >= 20, `${found.length} are left`)
}
