/** A store over a `Map` whose answers come when the test lets them. */

import type { Store, StoreContext, Tier, TierEntry, TierStats } from '../../../js/stores/tier.ts'
import { withBarriers } from '../../../js/tier/barrier-tier.ts'
import { isRecord } from '../../../js/tier/records.ts'

export class MapStore implements Store {
  readonly name = 'map'
  readonly entries = new Map<string, TierEntry>()
  readonly calls: string[] = []
  /** Waits before every answer. Default: not at all. */
  pause: () => Promise<void> = async () => {}
  /** Waits before every call takes effect; what it throws, the call rejects with. Default: not at all. */
  before: (() => Promise<void>) | undefined
  /** What the tier counts as errors. */
  readonly errors: Record<string, number> = {}
  /** Refuses every write with this. Default: none. */
  refuse: Error | undefined

  openTier({ clock }: StoreContext): Tier {
    const { entries, calls } = this
    const none = { entries: 0, segments: 0, bytes: 0, liveBytes: 0, deadBytes: 0, queued: 0, queuedBytes: 0 }
    const counts = { hits: 0, misses: 0, reads: 0, writes: 0, reclaimed: 0, compactions: 0, dropped: 0 }
    const stats: TierStats = { name: 'map', state: 'on', reason: undefined, ...none, ...counts, errors: this.errors }
    const tier = {
      name: 'map',
      open: () => this.pause(),
      getMany: async (keys: readonly string[]) => {
        if (!keys.some(key => isRecord(key) || isMemo(key))) calls.push(`get ${keys.join()}`)
        if (this.before !== undefined) await this.before()
        const found = keys.map(key => entries.get(key))
        await this.pause()
        return found
      },
      setMany: async (writes: readonly { key: string; entry: TierEntry }[]) => {
        calls.push(`set ${writes.map(({ key }) => key).join()}`)
        if (this.refuse !== undefined) throw this.refuse
        if (this.before !== undefined) await this.before()
        for (const { key, entry } of writes) entries.set(key, entry)
        await this.pause()
      },
      deleteMany: async (keys: readonly string[]) => {
        calls.push(`delete ${keys.join()}`)
        if (this.before !== undefined) await this.before()
        const had = keys.map(key => entries.delete(key))
        await this.pause()
        return had
      },
      clear: async () => {
        if (this.before !== undefined) await this.before()
        entries.clear()
        await this.pause()
      },
      flush: () => this.pause(),
      close: async () => {
        calls.push('close')
      },
      stats: () => stats,
    }
    return withBarriers(tier, clock)
  }
}

/** What the cache keeps for itself. */
export function isMemo(key: string): boolean {
  return key.startsWith('\u001f0:untold:')
}
