/** A log of segments in IndexedDB: one object store for directories, so that opening reads no values, one for payloads. */

import { isShelflifeError } from '../errors.ts'
import { checksum } from './checksum.ts'
import { ABOUT, type ConnectionHost, DIRECTORIES, EPOCH, IndexedDbConnection, PAYLOADS } from './indexeddb-connection.ts'
import { exact, failed, nameOf, one, settled, several, write } from './indexeddb-requests.ts'
import { idsAfter, readTrace, traceOf } from './indexeddb-trace.ts'
import type { Durability, ListedSegment, MediumCall, Peers, Segment, SegmentMedium } from './segment-medium.ts'

/** A payload up to this many bytes lies beside its directory: one request less, and soon it is compacted into a larger one. */
const WITHIN = 2048
/** Directories that one request brings. */
const LIST_BATCH = 128
const ALL = [DIRECTORIES, PAYLOADS, ABOUT]
/** What a connection that the browser has closed looks like; repeating helps once, on a new one. */
const DEAD_HANDLE = new Set(['InvalidStateError', 'UnknownError', 'AbortError', 'TransactionInactiveError'])

interface Stored {
  readonly directory: Uint8Array
  readonly payloadBytes: number
  /** The checksum of the directory. */
  readonly check: number
  /** The payload itself, where it is small or there was no time to learn the id under which it would have had a record of its own. */
  readonly payload?: Uint8Array
}

/** Segments in the order of their ids, known up to `end`. */
interface Batch {
  readonly ids: readonly number[]
  readonly records: readonly unknown[]
  /** Ids of payloads and traces. */
  readonly left: ReadonlySet<number>
  readonly end: number
  /** What lies behind `end`, if there is more. */
  readonly next: Promise<Batch> | undefined
}

/**
 * See the top of this file. Ids are the keys that the store of directories generates, in the order of its transactions. These are told to commit
 * as soon as all is asked: one that waits until its answers have been heard bars the log for others, while a page stands still.
 */
export class IndexedDbMedium implements SegmentMedium {
  readonly writable = true
  readonly overhead = 128
  /** Engines keep a database in one log, or journal, of transactions. */
  readonly isOrdered = true
  readonly peers: Peers | undefined
  usedUp = 0
  readonly #durability: 'relaxed' | 'strict'
  readonly #connection: IndexedDbConnection
  /** A segment was found without a trace, and none with one after it: what numbers traces may lag behind. 0: it does not. */
  #untraced = 0
  /** Segments whose payload lies beside their directory, as far as that is known. */
  readonly #within = new Set<number>()

  constructor(name: string, durability: 'relaxed' | 'strict', host: ConnectionHost, peers?: Peers) {
    this.#durability = durability
    this.#connection = new IndexedDbConnection(name, host)
    this.peers = peers
  }

