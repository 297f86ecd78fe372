/** What a thing that is watched has done since an account of it was opened: its counts then are taken from those of now. */

import type { Source } from '../monitor/source.ts'
import type { SourceKind, Watchable } from '../monitor/types.ts'

/** What some of those who are watched can do, besides telling. */
export interface Handle extends Watchable {
  concurrency?: number
  maxBatchSize?: number
  resize?(limits: { max?: number; maxSize?: number }): void
}

/** See the top of this file. */
export class Account {
  readonly source: Source
  #opening: unknown
  #latest: object

  constructor(source: Source) {
    this.source = source
    this.#latest = source.thing.stats()
    this.#opening = this.#latest
  }

  get name(): string {
    return this.source.name
  }

  get kind(): SourceKind {
    return this.source.kind
  }

  get thing(): Handle {
    return this.source.thing as Handle
  }

  /** What it says now; once it is closed and says nothing more, what it said last. */
  stats(): object {
    try {
      this.#latest = this.thing.stats()
    } catch {}
    return this.#latest
  }

  /** Its stats with every count and level less what it was at the opening; texts, and numbers that are not finite, as they are. */
  since<T extends object>(): T {
    return difference(this.stats(), this.#opening) as T
  }

  /** Begins anew. */
  reopen(): void {
    this.#opening = this.stats()
  }
}

function difference(now: unknown, then: unknown): unknown {
  if (typeof now === 'number') return typeof then === 'number' && Number.isFinite(now) && Number.isFinite(then) ? now - then : now
  if (typeof now !== 'object' || now === null) return now
  if (Array.isArray(now)) return now.map((item, at) => difference(item, Array.isArray(then) ? then[at] : undefined))
  const before = (typeof then === 'object' && then !== null ? then : {}) as Record<string, unknown>
  return Object.fromEntries(Object.entries(now).map(([name, field]) => [name, difference(field, before[name])]))
}
