import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decode, encode } from '../../../js/codec.ts'

const JSON_FORM = 1
const TAGGED_FORM = 2
const copy = (value: unknown) => decode(encode(value).slice())

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('__proto__', 'constructor', 'toJSON', '\ud800', 'a\udc00b', '\ufeff', '\0'),
)
const numbers = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.constantFrom(-0, NaN, Infinity, -Infinity, 2 ** 52, -(2 ** 52), 2 ** 53),
)
const views = fc
  .tuple(
    fc.constantFrom(Uint8Array, Uint8ClampedArray, Int16Array, Float32Array, Float64Array, BigInt64Array, DataView),
    fc.uint8Array({ minLength: 0, maxLength: 5 }),
  )
  .map(
    ([View, bytes]) =>
      new (View as new (buffer: ArrayBuffer) => ArrayBufferView)(new Uint8Array(Array.from({ length: 8 }, () => [...bytes]).flat()).buffer),
  )
const scalars = fc.oneof(text, numbers, fc.boolean(), fc.constant(null), fc.constant(undefined), fc.bigInt())
const leaves = fc.oneof(
  { weight: 6, arbitrary: scalars },
  // Invalid ones, which Node does not find equal to themselves, have a test of their own.
  { weight: 1, arbitrary: fc.date({ noInvalidDate: true }) },
  { weight: 1, arbitrary: views },
  { weight: 1, arbitrary: fc.constantFrom(/a+/giu, /[\]/]\n/s, /(?:)/) },
  { weight: 1, arbitrary: text.map(message => new RangeError(message, { cause: message })) },
  { weight: 1, arbitrary: fc.uint8Array().map(bytes => bytes.slice().buffer) },
)
const tree = fc.letrec(tie => ({
  node: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaves,
    fc.array(tie('node'), { maxLength: 6 }),
    fc.sparseArray(tie('node'), { maxNumElements: 3, maxLength: 2000 }),
    fc.dictionary(text, tie('node'), { maxKeys: 6 }),
    fc.array(fc.tuple(tie('node'), tie('node')), { maxLength: 4 }).map(pairs => new Map(pairs)),
    fc.array(tie('node'), { maxLength: 4 }).map(items => new Set(items)),
  ),
})).node

/** Ties some of the containers in `value` to others, which makes shared references and cycles. */
function tangle(value: unknown, picks: number[]): unknown {
  const containers: unknown[] = []
  // A value that was tangled before may be part of this one.
  const met = new Set<unknown>()
  const walk = (item: unknown) => {
    if (typeof item !== 'object' || item === null || met.has(item)) return
    met.add(item)
    if (Array.isArray(item)) item.forEach(walk)
    else if (item instanceof Map) for (const [key, inner] of item) [key, inner].forEach(walk)
    else if (item instanceof Set) item.forEach(walk)
    else if (Object.getPrototypeOf(item) === Object.prototype) Object.values(item).forEach(walk)
    else return
    containers.push(item)
  }
  walk(value)
  if (containers.length === 0) return value
  for (let at = 0; at + 1 < picks.length; at += 2) {
    const from = containers[(picks[at] as number) % containers.length]
    const to = containers[(picks[at + 1] as number) % containers.length]
    if (Array.isArray(from)) from.push(to)
    else if (from instanceof Map) from.set('tie', to)
    else if (from instanceof Set) from.add(to)
    else (from as Record<string, unknown>).tie = to
  }
  return value
}

