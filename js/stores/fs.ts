/** `shelflife/stores/fs`: a store in a folder of files, for Node, Bun and Deno. */

import { ShelflifeError } from '../errors.ts'
import type { Size } from '../options.ts'
import { sizeInBytes } from '../options.ts'
import type { SegmentStore } from './tier.ts'

/** Options of {@link fileSystem}. */
export interface FileSystemOptions {
  /** The folder; made if missing. It must hold nothing else. */
  readonly path: string
  /** Budget in bytes; beyond it whole oldest segments are given up. Default `Infinity`. */
  readonly maxSize?: Size
}

/** A store in a folder. */
export function fileSystem(options: FileSystemOptions): SegmentStore {
  return {
    name: options.path,
    maxSize: sizeInBytes(options.maxSize ?? Number.POSITIVE_INFINITY, 'maxSize'),
    openMedium: () => {
      throw new ShelflifeError('ERR_STORE', 'not here yet')
    },
  }
}
