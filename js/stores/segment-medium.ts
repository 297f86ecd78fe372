/**
 * A log of segments: what IndexedDB and files have in common, and all that the tier above needs of them.
 *
 * A segment is two runs of bytes: the directory (keys, places, times) and the payload (values). The medium understands
 * neither. It gives each segment an id; ids rise in the order in which segments were written and are never used twice
 * while anybody can remember them. What has been acknowledged survives the death of the process.
 */

/** One record of the log. */
export interface Segment {
  readonly directory: Uint8Array
  readonly payload: Uint8Array
}

/** What {@link SegmentMedium.list} tells about a segment. */
export interface ListedSegment {
  readonly id: number
  readonly directory: Uint8Array
  /** Bytes that the segment takes, payload included. */
  readonly bytes: number
  /** The checksum of the directory, where nobody has compared them yet: of what is shown. */
  readonly check?: number | undefined
  /**
   * Of a segment whose directory is empty, because it is damaged or lost: what {@link keyHash} gives for the keys that it may have
   * named; absent when that is not known. Such a segment has an id of its own or, when several are lost, a number between those before and after.
   */
  readonly keys?: ReadonlySet<number> | undefined
}

/** `'stored'` survives the death of the process, `'durable'` also that of the machine. */
export type Durability = 'stored' | 'durable'

/** Something to give up by. A medium that sees the signal abort stops, undoes what it can, and rejects. */
export interface MediumCall {
  readonly signal: AbortSignal
}

/** Others who write to the same log at the same time: tabs on one database. */
export interface Peers {
  /** `onNews` is called when somebody else has written, or may have while nobody could tell us. Until {@link Peers.close}. */
  listen(onNews: () => void): void
  /** Tells the others that the log has moved on. */
  tell(): void
  /** A write is on its way to the log. Who may not live to {@link Peers.tell} of it tells now. Whether that is so. */
  begin(): boolean
  /** Runs `work`, unless one of the others is at the same: then it is done for us, too. */
  alone(work: () => Promise<void>): Promise<void>
  /** Whether there is a {@link Peers.lock} to be had. */
  readonly locks: boolean
  /** The right to do what `name` says for all, as soon as nobody else has it; `undefined` when the signal aborts before. */
  lock(name: string, call: MediumCall): Promise<(() => void) | undefined>
  close(): void
}

/**
 * The contract; `testStore()` of `shelflife/testing` holds every medium to it. Methods reject with a `ShelflifeError`: `ERR_QUOTA` when there is
 * no room, `ERR_STORE` otherwise. Nobody calls a method before `open` has resolved, and writes are called one at a time.
 */
export interface SegmentMedium {
  /** Whether this medium may write. False when somebody else holds the log; then only `list`, `read` and `close` are called. */
  readonly writable: boolean
  /** Bytes that a segment costs beyond its directory and payload. */
  readonly overhead: number
  /** Whether a loss of power takes only the end of what was done: nothing survives without all that came before it. Default: no. */
  readonly isOrdered?: boolean | undefined
  /** The id that {@link clear} has used up, where several may write: who has not heard of it sees by the gap that he has missed something. */
  readonly usedUp?: number | undefined
  /** Where several may write. */
  readonly peers?: Peers | undefined
  open(call: MediumCall): Promise<void>
  /** Tries to become the one who writes, where another was. Whether it is; then `list` is called before anything is written. */
  takeOver?(call: MediumCall): Promise<boolean>
  /** Writes the segments in order, all or none of them as far as a reader can see, and gives their ids. Resolves when `durability` holds. */
  append(segments: readonly Segment[], durability: Durability, call: MediumCall): Promise<number[]>
  /**
   * The segments with an id above `after`, in the order of their ids. A medium that finds them bit by bit may show them before, in the
   * same order; if it has to begin again, it shows them again. Who looks at what is shown compares checksums himself, and what is given
   * in the end is what was shown.
   */
  list(after: number, call: MediumCall, show?: (segments: readonly ListedSegment[]) => void): Promise<ListedSegment[]>
  /** The payload of a segment, or `undefined` when there is no such segment. */
  read(id: number, call: MediumCall): Promise<Uint8Array | undefined>
  /** The payloads of several segments, in the order of `ids`, where that takes less than one {@link read} for each. Rejects when one of them fails. */
  readMany?(ids: readonly number[], call: MediumCall): Promise<(Uint8Array | undefined)[]>
  /** Forgets segments; ids that are gone already count as done. */
  remove(ids: readonly number[], call: MediumCall): Promise<void>
  /** Forgets all segments. Ids go on rising. */
  clear(call: MediumCall): Promise<void>
  /** Lets go of handles and locks. Idempotent, and allowed at any time. */
  close(): Promise<void>
}
