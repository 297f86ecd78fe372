/** Figures as people read them. */

const grouped = new Intl.NumberFormat('en')
const NONE = '–'

export const whole = (value: number): string => (Number.isFinite(value) ? grouped.format(Math.round(value)) : NONE)

export const percent = (ratio: number): string =>
  Number.isFinite(ratio) ? `${(ratio * 100).toFixed(ratio === 1 || ratio === 0 ? 0 : 1)} %` : NONE

/** How often a second; few things with one digit, many as thousands. */
export function rate(perSecond: number): string {
  if (!Number.isFinite(perSecond)) return NONE
  if (perSecond >= 10_000) return `${(perSecond / 1000).toFixed(perSecond >= 100_000 ? 0 : 1)} k/s`
  if (perSecond >= 10 || perSecond === 0) return `${whole(perSecond)} /s`
  return `${perSecond.toFixed(perSecond >= 0.1 ? 1 : 2)} /s`
}

/** A duration given in milliseconds. */
export function duration(ms: number): string {
  if (!Number.isFinite(ms)) return NONE
  if (ms >= 7_200_000) return `${(ms / 3_600_000).toFixed(1)} h`
  if (ms >= 120_000) return `${Math.floor(ms / 60_000)} min ${Math.floor((ms % 60_000) / 1000)} s`
  if (ms >= 10_000) return `${(ms / 1000).toFixed(0)} s`
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`
  if (ms >= 10) return `${ms.toFixed(0)} ms`
  if (ms >= 0.1) return `${ms.toFixed(ms >= 1 ? 1 : 2)} ms`
  return `${(ms * 1000).toFixed(0)} µs`
}

export function bytes(count: number): string {
  if (!Number.isFinite(count)) return NONE
  if (count >= 1e9) return `${(count / 1e9).toFixed(1)} GB`
  if (count >= 1e6) return `${(count / 1e6).toFixed(1)} MB`
  if (count >= 1e3) return `${(count / 1e3).toFixed(0)} kB`
  return `${Math.round(count)} B`
}

/** A time of day, given in milliseconds since the epoch. */
export const clockTime = (at: number): string => new Date(at).toLocaleTimeString('en-GB')
