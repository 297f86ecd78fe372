/** What is counted and told of reads that go below memory, and of loads. */

import type { TimerSeries } from '../metrics/instruments.ts'
import type { StaleUse } from './former.ts'
import { NONE } from './kept.ts'
import { Latencies } from './latencies.ts'
import type { Lease } from './leases.ts'
import type { Listeners } from './listeners.ts'
import { MissCounts, reasonOf } from './miss-counts.ts'
import type { CacheEvents } from './types.ts'

/** See the top of this file. */
export class LoadTally<V> {
  readonly counts = {
    tierHits: 0,
    misses: 0,
    loads: 0,
    loadErrors: 0,
    coalesced: 0,
    discarded: 0,
    staleHits: 0,
    staleAfterError: 0,
    staleAfterTimeout: 0,
    negativeHits: 0,
    refreshes: 0,
    timeouts: 0,
    backedOff: 0,
  }
  readonly misses = new MissCounts()
  readonly latencies = new Latencies()
  timer: TimerSeries | undefined
  listeners: Listeners<CacheEvents<V>> | undefined

  /** A caller gets a stale value. */
  servedStale(key: string, value: V, use: StaleUse): void {
    this.listeners?.emit('stale', { key, value, reason: use === 'slow' ? 'timeout' : use })
    if (use === 'error') this.counts.staleAfterError += 1
    else if (use === 'slow') this.counts.staleAfterTimeout += 1
    else this.counts.staleHits += 1
  }

  /** A read found nothing, or a load begins for want of anything. */
  missed({ key, why }: Readonly<Lease>): void {
    this.counts.misses += 1
    this.misses.add(why)
    this.listeners?.emit('miss', { key, reason: reasonOf(why) })
  }

  /** A tier has answered. Gives what the caller gets. */
  fromTier(key: string, fresh: V | typeof NONE): V | undefined {
    this.counts.tierHits += 1
    if (fresh === NONE) {
      this.counts.negativeHits += 1
      return undefined
    }
    this.listeners?.emit('hit', { key, value: fresh })
    return fresh
  }

  /** A tier has not taken what nobody waits for. It counts that itself. */
  tierFailed(key: string, error: unknown): void {
    this.listeners?.emit('tierError', { key, error })
  }
}
