/** `shelflife/stores/keyv`: any Keyv, or storage adapter of Keyv, as a store. */

import { InvalidArgumentError } from '../errors.ts'
import { type Duration, durationMs, optionsObject } from '../options.ts'
import { withBarriers } from '../tier/barrier-tier.ts'
import { KeyvLog } from '../tier/keyv-log.ts'
import { QueuedTier } from '../tier/queued-tier.ts'
import { RowReader } from '../tier/row-reader.ts'
import { type CompressionFormat, type CompressionOptions, platformZip, resolveCompression } from './compression.ts'
import type { Store, StoreChange } from './tier.ts'

export type { CompressionFormat, CompressionOptions } from './compression.ts'
export type { Store } from './tier.ts'

/** What is needed of a Keyv, or of a storage adapter. What it has of the optional ones is used. */
export interface KeyvLike {
  get(key: string): unknown
  set(key: string, value: string, ttl?: number): unknown
  delete(key: string): unknown
  clear(): unknown
  getMany?(keys: string[]): unknown
  setMany?(entries: { key: string; value: string; ttl?: number }[]): unknown
  deleteMany?(keys: string[]): unknown
  on?(event: 'error', listener: (error: unknown) => void): unknown
  off?(event: 'error', listener: (error: unknown) => void): unknown
}

/** Options of {@link keyvStore}. */
export interface KeyvStoreOptions {
  /** How long one command may take. Later it counts as failed: a read is a miss, a write is dropped, and counted. Default 2 s. */
  readonly timeout?: Duration
  /** Whether and how values are compressed, each by itself, where that pays in text, too; all are read, whatever it says. Default `'none'`. */
  readonly compression?: CompressionFormat | CompressionOptions | undefined
  /** Shown in `stats()`. Default `'keyv'`. */
  readonly name?: string
}

/**
 * A store in whatever Keyv stores things in. Keys go under Keyv's `namespace`, each with its time to live; values are text of a form of our own.
 * `clear` clears the Keyv, so give it one with a namespace of its own. It stays yours: it is not disconnected.
 *
 * `persist: 'stored'` and `'durable'` both mean that the adapter has said so: Keyv has no word for more.
 *
 * ```ts
 * const keyv = new Keyv({ store: new KeyvPostgres(url), namespace: 'app' })
 * const cache = createCache({ store: keyvStore(keyv) })
 * ```
 *
 * @throws InvalidArgumentError when `keyv` is none or an option cannot be meant.
 */
export function keyvStore(keyv: KeyvLike, options: KeyvStoreOptions = {}): Store {
  const methods = keyv as unknown as Record<string, unknown> | null | undefined
  if (['get', 'set', 'delete', 'clear'].some(method => typeof methods?.[method] !== 'function'))
    throw new InvalidArgumentError('keyv', 'a Keyv or a storage adapter of Keyv', keyv)
  const { timeout = '2s', name = 'keyv', compression } = optionsObject(options, 'options') as KeyvStoreOptions
  if (typeof name !== 'string') throw new InvalidArgumentError('name', 'a string', name)
  const timeoutMs = durationMs(timeout, 'timeout')
  const pressing = resolveCompression(compression, platformZip())
  return {
    name,
    openTier(context) {
      const open = (onChange: (change: StoreChange) => void) =>
        new QueuedTier(
          {
            name,
            maxSize: Number.POSITIVE_INFINITY,
            log: new KeyvLog(keyv, timeoutMs, pressing, context),
            reader: (queue, disown, log) => new RowReader(log as KeyvLog, queue, context.clock, disown),
          },
          { ...context, onChange },
        )
      return withBarriers(open, context.clock, context.onChange)
    },
  }
}
