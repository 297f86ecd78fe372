/** Errors as plain data, so that what a structured clone forgets comes through: class, code, fields, causes. */

import { type ErrorCode, isShelflifeError, ShelflifeError } from '../../errors.ts'

/** What is known of something thrown. */
export type WireError =
  | { readonly value: unknown }
  | {
      readonly name: string
      readonly message: string
      readonly stack: string | undefined
      /** Own fields with plain values, such as `code`. */
      readonly fields: { readonly code?: unknown; readonly retryable?: unknown }
      readonly cause?: WireError
      /** Of an `AggregateError`. */
      readonly errors?: readonly WireError[]
      /** Whether it is one of ours. */
      readonly isOurs: boolean
    }

/** Causes of causes. */
const DEEPEST = 8
const MOST_FIELDS = 32
const MOST_ERRORS = 100

/** What can be said of `thrown` to another thread. */
export function encodeError(thrown: unknown, depth = 0): WireError {
  if (!(thrown instanceof Error)) return { value: isPlain(thrown) ? thrown : textOf(thrown) }
  const { name, message, stack, cause } = thrown
  const errors = (thrown as { errors?: unknown }).errors
  const goesOn = depth < DEEPEST
  return {
    name: String(name),
    message: String(message),
    stack: typeof stack === 'string' ? stack : undefined,
    fields: Object.fromEntries(
      Object.entries(thrown)
        .filter(([field, value]) => isPlain(value) && field !== 'name')
        .slice(0, MOST_FIELDS),
    ),
    ...(goesOn && cause !== undefined && { cause: encodeError(cause, depth + 1) }),
    ...(goesOn && Array.isArray(errors) && { errors: errors.slice(0, MOST_ERRORS).map(error => encodeError(error, depth + 1)) }),
    isOurs: isShelflifeError(thrown),
  }
}

/** An error of the same class where the platform or shelflife has it, of the same name everywhere. */
export function decodeError(wire: WireError): unknown {
  if ('value' in wire) return wire.value
  const { name, message, stack, fields, isOurs } = wire
  const options = wire.cause === undefined ? {} : { cause: decodeError(wire.cause) }
  const error = isOurs
    ? new ShelflifeError(fields.code as ErrorCode, message, { ...options, retryable: fields.retryable === true })
    : wire.errors === undefined
      ? new (classOf(name))(message, options)
      : new AggregateError(wire.errors.map(decodeError), message, options)
  for (const [field, value] of Object.entries(fields)) if (!(field in error)) define(error, field, value, true)
  if (error.name !== name) define(error, 'name', name, false)
  if (stack !== undefined) define(error, 'stack', stack, false)
  return error
}

function define(error: Error, field: string, value: unknown, enumerable: boolean): void {
  Object.defineProperty(error, field, { value, enumerable, configurable: true, writable: true })
}

/** The platform's own class of that name. */
function classOf(name: string): new (message: string, options: ErrorOptions) => Error {
  switch (name) {
    case 'TypeError':
      return TypeError
    case 'RangeError':
      return RangeError
    case 'SyntaxError':
      return SyntaxError
    case 'ReferenceError':
      return ReferenceError
    case 'URIError':
      return URIError
    case 'EvalError':
      return EvalError
    default:
      return Error
  }
}

function isPlain(value: unknown): boolean {
  return value === null || (typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'symbol')
}

function textOf(value: unknown): string {
  try {
    return typeof value === 'object' ? (JSON.stringify(value) ?? String(value)) : String(value)
  } catch {
    return 'something that cannot be shown'
  }
}
