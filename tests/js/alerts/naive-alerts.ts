/** What state an alert is in, from the whole list of evaluations, by the words of Prometheus' manual. */

export interface Evaluation {
  readonly at: number
  readonly wrong: boolean
}

/** The state after the last of `evaluations`. */
export function naiveState(evaluations: readonly Evaluation[], forMs: number, keepFiringForMs: number): string {
  let firedAt: number | undefined
  let resolvedAt: number | undefined
  let pending = false
  for (const [index, { at, wrong }] of evaluations.entries()) {
    const began = beginOfStretch(evaluations, index)
    if (firedAt !== undefined) {
      // It fires on, unless it has been right for long enough.
      if (!wrong && at - began >= keepFiringForMs) {
        firedAt = undefined
        resolvedAt = at
      }
      pending = false
    } else if (wrong) {
      resolvedAt = undefined
      // A stretch of wrong evaluations counts from its first one, whatever was before.
      if (at - began >= forMs) firedAt = at
      pending = firedAt === undefined
    } else pending = false
  }
  const now = evaluations.at(-1)?.at ?? 0
  if (firedAt !== undefined) return 'firing'
  if (pending) return 'pending'
  return resolvedAt !== undefined && now - resolvedAt <= 15 * 60_000 ? 'resolved' : 'inactive'
}

/** When the evaluations began to be as the one at `index` is. */
function beginOfStretch(evaluations: readonly Evaluation[], index: number): number {
  let from = index
  while (from > 0 && evaluations[from - 1]?.wrong === evaluations[index]?.wrong) from -= 1
  return (evaluations[from] as Evaluation).at
}
