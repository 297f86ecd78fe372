import { expect, test } from 'vitest'
import { Gathered } from '../../../js/bytes.ts'
import { Seeded } from '../model/random.ts'

test('pieces of any size and number are one in the end, in their order', () => {
  for (let seed = 0; seed < 200; seed += 1) {
    const random = new Seeded(seed)
    const gathered = new Gathered()
    const all: number[] = []
    for (let left = random.below(300); left > 0; left -= 1) {
      const piece = Uint8Array.from({ length: random.below(seed % 2 === 0 ? 5000 : 20) }, () => random.below(256))
      gathered.add(piece)
      all.push(...piece)
    }
    expect(gathered.size).toBe(all.length)
    expect(Buffer.compare(gathered.whole(), Uint8Array.from(all))).toBe(0)
  }
})

test('a single piece that fills its buffer is not copied, and a view is', () => {
  const whole = new Uint8Array(100)
  const one = new Gathered()
  one.add(whole)
  expect(one.whole()).toBe(whole)
  const view = new Gathered()
  view.add(whole.subarray(0, 50))
  expect(view.whole().buffer.byteLength).toBe(50)
})
