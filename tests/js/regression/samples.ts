/** What benches measure: numbers that vary by a fifth, of several shapes. */

import type { Random } from '../../../js/regression/random.ts'

/** Each gives `count` samples with mean 100 and deviation 20. */
export const shapes = {
  lognormal: (random: Random, count: number) => {
    const deviation = Math.sqrt(Math.log(1.04))
    return fill(count, () => 100 * Math.exp(deviation * random.normal() - deviation ** 2 / 2))
  },
  bimodal: (random: Random, count: number) => fill(count, () => (random.next() < 0.5 ? 80.1 : 119.9) + 2 * random.normal()),
  /** Seven in ten are fast. */
  lopsided: (random: Random, count: number) => fill(count, () => (random.next() < 0.7 ? 86.97 : 130.4) + 2 * random.normal()),
}

/** Each sample follows the one before it, for about five of them. */
export function drifting(random: Random, count: number): number[] {
  let level = random.normal()
  return fill(count, () => {
    level = 0.8 * level + 0.6 * random.normal()
    return 100 + 20 * level
  })
}

export function scaled(samples: readonly number[], factor: number): number[] {
  return samples.map(sample => sample * factor)
}

function fill(count: number, make: () => number): number[] {
  return Array.from({ length: count }, make)
}
