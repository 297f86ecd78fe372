// What a call costs under policies, when it succeeds: each alone, and retry + breaker + bulkhead + timeout around each other.

import * as cockatiel from 'cockatiel'
import Opossum from 'opossum'
import { bulkhead, circuitBreaker, pipeline, retry, timeout } from 'shelflife'

const CALLS = 10_000

const work = async () => 1
const { handleAll } = cockatiel

const makers = {
  retry: {
    'shelflife retry': () => retry({ maxRetries: 3 }),
    cockatiel: () => cockatiel.retry(handleAll, { maxAttempts: 3, backoff: new cockatiel.ExponentialBackoff() }),
  },
  'circuit breaker': {
    'shelflife circuitBreaker': () => circuitBreaker({ window: { type: 'time', duration: 10_000 } }),
    cockatiel: breaker,
    opossum: () => fired(new Opossum(work, { timeout: false, rollingPercentilesEnabled: false })),
  },
  bulkhead: {
    'shelflife bulkhead': () => bulkhead({ concurrency: 10, maxQueue: 10 }),
    cockatiel: () => cockatiel.bulkhead(10, 10),
  },
  timeout: {
    'shelflife timeout': () => timeout(10_000),
    'cockatiel, cooperative': () => cockatiel.timeout(10_000, cockatiel.TimeoutStrategy.Cooperative),
    cockatiel: () => cockatiel.timeout(10_000, cockatiel.TimeoutStrategy.Aggressive),
  },
  'retry + circuit breaker + bulkhead + timeout': {
    'shelflife pipeline': () =>
      pipeline(
        retry({ maxRetries: 3 }),
        circuitBreaker({ window: { type: 'time', duration: 10_000 } }),
        bulkhead({ concurrency: 10, maxQueue: 10 }),
        timeout(10_000),
      ),
    'cockatiel, cooperative': () => wrapped(cockatiel.TimeoutStrategy.Cooperative),
    cockatiel: () => wrapped(cockatiel.TimeoutStrategy.Aggressive),
  },
}

function fired(circuit) {
  return { execute: () => circuit.fire() }
}

function breaker() {
  return cockatiel.circuitBreaker(handleAll, {
    halfOpenAfter: 10_000,
    breaker: new cockatiel.SamplingBreaker({ threshold: 0.5, duration: 10_000 }),
  })
}

function wrapped(strategy) {
  return cockatiel.wrap(
    cockatiel.retry(handleAll, { maxAttempts: 3, backoff: new cockatiel.ExponentialBackoff() }),
    breaker(),
    cockatiel.bulkhead(10, 10),
    cockatiel.timeout(10_000, strategy),
  )
}

/** @type {{ title: string, base: string, operations: number, contestants: { name: string, run(): Promise<number> }[] }[]} */
export const workloads = Object.entries(makers).map(([policy, made]) => ({
  title: `a call that succeeds, ${policy}, ns`,
  base: 'cockatiel',
  operations: CALLS,
  contestants: Object.entries(made).map(([name, make]) => {
    const one = make()
    return { name, run: () => calls(one) }
  }),
}))

async function calls(policy) {
  let sum = 0
  for (let call = 0; call < CALLS; call += 1) sum += await policy.execute(work)
  return sum
}
