/** What two samples say of the change between them: how large, how sure, and what noise would do. No verdict yet. */

import { type Distribution, effective } from './distribution.ts'
import { errorOfParts, scaleOf } from './noise.ts'
import { below, quantile, tOf, zOf } from './normal.ts'
import { Random } from './random.ts'
import type { Statistic } from './types.ts'

/** Fewer samples on either side, or as many beyond a quantile, are no evidence. */
export const FEWEST_SAMPLES = 5
/** Resamples on the far side of zero, below which their number says less than their spread. */
const FEWEST_BEYOND = 10
/** Of comparisons in which the smallest effect lies, so many find it. */
const POWER = 0.8

/** How a comparison is made. */
export interface FindingOptions {
  readonly statistic: Statistic
  readonly confidence: number
  readonly resamples: number
  readonly seed: number
}

/** See the top of this file. Changes are relative to the base. */
export class Finding {
  readonly base: number
  readonly now: number
  readonly change: number
  /** Not corrected for other metrics. */
  readonly pValue: number
  /** The change by which one run differs from another of the same, as far as their parts tell, at the confidence asked for. */
  readonly noise: number
  readonly #changes: Float64Array
  readonly #freedom: number
  /** A drawn sample varies less than what it is drawn from; this makes up for it. */
  readonly #widen: number
  readonly #deviation: number

  constructor(base: Distribution, now: Distribution, { statistic, confidence, resamples, seed }: FindingOptions) {
    const random = new Random(seed)
    const bases = base.resample(statistic, resamples, random)
    const nows = now.resample(statistic, resamples, random)
    this.base = base.statistic(statistic)
    this.now = now.statistic(statistic)
    const scale = scaleOf(this.base, this.now) || 1
    this.change = (this.now - this.base) / scale
    const positive = (base.values[0] as number) > 0
    this.#changes = bases.map((one, at) => ((nows[at] as number) - one) / (positive ? one : scale)).sort()

    const sizes = [base, now].map(({ total }) => effective(total, statistic)) as [number, number]
    const variances = [variance(bases), variance(nows)] as const
    this.#freedom = pooledFreedom(variances, sizes[0] - 1, sizes[1] - 1)
    const size = (2 * sizes[0] * sizes[1]) / (sizes[0] + sizes[1])
    this.#widen = Math.sqrt(size / (size - 1))
    this.#deviation = Math.sqrt(variance(this.#changes)) * this.#widen
    this.pValue = this.#probability()

    const parts = [base, now].map(side => errorOfParts(side.parts, statistic))
    const errors = parts.map(part => (part?.error ?? 0) ** 2) as [number, number]
    const freedom = pooledFreedom(errors, parts[0]?.freedom ?? 1, parts[1]?.freedom ?? 1)
    const known = parts[0] !== undefined && parts[1] !== undefined
    this.noise = known ? (tOf(quantile((1 + confidence) / 2), freedom) * Math.sqrt(errors[0] + errors[1])) / scale : 0
  }

  /** Where the true change lies, with this confidence: the percentiles of the resamples, further out as t is than z (Hesterberg 2015). */
  interval(confidence: number): [from: number, to: number] {
    const share = below(-tOf(quantile((1 + confidence) / 2), this.#freedom) * this.#widen)
    const last = this.#changes.length - 1
    const at = (place: number) => this.#changes[Math.max(0, Math.min(last, Math.round(place)))] as number
    return [at(share * (last + 1) - 0.5), at(last - share * (last + 1) + 0.5)]
  }

  /** The smallest true change that is found with power 0.8, where less than `threshold` is none and `level` is what chance may do. */
  minimumEffect(threshold: number, level: number): number {
    const sure = tOf(-quantile(level / 2), this.#freedom)
    return Math.max(threshold, sure * this.#deviation) + quantile(POWER) * Math.max(this.#deviation, this.noise / sure)
  }

  /** How many times as many samples would show `effect`, if they vary as these do. */
  factorFor(effect: number, level: number): number {
    const z = quantile(1 - level / 2)
    const deviation = Math.max(this.#deviation, this.noise / z)
    return (((z + quantile(POWER)) * deviation) / effect) ** 2
  }

  #probability(): number {
    const changes = this.#changes
    const rises = this.change > 0
    let beyond = 0
    for (const change of changes) beyond += change === 0 ? 0.5 : change > 0 === rises ? 0 : 1
    const share = Math.max(beyond, Math.min(FEWEST_BEYOND, changes.length / 2)) / changes.length
    let z = -quantile(share)
    if (beyond < FEWEST_BEYOND) z = Math.max(z, (Math.abs(this.change) / this.#deviation) * this.#widen)
    return Math.min(1, 2 * below(-zOf(z / this.#widen, this.#freedom)))
  }
}

/** Whether there is enough on this side for the statistic. */
export function suffices({ total }: Distribution, statistic: Statistic): boolean {
  const tail = typeof statistic === 'number' ? Math.min(statistic, 1 - statistic) : 1
  return total * tail >= FEWEST_SAMPLES
}

function variance(values: Float64Array): number {
  let mean = 0
  let squares = 0
  for (let at = 0; at < values.length; at += 1) {
    const distance = (values[at] as number) - mean
    mean += distance / (at + 1)
    squares += distance * ((values[at] as number) - mean)
  }
  return squares / (values.length - 1)
}

/** The degrees of freedom of a difference (Welch and Satterthwaite). */
function pooledFreedom(variances: readonly [number, number], first: number, second: number): number {
  const [a, b] = variances
  if (a + b === 0) return Math.min(first, second)
  return (a + b) ** 2 / (a ** 2 / first + b ** 2 / second)
}
