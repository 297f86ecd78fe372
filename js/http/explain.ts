/** What would delay or refuse a request that were made now. To look changes nothing: no count, no order of use, no token. */

import { ClosedError } from '../errors.ts'
import { isVariants, variantKey, verdictOn } from './caching.ts'
import type { Desk } from './desk.ts'
import { isStoredResponse, type StoredResponse } from './record.ts'
import type { WireRequest } from './request.ts'
import { ageAt } from './rfc9111/reuse.ts'
import type { OutlookReason, RequestOutlook } from './types.ts'

/** See the top of this file. */
export function explain(request: WireRequest, desk: Desk, rateMaxWait: number | undefined): RequestOutlook {
  if (desk.closed) throw new ClosedError('the fetch client')
  const { method, url, host, limits } = request
  const { concurrency } = desk.stats()
  const perHost = desk.concurrencyOf(host)
  const seen = desk.schedule.outlook(host)
  const toWall = desk.clock.wall() - desk.driver.now()
  const cache = cacheState(request, desk)
  const waiting = seen.queued + seen.sleeping
  const free = Math.max(0, seen.concurrency - seen.running)
  const freeOfHost = Math.max(0, perHost - seen.lane.running)

  const refused: OutlookReason[] = []
  const delays: OutlookReason[] = []
  if (request.cache?.mode === 'only-if-cached' && cache.state === 'none') refused.push({ reason: 'not-cached' })
  if (seen.shutUntil !== undefined) {
    const isKnown = Number.isFinite(seen.shutUntil)
    refused.push({ reason: seen.circuit === 'isolated' ? 'isolated' : 'circuit-open', ...(isKnown && { until: seen.shutUntil + toWall }) })
  }
  if (seen.heldUntil !== undefined) {
    const isTooLong = seen.heldUntil - desk.driver.now() >= limits.totalTimeout
    ;(isTooLong ? refused : delays).push({ reason: 'held', until: seen.heldUntil + toWall })
  }
  if (seen.rateWait > 0) {
    const isTooLong = rateMaxWait !== undefined && seen.rateWait > rateMaxWait
    ;(isTooLong ? refused : delays).push({ reason: 'rate-limit', wait: seen.rateWait })
  }
  if (free === 0) delays.push({ reason: 'slots' })
  if (freeOfHost === 0) delays.push({ reason: 'slots-of-host' })
  if (!seen.begins && waiting >= desk.maxQueue) refused.push({ reason: 'queue-full' })
  else if (!seen.begins && refused.length + delays.length === 0) delays.push({ reason: 'queue' })

  const isShared = request.flight !== undefined && desk.isUnderWay(request.flight)
  const isAnswered = cache.state === 'fresh' || (cache.state === 'stale' && cache.isServed)
  const outcome = isAnswered
    ? 'from-cache'
    : isShared
      ? 'shared'
      : refused.length > 0
        ? 'refused'
        : seen.begins && delays.length === 0
          ? 'sent'
          : 'waits'
  const connections = desk.transport.stats?.().hosts[host]
  return {
    method,
    url,
    host,
    outcome,
    reasons: [...refused, ...delays],
    cache,
    circuit: seen.circuit,
    queue: { length: seen.queued, ofHost: seen.lane.queued, sleeping: seen.sleeping, max: desk.maxQueue },
    slots: { free, max: concurrency, freeOfHost, perHost },
    rateWait: seen.rateWait,
    retriesLeft: seen.retriesLeft,
    ...(connections !== undefined && { connections }),
  }
}

/** What memory has. What only a lower tier has is not looked for. */
function cacheState({ cache: use }: WireRequest, { cache, clock }: Desk): RequestOutlook['cache'] {
  if (use === undefined || cache === undefined) return { state: 'unused', isServed: false }
  const { memory } = cache
  const peek = (key: string) => (memory.peek === undefined ? undefined : memory.peek(key))
  let found = peek(use.key)
  if (isVariants(found)) found = peek(variantKey(use, found.vary))
  if (!isStoredResponse(found)) return { state: 'none', isServed: false }
  const verdict = verdictOn(found, use, clock.wall())
  const isFresh = verdict === 'fresh' && use.mode !== 'reload'
  const age = ageOf(found, clock.wall())
  return {
    state: isFresh ? 'fresh' : 'stale',
    isServed: verdict !== 'validate' && use.mode !== 'reload',
    ...(age !== undefined && { age }),
  }
}

function ageOf({ freshness }: StoredResponse, now: number): number | undefined {
  return freshness && ageAt(freshness, now)
}
