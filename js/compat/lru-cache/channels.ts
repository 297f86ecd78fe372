/**
 * lru-cache's channels of `node:diagnostics_channel`, by the same names, so that whoever listens goes on hearing.
 * Where the platform has no such module, nobody listens.
 */

interface Channel {
  readonly hasSubscribers: boolean
  publish(message: object): void
}
interface Tracing {
  readonly hasSubscribers: boolean
  tracePromise(fn: () => Promise<unknown>, context: object): Promise<unknown>
}
interface Diagnostics {
  channel(name: string): Channel
  tracingChannel(name: string): Tracing
}

const SILENT: Channel & Tracing = { hasSubscribers: false, publish() {}, tracePromise: fn => fn() }

const diagnostics = (globalThis as { process?: { getBuiltinModule?(name: string): Diagnostics | undefined } }).process?.getBuiltinModule?.(
  'node:diagnostics_channel',
)

/** What synchronous operations did. */
export const metrics: Channel = diagnostics?.channel('lru-cache:metrics') ?? SILENT
/** The course of fetches. */
export const tracing: Tracing = diagnostics?.tracingChannel('lru-cache') ?? SILENT
