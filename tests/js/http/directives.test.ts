import { expect, test } from 'vitest'
import { parseCacheControl } from '../../../js/http/rfc9111/directives.ts'

test.each([
  ['commas', ','],
  ['quotes', '"'],
  ['open quotes', 'a="'],
  ['backslashes in quotes', 'a="\\\\'],
  ['nonsense', 'a b="c" d,'],
  ['spaces', 'a '],
  ['signs', '=,'],
  ['names', 'aaaaaaaa'],
  ['directives', 'max-age=1,'],
  ['lists', 'no-cache="a,b",'],
])('a field of 200 000 characters full of %s is read in time that grows with it', (_name, part) => {
  const timed = (length: number) => {
    const value = part.repeat(Math.ceil(length / part.length))
    let least = Number.POSITIVE_INFINITY
    for (let round = 0; round < 5; round += 1) {
      const began = performance.now()
      parseCacheControl(value)
      least = Math.min(least, performance.now() - began)
    }
    return least
  }
  timed(20_000)
  // Ten times the length: quadratic would be a hundred times the time.
  expect(timed(200_000)).toBeLessThan(Math.max(2, timed(20_000)) * 40)
})
