/** `shelflife/stores/fs`: a store in a folder of files, for Node, Bun and Deno. */

import { InvalidArgumentError } from '../errors.ts'
import { optionsObject, type Size, sizeInBytes } from '../options.ts'
import { segmentStore } from '../tier/segment-store.ts'
import { type CompressionFormat, type CompressionOptions, resolveCompression } from './compression.ts'
import { FsMedium } from './fs/medium.ts'
import { nodeZip } from './node-zip.ts'
import type { SegmentStore } from './tier.ts'

export type { CompressionFormat, CompressionOptions } from './compression.ts'
export type { SegmentStore } from './tier.ts'

/** Options of {@link fileSystem}. */
export interface FileSystemOptions {
  /** The folder; made, for this user only, if it is missing. File names in it say nothing about keys. */
  readonly path: string
  /** Budget in bytes; beyond it what has expired goes first, then what was written longest ago and memory does not have. Default `Infinity`. Files may briefly take up to twice as much. */
  readonly maxSize?: Size
  /** Whether and how values are compressed, a segment of up to 32 kB at a time; `maxSize` means bytes after that. Default `'none'`. */
  readonly compression?: CompressionFormat | CompressionOptions | undefined
}

/**
 * A store in a folder.
 *
 * `persist: 'stored'` survives the death of the process, `'durable'` is synced to disk, new files with their folder. One
 * process writes; another one on the same folder reads what it finds and keeps its own writes in memory (`stats().state` is `'read-only'`).
 * When the first has ended, however it did, the second writes from its next use on, a second later at most.
 *
 * ```ts
 * const cache = createCache({ store: fileSystem({ path: './.cache', maxSize: '200mb' }) })
 * ```
 *
 * @throws InvalidArgumentError when `path` is no text or another option cannot be meant.
 */
export function fileSystem(options: FileSystemOptions): SegmentStore {
  const { path, maxSize = Number.POSITIVE_INFINITY, compression } = optionsObject(options, 'options') as FileSystemOptions
  if (typeof path !== 'string' || path === '' || path.includes('\0')) throw new InvalidArgumentError('path', 'the path of a folder', path)
  return segmentStore({
    name: `fileSystem(${path})`,
    maxSize: sizeInBytes(maxSize, 'maxSize'),
    compression: resolveCompression(compression, nodeZip),
    openMedium: () => new FsMedium(path),
  })
}
