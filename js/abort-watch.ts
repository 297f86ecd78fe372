/**
 * One listener for each signal, however many calls wait under it.
 *
 * A signal often covers a whole page or batch. A listener for each call would make removal linear in their number, and
 * Node warns of a leak at the eleventh.
 */

/** Somebody who gives up when the signal says so. */
export interface Abortable {
  aborted(reason: unknown): void
}

interface Watched {
  readonly members: Set<Abortable>
  readonly listener: () => void
}

/** See the top of this file. */
export class AbortWatch {
  readonly #signals = new Map<AbortSignal, Watched>()

  /** Tells `member` when `signal`, which must not be aborted yet, aborts. */
  add(signal: AbortSignal, member: Abortable): void {
    let watched = this.#signals.get(signal)
    if (watched === undefined) {
      const members = new Set<Abortable>()
      watched = { members, listener: () => this.#tell(signal, members) }
      signal.addEventListener('abort', watched.listener)
      this.#signals.set(signal, watched)
    }
    watched.members.add(member)
  }

  /** Takes `member` off, and the listener with the last one. */
  remove(signal: AbortSignal, member: Abortable): void {
    const watched = this.#signals.get(signal)
    if (watched === undefined || !watched.members.delete(member) || watched.members.size > 0) return
    signal.removeEventListener('abort', watched.listener)
    this.#signals.delete(signal)
  }

  #tell(signal: AbortSignal, members: Set<Abortable>): void {
    for (const member of members) member.aborted(signal.reason)
  }
}

const waits = /* @__PURE__ */ new AbortWatch()

/** The result of `work`, or a rejection with what `why` makes of the signal as soon as it aborts; the work itself is not disturbed. */
export function untilAborted<T>(
  work: Promise<T>,
  signal: AbortSignal,
  why: (signal: AbortSignal) => unknown = ({ reason }) => reason,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const waiter = { aborted: () => reject(why(signal)) }
    if (signal.aborted) waiter.aborted()
    else waits.add(signal, waiter)
    work.then(
      value => {
        waits.remove(signal, waiter)
        resolve(value)
      },
      error => {
        waits.remove(signal, waiter)
        reject(error)
      },
    )
  })
}
