/** The circuit of a host, as the user of a client sees and steers it. */

import { InvalidArgumentError } from '../errors.ts'
import type { Desk } from './desk.ts'
import type { HostCircuit } from './types.ts'

/** See {@link HostCircuit}. */
export function circuitOf(host: string, { schedule, clock, driver }: Desk, isThere: boolean): HostCircuit {
  if (!isThere) throw new InvalidArgumentError('circuitBreaker', 'an option of the client whose circuits are asked for', undefined)
  const key = keyOf(host)
  return {
    get state() {
      return schedule.circuit(key).state
    },
    get retryAt() {
      const { retryAt } = schedule.circuit(key)
      return retryAt === undefined || !Number.isFinite(retryAt) ? undefined : retryAt + clock.wall() - driver.now()
    },
    isolate: () => void schedule.isolate(key),
    reset: () => void schedule.reset(key),
  }
}

/** The host as URLs have it: another spelling would be another circuit, which nobody uses. */
function keyOf(host: unknown): string {
  const url = typeof host === 'string' && !/[/?#@\\]/.test(host) && URL.canParse(`http://${host}`) ? new URL(`http://${host}`) : undefined
  if (url === undefined) throw new InvalidArgumentError('host', "a host, such as 'localhost:8080'", host)
  const [, port] = /:(\d+)$/.exec(host as string) ?? []
  return port === undefined ? url.hostname : `${url.hostname}:${Number(port)}`
}
