/** The circuit of a host, as the user of a client sees and steers it. */

import { InvalidArgumentError } from '../errors.ts'
import type { Desk } from './desk.ts'
import type { HostCircuit } from './types.ts'

/** See {@link HostCircuit}. */
export function circuitOf(host: string, { schedule, clock, driver }: Desk, isThere: boolean): HostCircuit {
  if (!isThere) throw new InvalidArgumentError('circuitBreaker', 'an option of the client whose circuits are asked for', undefined)
  if (typeof host !== 'string' || host === '') throw new InvalidArgumentError('host', "a host, such as 'localhost:8080'", host)
  return {
    get state() {
      return schedule.circuit(host).state
    },
    get retryAt() {
      const { retryAt } = schedule.circuit(host)
      return retryAt === undefined || !Number.isFinite(retryAt) ? undefined : retryAt + clock.wall() - driver.now()
    },
    isolate: () => void schedule.isolate(host),
    reset: () => void schedule.reset(host),
  }
}
