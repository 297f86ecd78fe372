/** The reference and ours, under one type. */

import { LRUCache as Reference } from 'lru-cache'
import { LRUCache as Ours } from '../../../js/lru-cache.ts'

export type CacheClass = typeof Ours

export const reference = Reference as unknown as CacheClass
export const ours: CacheClass = Ours
export const both: readonly { name: string; LRUCache: CacheClass }[] = [
  { name: 'lru-cache', LRUCache: reference },
  { name: 'shelflife/lru-cache', LRUCache: ours },
]

export interface Deferred<T> {
  readonly promise: Promise<T>
  resolve(value: T): void
  reject(error: unknown): void
}

/** A promise for a test to settle. */
export function deferred<T>(): Deferred<T> {
  let settle: Omit<Deferred<T>, 'promise'> | undefined
  const promise = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject }
  })
  return { promise, ...(settle as Omit<Deferred<T>, 'promise'>) }
}
