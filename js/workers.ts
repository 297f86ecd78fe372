/** What `import … from 'shelflife/workers'` offers: threads for the handlers of `processBatch`. It is loaded when it is first needed. */

export { WorkerCrashedError, WorkerUnavailableError } from './batch/workers/errors.ts'
export { createWorkers } from './batch/workers/pool.ts'
export type * from './batch/workers/types.ts'
