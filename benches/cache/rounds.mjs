// Side by side: every contestant runs once a round, in an order that rotates, in one process; medians are taken over
// the rounds, so that what disturbs the machine disturbs all alike.

const WARM_UP_ROUNDS = 6

/**
 * Each contestant's `run` does `operations` operations and returns a checksum of what it found, the same for all.
 * Gives the median cost of each and its ratio to the cost of `base`, taken round by round.
 */
export function compare(contestants, { rounds = 15, operations, base }) {
  const costs = contestants.map(() => [])
  let expected
  for (let round = -WARM_UP_ROUNDS; round < rounds; round += 1) {
    for (let turn = 0; turn < contestants.length; turn += 1) {
      const index = (turn + round + WARM_UP_ROUNDS) % contestants.length
      const { name, run } = contestants[index]
      const start = performance.now()
      const checksum = run()
      const ns = ((performance.now() - start) * 1e6) / operations
      expected ??= checksum
      if (checksum !== expected) throw new Error(`${name} did other work: ${checksum}, not ${expected}`)
      if (round >= 0) costs[index].push(ns)
    }
  }
  return summary(contestants, costs, base)
}

/** The same for work that takes promises: each contestant's `run` resolves with its checksum. */
export async function compareAsync(contestants, options) {
  return summary(contestants, await costsOf(contestants, options), options.base)
}

/** The cost of each contestant in each round. */
export async function costsOf(contestants, { rounds = 15, warmUp = WARM_UP_ROUNDS, operations }) {
  const costs = contestants.map(() => [])
  let expected
  for (let round = -warmUp; round < rounds; round += 1) {
    for (let turn = 0; turn < contestants.length; turn += 1) {
      const index = (turn + round + warmUp) % contestants.length
      const { name, run } = contestants[index]
      const start = performance.now()
      const checksum = await run()
      const ns = ((performance.now() - start) * 1e6) / operations
      expected ??= checksum
      if (checksum !== expected) throw new Error(`${name} did other work: ${checksum}, not ${expected}`)
      if (round >= 0) costs[index].push(ns)
    }
  }
  return costs
}

function summary(contestants, costs, base) {
  const baseCosts = costs[contestants.findIndex(({ name }) => name === base)]
  return contestants.map(({ name }, index) => ({
    name,
    nsPerOperation: median(costs[index]),
    ratio: median(costs[index].map((cost, round) => cost / baseCosts[round])),
  }))
}

/** The middle value; the upper one of two. */
export function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1]
}
