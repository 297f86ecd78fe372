import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { drive, median } from '../../../www/terminal/drive.mjs'
import { progressOn } from '../../../www/terminal/progress.mjs'

test('drive keeps its width, begins in order and tells how each item ended', async () => {
  let underWay = 0
  let most = 0
  const begun: number[] = []
  const ended = new Map<number, unknown>()
  const read = async (item: number) => {
    begun.push(item)
    underWay += 1
    most = Math.max(most, underWay)
    await new Promise(resolve => setImmediate(resolve))
    underWay -= 1
    if (item % 7 === 0) throw new RangeError(`no ${item}`)
    return item * 2
  }
  const items = Array.from({ length: 50 }, (_, index) => index)
  await drive(items, 4, read, (item, { value, error, ms }, at) => {
    expect(ms).toBeGreaterThanOrEqual(0)
    expect(at).toBe(item)
    ended.set(item, error ?? value)
  })
  expect(most).toBe(4)
  expect(begun).toEqual(items)
  expect(ended.size).toBe(50)
  expect(ended.get(8)).toBe(16)
  expect(ended.get(14)).toEqual(new RangeError('no 14'))
})

test('drive ends when its listener refuses a result', async () => {
  const refuse = drive(
    [1, 2, 3],
    1,
    async item => item,
    () => {
      throw new Error('refused')
    },
  )
  await expect(refuse).rejects.toThrow('refused')
})

test('the median is the middle, or between the two in the middle', () => {
  expect(median([5, 1, 3])).toBe(3)
  expect(median([4, 1, 3, 2])).toBe(2.5)
})

test.each([
  [true, true],
  [false, false],
])('where isTTY is %s, drawing a bar is %s', (isTTY, bar) => {
  const stream = Object.assign(new PassThrough(), { isTTY })
  const phase = progressOn(stream as unknown as NodeJS.WriteStream).begin('cold', 10)
  phase.advance(5)
  phase.end('10 reads')
  const text = String(stream.read())
  expect(text.includes('\r')).toBe(bar)
  expect(text.endsWith('10 reads\n')).toBe(true)
})
