/** The public types of policies: what stands around a call. */

/** What a function is told about the call that it is part of. */
export interface CallContext {
  /** Aborts when nobody waits for this call any more: by the caller's signal, a deadline, or another attempt that was faster. Made when it is first read. */
  readonly signal: AbortSignal
  /** The number of the attempt, from 1. */
  readonly attempt: number
  /** When everything has to be done, in milliseconds since the epoch; `Infinity` where there is no deadline. */
  readonly deadline: number
  /** What was given to `execute`, or the empty string. */
  readonly key: string
  /** What was given to `execute`, or 0. */
  readonly priority: number
}

/** Options of a single call. */
export interface ExecuteOptions {
  /** Ends the call, in whatever phase it is: `execute` rejects with `signal.reason`. */
  signal?: AbortSignal | undefined
  /** What shares limits and circuits that are kept for each key, such as the name of a host. Default: the empty string. */
  key?: string | undefined
  /** Who goes first where calls wait: the higher number. Default: 0. */
  priority?: number | undefined
}

/** Something that stands around calls. Combine several with {@link pipeline}. */
export interface Policy {
  /** Runs `fn` under this policy. Rejects with what `fn` rejects with, with what the policy refuses with, and with `signal.reason` on abort. */
  execute<T>(fn: (context: CallContext) => T | PromiseLike<T>, options?: ExecuteOptions): Promise<T>
}
