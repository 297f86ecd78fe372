import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Ranges } from '../../../js/batch/ranges.ts'

const SPAN = 40
const numbersOf = (ranges: Ranges) => Array.from({ length: SPAN + 10 }, (_, at) => at).filter(at => ranges.has(at))

describe('ranges', () => {
  it('are a set, whatever is added and taken out, in as few ranges as there can be', () => {
    const change = fc.record({ isIn: fc.boolean(), from: fc.nat(SPAN), length: fc.nat(12) })
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60 }), fc.nat(SPAN), fc.nat(SPAN), (changes, from, to) => {
        const ranges = new Ranges()
        const model = new Set<number>()
        for (const { isIn, from, length } of changes) {
          if (isIn) ranges.add(from, from + length)
          else ranges.delete(from, from + length)
          for (let at = from; at < from + length; at += 1) isIn ? model.add(at) : model.delete(at)
          const sorted = [...model].sort((a, b) => a - b)
          expect(numbersOf(ranges).filter(at => at < SPAN + 12)).toEqual(sorted.filter(at => at < SPAN + 10))
          expect(ranges.count).toBe(model.size)
          expect(ranges.length).toBe(sorted.filter(at => !model.has(at - 1)).length)
        }
        const bounds = ranges.bounds()
        expect(bounds.every((bound, at) => at === 0 || bound > (bounds[at - 1] as number))).toBe(true)
        expect(new Ranges(bounds).count).toBe(model.size)
        const missing: number[] = []
        for (const [begin, end] of ranges.gaps(from, to)) for (let at = begin; at < end; at += 1) missing.push(at)
        expect(missing).toEqual(Array.from({ length: Math.max(0, to - from) }, (_, at) => from + at).filter(at => !model.has(at)))
      }),
      { numRuns: 1000 },
    )
  })

  it('are fewer when they are widened or forgotten: the narrowest gaps, the shortest ranges first', () => {
    const given = [0, 5, 6, 9, 20, 21, 30, 40]
    const widened = new Ranges(given)
    widened.widen(3)
    expect([widened.bounds(), widened.count]).toEqual([[0, 9, 20, 21, 30, 40], 20])
    const forgotten = new Ranges(given)
    forgotten.forget(2)
    expect([forgotten.bounds(), forgotten.count]).toEqual([[0, 5, 30, 40], 15])
  })
})
