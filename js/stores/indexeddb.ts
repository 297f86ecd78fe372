/** `shelflife/stores/indexeddb`: a store in the browser's IndexedDB. */

import { ShelflifeError } from '../errors.ts'
import type { Size } from '../options.ts'
import { sizeInBytes } from '../options.ts'
import type { SegmentStore } from './tier.ts'

/** Options of {@link indexedDB}. */
export interface IndexedDBOptions {
  /** Name of the database, without the prefix `shelflife:` that it gets. */
  readonly name: string
  /** Budget in bytes; beyond it whole oldest segments are given up. Default `Infinity`: the browser's quota. */
  readonly maxSize?: Size
}

/** A store in IndexedDB. */
export function indexedDB(options: IndexedDBOptions): SegmentStore {
  return {
    name: options.name,
    maxSize: sizeInBytes(options.maxSize ?? Number.POSITIVE_INFINITY, 'maxSize'),
    openMedium: () => {
      throw new ShelflifeError('ERR_STORE', 'not here yet')
    },
  }
}
