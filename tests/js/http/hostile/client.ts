/** The client in a process of its own: asks the hostile origin for everything, and tells its parent what came of it, and what it took. */

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { createCache } from '../../../../js/cache/cache.ts'
import { createFetch } from '../../../../js/http/fetch.ts'
import { undiciTransport } from '../../../../js/http/transports/undici.ts'
import type { Fetch, FetchInit, FetchOptions } from '../../../../js/http/types.ts'
import { MapStore } from '../../cache/map-store.ts'
import { attemptOf, CUTS_AT_ONCE, deadlineOf, framings, groups, type HostileCase, LIMIT, type Way, ways } from './cases.ts'
import { type Bytes, collected, Memory, waitedMs } from './measure.ts'
import type { OriginPorts, OriginState } from './origin.ts'
import { BODY_SUM, LENGTHS } from './pieces.ts'

type Load = { readonly inflight: number; readonly queued: number; readonly sleeping: number }

/** What came of one case. */
export interface Row {
  readonly group: string
  readonly name: string
  readonly way: Way
  readonly times: number
  /** Until the last of the requests had ended, without what others had the processor for. */
  readonly ms: number
  readonly ends: readonly End[]
  /** Above what the process had before, at most. */
  readonly grown: Bytes
  /** What is kept of it afterwards, in memory and in the tier. */
  readonly kept: readonly string[]
  readonly load: Load
  /** Connections on which the origin still answers, a little later. */
  readonly busy: number
  /** What an honest request to the same origin gives afterwards, with the same client. */
  readonly afterwards: string
  /** What the origin was sent. */
  readonly heads: readonly string[]
}

/** How one request ended. */
export interface End {
  readonly text?: string
  readonly error?: string
  readonly code?: string
  readonly phases?: Record<string, number>
  readonly attempts?: number
}

/** What came of cutting an answer at every byte. */
export interface Cuts {
  readonly framing: string
  readonly ms: number
  /** How many ended in which way. */
  readonly ends: Record<string, number>
  readonly kept: number
  readonly load: Load
  readonly busy: number
  readonly grown: Bytes
  /** Whether the whole answer is right, asked for after all that. */
  readonly isWholeRight: boolean
}

/** What is left of answers that must not be kept, once nobody wants them any more, in bytes. */
export interface Remains {
  readonly transferred: number
  readonly held: number
}

/** What the parent is told, one after another. */
export type Told = { row: Row } | { cuts: Cuts } | { remains: Remains } | { bomb: number }

const [, , originFile = ''] = process.argv
const origin: ChildProcess = fork(originFile)
const [ports] = (await once(origin, 'message')) as [OriginPorts & { bomb: number }]
/** `SHELFLIFE_HOSTILE_TRANSPORT=undici` for the same on undici. */
const transport =
  process.env.SHELFLIFE_HOSTILE_TRANSPORT === 'undici' ? undiciTransport({ connections: 2000, connectionsPerHost: 2000 }) : undefined
const MAIN = `http://127.0.0.1:${ports.main}`

function clientOf(more: FetchOptions) {
  const store = new MapStore()
  const cache = createCache({ store })
  const retry = { maxRetries: 1, initialDelay: 1, maxDelay: 1 }
  const fetch = createFetch({
    cache,
    concurrency: 2000,
    perHost: 2000,
    dedupe: false,
    maxResponseSize: LIMIT,
    retry,
    ...(transport && { fetch: transport }),
    ...more,
  })
  return {
    fetch,
    /** Of all but honest answers. */
    async kept() {
      await cache.flush()
      return [...store.entries.keys(), ...cache.memory.hottest(10_000)].filter(key => key.startsWith('GET ') && !key.includes('/honest'))
    },
    load(): Load {
      const { inflight, queued, sleeping } = fetch.stats()
      return { inflight, queued, sleeping }
    },
    async close() {
      await fetch.close()
      await cache.close()
    },
  }
}

/** Each of those at the same time has its own: the cache would have the others wait for the first. */
function urlOf({ name, query = '', port, protocol }: HostileCase, nth: number): string {
  return `${protocol ?? 'http'}://127.0.0.1:${ports[port ?? 'main']}/${name}?nth=${nth}&${query}`
}

async function end(fetch: Fetch, way: Way, url: string): Promise<End> {
  const init: FetchInit = url.includes('across') ? { headers: { authorization: 'me', 'x-key': 'mine', cookie: 'a=b', accept: 'x/y' } } : {}
  try {
    const response = await (way === 'fetch' ? fetch(url, init) : fetch.stream(url, { ...init, maxResponseSize: LIMIT }))
    return { text: await response.text() }
  } catch (error) {
    const { message, code, phases, attempts } = error as Error & Omit<End, 'text' | 'error'>
    return { error: message, ...(code && { code }), ...(phases && { phases }), ...(attempts !== undefined && { attempts }) }
  }
}

