/** When the curve of a cache is watched. While it is, a hit costs some 0.2 µs more at the drain; so after a while it rests, and nothing is told of it. */

import type { Limits } from './memory-options.ts'
import type { MemoryCacheStats, MissRatioCurve } from './memory-types.ts'
import type { CurveWatch } from './miss-ratio-curve.ts'

/** So many reads are watched at a time, or so many for each entry, whichever are more. */
const READS = 100_000
const READS_AN_ENTRY = 20
/** A rest is so many times as long: what watching costs comes to a twentieth at most. */
const RESTS = 64
/** From this part of a watch on, what it says counts for more than what the one before said. */
const FRESH = 0.25

/** See the top of this file. Reads are those of the cache since its creation. */
export class CurveDuty {
  #kept: MissRatioCurve | undefined
  #wakesAt = 0

  /** What is best known by now; `begin` begins to watch. `watched` tells the curve of what happens, while it watches. */
  ask<Watch extends CurveWatch<never>>(
    watched: { curve: Watch | undefined },
    limits: Limits,
    stats: MemoryCacheStats,
    entries: number,
    begin: () => Watch,
  ): MissRatioCurve {
    const reads = stats.hits + stats.misses
    if (watched.curve === undefined) {
      const known = this.resting(reads)
      if (known !== undefined) return known
      watched.curve = begin()
    }
    const { best, rests } = this.judge(watched.curve.read(limits, stats), reads, entries)
    if (rests) {
      watched.curve.free()
      watched.curve = undefined
    }
    return best
  }

  /** What is known while it rests; `undefined` when it is to be watched. */
  resting(reads: number): MissRatioCurve | undefined {
    return reads < this.#wakesAt ? this.#kept : undefined
  }

  /** What is best known, now that the watch says this; and whether it has said enough. */
  judge(said: MissRatioCurve, reads: number, entries: number): { readonly best: MissRatioCurve; readonly rests: boolean } {
    const wanted = Math.max(READS, entries * READS_AN_ENTRY)
    const rests = said.reads >= wanted
    if (this.#kept === undefined || said.reads >= wanted * FRESH) {
      if (rests) {
        this.#kept = said
        this.#wakesAt = reads + said.reads * RESTS
      }
      return { best: said, rests }
    }
    return { best: this.#kept, rests }
  }
}
