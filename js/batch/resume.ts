/** What is done of the items, over several runs: read from a token, and written to one. */

import { InvalidArgumentError, ShelflifeError } from '../errors.ts'
import { Ranges } from './ranges.ts'
import type { Selection } from './source.ts'
import type { ItemKey, ResumeToken } from './types.ts'

/** The token is none, is of another version, or was made over other items. Nothing was processed. */
export class ResumeTokenError extends ShelflifeError {
  override readonly name: string = 'ResumeTokenError'
  constructor(why: string) {
    super('ERR_RESUME_TOKEN', `the run cannot go on from this token: ${why}`)
  }
}

/** So many ranges at most are in a token, of either kind. */
export const MOST_RANGES = 10_000
/** So many keys are in a token. */
export const MOST_KEYS = 100_000

/** See the top of this file. */
export interface Accomplished {
  /** What an earlier run has settled, and this one passes over. */
  isDone(place: number, key: ItemKey | undefined): boolean
  /** `count` items that follow each other from `place` on are settled. */
  settle(place: number, count: number, failed: boolean, keys: readonly ItemKey[] | undefined): void
  token(): ResumeToken
}

/** How a run tells its items apart, and what it goes on from. */
export interface ResumeSettings<T> {
  readonly resume: ResumeToken | undefined
  readonly retryFailed: boolean
  readonly keyOf: ((item: T, index: number) => ItemKey) | undefined
}

/**
 * What is done before the run begins.
 *
 * @throws ResumeTokenError
 */
export function accomplishedBy<T>({ resume, retryFailed, keyOf }: ResumeSettings<T>, items: unknown): Accomplished {
  const by = keyOf === undefined ? 'index' : 'key'
  if (resume === undefined) return by === 'index' ? new DonePlaces(undefined, retryFailed) : new DoneKeys(undefined, retryFailed)
  if (typeof resume !== 'object' || resume === null || resume.shelflife !== 'batch')
    throw new ResumeTokenError('it is none of processBatch')
  if (resume.version !== 1) throw new ResumeTokenError(`it is of version ${String(resume.version)}, and 1 is known`)
  if (resume.by !== by) throw new ResumeTokenError(`it tells items apart by ${String(resume.by)}, and this run by ${by}`)
  if (!isCount(resume.forgotten)) throw new ResumeTokenError('it is damaged')
  if (by === 'key') {
    if (!areKeys(resume.settled) || !areKeys(resume.failed)) throw new ResumeTokenError('its keys are damaged')
    return new DoneKeys(resume, retryFailed)
  }
  if (!areBounds(resume.settled) || !areBounds(resume.failed)) throw new ResumeTokenError('its ranges are damaged')
  const end = (resume.settled.at(-1) as number | undefined) ?? 0
  if (Array.isArray(items) && end > items.length) throw new ResumeTokenError(`it knows of ${end} items, and there are ${items.length}`)
  return new DonePlaces(resume, retryFailed)
}

/** What the source has to know of it; nothing where every item is wanted as it comes. */
export function selectionBy<T>(settings: ResumeSettings<T>, done: Accomplished): Selection<T> | undefined {
  const { keyOf } = settings
  if (keyOf === undefined && settings.resume === undefined) return undefined
  return { keyOf: keyOf && ((item, index) => checkedKey(keyOf(item, index))), isDone: (place, key) => done.isDone(place, key) }
}

class DonePlaces implements Accomplished {
  readonly #before: Ranges
  readonly #settled: Ranges
  readonly #failed: Ranges
  #forgotten: number

  constructor(token: ResumeToken | undefined, retryFailed: boolean) {
    const settled = (token?.settled ?? []) as readonly number[]
    const failed = (token?.failed ?? []) as readonly number[]
    this.#before = new Ranges(settled)
    this.#settled = new Ranges(settled)
    this.#failed = new Ranges(failed)
    this.#forgotten = token?.forgotten ?? 0
    if (retryFailed) for (let at = 0; at < failed.length; at += 2) this.#before.delete(failed[at] as number, failed[at + 1] as number)
  }

  isDone(place: number): boolean {
    return this.#before.has(place)
  }

  settle(place: number, count: number, failed: boolean): void {
    this.#settled.add(place, place + count)
    if (failed) this.#failed.add(place, place + count)
    else if (this.#failed.length > 0) this.#failed.delete(place, place + count)
    // By half, so that it is not done for each item.
    if (this.#failed.length > 2 * MOST_RANGES) this.#failed.widen(MOST_RANGES)
  }

  token(): ResumeToken {
    const settled = new Ranges(this.#settled.bounds())
    const failed = new Ranges(this.#failed.bounds())
    // Too many of them: rather than forget a failure, what was done beside it is done again.
    failed.widen(MOST_RANGES)
    settled.forget(MOST_RANGES)
    const forgotten = this.#forgotten + this.#settled.count - settled.count
    return { shelflife: 'batch', version: 1, by: 'index', settled: settled.bounds(), failed: failed.bounds(), forgotten }
  }
}

class DoneKeys implements Accomplished {
  /** The latest last. True: it failed. */
  readonly #settled = new Map<ItemKey, boolean>()
  readonly #before: ReadonlySet<ItemKey>
  #forgotten: number

  constructor(token: ResumeToken | undefined, retryFailed: boolean) {
    const failed = new Set(token?.failed)
    for (const key of token?.settled ?? []) this.#settled.set(key, failed.has(key))
    this.#before = new Set(retryFailed ? [...this.#settled.keys()].filter(key => !failed.has(key)) : this.#settled.keys())
    this.#forgotten = token?.forgotten ?? 0
  }

  isDone(_place: number, key: ItemKey): boolean {
    return this.#before.has(key)
  }

  settle(_place: number, _count: number, failed: boolean, keys: readonly ItemKey[]): void {
    for (const key of keys) {
      this.#settled.delete(key)
      this.#settled.set(key, failed)
      if (this.#settled.size <= MOST_KEYS) continue
      const [oldest] = this.#settled.keys()
      this.#settled.delete(oldest as ItemKey)
      this.#forgotten += 1
    }
  }

  token(): ResumeToken {
    const settled = [...this.#settled.keys()]
    const failed = settled.filter(key => this.#settled.get(key))
    return { shelflife: 'batch', version: 1, by: 'key', settled, failed, forgotten: this.#forgotten }
  }
}

function checkedKey(key: unknown): ItemKey {
  if (typeof key === 'string' || Number.isFinite(key)) return key as ItemKey
  throw new InvalidArgumentError('what key returns', 'a string or a finite number', key)
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function areKeys(values: unknown): boolean {
  if (!Array.isArray(values) || values.length > MOST_KEYS) return false
  return values.every(key => typeof key === 'string' || Number.isFinite(key))
}

function areBounds(values: unknown): boolean {
  if (!Array.isArray(values) || values.length > 2 * MOST_RANGES || values.length % 2 !== 0) return false
  return values.every((bound, at) => isCount(bound) && (at === 0 || bound > values[at - 1]))
}
