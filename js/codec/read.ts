/** Reads the tagged form. Trusts nothing: every length is checked against what is left before anything is allocated. */

import { ERRORS, MAX_DEPTH, refuse, TAG, VIEWS } from './shape.ts'

/** The value at `start` of `bytes`, which must be all that follows. */
export function readTagged(bytes: Uint8Array, start: number): unknown {
  const reader = new Reader(bytes, start)
  const value = reader.value(0)
  if (reader.left > 0) refuse('bytes behind the value')
  return value
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const ERROR_CLASSES = { Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError }

class Reader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at: number
  readonly #met: object[] = []

  constructor(bytes: Uint8Array, start: number) {
    // `slice` of a Buffer does not copy.
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#at = start
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  value(depth: number): unknown {
    if (depth > MAX_DEPTH + 1) refuse(`nested deeper than ${MAX_DEPTH} levels`)
    const tag = this.#byte()
    switch (tag) {
      case TAG.null:
        return null
      case TAG.undefined:
        return undefined
      case TAG.true:
        return true
      case TAG.false:
        return false
      case TAG.integer: {
        const folded = this.#count()
        return folded % 2 === 0 ? folded / 2 : -(folded + 1) / 2
      }
      case TAG.double:
        return this.#double()
      case TAG.utf8:
        return this.#text()
      case TAG.utf16:
        return this.#units()
      case TAG.bigint:
        return this.#bigint()
      case TAG.negativeBigint:
        return -this.#bigint()
      case TAG.reference:
        return this.#met[this.#count()] ?? refuse('a reference to nothing')
      default:
        return this.#object(tag, depth)
    }
  }

  #object(tag: number, depth: number): object {
    switch (tag) {
      case TAG.object:
        return this.#properties(this.#meet({}), depth)
      case TAG.array:
        return this.#array(depth)
      case TAG.sparse:
        return this.#sparse(depth)
      case TAG.map: {
        const map = this.#meet(new Map<unknown, unknown>())
        const count = this.#sized(1)
        if (count % 2 !== 0) refuse('a map with half an entry')
        for (let entry = 0; entry < count; entry += 2) map.set(this.value(depth + 1), this.value(depth + 1))
        return map
      }
      case TAG.set: {
        const set = this.#meet(new Set<unknown>())
        for (let left = this.#sized(1); left > 0; left -= 1) set.add(this.value(depth + 1))
        return set
      }
      case TAG.date:
        return this.#meet(new Date(this.#double()))
      case TAG.regexp:
        return this.#meet(new RegExp(this.#string(), this.#string()))
      case TAG.buffer:
        return this.#meet(this.#blob().slice().buffer)
      case TAG.view:
        return this.#meet(this.#viewOf(VIEWS[this.#byte()]))
      case TAG.error:
        return this.#error(depth)
      default:
        return refuse(`a tag that this version does not know: ${tag}`)
    }
  }

  #array(depth: number): unknown[] {
    const items = this.#meet([] as unknown[])
    for (let left = this.#sized(1); left > 0; left -= 1) items.push(this.value(depth + 1))
    return items
  }

  #sparse(depth: number): unknown[] {
    const items = this.#meet([] as unknown[])
    const length = this.#count()
    if (length > 2 ** 32 - 1) refuse('an array that is too long')
    if (length > 0) {
      // An element at the far end makes the engine keep a table instead of reserving room for the holes.
      items[length - 1] = undefined
      delete items[length - 1]
    }
    for (let left = this.#sized(2); left > 0; left -= 1) {
      const index = this.#count()
      if (index >= length) refuse('an element behind the end of its array')
      items[index] = this.value(depth + 1)
    }
    return items
  }

  #properties<T extends object>(target: T, depth: number): T {
    for (let left = this.#sized(2); left > 0; left -= 1) {
      const key = this.#string()
      const value = this.value(depth + 1)
      // A name that the prototype knows too, such as `__proto__`, must become a property and nothing else.
      if (key in target) Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true })
      else (target as Record<string, unknown>)[key] = value
    }
    return target
  }

  #error(depth: number): Error {
    const name = ERRORS[this.#byte()] ?? refuse('an unknown kind of error')
    const error = this.#meet(new ERROR_CLASSES[name]())
    const hidden = new Set(['name', 'message', 'stack', 'cause'])
    Reflect.deleteProperty(error, 'stack')
    const properties = this.#properties(Object.create(null) as Record<string, unknown>, depth)
    for (const key of Object.keys(properties)) {
      const value = properties[key]
      if (key === 'name' && value === error.name) continue
      Object.defineProperty(error, key, { value, writable: true, enumerable: !hidden.has(key), configurable: true })
    }
    return error
  }

  #viewOf(name: (typeof VIEWS)[number] | undefined): ArrayBufferView {
    const { buffer } = this.#blob().slice()
    const make = name === undefined ? undefined : (globalThis as unknown as Record<string, ViewClass | undefined>)[name]
    if (make === undefined) return refuse('a kind of view that is not known here')
    return new make(buffer)
  }

  #string(): string {
    const tag = this.#byte()
    if (tag === TAG.utf8) return this.#text()
    return tag === TAG.utf16 ? this.#units() : refuse('no string where one must be')
  }

  #text(): string {
    const bytes = this.#blob()
    if (bytes.length > 24) return decoder.decode(bytes)
    let text = ''
    for (const byte of bytes) {
      if (byte > 0x7f) return decoder.decode(bytes)
      text += String.fromCharCode(byte)
    }
    return text
  }

  #units(): string {
    const length = this.#sized(2)
    let text = ''
    for (let at = 0; at < length; at += 1) text += String.fromCharCode(this.#view.getUint16(this.#at + at * 2, true))
    this.#at += length * 2
    return text
  }

  #bigint(): bigint {
    const digits = this.#text()
    if (!/^[0-9a-f]+$/.test(digits)) refuse('a number with strange digits')
    return BigInt(`0x${digits}`)
  }

  #blob(): Uint8Array {
    const length = this.#sized(1)
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  #double(): number {
    if (this.left < 8) refuse('the bytes end too early')
    this.#at += 8
    return this.#view.getFloat64(this.#at - 8, true)
  }

  /** A count of things that take at least `each` bytes. */
  #sized(each: number): number {
    const count = this.#count()
    if (count * each > this.left) refuse('the bytes end too early')
    return count
  }

  #count(): number {
    let count = 0
    for (let factor = 1; factor <= 128 ** 7; factor *= 128) {
      const byte = this.#byte()
      count += (byte & 127) * factor
      if (byte < 128 && count <= Number.MAX_SAFE_INTEGER) return count
    }
    return refuse('a count that is too large')
  }

  #byte(): number {
    const byte = this.#bytes[this.#at]
    if (byte === undefined) return refuse('the bytes end too early')
    this.#at += 1
    return byte
  }

  #meet<T extends object>(value: T): T {
    this.#met.push(value)
    return value
  }
}

type ViewClass = new (buffer: ArrayBufferLike) => ArrayBufferView
