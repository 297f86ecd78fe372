/**
 * Every failure of shelflife is a {@link ShelflifeError} with a stable `code` and the original failure in `cause`.
 * Compare codes, not messages; {@link isShelflifeError} works across bundles and realms.
 */

/** What went wrong, as a stable string. */
export type ErrorCode =
  | 'ERR_INVALID_ARGUMENT'
  | 'ERR_CLOSED'
  | 'ERR_WASM_UNAVAILABLE'
  | 'ERR_CORE_TRAPPED'
  | 'ERR_ABORTED'
  | 'ERR_TIMEOUT'
  | 'ERR_QUEUE_FULL'
  | 'ERR_RATE_LIMITED'
  | 'ERR_CIRCUIT_OPEN'
  | 'ERR_NETWORK'
  | 'ERR_HTTP_STATUS'
  | 'ERR_RESPONSE_TOO_LARGE'
  | 'ERR_REQUEST_TOO_LARGE'
  | 'ERR_PARSE'
  | 'ERR_CODEC'
  | 'ERR_STORE'
  | 'ERR_QUOTA'
  | 'ERR_HANDLER'
  | 'ERR_BATCH_RESULT'
  | 'ERR_RESUME_TOKEN'
  | 'ERR_WORKER_CRASHED'
  | 'ERR_WORKER_UNAVAILABLE'
  | 'ERR_PARTIAL_LOAD'
  | 'ERR_SERIES_LIMIT'

const BRAND = Symbol.for('shelflife.error')

/** The base class of all errors that shelflife throws or rejects with. */
export class ShelflifeError extends Error {
  /** The name of the class, which minifiers leave alone. */
  override readonly name: string = 'ShelflifeError'
  /** What went wrong; stable between versions. */
  readonly code: ErrorCode
  /** Whether the same call may succeed later without the caller changing anything. */
  readonly retryable: boolean

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; retryable?: boolean } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.code = code
    this.retryable = options.retryable ?? false
    Object.defineProperty(this, BRAND, { value: true })
  }
}

/** An argument or option that cannot be meant. Nothing was changed. */
export class InvalidArgumentError extends ShelflifeError {
  override readonly name: string = 'InvalidArgumentError'
  constructor(argument: string, expected: string, received: unknown) {
    super('ERR_INVALID_ARGUMENT', `${argument} must be ${expected}; received ${describe(received)}`)
  }
}

/** The object was closed before the call, or while the call waited. */
export class ClosedError extends ShelflifeError {
  override readonly name: string = 'ClosedError'
  constructor(what: string) {
    super('ERR_CLOSED', `${what} is closed`)
  }
}

/** The WebAssembly core failed in the middle of a call and was replaced; its state is gone, yours is not. */
export class CoreTrappedError extends ShelflifeError {
  override readonly name: string = 'CoreTrappedError'
  constructor(cause: unknown) {
    super('ERR_CORE_TRAPPED', 'the WebAssembly core trapped and was replaced by a fresh one', { cause, retryable: true })
  }
}

/** The part of a request or task that a {@link TimeoutError} ended. */
export type TimeoutPhase = 'queue' | 'attempt' | 'idle' | 'total' | 'loader' | 'store'

/** A deadline passed. */
export class TimeoutError extends ShelflifeError {
  override readonly name: string = 'TimeoutError'
  /** Which wait the deadline ended. */
  readonly phase: TimeoutPhase
  /** The length of the deadline in milliseconds. */
  readonly timeoutMs: number

  constructor(phase: TimeoutPhase, timeoutMs: number, options: { cause?: unknown } = {}) {
    super('ERR_TIMEOUT', `timed out after ${timeoutMs} ms (${phase})`, { ...options, retryable: true })
    this.phase = phase
    this.timeoutMs = timeoutMs
  }
}

/** As many wait as `maxQueue` allows; this one was not taken in. */
export class QueueFullError extends ShelflifeError {
  override readonly name: string = 'QueueFullError'
  /** The length of the queue. */
  readonly maxQueue: number

  constructor(maxQueue: number, what = 'requests') {
    super('ERR_QUEUE_FULL', `the queue is full: ${maxQueue} ${what} wait`, { retryable: true })
    this.maxQueue = maxQueue
  }
}

/** Whether `value` is an error of shelflife, whichever copy of the package made it. */
export function isShelflifeError(value: unknown): value is ShelflifeError {
  return value instanceof Error && (value as { [BRAND]?: unknown })[BRAND] === true
}

/** What a function of the caller threw, with a code. An error of shelflife is passed on as it is. */
export function thrownBy(what: string, cause: unknown): ShelflifeError {
  if (isShelflifeError(cause)) return cause
  return new ShelflifeError('ERR_HANDLER', `${what} threw: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
}

function describe(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value)
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object'
  return String(value)
}
