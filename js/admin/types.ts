/** What `createAdminHandler` takes and gives. */

import type { Clock } from '../clock.ts'
import type { Registry } from '../metrics/registry.ts'

/** A cache that may be emptied from afar; those of `createCache` are. */
export interface AdminCache {
  clear(): unknown
  invalidate?(pattern: string): unknown
  invalidatePrefix?(prefix: string): unknown
  invalidateTags?(tags: string[]): unknown
}

/** What a registered batch is told beside its input. */
export interface AdminBatchContext {
  /** Aborted when whoever asked for it has gone. */
  readonly signal: AbortSignal
}

/** Options of {@link createAdminHandler}. */
export interface AdminOptions {
  /** What every request has to know, at least 16 characters. Default: a random one, see {@link AdminHandler.token}. */
  token?: string
  /** Where it is mounted. Default: `'/'`. */
  basePath?: string
  /** Names under which it answers beside `localhost`, `127.0.0.1` and `[::1]`, without port: those of the proxy in front of it. Default: none. */
  hosts?: readonly string[]
  /** Whether it answers to other machines, where the adapter says who asks. Default: false. */
  allowRemote?: boolean
  /** Whether anything can be changed: `POST` is refused otherwise. Default: false. */
  allowWrites?: boolean
  /** Whether keys and URLs are shown as they are. Default: false: a few characters and a hash, which differs from handler to handler. */
  showKeys?: boolean
  /** What `GET metrics` tells. Default: there is none. */
  registry?: Registry
  /** What `GET report` answers, as JSON. Default: there is none. */
  report?: () => unknown
  /** What can be cleared and invalidated, by name. Default: nothing. */
  caches?: Readonly<Record<string, AdminCache>>
  /** What `POST batch/<name>` runs, with the JSON that it is sent; what it returns is answered as JSON. Default: nothing. */
  batches?: Readonly<Record<string, (input: unknown, context: AdminBatchContext) => unknown>>
  /** How many may read `GET events` at a time. Default: 100. */
  maxReaders?: number
  /** Default: the system's. */
  clock?: Clock
}

/** Why a request was refused: `{ error: { code, message } }` is the body. */
export type AdminErrorCode =
  | 'ERR_BAD_REQUEST'
  | 'ERR_UNAUTHORIZED'
  | 'ERR_FORBIDDEN_HOST'
  | 'ERR_FORBIDDEN_ORIGIN'
  | 'ERR_FORBIDDEN_ADDRESS'
  | 'ERR_READ_ONLY'
  | 'ERR_NOT_FOUND'
  | 'ERR_METHOD'
  | 'ERR_TOO_LARGE'
  | 'ERR_TOO_MANY_READERS'
  | 'ERR_HANDLER'
  | 'ERR_CLOSED'

/** Made by `createAdminHandler`. */
export interface AdminHandler {
  /** Answers a request. `remoteAddress` is who asks, where that is known. Never rejects. */
  (request: Request, info?: { readonly remoteAddress?: string | undefined }): Promise<Response>
  /** Of every request: `Authorization: Bearer <token>`. The page takes it from the fragment: `http://localhost:9000/#token=<token>`. */
  readonly token: string
  /** How many read `GET events`. */
  readonly readers: number
  /** Ends all streams, and refuses everything. Idempotent; the monitor stays open. */
  close(): void
  [Symbol.dispose](): void
}
