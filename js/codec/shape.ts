/** What a value is, as far as the codec cares. */

import { ShelflifeError } from '../errors.ts'

/** Levels of nesting that are encoded and decoded; deeper ones would meet the end of the stack somewhere. */
export const MAX_DEPTH = 1000

/** The first byte of each value in the tagged form. Numbers are part of the format: add, never change. */
export const TAG = {
  null: 0,
  undefined: 1,
  true: 2,
  false: 3,
  integer: 4,
  double: 5,
  utf8: 6,
  utf16: 7,
  bigint: 8,
  negativeBigint: 9,
  reference: 10,
  object: 11,
  array: 12,
  sparse: 13,
  map: 14,
  set: 15,
  date: 16,
  regexp: 17,
  buffer: 18,
  view: 19,
  error: 20,
} as const

/** The kinds of views, by their number in the format. */
export const VIEWS = [
  'DataView',
  'Int8Array',
  'Uint8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
  'Float16Array',
] as const

/** The kinds of errors, by their number in the format. */
export const ERRORS = ['Error', 'EvalError', 'RangeError', 'ReferenceError', 'SyntaxError', 'TypeError', 'URIError'] as const

/** What the engine says an object is, such as `Date`; objects of other realms too, where `instanceof` fails. */
export function kindOf(value: object): string {
  return Object.prototype.toString.call(value).slice(8, -1)
}

/** The refusal of something inside a value. */
export function refuse(what: string): never {
  throw new ShelflifeError('ERR_CODEC', what)
}

const seen: object[] = []

/**
 * Whether JSON keeps `value` exactly: nothing in it but plain objects, dense arrays, strings, finite numbers other than
 * -0, booleans and null, no object in two places, no `toJSON`.
 */
export function isCleanJson(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return isCleanScalar(value)
  if ('toJSON' in Object.prototype || 'toJSON' in Array.prototype) return false
  try {
    return isCleanObject(value, 0)
  } finally {
    seen.length = 0
    known = undefined
  }
}

/** Few objects are found faster by looking at each; many want a set. */
const FEW = 12
let known: Set<object> | undefined

function isFirstMeeting(value: object): boolean {
  if (known !== undefined) {
    const before = known.size
    return known.add(value).size !== before
  }
  if (seen.includes(value)) return false
  if (seen.push(value) > FEW) known = new Set(seen)
  return true
}

function isCleanObject(value: object, depth: number): boolean {
  if (depth > MAX_DEPTH || !isFirstMeeting(value)) return false
  if (Array.isArray(value)) return isCleanArray(value, depth)
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return false
  for (const key in value) {
    const item = (value as Record<string, unknown>)[key]
    if (typeof item === 'object' && item !== null ? !isCleanObject(item, depth + 1) : !isCleanScalar(item)) return false
  }
  // A plain object may still wear another kind's tag; the tagged form decides what that means.
  return !(Symbol.toStringTag in value)
}

function isCleanArray(items: readonly unknown[], depth: number): boolean {
  if (Object.getPrototypeOf(items) !== Array.prototype) return false
  for (const item of items) {
    if (typeof item === 'object' && item !== null ? !isCleanObject(item, depth + 1) : !isCleanScalar(item)) return false
  }
  return true
}

function isCleanScalar(value: unknown): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true
    case 'number':
      return value === 0 ? 1 / value > 0 : Number.isFinite(value)
    default:
      return value === null
  }
}
