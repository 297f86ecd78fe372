/**
 * Tabs, windows and workers of one origin on one log. A bell tells the others that there is something new; what it is they read in the
 * log, so that a bell that nobody heard loses nothing: who was frozen or in the back/forward cache looks when it wakes.
 */

import type { MediumCall, Peers } from './segment-medium.ts'

/** The part of a document or window that listens. */
type Target = Pick<EventTarget, 'addEventListener' | 'removeEventListener'>

/** What a bell says: there is something new, or there will be, written by a tab that may not live to say so. */
const NOW = 0
const SOON = 1
/** What is to come soon is there after this, in milliseconds; on a machine that is busy, after that. */
const SOON_MS = [500, 2000] as const
/** Who writes again and again rings once in so long, in milliseconds: a bell takes as long as a fifth of a small transaction. */
const RING_MS = 10
/** A page that was hidden so short a time ago may be about to end, in milliseconds. */
const LEAVING_MS = 1000

/** Events after which this tab may have missed something. */
const WAKING = ['visibilitychange', 'resume', 'pageshow'] as const

/** See the top of this file. Where there is no BroadcastChannel nobody is told, and where there are no Web Locks nobody is asked. */
export class Tabs implements Peers {
  readonly #name: string
  readonly #onWake = ({ type }: Event) => {
    this.#isHidden = isHidden()
    // One that thaws is awake, seen or not.
    if (type === 'visibilitychange' && this.#isHidden) {
      this.#hiddenAt = performance.now()
      this.#ringLast()
      return
    }
    if (this.#onNews === undefined) return
    this.#isLeaving = false
    this.#hiddenAt = Number.NEGATIVE_INFINITY
    this.#ringable()
    this.#onNews()
  }
  /** An open channel keeps a page out of the back/forward cache. */
  readonly #onLeave = () => {
    this.#isLeaving = true
    this.#ringLast()
    this.#hangUp()
  }
  #onNews: (() => void) | undefined
  #bell: BroadcastChannel | undefined
  #later: ReturnType<typeof setTimeout> | undefined
  #rungAt = Number.NEGATIVE_INFINITY
  /** Something is being written of which nobody has been told. */
  #hasBegun = false
  /** Rings when it is time. */
  #owed: ReturnType<typeof setTimeout> | undefined
  #isLeaving = false
  /** Timers of a hidden page may come very late. */
  #isHidden = isHidden()
  /** When it was hidden, unless it has been seen since or was so from its start. */
  #hiddenAt = Number.NEGATIVE_INFINITY
  #isClosed = false

  constructor(name: string) {
    this.#name = name
  }

  get locks(): boolean {
    return locksHere() !== undefined && !this.#isClosed
  }

  listen(onNews: () => void): void {
    if (this.#isClosed) return
    this.#onNews = onNews
    this.#ringable()
    for (const type of WAKING) for (const target of targets()) target.addEventListener(type, this.#onWake)
    for (const target of targets()) target.addEventListener('pagehide', this.#onLeave)
  }

  tell(): void {
    this.#hasBegun = false
    const wait = this.#rungAt + RING_MS - performance.now()
    if (wait <= 0 || this.#isHidden || this.#isLeaving || this.#isClosed) this.#ring(NOW)
    else this.#owed ??= setTimeout(() => this.#ring(NOW), wait)
  }

  begin(): boolean {
    const isLeaving = this.#isLeaving || performance.now() - this.#hiddenAt < LEAVING_MS
    this.#hasBegun = true
    if (isLeaving) this.#ring(SOON)
    return isLeaving
  }

  async alone(work: () => Promise<void>): Promise<void> {
    const locks = locksHere()
    if (locks === undefined) return work()
    await locks.request(`${this.#name} compaction`, { ifAvailable: true }, lock => (lock === null ? undefined : work()))
  }

  lock(name: string, { signal }: MediumCall): Promise<(() => void) | undefined> {
    const locks = locksHere()
    if (locks === undefined) return Promise.resolve(undefined)
    return new Promise(resolve => {
      const held = () => new Promise<void>(release => resolve(release))
      // Who is not let in in time, or may not ask, goes on alone: twice the work is better than none.
      locks.request(`${this.#name} ${name}`, { signal }, held).catch(() => resolve(undefined))
    })
  }

  close(): void {
    if (this.#owed !== undefined) this.#ring(NOW)
    this.#isClosed = true
    clearTimeout(this.#later)
    this.#hangUp()
    for (const type of WAKING) for (const target of targets()) target.removeEventListener(type, this.#onWake)
    for (const target of targets()) target.removeEventListener('pagehide', this.#onLeave)
  }

  #ringable(): void {
    if (this.#bell !== undefined || this.#isClosed || typeof BroadcastChannel === 'undefined') return
    this.#bell = new BroadcastChannel(this.#name)
    this.#bell.onmessage = ({ data }) => {
      this.#onNews?.()
      if (data === SOON) this.#lookAgain(0)
    }
    // In Node, where this is for tests, nobody waits for it.
    const { unref } = this.#bell as { unref?: () => void }
    unref?.call(this.#bell)
  }

  #lookAgain(after: number, times = 0): void {
    clearTimeout(this.#later)
    const at = SOON_MS[times]
    if (at === undefined) return
    this.#later = setTimeout(() => {
      this.#onNews?.()
      this.#lookAgain(at, times + 1)
    }, at - after)
  }

  /** What nobody has been told of may be all that is left of this tab; and what is owed would come too late. */
  #ringLast(): void {
    if (this.#hasBegun) this.#ring(SOON)
    else if (this.#owed !== undefined) this.#ring(NOW)
  }

  #ring(what: number): void {
    clearTimeout(this.#owed)
    this.#owed = undefined
    this.#rungAt = performance.now()
    this.#ringable()
    this.#bell?.postMessage(what)
    if (this.#isLeaving) this.#hangUp()
  }

  #hangUp(): void {
    this.#bell?.close()
    this.#bell = undefined
  }
}

/** Some events are the document's, some the window's. */
function targets(): Target[] {
  return [globalThis.document, globalThis.window].filter(target => target !== undefined)
}

function isHidden(): boolean {
  return globalThis.document?.visibilityState === 'hidden'
}

function locksHere(): LockManager | undefined {
  return (globalThis.navigator as Navigator | undefined)?.locks
}
