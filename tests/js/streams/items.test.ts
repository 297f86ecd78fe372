import { describe, expect, test } from 'vitest'
import { jsonArray } from '../../../js/streams/json-array.ts'
import { lines, ndjson } from '../../../js/streams/lines.ts'

const encoder = new TextEncoder()
const VALUES = [
  1,
  -2.5e3,
  'a\\"]},[{',
  'ü€😀\u2028',
  '',
  null,
  true,
  [],
  {},
  [[1, '],['], { 'k"]': ['}'] }],
  { ä: { b: [1, 2, { c: '\\' }] } },
]

/** `text` in two pieces, cut at `at`. */
const halves = (bytes: Uint8Array, at: number) => [bytes.subarray(0, at), bytes.subarray(at)]

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const got: T[] = []
  for await (const item of items) got.push(item)
  return got
}

/** What came before the error, and the error. */
async function upTo(items: AsyncIterable<unknown>): Promise<{ got: unknown[]; error: unknown }> {
  const got: unknown[] = []
  try {
    for await (const item of items) got.push(item)
  } catch (error) {
    return { got, error }
  }
  return { got, error: undefined }
}

describe('ndjson', () => {
  const text = `${VALUES.map(value => JSON.stringify(value)).join('\r\n')}\n\n  \n${JSON.stringify('end')}`
  const bytes = encoder.encode(text)

  test('gives the same values however the bytes are cut', async () => {
    for (let at = 0; at <= bytes.length; at += 1) expect(await all(ndjson(halves(bytes, at)))).toEqual([...VALUES, 'end'])
    expect(await all(ndjson(Array.from(bytes, byte => Uint8Array.of(byte))))).toEqual([...VALUES, 'end'])
  })

  test('gives what came before a line that is none, and says which', async () => {
    const { got, error } = await upTo(ndjson([encoder.encode('1\n2\n{"a":\n4')]))
    expect(got).toEqual([1, 2])
    expect(error).toMatchObject({ code: 'ERR_PARSE', message: expect.stringContaining('line 3') })
    expect((await upTo(ndjson([Uint8Array.of(0x31, 0x0a, 0x22, 0xff, 0x22)]))).error).toMatchObject({
      code: 'ERR_PARSE',
      message: expect.stringContaining('UTF-8'),
    })
    // A character that does not end is none, either.
    expect((await upTo(ndjson([Uint8Array.of(0x22, 0xe2, 0x82)]))).error).toMatchObject({ code: 'ERR_PARSE' })
  })

  test('holds no line that is too long', async () => {
    const line = encoder.encode('x'.repeat(10))
    expect(await all(lines([line, line], { maxItemBytes: 20 }))).toEqual(['x'.repeat(20)])
    expect(await upTo(lines([line, line, line], { maxItemBytes: 20 }))).toMatchObject({ got: [], error: { code: 'ERR_PARSE' } })
    expect(await upTo(lines([encoder.encode(`${'x'.repeat(21)}\n`)], { maxItemBytes: 20 }))).toMatchObject({ error: { code: 'ERR_PARSE' } })
  })

  test('nothing is nothing', async () => {
    expect(await all(ndjson(null))).toEqual([])
    expect(await all(ndjson([]))).toEqual([])
    expect(await all(lines([encoder.encode('\n\n')]))).toEqual(['', ''])
  })

  test('pieces may be used again by whoever made them', async () => {
    const piece = new Uint8Array(2)
    const reused = function* () {
      for (const text of ['12', '3\n', '4']) {
        const { written } = encoder.encodeInto(text, piece)
        yield piece.subarray(0, written)
      }
    }
    expect(await all(ndjson(reused()))).toEqual([123, 4])
  })

  test('cancels the stream when the loop is left, and lets go of it at its end', async () => {
    let cancelled = 0
    const endless = () =>
      new ReadableStream<Uint8Array>({
        pull: c => c.enqueue(encoder.encode('1\n')),
        cancel: () => {
          cancelled += 1
        },
      })
    const first = endless()
    for await (const value of ndjson(first)) {
      expect(value).toBe(1)
      break
    }
    expect([cancelled, first.locked]).toEqual([1, false])
    const ended = new Response('1\n2').body as ReadableStream<Uint8Array>
    expect(await all(ndjson(ended))).toEqual([1, 2])
    expect(ended.locked).toBe(false)
    const broken = new ReadableStream<Uint8Array>({ start: c => c.error(new Error('reset')) })
    expect((await upTo(ndjson(broken))).error).toMatchObject({ message: 'reset' })
  })
})

