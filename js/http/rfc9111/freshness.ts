/** How old an answer is and how long it is fresh (RFC 9111, section 4.2). Times are milliseconds. */

import { parseHttpDate } from './dates.ts'
import type { Directives } from './directives.ts'
import { type AnswerHead, deltaSeconds, type Fields, fieldOf } from './fields.ts'
import { isCacheableByDefault } from './statuses.ts'

/** When an answer was asked for and when its head came, by the local wall clock. */
export interface Times {
  readonly sentAt: number
  readonly receivedAt: number
}

/** How an answer without a word about its freshness is judged. */
export interface Heuristic {
  /** The share of the time since its last change that it is fresh for; 0: none. */
  readonly fraction: number
  /** At most so long. */
  readonly most: number
}

/** How long an answer is fresh, and who said so. `undefined`: nobody did. */
export type Lifetime = { readonly ms: number; readonly by: 'origin' | 'heuristic' } | undefined

/** How long after its making an answer is fresh. Shared caches have directives of their own. */
export function lifetimeOf(head: AnswerHead, said: Directives, shared: boolean, { receivedAt }: Times, heuristic: Heuristic): Lifetime {
  if (shared && said.sMaxAge !== undefined) return { ms: said.sMaxAge * 1000, by: 'origin' }
  if (said.maxAge !== undefined) return { ms: said.maxAge * 1000, by: 'origin' }
  const made = dateOf(head.headers, receivedAt) ?? receivedAt
  const expires = fieldOf(head.headers, 'expires')
  if (expires !== undefined) {
    // `0` and whatever else is no date is in the past.
    const at = parseHttpDate(expires.trim(), receivedAt)
    return { ms: at === undefined ? 0 : Math.max(0, at - made), by: 'origin' }
  }
  if (!isCacheableByDefault(head.status) && !said.public) return undefined
  const changed = parseHttpDate(fieldOf(head.headers, 'last-modified') ?? '', receivedAt)
  if (changed === undefined || changed > made || heuristic.fraction === 0) return undefined
  return { ms: Math.min(heuristic.most, (made - changed) * heuristic.fraction), by: 'heuristic' }
}

/**
 * When an answer was made, by the local clock: before it came by whatever is greater, the time since its `Date`, or its `Age` and all
 * the time that it was on its way. A `Date` in the future, of a clock that is ahead, makes nothing younger.
 */
export function bornAt(headers: Fields, { sentAt, receivedAt }: Times): number {
  const made = dateOf(headers, receivedAt)
  const apparent = made === undefined ? 0 : Math.max(0, receivedAt - made)
  const announced = (deltaSeconds((fieldOf(headers, 'age') ?? '').split(',')[0]?.trim() ?? '') ?? 0) * 1000
  return receivedAt - Math.max(apparent, announced + Math.max(0, receivedAt - sentAt))
}

function dateOf(headers: Fields, now: number): number | undefined {
  return parseHttpDate((fieldOf(headers, 'date') ?? '').trim(), now)
}
