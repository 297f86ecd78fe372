// Runs in a page: pairs kept in IndexedDB, written and read in the ways that pages do.

import { contestants } from './contestants.mjs'

const TOGETHER = 1000
const ONE_BY_ONE = 200
const RANDOM_READS = 1000
const FLUSHED = 10_000

/**
 * Milliseconds (a random read: also the 99th percentile) of each contestant, round by round.
 * @param {{ entries: number, rounds: number, only?: string[] }} options
 */
export default async function measure({ entries, rounds, only = Object.keys(contestants) }) {
  const pairs = Array.from({ length: entries }, (_, id) => /** @type {[string, any]} */ ([`user:${id}:profile`, record(id)]))
  const measured = Object.fromEntries(only.map(name => [name, /** @type {Record<string, number>[]} */ ([])]))
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < only.length; turn += 1) {
      const name = only[(turn + round) % only.length]
      measured[name].push(await run(name, `bench-${name}-${round}`, pairs))
    }
  }
  return measured
}

async function run(name, database, pairs) {
  const open = contestants[name]
  const costs = {}
  const time = async (what, work) => {
    const began = performance.now()
    const result = await work()
    costs[what] = performance.now() - began
    return result
  }
  const keys = pairs.map(([key]) => key)

  let contestant = await open(database, pairs.length)
  await time('write all', () => contestant.setAll(pairs))
  await contestant.close()

  contestant = await open(database, pairs.length)
  const found = await time('reopen and read all', () => contestant.readAll(keys))
  if (found.length !== pairs.length || found.some(value => typeof value?.id !== 'number')) throw new Error(`${database}: not all came back`)
  await contestant.close()

  const start = await startAnew(name, database, keys[keys.length >> 1])
  costs['page start to first hit'] = start.hit
  costs['page start to first hit, the store alone'] = start.hit - start.loaded

  contestant = await open(database, 10)
  await time('reopen and read one', () => contestant.get(keys[keys.length >> 1]))
  const reads = []
  for (let at = 0; at < RANDOM_READS; at += 1) {
    const id = (at * 7919 + 13) % pairs.length
    const began = performance.now()
    const value = await contestant.get(keys[id])
    reads.push(performance.now() - began)
    if (value?.id !== id) throw new Error(`${database}: a wrong value`)
  }
  reads.sort((a, b) => a - b)
  costs['a random read'] = reads.reduce((sum, ms) => sum + ms, 0) / reads.length
  costs['a random read, p99'] = reads[Math.ceil(reads.length * 0.99) - 1]
  await time(`${TOGETHER} stored sets together`, () =>
    Promise.all(keys.slice(0, TOGETHER).map((key, id) => contestant.set(key, record(id)))),
  )
  await time(`${ONE_BY_ONE} stored sets one by one`, async () => {
    for (const [id, key] of keys.slice(0, ONE_BY_ONE).entries()) await contestant.set(key, record(id))
  })
  if (contestant.queueAll !== undefined) {
    await contestant.queueAll(pairs.slice(0, FLUSHED))
    costs['longest task of a flush'] = await longestTaskDuring(contestant.flush)
  }
  await contestant.close()
  return costs
}

/**
 * A page of its own, which has never seen the store: when its script was there and when it had read one value, in milliseconds since it began.
 * A frame stands for it: it has a realm of its own, and what it loads is in the browser's cache, as after a reload.
 */
async function startAnew(name, database, key) {
  const frame = document.createElement('iframe')
  const call = `start(${[name, database, key].map(text => JSON.stringify(text)).join(', ')})`
  frame.srcdoc = `<script type="module">import { start } from '${import.meta.url}'; parent.postMessage(await ${call}, '*')</script>`
  const said = new Promise(resolve => addEventListener('message', ({ data }) => resolve(data), { once: true }))
  document.body.append(frame)
  const { loaded, hit, value } = await said
  frame.remove()
  if (typeof value?.id !== 'number') throw new Error(`${database}: no hit`)
  return { loaded, hit }
}

/** In that page. */
export async function start(name, database, key) {
  const loaded = performance.now()
  const contestant = await contestants[name](database, 10)
  let value = await contestant.get(key)
  // A store that takes longer than its timeout is a miss at first.
  while (value === undefined && performance.now() < 60_000) value = await contestant.get(key)
  const hit = performance.now()
  await contestant.close()
  return { loaded, hit, value }
}

/** The longest time between two turns of the event loop while `work` is under way. */
async function longestTaskDuring(work) {
  const { port1, port2 } = new MessageChannel()
  let longest = 0
  let last = performance.now()
  port1.onmessage = () => {
    const now = performance.now()
    longest = Math.max(longest, now - last)
    last = now
    port2.postMessage(0)
  }
  port2.postMessage(0)
  await work()
  port1.close()
  return longest
}

/** About 250 bytes as JSON. */
function record(id) {
  return {
    ...{ id, name: `User number ${id}`, email: `user.${id}@example.com`, active: id % 3 === 0, score: id * 1.5 },
    ...{ address: { street: `${id % 900} Long Street`, city: 'Springfield', zip: String(10_000 + (id % 80_000)) } },
    ...{ tags: ['alpha', 'beta', `group-${id % 50}`], joined: '2024-03-01T12:00:00Z', bio: 'likes short walks and long caches' },
  }
}
