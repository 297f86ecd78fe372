/** Waiting that a signal can end. */

import { AbortWatch } from '../abort-watch.ts'

const aborts = new AbortWatch()

/** The result of `work`, or a rejection with the signal's reason as soon as it aborts; the work itself is not disturbed. */
export function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const waiter = { aborted: reject }
    if (signal.aborted) reject(signal.reason)
    else aborts.add(signal, waiter)
    work.then(
      value => {
        aborts.remove(signal, waiter)
        resolve(value)
      },
      error => {
        aborts.remove(signal, waiter)
        reject(error)
      },
    )
  })
}
