/** Ends what hangs. */

import { ShelflifeError, TimeoutError } from '../errors.ts'
import type { MediumCall } from '../stores/segment-medium.ts'
import type { TierCore } from './core.ts'

/** How long a medium may take to open, to read a segment, and to write or list, in milliseconds. */
export const OPEN_MS = 5000
export const READ_MS = 5000
export const WRITE_MS = 30_000
/** After its signal has aborted, a call may take this long to undo what it was doing. */
const GRACE_MS = 1000

/** A call that did not even settle after it had been told to stop: whether it will take effect some day, nobody knows. */
export class HangingError extends TimeoutError {
  override readonly name: string = 'HangingError'
  constructor(timeoutMs: number) {
    super('store', timeoutMs)
  }
}

/**
 * Runs `action`; after `ms` its signal aborts, and what it does then is its result. One that does not settle
 * shortly after ends with a {@link HangingError}; what comes of it later is ignored.
 */
export function withDeadline<T>({ driver, Alarm }: TierCore, ms: number, action: (call: MediumCall) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  return new Promise<T>((resolve, reject) => {
    const giveUp = new Alarm(() => reject(new HangingError(ms)), { holds: true })
    const stop = new Alarm(
      now => {
        driver.set(giveUp, now + GRACE_MS)
        controller.abort(new TimeoutError('store', ms))
      },
      { holds: true },
    )
    const quiet = () => {
      driver.set(stop, Number.POSITIVE_INFINITY)
      driver.set(giveUp, Number.POSITIVE_INFINITY)
    }
    driver.set(stop, driver.now() + ms)
    action({ signal: controller.signal }).then(
      value => {
        quiet()
        resolve(value)
      },
      error => {
        quiet()
        reject(error)
      },
    )
  })
}

/** The result of `work`, or a `TimeoutError` after `ms`; the work goes on. */
export function within<T>({ driver, Alarm }: TierCore, ms: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const alarm = new Alarm(() => reject(new TimeoutError('store', ms)), { holds: true })
    driver.set(alarm, driver.now() + ms)
    work.then(resolve, reject).finally(() => driver.set(alarm, Number.POSITIVE_INFINITY))
  })
}

/** Why a read ended that `signal` gave up. */
export function readAborted({ reason }: AbortSignal): ShelflifeError {
  return new ShelflifeError('ERR_ABORTED', 'the read was aborted', { cause: reason })
}

/** Waits for `ms`. */
export function pause({ driver, Alarm }: TierCore, ms: number): Promise<void> {
  return new Promise(resolve => driver.set(new Alarm(() => resolve(), { holds: true }), driver.now() + ms))
}
