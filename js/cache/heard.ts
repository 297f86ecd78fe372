/** What others have done to the values of a cache, another tab for example, done to what memory has of them. */

import type { GiveUpMode } from '../stores/barriers.ts'
import { pathLength, withoutPath } from '../stores/namespaced.ts'
import type { Invalidation, StoreChange } from '../stores/tier.ts'
import type { Kept } from './kept.ts'
import type { Loading } from './loading.ts'
import type { MemoryCache } from './memory-cache.ts'
import type { Overflow } from './overflow.ts'

/** A cache, or a namespace of it. */
export interface Hearer<V> {
  /** Where its keys lie in the tiers. */
  readonly path: string
  readonly memory: MemoryCache<string, Kept<V>>
  readonly loading: Loading<V>
  readonly overflow: Overflow | undefined
}

/** `all`: a cache and all its namespaces. What is on its way to memory is stopped, too. */
export function hear<V>(all: readonly Hearer<V>[], change: StoreChange): void {
  if ('keys' in change) for (const key of change.keys) forget(all, key)
  else if ('invalidation' in change) {
    giveUp(all, change.invalidation)
    // What others have made stale must not go down as fresh; which entries that means is not worth finding out.
    for (const { overflow } of all) overflow?.giveUp({ prefix: '' }, 'delete')
  } else for (const one of all) empty(one)
}

/** Whether one of them has a value of a key of the tiers in memory. */
export function isInMemory<V>(all: readonly Hearer<V>[], key: string): boolean {
  const found = at(all, key)
  return found?.one.memory.has(found.text) === true
}

function forget<V>(all: readonly Hearer<V>[], key: string): void {
  const found = at(all, key)
  if (found === undefined) return
  found.one.memory.delete(found.text)
  found.one.loading.overtake(found.text)
}

function giveUp<V>(all: readonly Hearer<V>[], { mode = 'delete', ...meant }: Invalidation): void {
  if ('tags' in meant) for (const tag of meant.tags) untag(all, tag, mode)
  else if ('namespace' in meant) for (const one of all.filter(({ path }) => path.startsWith(meant.namespace))) empty(one)
  else if ('source' in meant) {
    if (meant.source === undefined) for (const one of all) empty(one)
    else forget(all, meant.source)
  } else {
    const [kind, text] = Object.entries(meant)[0] as ['key' | 'prefix' | 'pattern', string]
    const found = at(all, text)
    if (found === undefined) return
    const { memory, loading } = found.one
    if (kind === 'prefix') memory.invalidatePrefix(found.text, { mode })
    else if (kind === 'pattern') memory.invalidate(found.text, { mode })
    else if (mode === 'expire') memory.expire(found.text)
    else memory.delete(found.text)
    loading.giveUp({ [kind]: found.text } as { key: string }, mode)
  }
}

/** A tag reaches the namespaces within, too. */
function untag<V>(all: readonly Hearer<V>[], tag: string, mode: GiveUpMode): void {
  const found = at(all, tag)
  if (found === undefined) return
  found.one.memory.invalidateTags([found.text], { mode })
  for (const one of all) if (one.path.startsWith(found.one.path)) one.loading.giveUp({ tags: [found.text] }, mode)
}

function empty<V>({ memory, loading }: Hearer<V>): void {
  memory.clear()
  loading.overtakeAll()
}

/** The cache or namespace that a key, tag, prefix or pattern of the tiers belongs to. Where nobody has made it, nobody has anything of it. */
function at<V>(all: readonly Hearer<V>[], named: string): { one: Hearer<V>; text: string } | undefined {
  const length = pathLength(named)
  const path = named.slice(0, length)
  const one = all.find(hearer => hearer.path === path)
  return one && { one, text: withoutPath(named, length) }
}
