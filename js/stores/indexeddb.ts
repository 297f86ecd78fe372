/** `shelflife/stores/indexeddb`: a store in the browser's IndexedDB. */

import { InvalidArgumentError } from '../errors.ts'
import { optionsObject, type Size, sizeInBytes } from '../options.ts'
import { segmentStore } from '../tier/segment-store.ts'
import { type CompressionFormat, type CompressionOptions, platformZip, resolveCompression } from './compression.ts'
import { IndexedDbMedium } from './indexeddb-medium.ts'
import { Tabs } from './tabs.ts'
import type { SegmentStore } from './tier.ts'

export type { CompressionFormat, CompressionOptions } from './compression.ts'
export type { SegmentStore } from './tier.ts'

/** Options of {@link indexedDB}. */
export interface IndexedDBOptions {
  /** Name of the database, which gets the prefix `shelflife:`. */
  readonly name: string
  /** Budget in bytes; beyond it what has expired goes first, then what was written longest ago and memory does not have. Default `Infinity`: what the browser allows. */
  readonly maxSize?: Size
  /** How hard the browser tries with `persist: 'stored'`; `'durable'` is always strict. Default `'relaxed'`. */
  readonly durability?: 'relaxed' | 'strict'
  /** Whether and how values are compressed, a segment of up to 32 kB at a time; `maxSize` means bytes after that. Default `'none'`. */
  readonly compression?: CompressionFormat | CompressionOptions | undefined
}

/**
 * A store in IndexedDB. Where there is none (a private window, a sandboxed frame, Node), the cache goes on from memory and
 * `stats()` says why; what failed is tried again later. Tabs and workers of one origin that name the same database share it: what one
 * of them changes the others forget, and a key that several want is loaded by one.
 *
 * ```ts
 * const cache = createCache({ store: indexedDB({ name: 'app', maxSize: '200mb' }) })
 * ```
 *
 * @throws InvalidArgumentError when an option cannot be meant.
 */
export function indexedDB(options: IndexedDBOptions): SegmentStore {
  const {
    name,
    maxSize = Number.POSITIVE_INFINITY,
    durability = 'relaxed',
    compression,
  } = optionsObject(options, 'options') as IndexedDBOptions
  if (typeof name !== 'string' || name === '') throw new InvalidArgumentError('name', 'a text that is not empty', name)
  if (durability !== 'relaxed' && durability !== 'strict') throw new InvalidArgumentError('durability', "'relaxed' or 'strict'", durability)
  return segmentStore({
    name: `indexedDB(${name})`,
    maxSize: sizeInBytes(maxSize, 'maxSize'),
    compression: resolveCompression(compression, platformZip()),
    openMedium: context => new IndexedDbMedium(`shelflife:${name}`, durability, context, new Tabs(`shelflife:${name}`)),
  })
}
