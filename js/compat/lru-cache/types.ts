/** The types of `shelflife/lru-cache`, under the names that lru-cache 11 gives them; see `LRUCache` for the namespace. */

import type { LRUCache } from './lru-cache.ts'

/** What a function without a `return` gives. */
// biome-ignore lint/suspicious/noConfusingVoidType: lru-cache's types name both, and programs written for them have to compile.
export type Nothing = undefined | void

/** Where time comes from: `performance`, `Date`, or a test's own clock. */
export interface Perf {
  /** Milliseconds since any fixed moment but its own zero: 0 counts as "no time". */
  now(): number
}

/** Why an entry left: room was needed, it was overwritten, deleted, too old, or a fetch for it failed. */
export type DisposeReason = 'evict' | 'set' | 'delete' | 'expire' | 'fetch'
/** Told of an entry that leaves. */
export type Disposer<K, V> = (value: V, key: K, reason: DisposeReason) => void
/** How an entry came in: new, the same value once more, or another value in place of one. */
export type InsertReason = 'add' | 'update' | 'replace'
/** Told of an entry that comes in. */
export type Inserter<K, V> = (value: V, key: K, reason: InsertReason) => void
/** The size of an entry, a whole number above zero. */
export type SizeCalculator<K, V> = (value: V, key: K) => number

/** What an operation found and did; the operation writes it into the object given as `status`. */
export interface Status<K, V, FC = unknown> {
  /** The operation. */
  op?: 'get' | 'set' | 'memo' | 'fetch' | 'delete' | 'has' | 'peek'
  /** What `set` did; `'miss'` when it did not store. */
  set?: InsertReason | 'miss' | 'deleted'
  /** Why an entry was deleted. */
  delete?: DisposeReason
  /** What `peek` found. */
  peek?: 'hit' | 'miss' | 'stale'
  /** Whether `memo` found the value or had it made. */
  memo?: 'hit' | 'miss'
  /** What `has` found. */
  has?: 'hit' | 'stale' | 'miss'
  /** What `get` found. */
  get?: 'stale' | 'hit' | 'miss' | 'fetching' | 'stale-fetching'
  /** What `fetch` found; `'get'` without a `fetchMethod`. */
  fetch?: 'get' | 'inflight' | 'miss' | 'hit' | 'stale' | 'refresh'
  /** The `context` of a fetch or memo. */
  context?: unknown
  /** How long the entry lives, in ms. */
  ttl?: number
  /** Since when it lives, on the clock `perf`. */
  start?: number
  /** The time by which it was judged. */
  now?: number
  /** What is left of its life in ms; negative when it is stale. */
  remainingTTL?: number
  /** The size of the entry. */
  entrySize?: number
  /** The size of all entries. */
  totalCalculatedSize?: number
  /** It was not stored, being larger than `maxEntrySize`. */
  maxEntrySizeExceeded?: true
  /** The key in question. */
  key?: K
  /** The value set or found. */
  value?: V
  /** The value that was replaced. */
  oldValue?: V
  /** The call asked for a refresh. */
  forceRefresh?: boolean
  /** `fetchMethod` was called. */
  fetchDispatched?: true
  /** What it gave was stored. */
  fetchUpdated?: true
  /** Why the fetch failed or was aborted. */
  fetchError?: Error
  /** The fetch was aborted. */
  fetchAborted?: true
  /** The fetch was aborted, and its value taken nevertheless. */
  fetchAbortIgnored?: true
  /** `fetchMethod` gave a value. */
  fetchResolved?: true
  /** `fetchMethod` failed. */
  fetchRejected?: true
  /** A stale value was given out. */
  returnedStale?: true
  /** The operation is traced through `node:diagnostics_channel`. */
  trace?: boolean
  /** The cache in question. */
  cache?: LRUCache<K & {}, V & {}, FC>
}

