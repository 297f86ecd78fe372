/** What is used of the package `undici`, so that its types need not be there. */

/** The package, as far as it is used. */
export interface Undici {
  readonly Client: new (origin: string, options: object) => UndiciClient
  buildConnector(options: object): Connect
}

/** One connection. */
export interface UndiciClient {
  /** Requests under way at once. */
  pipelining: number
  dispatch(request: UndiciRequest, handler: UndiciHandler): boolean
  destroy(): Promise<void>
  on(event: 'connect' | 'disconnect', listener: () => void): unknown
  on(event: 'connectionError', listener: (origin: unknown, targets: unknown, error: Error) => void): unknown
}

/** What goes out. */
export interface UndiciRequest {
  readonly path: string
  readonly method: string
  readonly headers: Record<string, string>
  readonly body: unknown
}

/** Steers a request on its way. */
export interface UndiciController {
  abort(reason: Error): void
  pause(): void
  resume(): void
}

/** What is told of a request. */
export interface UndiciHandler {
  /** It goes out; or comes too late, when it was aborted before. */
  onRequestStart(controller: UndiciController): void
  onResponseStart(controller: UndiciController, status: number, headers: Record<string, string | string[]>, statusText?: string): void
  onResponseData(controller: UndiciController, chunk: Uint8Array): void
  onResponseEnd(): void
  onResponseError(controller: UndiciController | null, error: Error): void
}

/** Opens a socket. */
export type Connect = (options: object, callback: (error: Error | null, socket: { alpnProtocol?: string | false | null }) => void) => void
