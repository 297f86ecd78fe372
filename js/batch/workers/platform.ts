/** Threads of the platform: Web Workers where there are any, else `node:worker_threads`. */

import type { ResourceLimits, WorkerLike } from './types.ts'

/** `node:worker_threads`, as far as it is used. */
export interface NodeThreads {
  readonly Worker: new (script: URL, options: { name?: string; execArgv?: string[]; resourceLimits?: ResourceLimits }) => WorkerLike
  readonly parentPort: {
    on(event: 'message', listener: (data: unknown) => void): void
    postMessage(data: object, list: readonly object[]): void
  } | null
}

interface Scope {
  readonly Worker?: unknown
  readonly navigator?: { readonly hardwareConcurrency?: number }
  readonly process?: { readonly getBuiltinModule?: (id: string) => unknown; readonly execArgv?: string[] }
  readonly document?: unknown
  readonly addEventListener?: (event: 'message', listener: (event: { readonly data: unknown }) => void) => void
  readonly postMessage?: (data: object, list: readonly object[]) => void
}

/** What a worker sees of the thread that made it. */
export interface Outside {
  post(data: object, list: readonly object[]): void
  listen(listener: (data: unknown) => void): void
}

/** What becomes of a worker. */
export interface WorkerListener {
  said(data: unknown): void
  /** Called once or more when it is over with it. */
  died(why: string, details: { cause?: unknown; exitCode?: number }): void
}

/** Asked for by name, since a bundler for browsers would look for the module. */
export function builtin<M>(id: string): M | undefined {
  return (globalThis as Scope).process?.getBuiltinModule?.(id) as M | undefined
}

/** How this process of Node was started. */
export function execArguments(): string[] {
  return (globalThis as Scope).process?.execArgv ?? []
}

/** Whether there are workers here. */
export function hasWorkers(): boolean {
  return typeof (globalThis as Scope).Worker === 'function' || builtin('node:worker_threads') !== undefined
}

/** The cores of the machine, as far as it tells. */
export function cores(): number {
  const os = builtin<{ availableParallelism(): number }>('node:os')
  return os?.availableParallelism() ?? (globalThis as Scope).navigator?.hardwareConcurrency ?? 2
}

/** Tells `listener` of `worker`, whichever of the two kinds it is. */
export function watch(worker: WorkerLike, listener: WorkerListener): void {
  if (typeof worker.on === 'function') {
    worker.on('message', data => listener.said(data))
    worker.on('messageerror', cause => listener.died('it sent what cannot be read', { cause }))
    worker.on('error', cause => listener.died(textOf(cause), { cause }))
    worker.on('exit', code => listener.died(`it exited with ${String(code)}`, { exitCode: Number(code) }))
    return
  }
  worker.addEventListener?.('message', event => listener.said(event.data))
  worker.addEventListener?.('messageerror', () => listener.died('it sent what cannot be read', {}))
  worker.addEventListener?.('error', event => {
    // It is told as an error of the batch.
    event.preventDefault?.()
    const { message, error } = event
    listener.died(
      message || 'its script could not be loaded; where a bundler moves it, make the worker yourself, by module: () => new Worker(…)',
      error === undefined || error === null ? {} : { cause: error },
    )
  })
}

/** Keeps the process alive for `worker`, or not. Only Node knows that. */
export function hold(worker: WorkerLike, isHeld: boolean): void {
  if (isHeld) worker.ref?.()
  else worker.unref?.()
}

/** The way out of this worker. Throws outside of one. */
export function outside(): Outside {
  const port = builtin<NodeThreads>('node:worker_threads')?.parentPort
  if (port) return { post: (data, list) => port.postMessage(data, list), listen: listener => void port.on('message', listener) }
  const { postMessage, addEventListener, document } = globalThis as Scope
  if (typeof postMessage !== 'function' || typeof addEventListener !== 'function' || document !== undefined)
    throw new TypeError('this is no worker')
  return {
    post: (data, list) => postMessage(data, list),
    listen: listener => addEventListener('message', ({ data }) => listener(data)),
  }
}

function textOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