/** Everything that the constructor takes. At least one of `max`, `maxSize` and `ttl` has to be there. */
export interface OptionsBase<K, V, FC> {
  /** Most entries. Default: 0, no limit of its own; nothing is allocated ahead. Never above 16 776 192 entries, about what a `Map` holds. */
  max?: number
  /** How long an entry lives, in ms. Default: 0, for ever. */
  ttl?: number
  /** The clock is read at most once in this many ms; 0 reads it each time. Default: 1. */
  ttlResolution?: number
  /** Stale entries leave by themselves, not only when somebody asks for them. Default: false. */
  ttlAutopurge?: boolean
  /** `get` begins the life of the entry anew. Default: false. */
  updateAgeOnGet?: boolean
  /** `has` begins the life of the entry anew. Default: false. */
  updateAgeOnHas?: boolean
  /** `get` and `fetch` may give a stale value, and iteration shows stale entries. Default: false. */
  allowStale?: boolean
  /** Told of each entry just before it leaves; must not change the cache. */
  dispose?: Disposer<K, V>
  /** Told of each entry that came in. */
  onInsert?: Inserter<K, V>
  /** Told of each entry after it has left; may change the cache. */
  disposeAfter?: Disposer<K, V>
  /** Overwriting a value is not told to `dispose` and `disposeAfter`. Default: false. */
  noDisposeOnSet?: boolean
  /** Overwriting a value does not begin its life anew. Default: false. */
  noUpdateTTL?: boolean
  /** The most that all entries together may measure. Default: 0, sizes are not limited. */
  maxSize?: number
  /** What a fetch in flight counts while it holds no stale value. Default: 1. */
  backgroundFetchSize?: number
  /** The most that one entry may measure; a larger one is not stored. Default: `maxSize`. */
  maxEntrySize?: number
  /** The size of an entry. With `maxSize` or `maxEntrySize`, this or the `size` of each `set` has to be there. */
  sizeCalculation?: SizeCalculator<K, V>
  /** Makes the value for `fetch`. */
  fetchMethod?: Fetcher<K, V, FC>
  /** Makes the value for `memo`. */
  memoMethod?: Memoizer<K, V, FC>
  /** A failed fetch leaves the stale value in place. Default: false. */
  noDeleteOnFetchRejection?: boolean
  /** `get` leaves a stale entry in place. Default: false. */
  noDeleteOnStaleGet?: boolean
  /** A failed fetch gives the stale value, or `undefined`, instead of failing. Default: false. */
  allowStaleOnFetchRejection?: boolean
  /** An aborted fetch gives the stale value at once. Default: false. */
  allowStaleOnFetchAbort?: boolean
  /** An aborted fetch goes on, and its value is stored. Default: false. */
  ignoreFetchAbort?: boolean
  /** Where time comes from. Default: `performance`. */
  perf?: Perf
}

/** Options that limit the number of entries. */
export interface OptionsMaxLimit<K, V, FC> extends OptionsBase<K, V, FC> {
  max: number
}
/** Options that limit by time alone. */
export interface OptionsTTLLimit<K, V, FC> extends OptionsBase<K, V, FC> {
  ttl: number
  ttlAutopurge: boolean
}
/** Options that limit the size of all entries. */
export interface OptionsSizeLimit<K, V, FC> extends OptionsBase<K, V, FC> {
  maxSize: number
}
/** What the constructor takes. */
export type Options<K, V, FC> = OptionsMaxLimit<K, V, FC> | OptionsSizeLimit<K, V, FC> | OptionsTTLLimit<K, V, FC>

type ReadChoices = 'allowStale' | 'updateAgeOnGet' | 'noDeleteOnStaleGet'
type WriteChoices = 'sizeCalculation' | 'ttl' | 'noDisposeOnSet' | 'noUpdateTTL'
type FetchChoices = 'noDeleteOnFetchRejection' | 'allowStaleOnFetchRejection' | 'ignoreFetchAbort' | 'allowStaleOnFetchAbort'

