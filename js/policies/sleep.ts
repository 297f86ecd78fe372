/** A wait that ends early when the call does. */

import type { Abortable } from '../abort-watch.ts'
import { Alarm } from '../core/driver.ts'
import type { Context } from './context.ts'

/** Resolves at `until`, on the driver's timeline; rejects as soon as the call ends early. */
export function sleepUntil(context: Context, until: number): Promise<void> {
  const { ended } = context
  if (ended !== undefined) return Promise.reject(ended.reason)
  return new Promise((resolve, reject) => {
    const sleeper: Abortable = {
      aborted(reason) {
        context.driver.set(alarm, Number.POSITIVE_INFINITY)
        reject(reason)
      },
    }
    const alarm = new Alarm(
      () => {
        context.unwatch(sleeper)
        resolve()
      },
      { holds: true },
    )
    if (context.canEnd) context.watch(sleeper)
    context.driver.set(alarm, until)
  })
}
