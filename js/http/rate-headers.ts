/** What a host says of its own limits: for how long it wants to hear nothing. */

import type { StoredResponse } from './record.ts'
import { retryAfterMs } from './retry.ts'

/** A reset beyond this is a time, in seconds since the epoch, and not a span. */
const LATEST_SPAN_S = 1_000_000_000

/**
 * For how many milliseconds nothing more is to be sent to the host that answered so; 0 where it does not say. By `Retry-After` of a 429 or 503; by
 * `RateLimit` (draft-ietf-httpapi-ratelimit-headers, of 2025 and before) or `RateLimit-Remaining` and `RateLimit-Reset`, also with `X-`, where nothing remains.
 */
export function pauseOf(record: Pick<StoredResponse, 'status' | 'headers'>, wall: number): number {
  const { status, headers } = record
  const asked = status === 429 || status === 503 ? (retryAfterMs(record, wall) ?? 0) : 0
  let pause = asked
  let [remaining, reset]: (number | undefined)[] = []
  for (const [name, value] of headers) {
    if (name === 'ratelimit') pause = Math.max(pause, ...value.split(',').map(pauseOfItem), pauseOfItem(value))
    else if (name === 'ratelimit-remaining' || name === 'x-ratelimit-remaining') remaining = wholeOf(value)
    else if (name === 'ratelimit-reset' || name === 'x-ratelimit-reset' || name === 'x-ratelimit-reset-after') reset = wholeOf(value)
  }
  return remaining === 0 && reset !== undefined ? Math.max(pause, spanMs(reset, wall)) : pause
}

/** `"default";r=0;t=30`, or `limit=10, remaining=0, reset=30`. */
function pauseOfItem(item: string): number {
  const remaining = /(?:^|[\s;,])(?:r|remaining)=(\d+)/.exec(item)?.[1]
  const reset = /(?:^|[\s;,])(?:t|reset)=(\d+)/.exec(item)?.[1]
  return remaining !== undefined && Number(remaining) === 0 && reset !== undefined ? Number(reset) * 1000 : 0
}

function wholeOf(value: string): number | undefined {
  return /^\s*\d+(\.\d+)?\s*$/.test(value) ? Number(value) : undefined
}

function spanMs(seconds: number, wall: number): number {
  return seconds > LATEST_SPAN_S ? Math.max(0, seconds * 1000 - wall) : seconds * 1000
}
