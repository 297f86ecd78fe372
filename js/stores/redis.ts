/** `shelflife/stores/redis`: a store in Redis, which many processes may share. */

import { InvalidArgumentError } from '../errors.ts'
import { type Duration, durationMs, optionsObject, type Size, sizeInBytes, wholeNumber } from '../options.ts'
import type { Bus } from './bus.ts'
import { busOf } from './bus-tier.ts'
import { type CompressionFormat, type CompressionOptions, resolveCompression } from './compression.ts'
import { nodeZip } from './node-zip.ts'
import { RedisBusConnection } from './redis/bus.ts'
import { checkedPlace, connector, type IoRedisClient, type NodeRedisClient } from './redis/client.ts'
import type { LineOptions } from './redis/line.ts'
import { RedisTier } from './redis/tier.ts'
import type { Store } from './tier.ts'

export type { Bus, BusStats } from './bus.ts'
export type { CompressionFormat, CompressionOptions } from './compression.ts'
export type { IoRedisClient, NodeRedisClient } from './redis/client.ts'
export type { Store } from './tier.ts'

/** Where Redis is: one of the two. */
export interface RedisConnectionOptions {
  /**
   * A client of the package `redis` (5 or newer) or of `ioredis`, connected to one server by you, and closed by you. Give it
   * `disableOfflineQueue: true` (`enableOfflineQueue: false`): while it is not connected nothing is sent by it anyway.
   */
  readonly client?: NodeRedisClient | IoRedisClient
  /** A URL such as `redis://localhost:6379`; the package `redis` has to be installed. */
  readonly url?: string
}

/** How long to wait for Redis. */
export interface RedisPatience {
  /** How long a caller waits for Redis at most: after that a read is a miss, and a write that was to be `'stored'` rejects. Default 500 ms. */
  readonly commandTimeout?: Duration
  /**
   * After so many failures in a row (default 5) Redis is left alone, and reads are misses at once; after `openFor` (default
   * 500 ms), twice as long after each trial that fails, up to `maxOpenFor` (default 5 s), it is tried again.
   */
  readonly breaker?: { readonly failures?: number; readonly openFor?: Duration; readonly maxOpenFor?: Duration }
}

/** Options of {@link redis}. */
export interface RedisOptions extends RedisConnectionOptions, RedisPatience {
  /** What the names of keys in Redis begin with, without `|`. Caches with the same prefix share their entries. Default `'shelflife'`. */
  readonly prefix?: string
  /** Writes that may wait for Redis. Beyond that, while Redis does not answer, the oldest are given up and counted. Default 16 384. */
  readonly maxQueued?: number
  /** Bytes that they may take. Default 8 MB. */
  readonly maxQueuedSize?: Size
  /** Whether and how values are compressed, each by itself, from `minSize` on; all are read, whatever it says. Default `'none'`. */
  readonly compression?: CompressionFormat | CompressionOptions | undefined
  /** The largest value, in encoded bytes before they are compressed; a larger one is refused, and one found there is a miss. Default 16 MB. */
  readonly maxValueSize?: Size
}

/**
 * A store in Redis (5 or newer, one server or whatever looks like one; not a cluster).
 *
 * Reads never reject for Redis's sake. `persist: 'stored'` has Redis's reply. `'durable'` is more only where Redis syncs before it replies
 * (`appendonly yes`, `appendfsync always`); elsewhere the value is stored and the call rejects with `ERR_STORE`. Invalidations reach
 * every process that shares the prefix at its next read; what lies in their memory is reached by {@link redisBus}.
 * `clear` costs one command whatever there is; no `KEYS`, `SCAN` or `FLUSH` is ever used. Entries without a `ttl` stay until they are
 * overwritten, or until Redis, by its `maxmemory-policy`, takes their place.
 *
 * ```ts
 * const cache = createCache({ ttl: '5m', store: redis({ url: 'redis://localhost:6379', prefix: 'shop' }) })
 * ```
 *
 * @throws InvalidArgumentError when an option cannot be meant.
 */
export function redis(options: RedisOptions): Store {
  const given = optionsObject(options, 'options') as RedisOptions
  const { prefix = 'shelflife', maxQueued = 16_384 } = given
  const connect = connector(checkedPlace(given))
  if (typeof prefix !== 'string' || prefix === '' || /[|\p{Surrogate}]/u.test(prefix))
    throw new InvalidArgumentError('prefix', 'a text that is not empty and has no |', prefix)
  const compression = resolveCompression(given.compression, nodeZip)
  const maxValueBytes = sizeInBytes(given.maxValueSize ?? '16mb', 'maxValueSize')
  const resolved = {
    name: `redis(${prefix})`,
    prefix,
    connect,
    line: patience(given),
    maxQueued: wholeNumber(maxQueued, 'maxQueued'),
    maxQueuedBytes: sizeInBytes(given.maxQueuedSize ?? '8mb', 'maxQueuedSize'),
    maxValueBytes,
    compression: { ...compression, maxExpanded: Math.min(compression.maxExpanded, maxValueBytes) },
  }
  return { name: resolved.name, openTier: context => new RedisTier(resolved, context) }
}

/** Options of {@link redisBus}. */
export interface RedisBusOptions extends RedisConnectionOptions, RedisPatience {
  /** The name of the stream in Redis; caches with the same one hear each other. Default `'shelflife|bus'`. */
  readonly channel?: string
  /** Messages that the stream keeps, about, for those who were away; each has what changed within one task. Default 10 000. */
  readonly maxMessages?: number
}

/**
 * A bus over Redis: what one process sets, deletes or invalidates, the others forget in memory, within milliseconds. With
 * tiers, the last one is the one they share; those above it are each process's own and forget, too. Without tiers, caches in memory tell each other.
 *
 * Messages go through a stream, so one that was away for a while reads what it missed. When that is not there any more, everything
 * is forgotten, and counted (`stats().tiers[n].bus.gaps`). While Redis does not answer, memory serves what it has, and what changed is told later.
 *
 * ```ts
 * const url = 'redis://localhost:6379'
 * const cache = createCache({ ttl: '5m', store: redis({ url, prefix: 'shop' }), bus: redisBus({ url, channel: 'shop:bus' }) })
 * ```
 *
 * @throws InvalidArgumentError when an option cannot be meant.
 */
export function redisBus(options: RedisBusOptions): Bus {
  const given = optionsObject(options, 'options') as RedisBusOptions
  const { channel = 'shelflife|bus', maxMessages = 10_000 } = given
  const place = checkedPlace(given)
  if (typeof channel !== 'string' || channel === '' || /\p{Surrogate}/u.test(channel))
    throw new InvalidArgumentError('channel', 'a text that is not empty', channel)
  const resolved = {
    name: `redisBus(${channel})`,
    channel,
    speak: connector(place),
    listen: connector(place, { dedicated: true }),
    line: patience(given),
    maxMessages: wholeNumber(maxMessages, 'maxMessages'),
  }
  return busOf(resolved.name, context => new RedisBusConnection(resolved, context))
}

function patience({ commandTimeout = 500, breaker }: RedisPatience): LineOptions {
  const { failures = 5, openFor = 500, maxOpenFor = 5000 } = optionsObject(breaker, 'breaker') as NonNullable<RedisPatience['breaker']>
  return {
    timeoutMs: durationMs(commandTimeout, 'commandTimeout'),
    failures: wholeNumber(failures, 'failures'),
    openMs: durationMs(openFor, 'openFor'),
    maxOpenMs: durationMs(maxOpenFor, 'maxOpenFor'),
    random: Math.random,
  }
}
