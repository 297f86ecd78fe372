/** Families of series, as the core is told of them. */

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