  async open({ signal }: MediumCall): Promise<void> {
    await this.#connection.get(signal).catch(cause => {
      throw failed('open', cause)
    })
  }

  async append(segments: readonly Segment[], durability: Durability, { signal }: MediumCall): Promise<number[]> {
    const strength = durability === 'durable' ? 'strict' : this.#durability
    let isLeaving = false
    const isWithin = ({ payload }: Segment) => isLeaving || payload.length <= WITHIN
    const added = await this.#attempt('append', signal, database => {
      isLeaving = this.peers?.begin() === true
      // The fewer stores, the sooner a transaction is over.
      const stores = segments.every(isWithin) ? [DIRECTORIES, ABOUT] : ALL
      return write(database, stores, strength, signal, (transaction, attempt) => {
        const directories = transaction.objectStore(DIRECTORIES)
        const about = transaction.objectStore(ABOUT)
        if (this.#untraced > 0) {
          about.put(null, this.#untraced)
          about.delete(this.#untraced)
          this.#untraced = 0
        }
        const added: IDBRequest<IDBValidKey>[] = []
        let apart = 0
        for (const segment of segments) {
          const { directory, payload } = segment
          const record: Stored = { directory: exact(directory), payloadBytes: payload.length, check: checksum(directory) }
          about.add(traceOf(directory))
          if (isWithin(segment)) {
            added.push(directories.add({ ...record, payload: exact(payload) }))
            continue
          }
          const request = directories.add(record)
          added.push(request)
          apart += 1
          request.onsuccess = () =>
            attempt(() => {
              transaction.objectStore(PAYLOADS).put(exact(payload), request.result)
              apart -= 1
              // Said now, it is not asked for when the last request is answered.
              if (apart === 0) transaction.commit()
            })
        }
        // Nothing waits for an answer, which a page that is left would not live to see: what does is rolled back.
        if (apart === 0) transaction.commit()
        return added
      })
    })
    const ids = added.map(({ result }) => result as number)
    for (const [index, segment] of segments.entries()) if (isWithin(segment)) this.#within.add(ids[index] as number)
    return ids
  }

  list(after: number, { signal }: MediumCall, show?: (segments: readonly ListedSegment[]) => void): Promise<ListedSegment[]> {
    return this.#attempt('list', signal, async database => {
      const listed: ListedSegment[] = []
      const mute: number[] = []
      for (let next: Promise<Batch> | undefined = this.#readBatch(database, after, signal); next !== undefined; ) {
        const { ids, records, left, end, next: following }: Batch = await next
        next = following
        const known = new Set(ids)
        const found: ListedSegment[] = []
        for (const [at, id] of ids.entries()) if (id <= end) found.push(this.#listed(id, records[at], show === undefined))
        // A payload or a trace whose directory is gone: it had something to say.
        for (const id of left) if (!known.has(id) && id <= end) found.push(this.#listed(id, undefined, true))
        show?.(found)
        listed.push(...found)
      }
      for (const { id, directory } of listed) if (directory.length === 0) mute.push(id)
      if (mute.length === 0) return listed.sort((a, b) => a.id - b.id)
      const traces = await several(database, ABOUT, mute, signal)
      const keys = new Map(mute.map((id, at) => [id, readTrace(traces[at])]))
      return listed.map(segment => ({ ...segment, keys: keys.get(segment.id) })).sort((a, b) => a.id - b.id)
    })
  }

  read(id: number, { signal }: MediumCall): Promise<Uint8Array | undefined> {
    return this.#attempt('read', signal, async database => {
      const get = async (store: string) => payloadIn(await one(database, store, id, signal))
      const [first, second] = this.#within.has(id) ? [DIRECTORIES, PAYLOADS] : [PAYLOADS, DIRECTORIES]
      return (await get(first)) ?? get(second)
    })
  }

  async readMany(ids: readonly number[], call: MediumCall): Promise<(Uint8Array | undefined)[]> {
    const found = new Map<number, Uint8Array | undefined>()
    await this.#attempt('read', call.signal, async database => {
      const read = async (store: string, some: readonly number[]) => {
        if (some.length === 0) return
        const records = await several(database, store, some, call.signal)
        for (const [at, id] of some.entries()) found.set(id, payloadIn(records[at]))
      }
      const isWithin = (id: number) => this.#within.has(id)
      await Promise.all([
        read(
          PAYLOADS,
          ids.filter(id => !isWithin(id)),
        ),
        read(DIRECTORIES, ids.filter(isWithin)),
      ])
    })
    return Promise.all(ids.map(id => found.get(id) ?? this.read(id, call)))
  }

  remove(ids: readonly number[], { signal }: MediumCall): Promise<void> {
    return this.#attempt('remove', signal, database =>
      write(database, ALL, this.#durability, signal, transaction => {
        for (const run of runsOf(ids)) for (const name of ALL) transaction.objectStore(name).delete(run)
        transaction.commit()
        for (const id of ids) this.#within.delete(id)
      }),
    )
  }

  async clear({ signal }: MediumCall): Promise<void> {
    const { used, done } = await this.#attempt('clear', signal, database =>
      write(database, ALL, this.#durability, signal, transaction => {
        const [directories, about] = [transaction.objectStore(DIRECTORIES), transaction.objectStore(ABOUT)]
        const used = directories.add(null)
        about.add(null)
        directories.clear()
        transaction.objectStore(PAYLOADS).clear()
        about.delete(idsAfter(0))
        const done = this.#connection.renew(transaction)
        transaction.commit()
        return { used, done }
      }),
    )
    done()
    this.usedUp = Number(used.result)
  }

  async close(): Promise<void> {
    this.peers?.close()
    await this.#connection.close()
  }

  /**
   * The next directories after `after`, and what payloads and traces there are. Nothing of it is old by the time that the rest is read. Keys
   * come first: when they are here, what follows is asked for, so that the engine has enough to do.
   */
  async #readBatch(database: IDBDatabase, after: number, signal: AbortSignal): Promise<Batch> {
    const transaction = database.transaction(ALL)
    this.#meet(transaction)
    const range = idsAfter(after)
    const directories = transaction.objectStore(DIRECTORIES)
    const keys = [
      settled<number[]>(directories.getAllKeys(range, LIST_BATCH), signal),
      settled<number[]>(transaction.objectStore(PAYLOADS).getAllKeys(range, LIST_BATCH * 2), signal),
      settled<number[]>(transaction.objectStore(ABOUT).getAllKeys(range, LIST_BATCH * 2), signal),
    ] as const
    const values = quiet(settled<unknown[]>(directories.getAll(range, LIST_BATCH), signal))
    transaction.commit()
    const [ids, owners, traces] = await Promise.all(keys)
    // Each list is known up to its end, if it has one.
    const endOf = (found: number[], most: number) => (found.length < most ? Number.POSITIVE_INFINITY : (found.at(-1) as number))
    const end = Math.min(endOf(ids, LIST_BATCH), endOf(owners, LIST_BATCH * 2), endOf(traces, LIST_BATCH * 2))
    const isLast = end === Number.POSITIVE_INFINITY
    const [last = 0, lastTrace = after] = [ids.at(-1), traces.at(-1)]
    if (isLast && last > lastTrace) this.#untraced = last
    const next = isLast ? undefined : quiet(this.#readBatch(database, end, signal))
    return { ids, records: await values, left: new Set([...owners, ...traces]), end, next }
  }

  /** Looks, within a transaction, whether somebody has emptied the log. */
  #meet(transaction: IDBTransaction): void {
    const request = transaction.objectStore(ABOUT).get(EPOCH)
    request.onsuccess = () => this.#connection.witness(request.result)
  }

  /** A record that is not what we wrote has no directory; the tier knows what that means. What is not `compared` tells its checksum. */
  #listed(id: number, record: unknown, compared: boolean): ListedSegment {
    const { directory, payloadBytes, check, payload } = (typeof record === 'object' && record !== null ? record : {}) as Partial<Stored>
    if (payload !== undefined) this.#within.add(id)
    const isKnown = directory instanceof Uint8Array && typeof check === 'number' && (!compared || checksum(directory) === check)
    const known = isKnown ? directory : new Uint8Array(0)
    const bytes = known.length + (Number(payloadBytes) || 0) + this.overhead
    return compared || !isKnown ? { id, directory: known, bytes } : { id, directory: known, bytes, check }
  }

  /** Works on the connection there is; when that turns out dead, once more on a new one, which all who wait share. */
  async #attempt<T>(step: string, signal: AbortSignal, work: (database: IDBDatabase) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      const handle = this.#connection.get(signal)
      try {
        const { database, death } = await handle
        return await death.before(work(database))
      } catch (cause) {
        if (isShelflifeError(cause)) throw cause
        if (signal.aborted || attempt === 2 || !DEAD_HANDLE.has(nameOf(cause))) throw failed(step, cause)
        this.#connection.drop(handle)
      }
    }
  }
}

/** A promise that is looked at later: until then its failure is nobody's. */
function quiet<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}

/** A record of payloads is one, a record of directories may have one. */
function payloadIn(record: unknown): Uint8Array | undefined {
  if (record instanceof Uint8Array) return record
  const payload = typeof record === 'object' && record !== null ? (record as Partial<Stored>).payload : undefined
  return payload instanceof Uint8Array ? payload : undefined
}

/** Ids as ranges of those that follow each other. */
function* runsOf(ids: readonly number[]): Iterable<IDBKeyRange> {
  const sorted = [...ids].sort((a, b) => a - b)
  for (let at = 0; at < sorted.length; ) {
    const first = sorted[at] as number
    let last = first
    for (at += 1; sorted[at] === last + 1; at += 1) last += 1
    yield IDBKeyRange.bound(first, last)
  }
}
