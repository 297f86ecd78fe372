/** Numbers as people read them. */

/** `0.123` as `'12.3 %'`. */
export function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}

/** A difference of two shares: `'+4.2 points'`. */
export function points(difference: number): string {
  return `${difference >= 0 ? '+' : ''}${(difference * 100).toFixed(1)} points`
}

/** Milliseconds in the unit that suits them. */
export function time(ms: number): string {
  if (ms >= 3_600_000) return `${round(ms / 3_600_000)} h`
  if (ms >= 60_000) return `${round(ms / 60_000)} min`
  if (ms >= 1000) return `${round(ms / 1000)} s`
  return ms >= 1 ? `${round(ms)} ms` : `${round(ms * 1000)} µs`
}

/** Bytes in the unit that suits them. */
export function bytes(count: number): string {
  if (count >= 1e9) return `${round(count / 1e9)} GB`
  if (count >= 1e6) return `${round(count / 1e6)} MB`
  return count >= 1e3 ? `${round(count / 1e3)} kB` : `${Math.round(count)} B`
}

/** To three digits. */
export function round(value: number): number {
  return value === 0 || !Number.isFinite(value) ? value : Number(value.toPrecision(3))
}
