import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { factsOf, termsOf } from '../../../js/cache/facts.ts'

const WRITTEN = 1_000_000
const NEVER = Number.POSITIVE_INFINITY
const ms = fc.integer({ min: 0, max: 10_000 })
const windows = fc.record({ swr: ms, sie: ms })
const marks = fc.record({ tags: fc.array(fc.string(), { minLength: 1 }), dependsOn: fc.array(fc.string()) }, { requiredKeys: [] })
const validators = fc.option(fc.record({ etag: fc.string(), lastModified: fc.option(fc.string(), { nil: undefined }) }), { nil: undefined })
const said = fc.record({
  ttl: fc.integer({ min: 1, max: 10_000 }),
  own: windows,
  usual: windows,
  marks,
  validators,
  version: fc.option(fc.string(), { nil: undefined }),
})

type Said = typeof said extends fc.Arbitrary<infer Given> ? Given : never

/** An entry as a store gives it back, which may keep it as JSON. */
function stored({ ttl, own, usual, ...rest }: Said, expiredAt?: number) {
  const facts = factsOf({ ...own, ...rest, freshUntil: WRITTEN + ttl }, usual)
  const expiresAt = WRITTEN + ttl + Math.max(own.swr, own.sie)
  return { value: 1, writtenAt: WRITTEN, expiresAt, expiredAt, facts: JSON.parse(JSON.stringify(facts)) as typeof facts }
}

describe('what an entry of a tier says of itself', () => {
  test('is read as it was meant, for as long as the entry is of use', () => {
    fc.assert(
      fc.property(said, fc.integer({ min: 0, max: 25_000 }), (given, after) => {
        const { ttl, own, usual, version } = given
        const terms = termsOf(stored(given), WRITTEN + after, usual)
        const staleFor = Math.max(own.swr, own.sie)
        if (after >= ttl + staleFor) expect(terms).toBeUndefined()
        else
          expect(terms).toEqual({
            ...own,
            ...{ left: ttl - after, life: ttl, staleFor, isNone: false },
            ...{ validators: given.validators, version: version ?? given.validators?.etag, marks: given.marks },
          })
      }),
    )
  })

  test('what was given up as stale is stale since then, whatever the clock says now', () => {
    fc.assert(
      fc.property(said, fc.integer({ min: 0, max: 9999 }), fc.integer({ min: -5000, max: 15_000 }), (given, at, later) => {
        const { ttl, own, usual } = given
        const expiredAt = WRITTEN + Math.min(at, ttl)
        const wall = expiredAt + later
        const terms = termsOf(stored(given, expiredAt), wall, usual)
        if (Math.max(0, later) >= Math.max(own.swr, own.sie)) expect(terms).toBeUndefined()
        else expect(terms?.left).toBe(0 - Math.max(0, later))
      }),
    )
  })

  test('only what is unusual is said', () => {
    const usual = { swr: 10, sie: 20 }
    const nothing = { marks: {}, validators: undefined, version: undefined }
    expect(factsOf({ ...usual, ...nothing, freshUntil: NEVER }, usual)).toEqual({})
    expect(factsOf({ ...nothing, swr: NEVER, sie: 20, freshUntil: 5 }, usual)).toEqual({ freshUntil: 5, swr: Number.MAX_SAFE_INTEGER })
  })
})
