import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compileGlob } from '../../../js/glob.ts'

/** The same by other means: every way of reading the pattern, tried. */
function matchesSlowly(pattern: string, key: string): boolean {
  if (pattern === '') return key === ''
  const [first, ...others] = pattern
  const rest = others.join('')
  if (first === '*') return matchesSlowly(rest, key) || (key !== '' && matchesSlowly(pattern, key.slice(1)))
  if (first === '\\') return key !== '' && key[0] === rest[0] && matchesSlowly(rest.slice(1), key.slice(1))
  return key !== '' && (first === '?' || first === key[0]) && matchesSlowly(rest, key.slice(1))
}

function fastest(run: () => unknown): number {
  const times = Array.from({ length: 7 }, () => {
    const began = performance.now()
    run()
    return performance.now() - began
  })
  return Math.min(...times)
}

describe('glob', () => {
  test.each([
    ['user:*:posts', 'user:1:posts', true],
    ['user:*:posts', 'user::posts', true],
    ['user:*:posts', 'user:1:posts:2', false],
    ['user:?', 'user:1', true],
    ['user:?', 'user:12', false],
    ['*', '', true],
    ['user:*', 'user:', true],
    ['a\\*b', 'a*b', true],
    ['a\\*b', 'axb', false],
    ['exact', 'exact', true],
    ['exact', 'exact!', false],
    ['__proto__', '__proto__', true],
    ['*\ud800', 'x\ud800', true],
    ['*\ud800', 'x\udc00', false],
  ])('%s on %s: %s', (pattern, key, expected) => {
    expect(compileGlob(pattern)(key)).toBe(expected)
  })

  test('equals a slow matcher on random patterns, short and long', () => {
    const character = fc.constantFrom('a', 'b', '*', '?')
    const pattern = fc.oneof(
      fc.string({ unit: character, minLength: 1, maxLength: 10 }),
      fc.string({ unit: character, minLength: 30, maxLength: 40 }),
    )
    const key = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 12 })
    fc.assert(
      fc.property(pattern, key, (pattern, key) => compileGlob(pattern)(key) === matchesSlowly(pattern.replace(/\*+/g, '*'), key)),
      { numRuns: 20_000 },
    )
  })

  test('a pattern made to be slow is not', () => {
    const key = 'a'.repeat(65_536)
    const plain = compileGlob('*X')
    for (const pattern of [`${'*'.repeat(200)}X`, `${'*a'.repeat(127)}*X`, `${'*?'.repeat(127)}X`]) {
      const matches = compileGlob(pattern)
      expect(matches(key)).toBe(false)
      // Nine words of states at the most, against one: a matcher that tries again would be thousands of times slower.
      expect(fastest(() => matches(key)) / fastest(() => plain(key))).toBeLessThan(100)
    }
  })

  test.each(['', 'x'.repeat(257), 'a\\', 5, null, undefined])('%j is no pattern', pattern => {
    expect(() => compileGlob(pattern as string)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
  })
})
