/** What workers and their pool say to each other. */

import type { WireError } from './wire-error.ts'

/** To a worker. */
export type ToWorker =
  /** Whether it is there; it says `ready` when it is. */
  | { readonly kind: 'hello' }
  /** Where its handler is; only for a worker that is not made by the user. */
  | { readonly kind: 'module'; readonly url: string }
  | {
      readonly kind: 'batch'
      readonly id: number
      readonly items: readonly unknown[]
      /** The place of the first item, and of each where they do not follow each other. */
      readonly first: number
      readonly indexes: readonly number[] | undefined
      readonly attempt: number
      /** Whether what can be transferred of the results is. */
      readonly transfers: boolean
    }
  | { readonly kind: 'abort'; readonly id: number; readonly reason: WireError }

/** From a worker. */
export type FromWorker =
  | { readonly kind: 'ready' }
  /** It has no handler. */
  | { readonly kind: 'unfit'; readonly error: WireError }
  | {
      readonly kind: 'answer'
      readonly id: number
      /** What the handler returned, if that is an array; `undefined` in the places of errors. */
      readonly results: readonly unknown[] | undefined
      readonly errors: readonly (readonly [at: number, error: WireError])[]
    }
  | { readonly kind: 'threw'; readonly id: number; readonly error: WireError }

/** What it is, or `undefined` when it is none of ours: a user's worker may say other things as well. */
export function readMessage<M extends ToWorker | FromWorker>(data: unknown): M | undefined {
  const message = (data as { shelflife?: M } | null | undefined)?.shelflife
  return typeof message?.kind === 'string' ? message : undefined
}

/** As it is posted. */
export function wrapped(message: ToWorker | FromWorker): object {
  return { shelflife: message }
}
