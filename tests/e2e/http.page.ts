/** Runs in the page: the client of `createFetch` on the platform's own fetch, against an origin that is not the page's. */

import { createCache, createFetch, ndjson } from '../../js/index.ts'

const ROUNDS = 4

interface Seen {
  preflights: number
  conditional: number
  requests: number
  mostAtOnce: number
}

export default async function run({ origin }: { origin: string }) {
  const seen = async (): Promise<Seen> => (await globalThis.fetch(`${origin}/seen`, { cache: 'no-store' })).json()
  const fetch = createFetch({ cache: createCache(), perHost: 5, timeout: '60s', totalTimeout: '120s' })
  const sources: (string | null)[] = []
  const first = await fetch.json(`${origin}/tagged`)
  for (const cache of ['default', 'no-cache', 'default', 'force-cache', 'only-if-cached'] as const)
    sources.push((await fetch(`${origin}/tagged`, { cache })).headers.get('x-cache'))
  const isParsedOnce = first === (await fetch.json(`${origin}/tagged`, { cache: 'no-cache' }))
  const nowhere = await fetch(`${origin}/nowhere`, { cache: 'only-if-cached' })
  const led = await fetch(`${origin}/away`)
  const items: unknown[] = []
  for await (const item of ndjson((await fetch.stream(`${origin}/lines`)).body)) items.push(item)
  const refused = await fetch(`${origin}/none`, { credentials: 'include' }).then(
    () => 'answered',
    (error: { code?: string }) => error.code,
  )
  const before = await seen()
  // Others use the machine, too: what takes long in every round is ours.
  const longest: number[] = []
  const callsMs: number[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    const work = () => {
      const began = performance.now()
      const all = Array.from({ length: 1000 }, (_, n) => fetch.json(`${origin}/many?${round}-${n}`))
      callsMs.push(performance.now() - began)
      return Promise.all(all)
    }
    longest.push(await longestTask(work))
  }
  const { inflight, queued, sleeping, failures } = fetch.stats()
  await fetch.close()
  return {
    sources,
    isParsedOnce,
    nowhere: nowhere.status,
    led: [led.url, led.redirected, await led.text()],
    items,
    refused,
    before,
    after: await seen(),
    longest,
    callsMs,
    stats: { inflight, queued, sleeping, failures },
  }
}

/** The longest task of the page while `work` goes on, in milliseconds; 0 where none was above 50, or the engine does not tell. */
async function longestTask(work: () => Promise<unknown>): Promise<number> {
  let longest = 0
  const isTold = PerformanceObserver.supportedEntryTypes.includes('longtask')
  const observer = new PerformanceObserver(list => {
    for (const { duration } of list.getEntries()) longest = Math.max(longest, duration)
  })
  if (isTold) observer.observe({ type: 'longtask' })
  await work()
  await new Promise(resolve => setTimeout(resolve, 100))
  observer.disconnect()
  return longest
}
