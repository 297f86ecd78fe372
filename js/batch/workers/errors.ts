/** The errors of workers. */

import { ShelflifeError } from '../../errors.ts'

/** A worker ended in the middle of a batch: it exited, threw where nobody caught it, ran out of memory, or was ended because it did not answer. */
export class WorkerCrashedError extends ShelflifeError {
  override readonly name: string = 'WorkerCrashedError'
  /** What `process.exit` was given, on Node, if it came to that. */
  readonly exitCode: number | undefined

  constructor(why: string, { cause, exitCode }: { cause?: unknown; exitCode?: number | undefined } = {}) {
    super('ERR_WORKER_CRASHED', `the worker ended in the middle of the batch: ${why}`, { cause, retryable: true })
    this.exitCode = exitCode
  }
}

/**
 * No worker can do the work: there are none here, a policy of the page (`worker-src`) forbids them, the module cannot be loaded or has no
 * handler, or one after the other crashed.
 */
export class WorkerUnavailableError extends ShelflifeError {
  override readonly name: string = 'WorkerUnavailableError'
  constructor(why: string, cause?: unknown) {
    super('ERR_WORKER_UNAVAILABLE', `no worker can process the batches: ${why}`, cause === undefined ? {} : { cause })
  }
}
