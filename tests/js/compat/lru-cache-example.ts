/** A program that uses twenty of lru-cache's options and twenty of its methods, as somebody might have written it. */

import type { LRUCache } from '../../../js/lru-cache.ts'
import type { CacheClass } from './both.ts'

interface Page {
  readonly url: string
  readonly text: string
  readonly visits: number
}
interface Visitor {
  readonly name: string
}

/** Runs the program with the class given, and returns what it printed. */
export async function readPages(Cache: CacheClass): Promise<string[]> {
  const printed: string[] = []
  function print(...words: unknown[]): void {
    printed.push(words.map(word => (typeof word === 'string' ? word : JSON.stringify(word))).join(' '))
  }
  let time = 50_000
  let requests = 0

  const pages = new Cache<string, Page, Visitor>({
    max: 4,
    maxSize: 400,
    maxEntrySize: 150,
    sizeCalculation: (page, url) => page.text.length + url.length,
    ttl: 1000,
    ttlResolution: 0,
    perf: { now: () => time },
    updateAgeOnGet: false,
    updateAgeOnHas: true,
    allowStale: false,
    noDeleteOnStaleGet: true,
    noUpdateTTL: false,
    noDisposeOnSet: false,
    noDeleteOnFetchRejection: true,
    allowStaleOnFetchRejection: true,
    backgroundFetchSize: 5,
    dispose: (page, url, reason) => print('leaves', url, page.visits, reason),
    disposeAfter: (page, url, reason) => print('has left', url, page.visits, reason),
    onInsert: (page, url, reason) => print('comes', url, page.visits, reason),
    fetchMethod: async (url, stale, { context, options, signal }) => {
      requests += 1
      print('request', requests, url, 'for', context.name, 'stale', stale?.visits ?? 'none', signal.aborted)
      if (url.includes('broken')) throw new Error(`cannot reach ${url}`)
      if (url.includes('short')) options.ttl = 10
      await Promise.resolve()
      return { url, text: `${url} says hello `.repeat(2), visits: (stale?.visits ?? 0) + 1 }
    },
    memoMethod: (url, old, { context }) => ({ url, text: `made for ${context.name}`, visits: (old?.visits ?? 0) + 10 }),
  })
  const context: Visitor = { name: 'Ada' }
  const names = (of: Iterable<string>) => [...of].join(',')

  // Loading, one request for several readers, and what the status tells.
  const status: LRUCache.Status<string, Page, Visitor> = {}
  const both = await Promise.all([pages.fetch('/a', { context, status }), pages.fetch('/a', { context })])
  print(
    'fetched',
    both.map(page => page?.visits),
    status.op,
    status.fetch,
    status.fetchUpdated,
    status.entrySize,
    status.totalCalculatedSize,
  )
  for (const url of ['/b', '/short', '/c', '/d']) await pages.fetch(url, { context })
  print('kept', names(pages.keys()), names(pages.rkeys()), pages.size, pages.calculatedSize, pages.max, pages.maxSize)

  // Reading and writing.
  pages.set('/b', { url: '/b', text: 'by hand', visits: 7 }, { ttl: 500 })
  print('get', pages.get('/b')?.visits, pages.peek('/c')?.visits, pages.has('/d'), pages.has('/nowhere'), names(pages.keys()))
  pages.set('/huge', { url: '/huge', text: 'x'.repeat(500), visits: 1 })
  print('too large', pages.has('/huge'), pages.size)
  print('memo', pages.memo('/memo', { context }).visits, pages.memo('/memo', { context }).visits)
  print('again', pages.memo('/memo', { context, forceRefresh: true }).visits)
  print('find', pages.find(page => page.visits === 7)?.url, pages.find(page => page.visits === 70) ?? 'none')

  // Time.
  time += 400
  print('left', pages.getRemainingTTL('/b'), pages.getRemainingTTL('/memo'), pages.getRemainingTTL('/nowhere'), pages.info('/b')?.ttl)
  time += 200
  const seen: LRUCache.Status<string, Page, Visitor> = {}
  print('stale', pages.get('/b', { status: seen }) ?? 'none', seen.get, seen.remainingTTL, pages.get('/b', { allowStale: true })?.visits)
  print('stale while it is fetched', (await pages.fetch('/b', { context, allowStale: true }))?.visits)
  await new Promise(setImmediate)
  print('then', pages.get('/b')?.visits, pages.peek('/b')?.visits)

  // Failures.
  print('broken', (await pages.fetch('/broken', { context })) ?? 'none', pages.has('/broken'))
  print('forced', await pages.forceFetch('/broken', { context }).catch((error: Error) => error.name))
  const controller = new AbortController()
  const aborted = pages.fetch('/slow', { context, signal: controller.signal, allowStaleOnFetchRejection: false })
  controller.abort(new Error('no longer wanted'))
  print('aborted', await aborted.catch((error: Error) => error.message))

  // Everything at once.
  pages.forEach((page, url) => {
    print('each', url, page.visits)
  })
  pages.rforEach((page, url) => {
    print('each, oldest first', url, page.visits)
  })
  print(
    'values',
    [...pages.values()].map(page => page.visits),
    [...pages.rvalues()].map(page => page.visits),
  )
  print('entries', [...pages.entries()].length, [...pages.rentries()].length, [...pages].length, String(pages))
  const saved = pages.dump().map(([url, entry]) => [url, entry.size, entry.ttl] as const)
  print('saved', saved)
  const copy = new Cache<string, Page, Visitor>(pages)
  copy.load(pages.dump())
  print('copied', names(copy.keys()), copy.calculatedSize)
  time += 990
  print('purged', pages.purgeStale(), names(pages.keys()), pages.purgeStale())
  print('popped', pages.pop()?.url ?? 'none', pages.delete('/memo'), pages.delete('/nowhere'))
  pages.set('/last', { url: '/last', text: 'bye', visits: 0 })
  pages.clear()
  print('cleared', pages.size, pages.calculatedSize, requests)
  return printed
}
