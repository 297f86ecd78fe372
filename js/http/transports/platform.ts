/** The platform's `fetch` as a transport. */

import type { BareHangup, BareResponse, Transport, TransportProgress } from '../transport.ts'
import { isNode } from './runtime.ts'

/**
 * `globalThis.fetch`, looked up at each call, so that one that is put in place later, by a test or a tracer, is the one that is used. In Node simple requests go
 * round the part of it that is made for pages, once that is loaded, and as long as it is Node's own.
 */
export function platformTransport(): Transport {
  const call = (url: string, init: RequestInit) => globalThis.fetch(url, init)
  if (!isNode()) return call
  let dispatch: typeof import('./dispatcher.ts').dispatch | undefined
  import('./dispatcher.ts').then(
    module => {
      dispatch = module.dispatch
    },
    () => undefined,
  )
  const bare = (url: string, init: RequestInit, progress: TransportProgress, hangup: BareHangup): Promise<BareResponse> =>
    dispatch?.(url, init, progress, hangup) ?? call(url, { ...init, signal: hangup.signal })
  return Object.assign(call, { bare })
}
