/** What a cache still has of a key when it sets out to load it anew. */

import type { Marked } from '../stores/barriers.ts'

/** A value past its time to live, or one that is refreshed ahead of it. */
export interface Former<V> extends Marked {
  readonly value: V
  /** Until when it is fresh, on the driver's timeline. */
  readonly freshUntil: number
  /** For how long after that it may be given while it is refreshed, and when refreshing fails. */
  readonly swr: number
  readonly sie: number
  readonly etag: string | undefined
  readonly lastModified: string | undefined
}

/** The uses of a stale value. */
export type StaleUse = 'revalidate' | 'error' | 'slow'

/** Whether `former` may be given at `now` to somebody whose own windows, where he has any, are `own`. */
export function mayServe(
  former: Former<unknown>,
  use: StaleUse,
  own: { readonly swr: number | undefined; readonly sie: number | undefined },
  now: number,
): boolean {
  const swr = own.swr ?? former.swr
  const sie = own.sie ?? former.sie
  const window = use === 'revalidate' ? swr : use === 'error' ? sie : Math.max(swr, sie)
  return now - former.freshUntil < window
}
