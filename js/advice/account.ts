/** What a thing that is watched has done since an account of it was opened: its counts then are taken from those of now. */

import type { MissRatioCurve } from '../cache/memory-types.ts'
import type { SourceKind, Watchable } from '../monitor/types.ts'

/** What some of those who are watched can do, besides telling. */
export interface Handle extends Watchable {
  readonly memory?: Handle
  concurrency?: number
  maxBatchSize?: number
  missRatioCurve?(): MissRatioCurve
  resize?(limits: { max?: number; maxSize?: number }): void
}

/** See the top of this file. */
export class Account {
  readonly name: string
  readonly kind: SourceKind
  readonly thing: Handle
  #opening: unknown

  constructor(name: string, kind: SourceKind, thing: Watchable) {
    this.name = name
    this.kind = kind
    this.thing = thing
    this.#opening = this.stats()
  }

  /** What it says now; nothing once it is closed. */
  stats(): object {
    try {
      return this.thing.stats()
    } catch {
      return {}
    }
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
