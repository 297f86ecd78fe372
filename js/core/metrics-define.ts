/** Tells the core of families. Apart from what they are, which public types name. */

import type { CoreHandle } from './door.ts'
import type { CoreFamily } from './metrics-families.ts'
import type { MetricsMachine } from './parts/metrics.ts'

/** Tells the core of a family. */
export function define(handle: CoreHandle<MetricsMachine>, family: CoreFamily): void {
  const { name, help } = family
  handle.use(machine => {
    if (family.kind === 'histogram') machine.defineHistogram(name, help, family.bounds, family.alpha)
    else if (family.kind === 'summary') machine.defineSummary(name, help, family.quantiles, family.window, family.alpha)
    else if (family.kind === 'gauge') machine.defineGauge(name, help)
    else machine.defineCounter(name, help)
  })
}
