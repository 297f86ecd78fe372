/** Remembers the addresses of hosts. The platform asks the system for each connection, in one of four threads that files need as well. */

import { lookup as ask, type LookupAddress, type LookupAllOptions, type LookupOptions } from 'node:dns'

type Callback = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void

interface Known {
  readonly addresses: Promise<LookupAddress[]>
  readonly until: number
}

/** Hosts whose addresses are known. */
const MOST_HOSTS = 1000

/** See the top of this file. */
export class DnsCache {
  readonly #ttlMs: number
  readonly #ask: typeof ask
  readonly #known = new Map<string, Known>()

  constructor(ttlMs: number, system: typeof ask = ask) {
    this.#ttlMs = ttlMs
    this.#ask = system
  }

  /** As `dns.lookup`, which is what `net.connect` takes. */
  readonly lookup = (host: string, options: LookupOptions, callback: Callback): void => {
    const { all = false } = options
    this.#addresses(host, options).then(
      addresses => {
        const [first] = addresses
        if (all) callback(null, addresses)
        else if (first === undefined) callback(Object.assign(new Error(`no address of ${host}`), { code: 'ENOTFOUND' }), '')
        else callback(null, first.address, first.family)
      },
      (error: NodeJS.ErrnoException) => callback(error, all ? [] : ''),
    )
  }

  /** Nobody could be reached there: the next one asks anew. */
  forget(host: string): void {
    for (const key of this.#known.keys()) if (key.startsWith(`${host} `)) this.#known.delete(key)
  }

  #addresses(host: string, options: LookupOptions): Promise<LookupAddress[]> {
    const key = `${host} ${options.family ?? 0} ${options.hints ?? 0}`
    const known = this.#known.get(key)
    const now = performance.now()
    if (known !== undefined && known.until > now) return known.addresses
    const addresses = new Promise<LookupAddress[]>((resolve, reject) => {
      const every: LookupAllOptions = { ...options, all: true }
      this.#ask(host, every, (error, found) => (error === null ? resolve(found) : reject(error)))
    })
    this.#known.delete(key)
    this.#known.set(key, { addresses, until: now + this.#ttlMs })
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= MOST_HOSTS) break
      this.#known.delete(oldest)
    }
    addresses.catch(() => this.forget(host))
    return addresses
  }
}
