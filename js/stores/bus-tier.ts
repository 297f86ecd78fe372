/**
 * A tier that others share, with a bus beside it. What changes here is told when the store has it, not before: whoever
 * hears of it forgets what he has and reads the store, and must not find there what was before.
 */

import { ClosedError, ShelflifeError } from '../errors.ts'
import type { Bus, BusConnection, BusContext } from './bus.ts'
import { Changes } from './changes.ts'
import type { Invalidation, Offered, Persist, Store, StoreContext, Tier, TierEntry, TierStats } from './tier.ts'

/** After the store could not take what has changed, it is asked again so much later. */
const RETRY_MS = 250
const CLOSE_MS = 2000

/** A bus by the name of `name`. */
export function busOf(name: string, connect: (context: BusContext) => BusConnection): Bus {
  return {
    name,
    share(store = NOWHERE) {
      const openTier = (context: StoreContext): Tier => {
        const onChange = context.onChange ?? (() => {})
        return new BusTier(store.openTier(context), connect({ ...context, onChange }), context)
      }
      return { name: store.name, openTier }
    },
  }
}

class BusTier implements Tier {
  readonly name: string
  readonly isShared = true
  readonly lock: Tier['lock']
  readonly #tier: Tier
  readonly #bus: BusConnection
  readonly #core: StoreContext['core']
  readonly #changes = new Changes()
  #isTelling = false
  #closing: Promise<void> | undefined

  constructor(tier: Tier, bus: BusConnection, { core }: StoreContext) {
    this.name = tier.name
    this.lock = tier.lock?.bind(tier)
    this.#tier = tier
    this.#bus = bus
    this.#core = core
  }

  async open(): Promise<void> {
    await Promise.all([this.#tier.open(), this.#bus.open()])
  }

  getMany(keys: readonly string[], options?: { readonly signal?: AbortSignal | undefined }): Promise<(TierEntry | undefined)[]> {
    return this.#tier.getMany(keys, options)
  }

  setMany(entries: readonly { readonly key: string; readonly entry: TierEntry }[], options: { readonly persist: Persist }): Promise<void> {
    const done = this.#tier.setMany(entries, options)
    this.#changed({ keys: entries.map(({ key }) => key) })
    return done
  }

  offer(key: string, entry: TierEntry): Offered {
    const offered = this.#tier.offer?.(key, entry) ?? false
    if (offered !== false) this.#changed({ keys: [key] })
    return offered
  }

  deleteMany(keys: readonly string[], options?: { readonly persist?: Persist | undefined }): Promise<boolean[]> {
    const done = this.#tier.deleteMany(keys, options)
    this.#changed({ keys })
    return done
  }

  invalidate(meant: Invalidation, options?: { readonly persist?: Persist | undefined }): Promise<void> {
    const done = this.#tier.invalidate(meant, options)
    this.#changed({ invalidation: meant })
    return done
  }

  clear(): Promise<void> {
    const done = this.#tier.clear()
    this.#changed({ all: true })
    return done
  }

  flush(): Promise<void> {
    return this.#tier.flush()
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  stats(): TierStats {
    return { ...this.#tier.stats(), bus: this.#bus.stats() }
  }

  #changed(change: Parameters<Changes['add']>[0]): void {
    this.#changes.add(change)
    if (this.#isTelling || this.#closing !== undefined) return
    this.#isTelling = true
    // All that changes in this task is told together.
    void Promise.resolve().then(() => this.#tell())
  }

  async #tell(): Promise<void> {
    try {
      while (this.#changes.size > 0 && this.#closing === undefined) {
        const changes = this.#changes.take()
        try {
          await this.#tier.flush()
        } catch {
          // It counts its own failures. When this ends, the others hear all the same: better forgotten once too often.
          if (this.#closing === undefined) {
            for (const change of changes) this.#changes.add(change)
            await this.#pause()
            continue
          }
        }
        for (const change of changes) this.#bus.publish(change)
      }
    } finally {
      this.#isTelling = false
    }
  }

  async #close(): Promise<void> {
    const { driver, Alarm } = this.#core
    await new Promise<void>(resolve => {
      const late = new Alarm(() => resolve(), { holds: true })
      driver.set(late, driver.now() + CLOSE_MS)
      const end = () => {
        driver.set(late, Number.POSITIVE_INFINITY)
        resolve()
      }
      this.#tier.flush().then(end, end)
    })
    for (const change of this.#changes.take()) this.#bus.publish(change)
    await Promise.all([this.#tier.close(), this.#bus.close()])
  }

  #pause(): Promise<void> {
    const { driver, Alarm } = this.#core
    return new Promise(resolve => driver.set(new Alarm(() => resolve()), driver.now() + RETRY_MS))
  }
}

/** A store that keeps nothing: caches in memory that only tell each other. */
const NOWHERE: Store = { name: 'nowhere', openTier: () => new NoTier() }

class NoTier implements Tier {
  readonly name = 'nowhere'
  #isClosed = false

  async open(): Promise<void> {}

  async getMany(keys: readonly string[]): Promise<undefined[]> {
    this.#refuse('memory')
    return keys.map(() => undefined)
  }

  async setMany(_: readonly unknown[], { persist }: { readonly persist: Persist }): Promise<void> {
    this.#refuse(persist)
  }

  offer(): boolean {
    return !this.#isClosed
  }

  async deleteMany(keys: readonly string[]): Promise<boolean[]> {
    this.#refuse('memory')
    return keys.map(() => false)
  }

  async invalidate(): Promise<void> {
    this.#refuse('memory')
  }

  async clear(): Promise<void> {
    this.#refuse('memory')
  }

  async flush(): Promise<void> {}

  async close(): Promise<void> {
    this.#isClosed = true
  }

  stats(): TierStats {
    return {
      ...{ name: this.name, state: this.#isClosed ? 'closed' : 'on', reason: undefined, entries: 0, segments: 0, bytes: 0, liveBytes: 0 },
      ...{ deadBytes: 0, queued: 0, queuedBytes: 0, hits: 0, misses: 0, reads: 0, writes: 0, reclaimed: 0, compactions: 0, dropped: 0 },
      errors: {},
    }
  }

  #refuse(persist: Persist): void {
    if (this.#isClosed) throw new ClosedError('the cache')
    if (persist !== 'memory') throw new ShelflifeError('ERR_STORE', 'there is no store')
  }
}