describe('the codec', () => {
  test('gives back what structured cloning gives back, shared references and cycles included', () => {
    fc.assert(
      fc.property(tree, fc.array(fc.nat(1000), { maxLength: 6 }), (value, picks) => {
        const tangled = tangle(value, picks)
        expect(isDeepStrictEqual(copy(tangled), structuredClone(tangled))).toBe(true)
      }),
      { numRuns: 3000 },
    )
  })

  test('gives back an invalid date as an invalid date', () => {
    const [date] = copy([new Date(Number.NaN)]) as [Date]
    expect(date).toBeInstanceOf(Date)
    expect(date.getTime()).toBeNaN()
  })

  test('gives back every JSON value exactly, as JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary' }), value => {
        const exact = JSON.parse(JSON.stringify(value))
        expect(isDeepStrictEqual(copy(exact), exact)).toBe(true)
        expect(encode(exact)[0]).toBe(JSON_FORM)
      }),
      { numRuns: 2000 },
    )
  })

  test('any bytes give a value or ERR_CODEC', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc
        .tuple(fc.constantFrom(JSON_FORM, TAGGED_FORM), fc.uint8Array({ maxLength: 200 }))
        .map(([form, rest]) => new Uint8Array([form, ...rest])),
      fc.tuple(tree, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), fc.nat()).map(([value, changes, end]) => {
        const encoded = encode(value).slice()
        for (const [at, byte] of changes) encoded[at % encoded.length] = byte
        return end % 4 === 0 ? encoded.slice(0, end % encoded.length) : encoded
      }),
    )
    fc.assert(
      fc.property(bytes, input => {
        try {
          decode(input)
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_CODEC' })
        }
      }),
      { numRuns: 10_000 },
    )
  })

  test.each([
    ['an array of 2^40 items', [TAGGED_FORM, 12, 128, 128, 128, 128, 128, 64]],
    ['a text of 2^40 bytes', [TAGGED_FORM, 6, 128, 128, 128, 128, 128, 64]],
    ['a count that never ends', [TAGGED_FORM, 12, ...new Array(64).fill(128)]],
    ['a reference to nothing', [TAGGED_FORM, 10, 5]],
    ['a text that is not UTF-8', [JSON_FORM, 34, 255, 34]],
    ['arrays in arrays, a million deep', [TAGGED_FORM, ...new Array(2_000_000).fill(0).map((_, at) => (at % 2 === 0 ? 12 : 1))]],
    ['nothing', []],
    ['a form of tomorrow', [9, 0]],
  ])('refuses %s', (_, bytes) => {
    expect(() => decode(new Uint8Array(bytes))).toThrow(expect.objectContaining({ code: 'ERR_CODEC' }))
  })

  test('an array of holes takes no room', () => {
    const before = process.memoryUsage().rss
    const holes = Array.from({ length: 50 }, () => decode(new Uint8Array([TAGGED_FORM, 13, 255, 255, 255, 14, 0])) as unknown[])
    expect(holes.every(items => items.length === 31_457_279 && Object.keys(items).length === 0)).toBe(true)
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 2 ** 20)
  })

  test('keys of the prototype are keys like others, and no prototype changes', () => {
    const value = JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"toString":1}')
    for (const plain of [value, { ...value, more: undefined }]) {
      const found = copy(plain) as Record<string, unknown>
      expect(isDeepStrictEqual(found, plain)).toBe(true)
      expect(Object.getPrototypeOf(found)).toBe(Object.prototype)
    }
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
  })

  test.each([
    ['a function', () => {}],
    ['a symbol', Symbol('s')],
    ['a promise', Promise.resolve()],
    ['a weak map', new WeakMap()],
    ['a function deep inside', { list: [{ call: () => {} }] }],
    [
      'a getter that throws',
      {
        get boom() {
          throw new Error('boom')
        },
      },
    ],
    ['what claims to be a date', { [Symbol.toStringTag]: 'Date' }],
    ['an object nested too deeply', Array.from({ length: 1500 }).reduce<object>(inner => ({ inner }), {})],
  ])('refuses to encode %s', (_, value) => {
    expect(() => encode(value)).toThrow(expect.objectContaining({ code: 'ERR_CODEC' }))
  })

  test('a view brings its own bytes and nothing of the pool it lies in', () => {
    const pool = new Uint8Array(8192).fill(7)
    const bytes = encode(Buffer.from(pool.buffer, 100, 3))
    expect(bytes.length).toBeLessThan(20)
    expect(decode(bytes)).toEqual(new Uint8Array([7, 7, 7]))
  })

  test('a prototype with toJSON changes nothing', () => {
    class Money {
      amount = 5
      toJSON() {
        return 'money'
      }
    }
    expect(copy({ price: new Money() })).toEqual({ price: { amount: 5 } })
    Object.defineProperty(Object.prototype, 'toJSON', { value: () => 'polluted', configurable: true })
    try {
      expect(isDeepStrictEqual(copy({ a: [1] }), { a: [1] })).toBe(true)
    } finally {
      Reflect.deleteProperty(Object.prototype, 'toJSON')
    }
  })
})
