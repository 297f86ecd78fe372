/** Reads the options of loading, once for a cache and once for each call that loads. */

import { InvalidArgumentError } from '../errors.ts'
import { type Duration, durationMs, durationOrZeroMs } from '../options.ts'
import type { LoadingOptions, StaleOptions } from './loading-types.ts'

const NEVER = Number.POSITIVE_INFINITY

/** How long a stale value may be used, in milliseconds; `undefined` where nothing was said. */
export interface StaleWindows {
  readonly swr: number | undefined
  readonly sie: number | undefined
}

/** How to go about loading. Durations in milliseconds. */
export interface LoadPolicy extends StaleWindows {
  readonly backoffMs: number
  /** A fresh entry is refreshed when this share of its life is over. */
  readonly aheadShare: number
  /** Or when no more than this is left of it. */
  readonly aheadMs: number
  readonly softMs: number
  readonly hardMs: number
  readonly negativeMs: number
}

/** What holds where nothing is said. */
export const USUAL: LoadPolicy = {
  swr: undefined,
  sie: undefined,
  backoffMs: 10_000,
  aheadShare: 1,
  aheadMs: 0,
  softMs: NEVER,
  hardMs: NEVER,
  negativeMs: 0,
}

/** Throws `ERR_INVALID_ARGUMENT` for anything that cannot be meant. */
export function readStaleWindows({ staleWhileRevalidate, swr, staleIfError, grace }: StaleOptions): StaleWindows {
  const both = grace === undefined ? undefined : durationOrZeroMs(grace, 'grace')
  const alias = swr === undefined ? both : durationOrZeroMs(swr, 'swr')
  return {
    swr: staleWhileRevalidate === undefined ? alias : durationOrZeroMs(staleWhileRevalidate, 'staleWhileRevalidate'),
    sie: staleIfError === undefined ? both : durationOrZeroMs(staleIfError, 'staleIfError'),
  }
}

/** What `options` say, and `base` where they are silent. Throws `ERR_INVALID_ARGUMENT` for anything that cannot be meant. */
export function readLoadPolicy(options: LoadingOptions, base: LoadPolicy): LoadPolicy {
  const { errorBackoff, refreshAhead, softTimeout, hardTimeout, negativeTtl } = options
  const { swr = base.swr, sie = base.sie } = readStaleWindows(options)
  return {
    swr,
    sie,
    backoffMs: errorBackoff === undefined ? base.backoffMs : durationOrZeroMs(errorBackoff, 'errorBackoff'),
    aheadShare: refreshAhead === undefined ? base.aheadShare : readShare(refreshAhead),
    aheadMs: refreshAhead === undefined ? base.aheadMs : isShare(refreshAhead) ? 0 : durationMs(refreshAhead, 'refreshAhead'),
    softMs: softTimeout === undefined ? base.softMs : durationOrZeroMs(softTimeout, 'softTimeout'),
    hardMs: hardTimeout === undefined ? base.hardMs : durationMs(hardTimeout, 'hardTimeout'),
    negativeMs: negativeTtl === undefined ? base.negativeMs : durationOrZeroMs(negativeTtl, 'negativeTtl'),
  }
}

function isShare(refreshAhead: Duration): boolean {
  return typeof refreshAhead === 'number' && refreshAhead <= 1
}

function readShare(refreshAhead: Duration): number {
  if (!isShare(refreshAhead)) return 1
  if (!((refreshAhead as number) > 0))
    throw new InvalidArgumentError('refreshAhead', 'a share above 0 and up to 1, or a duration', refreshAhead)
  return refreshAhead as number
}
