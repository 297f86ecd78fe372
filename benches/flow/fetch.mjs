// What a request costs: one origin on loopback in a process of its own, bodies read. Each client may have 64 connections. Requests are for different
// URLs; then, from the cache, for one.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Agent as HttpAgent } from 'node:http'
import axios from 'axios'
import ky from 'ky'
import makeFetchHappen from 'make-fetch-happen'
import { createCache, createFetch } from 'shelflife'
import { undiciTransport } from 'shelflife/transports/undici'
import * as undici from 'undici'

const CONCURRENCY = 64

const child = fork(new URL('./origin.mjs', import.meta.url), { serialization: 'advanced' })
const [{ port }] = await once(child, 'message')
child.unref()
child.channel.unref()
const base = `http://127.0.0.1:${port}`

/** Requests that the origin has seen since it was asked before, and the most sockets at once of each client. */
async function seen() {
  child.channel.ref()
  child.send('seen')
  const [counts] = await once(child, 'message')
  child.channel.unref()
  return counts
}

const limits = { concurrency: CONCURRENCY, perHost: CONCURRENCY, maxQueue: 100_000 }
const dispatcher = new undici.Agent({ connections: CONCURRENCY })
const plain = createFetch(limits)
const fast = createFetch({ ...limits, fetch: undiciTransport({ connectionsPerHost: CONCURRENCY }) })
const httpAgent = new HttpAgent({ keepAlive: true, maxSockets: CONCURRENCY })
const client = axios.create({ httpAgent, adapter: 'http', responseType: 'text', transformResponse: text => text, proxy: false })
const happening = makeFetchHappen.defaults({ maxSockets: CONCURRENCY, retry: false })

/** Each resolves with the length of the body. */
const clients = {
  'undici.fetch': async url => (await (await undici.fetch(url, { dispatcher })).text()).length,
  'undici.request': async url => (await (await undici.request(url, { dispatcher })).body.text()).length,
  'global fetch': async url => (await (await fetch(url)).text()).length,
  shelflife: async url => (await (await plain(url)).text()).length,
  'shelflife, undiciTransport': async url => (await (await fast(url)).text()).length,
  ky: async url => (await ky(url).text()).length,
  axios: async url => (await client.get(url)).data.length,
  'make-fetch-happen': async url => (await (await happening(url)).text()).length,
}

let asked = 0
/** The first part of the path says who asks. */
const next = name => `${base}/${encodeURIComponent(name)}/${asked++}`

/** `count` requests, so many at once. */
async function sum(name, count, atOnce) {
  let total = 0
  let left = count
  const work = async () => {
    while (left > 0) {
      left -= 1
      const length = await clients[name](next(name))
      total += length
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return total
}

function contestants(names, count, atOnce) {
  return names.map(name => ({ name, run: () => sum(name, count, atOnce) }))
}

const requests = {
  title: `a request among 1000, ${CONCURRENCY} at once, ns`,
  base: 'undici.fetch',
  operations: 1000,
  rounds: 11,
  warmUp: 4,
  contestants: contestants(Object.keys(clients), 1000, CONCURRENCY),
}

/** All of them at once: how many sockets does that take? Global fetch, which ky uses and shelflife without a transport of its own, has no limit for those. */
const inFlight = [100, 1000, 10_000].map(count => ({
  title: `a request of ${count} in flight, ns`,
  base: 'undici.fetch',
  operations: count,
  rounds: count > 1000 ? 2 : 5,
  warmUp: 1,
  contestants: contestants(
    ['undici.fetch', 'undici.request', 'shelflife', 'shelflife, undiciTransport', 'axios', 'make-fetch-happen'],
    count,
    count,
  ),
  note: async () => {
    const { sockets } = await seen()
    return `most sockets until now: ${Object.entries(sockets)
      .map(([name, { most }]) => `${decodeURIComponent(name)} ${most}`)
      .join(', ')}`
  },
}))

const CACHED = `${base}/cached`
const keeping = createFetch({ ...limits, fetch: undiciTransport(), cache: createCache({ max: 1000, ttl: '1h' }) })
await keeping.json(CACHED)

async function repeated(one, count) {
  let total = 0
  for (let at = 0; at < count; at += 1) total += await one()
  return total
}

const REPEATED = 2000
const cached = {
  title: 'the same, from the cache, one after another, ns',
  base: 'loopback request: undici.fetch and its JSON',
  operations: REPEATED,
  rounds: 7,
  warmUp: 2,
  contestants: [
    {
      name: 'loopback request: undici.fetch and its JSON',
      run: () => repeated(async () => (await (await undici.fetch(CACHED, { dispatcher })).json()).id, REPEATED),
    },
    {
      name: 'loopback request: undici.request and its JSON',
      run: () => repeated(async () => (await (await undici.request(CACHED, { dispatcher })).body.json()).id, REPEATED),
    },
    { name: 'shelflife, cached: fetch.json', run: () => repeated(async () => (await keeping.json(CACHED)).id, REPEATED) },
    {
      name: 'shelflife, cached: Response and its JSON',
      run: () => repeated(async () => (await (await keeping(CACHED)).json()).id, REPEATED),
    },
  ],
}

const IDENTICAL = 10_000
const identical = {
  title: `one of ${IDENTICAL} identical requests at once, ns`,
  base: 'shelflife',
  operations: IDENTICAL,
  rounds: 3,
  warmUp: 1,
  contestants: [
    {
      name: 'shelflife',
      run: async () => {
        await seen()
        const url = next('identical')
        const answers = await Promise.all(Array.from({ length: IDENTICAL }, () => fast(url)))
        const { requests } = await seen()
        if (requests !== 1) throw new Error(`${requests} requests on the wire`)
        return answers.length
      },
    },
  ],
  note: () => 'requests on the wire: 1 each time',
}

export const workloads = [requests, ...inFlight, cached, identical]
