/** The tagged form: a tag, then what the tag needs; lengths before contents, integers as base-128 groups. */

import { ERRORS, kindOf, MAX_DEPTH, refuse, TAG, VIEWS } from './shape.ts'

/** The bytes of `value` in the tagged form, behind one byte that says so. */
export function writeTagged(value: unknown, form: number): Uint8Array {
  const writer = new Writer()
  writer.byte(form)
  writer.value(value, 0)
  return writer.finish()
}

const encoder = new TextEncoder()
const LONE_SURROGATE = /\p{Surrogate}/u

class Writer {
  #bytes = new Uint8Array(256)
  #view = new DataView(this.#bytes.buffer)
  #length = 0
  /** Objects met so far, numbered in that order; a second meeting writes the number. */
  readonly #met = new Map<object, number>()

  byte(byte: number): void {
    this.#room(1)
    this.#bytes[this.#length] = byte
    this.#length += 1
  }

  value(value: unknown, depth: number): void {
    switch (typeof value) {
      case 'undefined':
        this.byte(TAG.undefined)
        return
      case 'boolean':
        this.byte(value ? TAG.true : TAG.false)
        return
      case 'number':
        this.#number(value)
        return
      case 'string':
        this.#string(value)
        return
      case 'bigint':
        this.byte(value < 0n ? TAG.negativeBigint : TAG.bigint)
        this.#text((value < 0n ? -value : value).toString(16))
        return
      case 'object':
        if (value === null) this.byte(TAG.null)
        else this.#object(value, depth)
        return
      default:
        refuse(`a ${typeof value} cannot be stored`)
    }
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length)
  }

  #object(value: object, depth: number): void {
    const number = this.#met.get(value)
    if (number !== undefined) {
      this.byte(TAG.reference)
      this.#count(number)
      return
    }
    if (depth > MAX_DEPTH) refuse(`nested deeper than ${MAX_DEPTH} levels`)
    this.#met.set(value, this.#met.size)
    if (Array.isArray(value)) {
      this.#array(value, depth)
      return
    }
    if (ArrayBuffer.isView(value)) {
      this.#viewOf(value)
      return
    }
    switch (kindOf(value)) {
      case 'Object':
        this.byte(TAG.object)
        this.#properties(value, Object.keys(value), depth)
        return
      case 'Map':
        this.#items(TAG.map, [...Map.prototype.entries.call(value)].flat(), depth)
        return
      case 'Set':
        this.#items(TAG.set, [...Set.prototype.values.call(value)], depth)
        return
      case 'Date':
        this.byte(TAG.date)
        this.#double(Date.prototype.getTime.call(value))
        return
      case 'RegExp':
        this.byte(TAG.regexp)
        this.#string((value as RegExp).source)
        this.#string((value as RegExp).flags)
        return
      case 'ArrayBuffer':
        this.byte(TAG.buffer)
        this.#blob(new Uint8Array(ArrayBuffer.prototype.slice.call(value, 0)))
        return
      case 'Error':
        this.#error(value as Error, depth)
        return
      default:
        refuse(`a ${kindOf(value)} cannot be stored`)
    }
  }

  #array(items: readonly unknown[], depth: number): void {
    const keys = Object.keys(items)
    let dense = keys.length === items.length
    // Names beyond the indexes are dropped, as JSON does; with as many holes as names the count alone would not show it.
    if (dense && keys.length > 0) dense = keys[keys.length - 1] === String(items.length - 1)
    if (dense) {
      this.#items(TAG.array, items, depth)
      return
    }
    const indexes = keys.filter(key => isIndex(key, items.length))
    this.byte(TAG.sparse)
    this.#count(items.length)
    this.#count(indexes.length)
    for (const index of indexes) {
      this.#count(Number(index))
      this.value(items[Number(index)], depth + 1)
    }
  }

  #items(tag: number, items: readonly unknown[], depth: number): void {
    this.byte(tag)
    this.#count(items.length)
    for (let at = 0; at < items.length; at += 1) this.value(items[at], depth + 1)
  }

  #properties(value: object, keys: readonly string[], depth: number): void {
    this.#count(keys.length)
    for (const key of keys) {
      this.#string(key)
      this.value((value as Record<string, unknown>)[key], depth + 1)
    }
  }

  /** Only what the view covers: the rest of its buffer, a pool perhaps, is nobody's business. */
  #viewOf(view: ArrayBufferView): void {
    // The engine's own name of the view: a subclass, such as Node's Buffer, has the tag of what it extends.
    const kind = VIEWS.indexOf(kindOf(view) as (typeof VIEWS)[number])
    if (kind < 0) refuse(`a ${kindOf(view)} cannot be stored`)
    this.byte(TAG.view)
    this.byte(kind)
    this.#blob(new Uint8Array(view.buffer, view.byteOffset, view.byteLength))
  }

  #error(error: Error, depth: number): void {
    this.byte(TAG.error)
    this.byte(Math.max(0, ERRORS.indexOf(error.constructor?.name as (typeof ERRORS)[number])))
    const kept = ['name', 'message', 'stack', 'cause'].filter(key => key === 'name' || Object.hasOwn(error, key))
    this.#properties(error, kept.concat(Object.keys(error).filter(key => !kept.includes(key))), depth)
  }

  #number(value: number): void {
    if (!Number.isInteger(value) || Math.abs(value) >= 2 ** 52 || Object.is(value, -0)) {
      this.byte(TAG.double)
      this.#double(value)
      return
    }
    this.byte(TAG.integer)
    // The sign goes to the lowest bit, so that small negative numbers are short as well.
    this.#count(value < 0 ? -value * 2 - 1 : value * 2)
  }

  #string(text: string): void {
    if (!LONE_SURROGATE.test(text)) {
      this.byte(TAG.utf8)
      this.#text(text)
      return
    }
    this.byte(TAG.utf16)
    this.#count(text.length)
    this.#room(text.length * 2)
    for (let at = 0; at < text.length; at += 1) this.#view.setUint16(this.#length + at * 2, text.charCodeAt(at), true)
    this.#length += text.length * 2
  }

  #text(text: string): void {
    if (text.length > 40) {
      this.#blob(encoder.encode(text))
      return
    }
    const start = this.#length
    this.#count(text.length)
    this.#room(text.length)
    for (let at = 0; at < text.length; at += 1) {
      const unit = text.charCodeAt(at)
      if (unit > 0x7f) {
        this.#length = start
        this.#blob(encoder.encode(text))
        return
      }
      this.#bytes[this.#length + at] = unit
    }
    this.#length += text.length
  }

  #blob(bytes: Uint8Array): void {
    this.#count(bytes.length)
    this.#room(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
  }

  #double(value: number): void {
    this.#room(8)
    this.#view.setFloat64(this.#length, value, true)
    this.#length += 8
  }

  #count(count: number): void {
    let rest = count
    while (rest >= 128) {
      this.byte((rest % 128) + 128)
      rest = Math.floor(rest / 128)
    }
    this.byte(rest)
  }

  #room(bytes: number): void {
    if (this.#bytes.length - this.#length >= bytes) return
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + bytes))
    larger.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = larger
    this.#view = new DataView(larger.buffer)
  }
}

function isIndex(key: string, length: number): boolean {
  const index = Number(key)
  return index < length && String(index >>> 0) === key
}
