/** The errors of a request. Each says how many attempts were made and where the time went. */

import type { Ending, Spent } from '../core/schedule-types.ts'
import { type ErrorCode, ShelflifeError, TimeoutError, type TimeoutPhase } from '../errors.ts'
import type { AttemptLaps } from './attempt.ts'
import type { StoredResponse } from './record.ts'

/** Milliseconds that a request spent in each phase. */
export interface RequestPhases {
  /** Waiting for a slot, before the first and between further attempts. */
  readonly queue: number
  /** Waiting for `rateLimit`, when it alone kept the first in the queue waiting. */
  readonly rate: number
  /** In attempts: the sum of the next three. */
  readonly attempts: number
  /** Looking up the host, connecting and shaking hands, where the transport tells; else 0, and part of `firstByte`. */
  readonly connect: number
  /** From sending to the head of the answer. */
  readonly firstByte: number
  /** Reading the body. */
  readonly body: number
  /** Asleep between attempts. */
  readonly backoff: number
}

/** What every error of a request says about it. */
export interface RequestTrace {
  readonly url: string
  readonly method: string
  /** Attempts that were begun. */
  readonly attempts: number
  readonly phases: RequestPhases
}

/** What failing requests have in common. A deadline is a {@link TimeoutError} first, and says the same. */
class RequestError extends ShelflifeError implements RequestTrace {
  readonly url: string
  readonly method: string
  readonly attempts: number
  readonly phases: RequestPhases

  constructor(code: ErrorCode, message: string, trace: RequestTrace, options: { cause?: unknown; retryable?: boolean } = {}) {
    super(code, message, options)
    this.url = trace.url
    this.method = trace.method
    this.attempts = trace.attempts
    this.phases = trace.phases
  }
}

/** No attempt got a complete response: refused, reset, truncated, unreachable. The last failure is the `cause`. */
export class NetworkError extends RequestError {
  override readonly name: string = 'NetworkError'
  /** Why it was not tried again. */
  readonly gaveUp: Ending

  constructor(trace: RequestTrace, gaveUp: Ending, cause: unknown) {
    const tries = trace.attempts === 1 ? '' : ` after ${trace.attempts} attempts`
    const end = gaveUp === 'no-time-left' ? '; no time is left for another attempt' : ''
    super('ERR_NETWORK', `${trace.method} ${trace.url} failed${tries}: ${messageOf(cause)}${end}`, trace, { cause, retryable: true })
    this.gaveUp = gaveUp
  }
}

/** A deadline of a request passed; `phase` says which: `'queue'` and `'total'` are the total deadline, before and after the first attempt. */
export class RequestTimeoutError extends TimeoutError implements RequestTrace {
  override readonly name: string = 'RequestTimeoutError'
  readonly url: string
  readonly method: string
  readonly attempts: number
  readonly phases: RequestPhases

  constructor(phase: TimeoutPhase, timeoutMs: number, trace: RequestTrace) {
    super(phase, timeoutMs)
    this.url = trace.url
    this.method = trace.method
    this.attempts = trace.attempts
    this.phases = trace.phases
  }
}

/** The body is larger than `maxResponseSize`. Reading stopped there and nothing was kept. */
export class ResponseTooLargeError extends RequestError {
  override readonly name: string = 'ResponseTooLargeError'
  /** The limit in bytes. */
  readonly limit: number
  /** Decoded bytes that had come when reading stopped, or the size that the response announced. */
  readonly received: number

  constructor(limit: number, received: number, trace: RequestTrace) {
    super('ERR_RESPONSE_TOO_LARGE', `the response to ${trace.method} ${trace.url} exceeds ${limit} bytes`, trace)
    this.limit = limit
    this.received = received
  }
}

/** The body of the request is larger than `maxRequestSize`. */
export class RequestTooLargeError extends ShelflifeError {
  override readonly name: string = 'RequestTooLargeError'
  /** The limit in bytes. */
  readonly limit: number

  constructor(method: string, url: string, limit: number) {
    super('ERR_REQUEST_TOO_LARGE', `the body of ${method} ${url} exceeds ${limit} bytes`)
    this.limit = limit
  }
}

/** `fetch.json` got a response whose status is not 200 to 299. */
export class HttpStatusError extends ShelflifeError {
  override readonly name: string = 'HttpStatusError'
  readonly status: number
  /** After redirects. */
  readonly url: string
  /** The body's text, at most its first 1000 characters. */
  readonly body: string
  /** Why it was not tried again, such as a `Retry-After` beyond the deadline (`'no-time-left'`) or `maxRetryAfter` (`'pause-too-long'`). */
  readonly gaveUp: Ending
  /** Attempts that were begun; 0 where the cache answered. */
  readonly attempts: number
  /** Where the time went; `undefined` where the cache answered. */
  readonly phases: RequestPhases | undefined

  constructor({ status, statusText, url }: StoredResponse, body: string, gaveUp: Ending, trace?: RequestTrace) {
    super('ERR_HTTP_STATUS', `${url} answered ${status}${statusText === '' ? '' : ` ${statusText}`}`, { retryable: isTransient(status) })
    this.status = status
    this.url = url
    this.body = body.slice(0, 1000)
    this.attempts = trace?.attempts ?? 0
    this.phases = trace?.phases
    this.gaveUp = gaveUp
  }
}

/** The statuses that say "not now", so that the same request may succeed later. */
export function isTransient(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status === 500 || (status >= 502 && status <= 504)
}

/** What errors say, from what the schedule booked. */
export function traceOf(request: { url: string; method: string }, spent: Spent, laps: AttemptLaps): RequestTrace {
  const { attempts, queue, rate, running, backoff } = spent
  return { url: request.url, method: request.method, attempts, phases: { queue, rate, attempts: running, ...laps, backoff } }
}

function messageOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  const inner = cause.cause instanceof Error ? ` (${cause.cause.message})` : ''
  return cause.message + inner
}