describe('jsonArray', () => {
  const text = `\uFEFF \n[ ${VALUES.map(value => JSON.stringify(value, undefined, 1)).join(' ,\t')} ]\r\n`
  const bytes = encoder.encode(text)

  test('gives the same items however the bytes are cut', async () => {
    for (let at = 0; at <= bytes.length; at += 1) expect(await all(jsonArray(halves(bytes, at)))).toEqual(VALUES)
    expect(await all(jsonArray(Array.from(bytes, byte => Uint8Array.of(byte))))).toEqual(VALUES)
  })

  test.each([
    ['[]', []],
    [' [ ] ', []],
    ['[1]', [1]],
    ['[[[]],"[",{}]', [[[]], '[', {}]],
    ['["\\\\"]', ['\\']],
    ['["\\\\\\""]', ['\\"']],
  ])('reads %s', async (text, items) => {
    expect(await all(jsonArray([encoder.encode(text)]))).toEqual(items)
  })

  test.each<[string, unknown[]]>([
    ['', []],
    ['   ', []],
    ['{}', []],
    ['"[1]"', []],
    ['1', []],
    ['[', []],
    ['[1', []],
    ['[1,', [1]],
    ['[1,]', [1]],
    ['[,1]', []],
    ['[1,,2]', [1]],
    ['[1 2]', []],
    ['[1}]', []],
    ['[{]', []],
    ['["a', []],
    ['["a\\"]', []],
    ['[1]]', [1]],
    ['[1] 2', [1]],
    ['[01]', []],
    ['[1, tru, 3]', [1]],
    ['[NaN]', []],
    ["['a']", []],
    ['\uFEFF\uFEFF[1]', []],
  ])('refuses %s after %o', async (text, before) => {
    const bytes = encoder.encode(text)
    for (let at = 0; at <= bytes.length; at += 1) {
      const { got, error } = await upTo(jsonArray(halves(bytes, at)))
      expect(got).toEqual(before)
      expect(error).toMatchObject({ code: 'ERR_PARSE' })
    }
  })

  test('what it takes, JSON.parse takes, and what it refuses, that refuses', async () => {
    let seed = 11
    const random = (n: number) => {
      seed = (seed * 1103515245 + 12345) % 2 ** 31
      return (seed >> 8) % n
    }
    const tokens = ['[', ']', '{', '}', ',', ':', '"', '\\', '1', 'true', ' ', '"a"', 'null', '"k":1']
    for (let round = 0; round < 20_000; round += 1) {
      const text = `[${Array.from({ length: random(8) }, () => tokens[random(tokens.length)]).join('')}${random(4) === 0 ? '' : ']'}`
      let expected: unknown
      try {
        expected = JSON.parse(text)
      } catch {
        expected = undefined
      }
      const { got, error } = await upTo(jsonArray(halves(encoder.encode(text), random(text.length + 1))))
      if (Array.isArray(expected)) expect([text, got, error]).toEqual([text, expected, undefined])
      else expect([text, (error as { code?: string } | undefined)?.code]).toEqual([text, 'ERR_PARSE'])
    }
  })

  test('holds one item, however many there are, and none that is too large', async () => {
    const item = encoder.encode(`${JSON.stringify({ text: 'x'.repeat(1000) })},`)
    const many = function* () {
      yield encoder.encode('[')
      for (let n = 0; n < 5_000; n += 1) yield item
      yield encoder.encode('0]')
    }
    let count = 0
    for await (const _item of jsonArray(many(), { maxItemBytes: 1100 })) count += 1
    expect(count).toBe(5_001)
    expect(await upTo(jsonArray(many(), { maxItemBytes: 900 }))).toMatchObject({ got: [], error: { code: 'ERR_PARSE' } })
  })
})
