/** Failures that nobody can catch: a callback of a user threw where only we call. */

interface Process {
  readonly emitWarning?: (warning: Error) => void
}

/**
 * Tells whoever looks after the program, and goes on: what only tidies up must not end a process. Node, Bun and Deno get a warning
 * (`process.on('warning', …)`) named `ShelflifeWarning` with the failure in `cause`; browsers an `error` event, as of an uncaught error.
 */
export function report(error: unknown, what = 'a callback threw in a timer'): void {
  const { process, reportError } = globalThis as { process?: Process; reportError?: (error: unknown) => void }
  if (typeof process?.emitWarning !== 'function') {
    reportError?.(error)
    return
  }
  const said = error instanceof Error ? error.message : String(error)
  const warning = new Error(`${what}: ${said}`, { cause: error })
  warning.name = 'ShelflifeWarning'
  process.emitWarning(warning)
}
