/** Starts a worker. In a file of its own, which the build leaves in `dist/`: from there the script is named. */

import { builtin, execArguments, type NodeThreads } from './platform.ts'
import type { ResourceLimits, WorkerLike } from './types.ts'

/** A worker that waits to be told its module. Its script is named in one piece, as bundlers look for it. */
export function openWorker(name: string, resourceLimits: ResourceLimits | undefined): WorkerLike {
  if (typeof Worker === 'function')
    return new Worker(new URL('./chunks/worker-boot.js', import.meta.url), { type: 'module', name }) as unknown as WorkerLike
  const threads = builtin<NodeThreads>('node:worker_threads')
  if (threads === undefined) throw new TypeError('there are no workers here')
  return new threads.Worker(new URL('./chunks/worker-boot.js', import.meta.url), {
    name,
    // A program on the command line says what its text is; the script of a worker is a file.
    execArgv: execArguments().filter(argument => !argument.startsWith('--input-type')),
    ...(resourceLimits && { resourceLimits }),
  })
}
