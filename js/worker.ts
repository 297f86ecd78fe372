/** What `import … from 'shelflife/worker'` offers, in a worker that processes batches. */

export type { BatchContext, BatchHandler } from './batch/types.ts'
export { serve } from './batch/workers/serve.ts'
export { transfer } from './batch/workers/transfer.ts'
