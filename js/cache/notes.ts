/** What is unusual about an entry in memory: that is written on it, as its note. */

import type { StaleWindows } from './load-policy.ts'
import type { Validators } from './loading-types.ts'

/** All that may be unusual. */
export interface Note {
  /** How long the entry was to live. */
  readonly life: number
  /** How much longer it is fresh than memory keeps it, in milliseconds. */
  readonly more: number
  readonly swr: number
  readonly sie: number
  readonly etag: string | undefined
  readonly lastModified: string | undefined
  /** A load failed: none before this time, on the driver's timeline. */
  retryAt: number
}

/** The notes on the entries of one cache. */
export class Notes {
  /** What holds of an entry without a note. */
  readonly usual: Readonly<Note>

  constructor(life: number, more: number, { swr = 0, sie = 0 }: StaleWindows) {
    this.usual = { life, more, swr, sie, etag: undefined, lastModified: undefined, retryAt: 0 }
  }

  /** What holds of an entry with this note, if it has one. */
  read(note: unknown): Readonly<Note> {
    return (note as Note | undefined) ?? this.usual
  }

  /** The note of an entry that is like this, if it needs one. */
  of(life: number, more: number, swr: number, sie: number, validators: Validators | undefined): Note | undefined {
    const { usual } = this
    if (life === usual.life && more === usual.more && swr === usual.swr && sie === usual.sie && validators === undefined) return undefined
    return { life, more, swr, sie, etag: validators?.etag, lastModified: validators?.lastModified, retryAt: 0 }
  }

  /** How long what memory has is still fresh. */
  leftOf({ left, note }: { readonly left: number; readonly note?: unknown }): number {
    return left + this.read(note).more
  }
}
