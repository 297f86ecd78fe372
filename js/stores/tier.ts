/**
 * What a cache talks to when it keeps values somewhere else: a {@link Tier}. Keys are strings, compared as exact
 * sequences of UTF-16 units. A {@link Store} is what users write in `store` or `tiers`: a description that opens nothing.
 */

import type { Clock } from '../clock.ts'
import type { TierCore } from '../tier/core.ts'
import type { GivenUp, GiveUpMode } from './barriers.ts'
import type { BusStats } from './bus.ts'
import type { Compression } from './compression.ts'
import type { SegmentMedium } from './segment-medium.ts'

/**
 * When a write counts as done: `'memory'` when it is queued, `'stored'` when the medium has taken it (transaction complete, append
 * written: survives the death of the process), `'durable'` when the medium has been told to sync (survives power loss, as far as the disk is honest).
 */
export type Persist = 'memory' | 'stored' | 'durable'

/** One value and its times, in milliseconds since the Unix epoch. */
export interface TierEntry {
  readonly value: unknown
  /** From when on the entry is of no use to anybody; `Infinity` means never. It may be stale before: see {@link EntryFacts.freshUntil}. */
  readonly expiresAt: number
  /** When the value was set. */
  readonly writtenAt: number
  /** What else the cache wants to know of the entry. A tier keeps it as it is. */
  readonly facts?: EntryFacts | undefined
  /** The tier's answer only: the value was given up with mode `'expire'`, and is stale since then (Unix epoch, milliseconds). */
  readonly expiredAt?: number | undefined
  /** The cache's own: memory has not kept it; or, where a tier gets only what memory gives up, that tier has it already. */
  readonly fate?: 'evicted' | 'below' | undefined
}

/** What a cache knows of an entry beside its value: plain data that JSON keeps. Absent is the usual. */
export interface EntryFacts {
  /** Until when the value is fresh, in milliseconds since the Unix epoch. Default: `expiresAt`. */
  readonly freshUntil?: number | undefined
  /** For how long after that it may be served while it is refreshed, or when refreshing fails, in milliseconds. Default: the cache's. */
  readonly swr?: number | undefined
  readonly sie?: number | undefined
  readonly etag?: string | undefined
  readonly lastModified?: string | undefined
  /** There is no value: a loader has found out that there is none. */
  readonly none?: true | undefined
  /** Names under which the entry can be given up, and the keys that its value was made from. */
  readonly tags?: readonly string[] | undefined
  readonly dependsOn?: readonly string[] | undefined
  /** What `validate` of the cache is told. */
  readonly version?: string | number | undefined
  /** The `buster` of the cache that wrote it. */
  readonly buster?: string | undefined
  /** A tier's own: the last invalidation before the entry was written. */
  readonly era?: number | undefined
}

/**
 * Which entries an invalidation means: those with one of `tags`, or those whose key is `key`, begins with `prefix` or
 * matches `pattern`; and those that depend on a key that is meant so. Also `mode`: with `'expire'` they are stale, not gone.
 */
export type Invalidation = GivenUp & { readonly mode?: GiveUpMode | undefined }

/** What a tier is able to do at the moment. `'read-only'` means that another process holds the folder and writes there. */
export type TierState = 'closed' | 'on' | 'read-only' | 'off'

/** Counts since the tier was made, and sizes as of now. Bytes are those of the medium. */
export interface TierStats {
  readonly name: string
  readonly state: TierState
  /** Why the tier is `'off'` or `'read-only'`. */
  readonly reason: string | undefined
  /** Entries that a read could find, expired ones among them until their segment goes. */
  readonly entries: number
  /** Records of the log; 0 where there is no log. */
  readonly segments: number
  readonly bytes: number
  /** Those of the bytes that belong to entries. */
  readonly liveBytes: number
  /** Those of the bytes that nobody needs any more. */
  readonly deadBytes: number
  /** Writes that are queued and not yet in the medium. */
  readonly queued: number
  readonly queuedBytes: number
  /** Keys that were asked for and found. */
  readonly hits: number
  readonly misses: number
  /** Segments read from the medium. */
  readonly reads: number
  /** Entries written to the medium. */
  readonly writes: number
  /** Segments given up for the byte budget. */
  readonly reclaimed: number
  /** Segments rewritten to free dead bytes. */
  readonly compactions: number
  /** Writes that were given up: the tier was off or read-only, or the medium failed for good. Memory still has them. */
  readonly dropped: number
  /** Bytes of values that were written, before and after compression; absent where there is none. */
  readonly compressed?: { readonly before: number; readonly after: number } | undefined
  /** Failures by kind; a failed read is a miss, never a throw. */
  readonly errors: Readonly<Record<string, number>>
  /** Of the bus beside it, where there is one. */
  readonly bus?: BusStats | undefined
}

/** What becomes of an entry that is offered, see {@link Tier.offer}. */
export type Offered = boolean | Promise<void>

