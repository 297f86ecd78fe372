/** Options of workers, checked and complete. */

import type { Clock } from '../../clock.ts'
import { InvalidArgumentError } from '../../errors.ts'
import { clockOption, durationOrZeroMs, optionsObject, wholeNumber } from '../../options.ts'
import { cores } from './platform.ts'
import type { ResourceLimits, WorkersOptions } from './types.ts'

export interface ResolvedWorkers {
  readonly module: WorkersOptions['module']
  /** Where the module is; `undefined` where the user makes the workers. */
  readonly url: string | undefined
  readonly workers: number
  readonly transfer: boolean | ((items: readonly unknown[]) => readonly object[])
  readonly abortGrace: number
  readonly maxRestarts: number
  readonly resourceLimits: ResourceLimits | undefined
  readonly name: string
  readonly clock: Clock
}

export function resolveWorkers(options: WorkersOptions): ResolvedWorkers {
  const given = optionsObject(options, 'options') as WorkersOptions
  const { module, transfer = false, name = 'shelflife' } = given
  if (typeof transfer !== 'boolean' && typeof transfer !== 'function')
    throw new InvalidArgumentError('transfer', 'true, false or a function', transfer)
  if (typeof name !== 'string') throw new InvalidArgumentError('name', 'a string', name)
  return {
    module,
    url: typeof module === 'function' ? undefined : readUrl(module),
    workers: wholeNumber(given.workers ?? Math.max(1, cores() - 1), 'workers'),
    transfer,
    abortGrace: durationOrZeroMs(given.abortGrace ?? 100, 'abortGrace'),
    maxRestarts: wholeNumber(given.maxRestarts ?? 100, 'maxRestarts', { min: 0, infinite: true }),
    resourceLimits: given.resourceLimits && (optionsObject(given.resourceLimits, 'resourceLimits') as ResourceLimits),
    name,
    clock: clockOption(given.clock),
  }
}

function readUrl(module: unknown): string {
  try {
    if (module instanceof URL || typeof module === 'string') return new URL(module).href
  } catch {
    // Said below.
  }
  throw new InvalidArgumentError(
    'module',
    "an absolute URL, such as new URL('./handler.js', import.meta.url), or a function that makes a worker",
    module,
  )
}
