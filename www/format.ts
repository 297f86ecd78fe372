/** Figures as people read them. */

const grouped = new Intl.NumberFormat('en')

export const whole = (value: number): string => grouped.format(Math.round(value))

export const percent = (ratio: number): string =>
  Number.isFinite(ratio) ? `${(ratio * 100).toFixed(ratio === 1 || ratio === 0 ? 0 : 1)} %` : '–'

/** A duration given in milliseconds. */
export function duration(ms: number): string {
  if (!Number.isFinite(ms)) return '–'
  if (ms >= 10_000) return `${(ms / 1000).toFixed(0)} s`
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`
  if (ms >= 10) return `${ms.toFixed(0)} ms`
  if (ms >= 0.1) return `${ms.toFixed(ms >= 1 ? 1 : 2)} ms`
  return `${(ms * 1000).toFixed(0)} µs`
}

export function bytes(count: number): string {
  if (count >= 1e6) return `${(count / 1e6).toFixed(1)} MB`
  if (count >= 1e3) return `${(count / 1e3).toFixed(0)} kB`
  return `${Math.round(count)} B`
}
