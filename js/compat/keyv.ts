/** A storage adapter of Keyv over a cache of ours, for programs written for Keyv. */

import { InvalidArgumentError } from '../errors.ts'

type MaybePromise<T> = T | Promise<T>

/** What is in memory, as {@link KeyvShelflife.iterator} asks for it. */
interface Front {
  readonly size: number
  coldest(n: number): string[]
  peek(key: string): unknown
}

/** What {@link KeyvShelflife} needs of a cache: one of `createMemoryCache` or of `createCache`. */
export interface CacheForKeyv {
  get(key: string): unknown
  getMany?(keys: string[]): MaybePromise<unknown[]>
  has(key: string): MaybePromise<boolean>
  set(key: string, value: never, options?: { ttl?: number }): unknown
  delete(key: string): MaybePromise<boolean>
  deleteMany(keys: string[]): MaybePromise<number>
  clear(): unknown
  invalidatePrefix(prefix: string): unknown
  flush?(): Promise<void>
  readonly memory?: Front
}

/** Options of {@link KeyvShelflife}. */
export interface KeyvShelflifeOptions {
  /** What `clear` and `iterator` keep to; Keyv sets it to its own. Default: none, and `clear` clears the cache. */
  readonly namespace?: string
}

type Listener = (...values: unknown[]) => void

/**
 * Keeps what a Keyv stores in `cache`, which adds its limits, policy, statistics and tiers.
 *
 * `iterator` goes over what is in memory. `disconnect` flushes, and leaves the cache open. A set is acknowledged as `persist` of
 * the cache's own default says: in memory, and queued for its tiers.
 *
 * ```ts
 * const keyv = new Keyv({ store: new KeyvShelflife(createCache({ max: 10_000, store: fileSystem({ path: './.cache' }) })) })
 * ```
 *
 * @throws InvalidArgumentError when `cache` is none.
 */
export class KeyvShelflife {
  namespace: string | undefined
  /** Keyv 5 goes over the entries of an adapter only where it knows the dialect. */
  opts: Record<string, unknown> = { dialect: 'sqlite', url: 'shelflife' }
  readonly #cache: CacheForKeyv
  readonly #listeners = new Map<string, Set<Listener>>()

  constructor(cache: CacheForKeyv, { namespace }: KeyvShelflifeOptions = {}) {
    const methods = cache as unknown as Record<string, unknown> | null | undefined
    if (['get', 'set', 'has', 'delete', 'deleteMany', 'clear', 'invalidatePrefix'].some(method => typeof methods?.[method] !== 'function'))
      throw new InvalidArgumentError('cache', 'a cache of createCache or createMemoryCache', cache)
    this.#cache = cache
    this.namespace = namespace
  }

  async get<Value>(key: string): Promise<Value | undefined> {
    return (await this.#cache.get(key)) as Value | undefined
  }

  async getMany<Value>(keys: string[]): Promise<(Value | undefined)[]> {
    const found = this.#cache.getMany?.(keys) ?? Promise.all(keys.map(async key => this.#cache.get(key)))
    return (await found) as (Value | undefined)[]
  }

  /** `ttl` in milliseconds; 0 or none is the default of the cache. */
  async set(key: string, value: unknown, ttl?: number): Promise<boolean> {
    await this.#cache.set(key, value as never, ttl ? { ttl } : {})
    return true
  }

  async setMany(entries: { key: string; value: unknown; ttl?: number }[]): Promise<boolean[]> {
    return Promise.all(entries.map(({ key, value, ttl }) => this.set(key, value, ttl)))
  }

  async has(key: string): Promise<boolean> {
    return this.#cache.has(key)
  }

  async hasMany(keys: string[]): Promise<boolean[]> {
    return Promise.all(keys.map(key => this.has(key)))
  }

  async delete(key: string): Promise<boolean> {
    return this.#cache.delete(key)
  }

  /** Whether there was one of them. */
  async deleteMany(keys: string[]): Promise<boolean> {
    return (await this.#cache.deleteMany(keys)) > 0
  }

  /** Removes what is in the namespace; without one, everything. */
  async clear(): Promise<void> {
    if (this.namespace === undefined) await this.#cache.clear()
    else await this.#cache.invalidatePrefix(`${this.namespace}:`)
  }

  /** What is in memory, keys with their namespace. */
  async *iterator(namespace: string | undefined = this.namespace): AsyncGenerator<[string, unknown], void> {
    const memory = this.#cache.memory ?? (this.#cache as CacheForKeyv & Front)
    if (memory.size === 0) return
    for (const key of memory.coldest(memory.size)) {
      const value = namespace === undefined || key.startsWith(`${namespace}:`) ? memory.peek(key) : undefined
      if (value !== undefined) yield [key, value]
    }
  }

  async disconnect(): Promise<void> {
    await this.#cache.flush?.()
  }

  on(event: string, listener: Listener): this {
    const listeners = this.#listeners.get(event) ?? new Set()
    this.#listeners.set(event, listeners.add(listener))
    return this
  }

  off(event: string, listener: Listener): this {
    this.#listeners.get(event)?.delete(listener)
    return this
  }

  emit(event: string, ...values: unknown[]): boolean {
    const listeners = [...(this.#listeners.get(event) ?? [])]
    for (const listener of listeners) listener(...values)
    return listeners.length > 0
  }
}
