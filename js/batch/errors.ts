/** The errors of batches. */

import { ShelflifeError } from '../errors.ts'

/** The run was aborted before the item was finished. */
export class BatchAbortedError extends ShelflifeError {
  override readonly name: string = 'BatchAbortedError'
  /** Whether the handler had been given the item, so that it may have been processed all the same. */
  readonly started: boolean

  constructor(started: boolean, reason: unknown) {
    super('ERR_ABORTED', started ? 'the run was aborted while the item was in progress' : 'the run was aborted before the item', {
      cause: reason,
    })
    this.started = started
  }
}

/** The handler did not return one result for each item, so nobody can say which result belongs to which item. */
export class BatchResultError extends ShelflifeError {
  override readonly name: string = 'BatchResultError'
  constructor(expected: number, received: unknown) {
    const got = Array.isArray(received) ? `${received.length} results` : 'no array'
    super('ERR_BATCH_RESULT', `the handler must return an array of ${expected} results, in the order of the items; it returned ${got}`)
  }
}
