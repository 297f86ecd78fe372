/** Families of series, as the core is told of them. */

import type { CoreHandle } from './door.ts'
import type { MetricsMachine } from './parts/metrics.ts'

/** One family. */
export type CoreFamily =
  | { readonly kind: 'counter' | 'gauge'; readonly name: string; readonly help: string }
  | { readonly kind: 'histogram'; readonly name: string; readonly help: string; readonly bounds: Float64Array; readonly alpha: number }
  | {
      readonly kind: 'summary'
      readonly name: string
      readonly help: string
      readonly quantiles: Float64Array
      /** In milliseconds; infinity is all samples. */
      readonly window: number
      readonly alpha: number
    }

/** Whether a family has samples, not cells. */
export function isSampled(family: CoreFamily | undefined): boolean {
  return family?.kind === 'histogram' || family?.kind === 'summary'
}

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