/** Options of one `has`. */
export interface HasOptions<K, V, FC> extends Pick<OptionsBase<K, V, FC>, 'updateAgeOnHas'> {
  status?: Status<K, V, FC>
}
/** Options of one `get`. */
export interface GetOptions<K, V, FC> extends Pick<OptionsBase<K, V, FC>, ReadChoices> {
  status?: Status<K, V, FC>
}
/** Options of one `peek`. */
export interface PeekOptions<K, V, FC> extends Pick<OptionsBase<K, V, FC>, 'allowStale'> {
  status?: Status<K, V, FC>
}
/** Options of one `set`. */
export interface SetOptions<K, V, FC> extends Pick<OptionsBase<K, V, FC>, WriteChoices> {
  /** The size, instead of what `sizeCalculation` says. */
  size?: number
  /** Since when the entry lives, on the clock `perf`. Default: now. */
  start?: number
  status?: Status<K, V, FC>
}

/** The choices of one fetch, as `fetchMethod` gets them; changing them there changes how the outcome is handled. */
export interface FetcherFetchOptions<K, V, FC = unknown> extends Pick<OptionsBase<K, V, FC>, ReadChoices | WriteChoices | FetchChoices> {
  status?: Status<K, V, FC>
  size?: number
}
/** Options of one `fetch`. */
export interface FetchOptions<K, V, FC> extends FetcherFetchOptions<K, V, FC> {
  /** Fetch even when the value is fresh. */
  forceRefresh?: boolean
  /** Handed to `fetchMethod`. */
  context?: FC
  /** Aborts the fetch. */
  signal?: AbortSignal
}
/** Options of one `fetch` where `FC` demands a context. */
export interface FetchOptionsWithContext<K, V, FC> extends FetchOptions<K, V, FC> {
  context: FC
}
/** Options of one `fetch` where `FC` forbids a context. */
export interface FetchOptionsNoContext<K, V, FC extends Nothing = undefined> extends FetchOptions<K, V, FC> {
  context?: FC
}
/** What `fetchMethod` is given besides the key and the stale value. */
export interface FetcherOptions<K, V, FC = unknown> {
  signal: AbortSignal
  options: FetcherFetchOptions<K, V, FC>
  context: FC
}
/** Makes the value for `fetch`. */
export type Fetcher<K, V, FC = unknown> = (
  key: K,
  staleValue: V | undefined,
  options: FetcherOptions<K, V, FC>,
) => Promise<V | Nothing> | V | Nothing

/** Options of one `memo`. */
export interface MemoOptions<K, V, FC = unknown> extends Pick<OptionsBase<K, V, FC>, ReadChoices | WriteChoices | FetchChoices> {
  /** Make the value even when there is one. */
  forceRefresh?: boolean
  /** Handed to `memoMethod`. */
  context?: FC
  status?: Status<K, V, FC>
}
/** Options of one `memo` where `FC` demands a context. */
export interface MemoOptionsWithContext<K, V, FC> extends MemoOptions<K, V, FC> {
  context: FC
}
/** Options of one `memo` where `FC` forbids a context. */
export interface MemoOptionsNoContext<K, V, FC extends Nothing = undefined> extends MemoOptions<K, V, FC> {
  context?: FC
}
/** The choices of one memo, as `memoMethod` gets them; changing them there changes how the value is stored. */
export interface MemoizerMemoOptions<K, V, FC = unknown> extends Pick<OptionsBase<K, V, FC>, ReadChoices | WriteChoices> {
  status?: Status<K, V, FC>
  size?: number
  start?: number
}
/** What `memoMethod` is given besides the key and the old value. */
export interface MemoizerOptions<K, V, FC = unknown> {
  options: MemoizerMemoOptions<K, V, FC>
  context: FC
}
/** Makes the value for `memo`. */
export type Memoizer<K, V, FC = unknown> = (key: K, staleValue: V | undefined, options: MemoizerOptions<K, V, FC>) => V

/** An entry as `info`, `dump` and `load` have it. */
export interface Entry<V> {
  value: V
  ttl?: number
  size?: number
  start?: number
}