/** A place for values below the memory cache. Reads never reject because of the medium: a failure is a counted miss. */
export interface Tier {
  readonly name: string
  /** Whether other processes read and write the same entries, and this one sees what they do. Default: false. */
  readonly isShared?: boolean | undefined
  /** Reads what is stored (the directory, not the values). Idempotent; never rejects: a tier that cannot open is `'off'`, with the reason in {@link stats}. */
  open(): Promise<void>
  /** The valid entries of `keys`, in their order; `undefined` where there is none. Rejects only when `signal` aborts or the tier is closed. */
  getMany(keys: readonly string[], options?: { readonly signal?: AbortSignal | undefined }): Promise<(TierEntry | undefined)[]>
  /** Queues the entries, newest wins. Resolves as `persist` says; rejects when that cannot be kept. With a full queue it waits first. */
  setMany(entries: readonly { readonly key: string; readonly entry: TierEntry }[], options: { readonly persist: Persist }): Promise<void>
  /**
   * Queues one entry within the call, as {@link setMany} with `persist: 'memory'` does by and by. False where that would take longer or
   * reject: then nothing has happened, and `setMany` is to be called. A promise: it is queued, and whoever sets entries one after another
   * should wait for that. Neither throws nor rejects. A tier that cannot do it leaves it out.
   */
  offer?(key: string, entry: TierEntry): Offered
  /** Hides `keys` at once and deletes them as `persist` (default `'memory'`) says. For each key, whether the tier had it. */
  deleteMany(keys: readonly string[], options?: { readonly persist?: Persist | undefined }): Promise<boolean[]>
  /**
   * Gives up every entry that is meant and was written before, at once; resolves as `persist` (default `'stored'`) says.
   * Those that depend on a key go, too, when that is written or deleted.
   */
  invalidate(meant: Invalidation, options?: { readonly persist?: Persist | undefined }): Promise<void>
  /** Hides everything at once; resolves when the medium is empty. */
  clear(): Promise<void>
  /** As many of the keys that are `wanted` as there is room for, those first whose entries were written last. A tier that cannot tell leaves it out. */
  recent?(most: Room, wanted: (key: string) => boolean): Promise<string[]>
  /** Resolves when everything queued before the call is stored; rejects when some of it cannot be. */
  flush(): Promise<void>
  /**
   * The right to load `key` for all who share the store; call the result to give it back, which it is when all that was written
   * before is stored. By then the tier has seen what others have written. `undefined` where nobody else is to be asked; the promise gives
   * `undefined` when the right was not to be had within seconds, or `signal` aborts.
   */
  readonly lock?: ((key: string, signal: () => AbortSignal) => Promise<(() => void) | undefined> | undefined) | undefined
  /** Flushes, with a deadline, and lets go of the medium. Idempotent. */
  close(): Promise<void>
  stats(): TierStats
}

/** How many entries there is room for, and how many bytes of what is stored. */
export interface Room {
  readonly entries: number
  readonly bytes: number
}

/** What somebody else has done to a store: whoever kept something of it elsewhere must forget that. */
export type StoreChange =
  | { readonly keys: readonly string[] }
  | { readonly invalidation: Invalidation }
  /** Whatever it was, it may concern everything. `isEmptied`: nothing that was written before is there any more. */
  | { readonly all: true; readonly isEmptied?: boolean }

/** What opens a {@link Tier}: the times it must use. */
export interface StoreContext {
  readonly clock: Clock
  /** Timers, lent to the tier. */
  readonly core: TierCore
  /** Is told what others have done to the same store, another tab for example, when the tier itself knows. */
  readonly onChange?: ((change: StoreChange) => void) | undefined
  /** Whether memory has a value of `key`. What a tier must give up for its budget it gives up among the others, as far as it can. */
  readonly isInUse?: ((key: string) => boolean) | undefined
  /** Is told that the tier is `'off'` from now on, once until it is back. */
  readonly onOff?: ((reason: unknown) => void) | undefined
  /** Is told that a tier that was off is back. */
  readonly onBack?: (() => void) | undefined
}

/** What opens a medium. */
export interface MediumContext extends StoreContext {
  /** Counts something that went wrong and was mended, such as a handle that had to be reopened; it shows in {@link TierStats.errors}. */
  count(kind: string): void
  /** All that was listed is gone, whoever did that: the directory has to be read anew. */
  forgotten(): void
  /** Waits, in milliseconds. */
  pause(ms: number): Promise<void>
}

/** A place for values: it describes a tier and opens nothing until it is asked. */
export interface Store {
  readonly name: string
  openTier(context: StoreContext): Tier
}

/** A store over a log of segments; `segmentStore` of `js/tier` makes one out of a medium. */
export interface SegmentStore extends Store {
  /** Budget in bytes of the medium; beyond it whole segments are given up: those in which everything has expired, then the oldest, without what is in use. Default `Infinity`. */
  readonly maxSize: number
  readonly compression?: Compression | undefined
  openMedium(context: MediumContext): SegmentMedium
}
