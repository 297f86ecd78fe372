/** What the numbers of a dump mean, for those who tell them in another form. */

/** What a series of samples recorded. */
export interface DumpedSamples {
  readonly count: number
  readonly sum: number
  /** `undefined` where there is no sample. */
  readonly min: number | undefined
  readonly max: number | undefined
  /** Samples up to each bound and above the one before; the last is the rest. */
  readonly buckets: readonly number[]
}

/** Reads bounds, their counts and the rest, the latest, then count, zeros, sum, least, greatest. */
export function samplesOf(numbers: readonly (number | string)[]): DumpedSamples {
  const bounds = Number(numbers[0])
  const [count, , sum, min, max] = numbers.slice(bounds + 3).map(Number) as [number, number, number, number, number]
  const extremes = count > 0 ? { min, max } : { min: undefined, max: undefined }
  return { count, sum, ...extremes, buckets: numbers.slice(1, bounds + 2).map(Number) }
}

/** The unit that a name in base units ends with, as UCUM writes it. */
export function unitOf(name: string): string {
  const [, unit] = /_(seconds|bytes|ratio|celsius)(?:_total)?$/.exec(name) ?? []
  return { seconds: 's', bytes: 'By', ratio: '1', celsius: 'Cel' }[unit ?? ''] ?? ''
}
