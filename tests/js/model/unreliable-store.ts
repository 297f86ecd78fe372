/** A store over a `Map` that is well, slow or dead as its test says. What it is told takes effect in the order in which it was told. */

import type { Store, StoreContext, Tier, TierEntry, TierStats } from '../../../js/stores/tier.ts'
import { withBarriers } from '../../../js/tier/barrier-tier.ts'
import { isRecord } from '../../../js/tier/records.ts'

/** What becomes of a call: it is answered, waits, fails, or takes effect and fails all the same. */
export type Health = 'well' | 'slow' | 'dead' | 'half dead'

export class UnreliableStore implements Store {
  readonly name: string
  readonly entries = new Map<string, TierEntry>()
  health: Health = 'well'
  /** Lets calls that wait go on. */
  readonly waiting: (() => void)[] = []
  /** Calls that have not been answered yet. */
  underWay = 0
  /** Entries that were taken within the call. */
  offered = 0
  #turn: Promise<unknown> = Promise.resolve()

  constructor(name: string) {
    this.name = name
  }

  openTier({ clock }: StoreContext): Tier {
    const { entries, name } = this
    const stats = { name, state: 'on', hits: 0, misses: 0, dropped: 0, bytes: 0, errors: {} } as unknown as TierStats
    const inTurn = <T>(act: () => T): Promise<T> => {
      this.underWay += 1
      const result = this.#turn.then(() => this.#suffer(act))
      this.#turn = result
        .catch(() => {})
        .finally(() => {
          this.underWay -= 1
        })
      return result
    }
    const tier = {
      name,
      open: async () => {},
      // Records of barriers are not what this is about: a tier that cannot read them gives up everything it has.
      getMany: (keys: readonly string[]) => {
        const read = () => keys.map(key => entries.get(key))
        return keys.some(isRecord) ? Promise.resolve(read()) : this.#suffer(read)
      },
      setMany: (writes: readonly { key: string; entry: TierEntry }[]) =>
        inTurn(() => {
          for (const { key, entry } of writes) entries.set(key, entry)
        }),
      offer: (key: string, entry: TierEntry) => {
        if (this.health !== 'well' || this.underWay > 0) return false
        entries.set(key, entry)
        this.offered += 1
        return true
      },
      deleteMany: (keys: readonly string[]) => inTurn(() => keys.map(key => entries.delete(key))),
      clear: () => inTurn(() => entries.clear()),
      flush: () => inTurn(() => {}),
      close: async () => {},
      stats: () => stats,
    }
    return withBarriers(tier, clock)
  }

  async #suffer<T>(act: () => T): Promise<T> {
    const { health } = this
    if (health === 'dead') throw new Error('no connection')
    if (health === 'slow') await new Promise<void>(resolve => this.waiting.push(resolve))
    const result = act()
    if (health === 'half dead') throw new Error('connection lost')
    return result
  }
}
