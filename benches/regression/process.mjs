// One process of `npm run bench`: what we cost beside one peer, round by round. Prints { name: ratios }.

import { costsOf } from '../cache/rounds.mjs'
import { contestantsOf, OPERATIONS, workloads } from '../cache/workloads.mjs'
import * as batcher from '../flow/batcher.mjs'
import * as policies from '../flow/policies.mjs'
import * as queue from '../flow/queue.mjs'

const ENTRIES = 10_000
const WARM_UP = 5

const cache = name => {
  const workload = workloads[name]
  const contestants = contestantsOf(workload).map(({ name: contestant, make }) => ({
    name: contestant,
    run: workload.prepare(make, ENTRIES, false),
  }))
  return { contestants, operations: OPERATIONS }
}
const flow = ({ workloads: all }, title) => all.find(one => one.title.includes(title))

/** What is measured: us, the peer in whose units we are told, and how many rounds: more of those that are short. */
const measured = {
  'cache: a hit': [() => cache('hit'), 'shelflife, ttl', 'lru-cache, ttl', 20],
  'cache: get or set': [() => cache('zipfGetOrSet'), 'shelflife, ttl', 'lru-cache, ttl', 20],
  'batcher: a key in a batch': [() => flow(batcher, 'in a batch of 100'), 'shelflife createBatcher', 'DataLoader', 40],
  'queue: a short task': [() => flow(queue, 'at concurrency 8'), 'shelflife createQueue', 'p-limit', 30],
  'policies: a call under four': [() => flow(policies, 'bulkhead + timeout'), 'shelflife pipeline', 'cockatiel, cooperative', 10],
}

const ratios = {}
for (const [name, [make, us, peer, rounds]] of Object.entries(measured)) {
  const { contestants, operations } = make()
  const two = [us, peer].map(wanted => contestants.find(contestant => contestant.name === wanted))
  const [ours, theirs] = await costsOf(two, { operations, rounds, warmUp: WARM_UP })
  ratios[name] = ours.map((cost, round) => cost / theirs[round])
}
console.log(JSON.stringify(ratios))
