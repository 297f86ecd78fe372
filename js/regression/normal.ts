/** The normal distribution, and Student's t told in its terms. */

/** How much of the normal distribution lies below `z`: the series in Marsaglia, "Evaluating the normal distribution" (2004). */
export function below(z: number): number {
  if (z < -8) return 0
  if (z > 8) return 1
  let term = z
  let sum = z
  for (let at = 3; sum + term !== sum; at += 2) {
    term *= (z * z) / at
    sum += term
  }
  return 0.5 + (sum * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI)
}

/** The z below which `share` of the normal distribution lies; -8 and 8 at most. */
export function quantile(share: number): number {
  let from = -8
  let to = 8
  for (let step = 0; step < 60; step += 1) {
    const middle = (from + to) / 2
    if (below(middle) < share) from = middle
    else to = middle
  }
  return (from + to) / 2
}

/** The t with as much of Student's distribution below it as lies below `z` of the normal one (Wallace 1959). */
export function tOf(z: number, freedom: number): number {
  const scaled = (z * (8 * freedom + 3)) / (8 * freedom + 1)
  return Math.sign(z) * Math.sqrt(freedom * Math.expm1(scaled ** 2 / freedom))
}

/** The inverse of {@link tOf}. */
export function zOf(t: number, freedom: number): number {
  const scaled = Math.sqrt(freedom * Math.log1p(t ** 2 / freedom))
  return (Math.sign(t) * scaled * (8 * freedom + 1)) / (8 * freedom + 3)
}