/** Others use the machine, too: what is late by itself is late again. */
async function run(group: string, hostile: HostileCase, way: Way): Promise<Row> {
  for (let turn = 1; ; turn += 1) {
    const row = await runOnce(group, hostile, way)
    if (row.ms <= deadlineOf(hostile) + 250 || turn === 3) return row
  }
}

async function runOnce(group: string, hostile: HostileCase, way: Way): Promise<Row> {
  const { deadline, name, times = 1 } = hostile
  const timing = { timeout: attemptOf(hostile), totalTimeout: deadlineOf(hostile) }
  const { fetch, kept, load, close } = clientOf({ ...timing, ...(deadline !== undefined && { retry: false }) })
  await end(fetch, 'fetch', `${MAIN}/honest`)
  await quiet()
  const memory = new Memory(times * LIMIT)
  const waited = waitedMs()
  const began = performance.now()
  const ends = await Promise.all(Array.from({ length: times }, (_, nth) => end(fetch, way, urlOf(hostile, nth))))
  const ms = performance.now() - began - (waitedMs() - waited)
  const grown = memory.end()
  const afterAll = load()
  const { busy, heads } = await quiet()
  const { text: afterwards = 'failed' } = await end(fetch, way, `${MAIN}/honest?again`)
  const row: Row = { group, name, way, times, ms, ends, grown, kept: await kept(), load: afterAll, busy, afterwards, heads }
  await close()
  return row
}

async function cut(framing: string, first = 0): Promise<Cuts> {
  const { fetch, kept, load, close } = clientOf({ timeout: '20s', totalTimeout: '20s', perHost: CUTS_AT_ONCE, retry: false })
  const ends: Record<string, number> = {}
  const memory = new Memory(CUTS_AT_ONCE * LIMIT)
  const began = performance.now()
  let next = first
  const lane = async () => {
    while (next < (LENGTHS[framing] as number)) {
      const at = next
      next += 1
      const { code, text = '', phases } = await end(fetch, ways[at % 2] as Way, `${MAIN}/cut?framing=${framing}&at=${at}`)
      const how = code === undefined ? `answered with ${text.length} characters` : phases === undefined ? `${code} without phases` : code
      ends[how] = (ends[how] ?? 0) + 1
    }
  }
  await Promise.all(Array.from({ length: CUTS_AT_ONCE }, lane))
  const ms = performance.now() - began
  const grown = memory.end()
  const afterAll = load()
  const { busy } = await quiet()
  const keys = (await kept()).length
  const whole = new Uint8Array(await (await fetch(`${MAIN}/whole?framing=${framing}`)).arrayBuffer())
  const isWholeRight = whole.reduce((sum, byte) => sum + byte, 0) === BODY_SUM
  await close()
  return { framing, ms, ends, kept: keys, load: afterAll, busy, grown, isWholeRight }
}

async function forget(answers: number): Promise<Remains> {
  const { fetch, close } = clientOf({ timeout: '20s', totalTimeout: '20s', perHost: 4 })
  const size = 1024 ** 2
  const before = collected().buffers
  await Promise.all(Array.from({ length: answers }, (_, at) => end(fetch, 'fetch', `${MAIN}/unkept?at=${at}&size=${size}`)))
  await new Promise(resolve => setTimeout(resolve, 20))
  const held = collected().buffers - before
  await close()
  return { transferred: answers * size, held }
}

/** Waits until the origin has nobody left to answer, but not for long. */
async function quiet(): Promise<OriginState> {
  const heads: string[] = []
  for (let turn = 0; ; turn += 1) {
    const told = once(origin, 'message')
    origin.send('state')
    const state: OriginState = (await told)[0]
    heads.push(...state.heads)
    if (state.busy === 0 || turn === 25) return { ...state, heads }
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

const tell = (told: Told) => process.send?.(told)
/** `SHELFLIFE_HOSTILE=gzip` for the cases of that name, `cut` for the cuts. */
const only = process.env.SHELFLIFE_HOSTILE ?? ''
// What is made once, and stays, is not what an origin makes anybody hold.
for (const name of ['drip-chunks', 'endless-chunks', 'bomb-gzip', 'reset-in-body'])
  for (const way of ways) await runOnce('', { name, codes: [], deadline: 50 }, way)
await cut('length', 3000)
tell({ bomb: ports.bomb })
for (const [group, cases] of Object.entries(groups))
  for (const hostile of cases)
    for (const way of hostile.ways ?? ways) if (hostile.name.includes(only)) tell({ row: await run(group, hostile, way) })
if ('unkept'.includes(only)) tell({ remains: await forget(100) })
for (const framing of framings) if ('cut'.includes(only)) tell({ cuts: await cut(framing) })
await transport?.close()
process.disconnect()
origin.kill()
