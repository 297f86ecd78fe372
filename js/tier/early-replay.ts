/**
 * Plays segments into a directory while the rest of the log is still being listed, on the assumption that all of them are whole: what is
 * damaged, and may take older ones along, is known only at the end. Where the assumption was wrong the directory has to be begun anew.
 */

import { checksum } from '../stores/checksum.ts'
import { FORM } from '../stores/compression.ts'
import { formOf, readDirectory } from '../stores/directory.ts'
import type { ListedSegment } from '../stores/segment-medium.ts'
import type { KeyDirectory } from './key-directory.ts'
import type { Press } from './press.ts'

/** See the top of this file. Nobody may read from the directory until it is known that all went well. */
export class EarlyReplay {
  readonly #directory: KeyDirectory
  readonly #press: Press
  readonly #weigh: (segment: ListedSegment) => number
  readonly #isCurrent: () => boolean
  #count = 0
  #isWrong = false

  /** `weigh` gives the bytes of a payload; once it is not `isCurrent` any more, nothing is played in. */
  constructor(directory: KeyDirectory, press: Press, weigh: (segment: ListedSegment) => number, isCurrent: () => boolean) {
    this.#directory = directory
    this.#press = press
    this.#weigh = weigh
    this.#isCurrent = isCurrent
  }

  /** Plays in what follows what it was given before. Never throws. */
  take(segments: readonly ListedSegment[]): void {
    if (this.#isWrong || !this.#isCurrent()) return
    try {
      // A list that begins again, on another connection, does not follow.
      this.#isWrong = !segments.every(segment => this.#play(segment))
    } catch {
      this.#isWrong = true
    }
    this.#count += segments.length
  }

  /** Whether all that is listed has been played in, and counts as it is. A medium that has shown nothing has listed all at once. */
  isRight(listed: readonly ListedSegment[]): boolean {
    if (this.#count === 0) this.take(listed)
    return !this.#isWrong && this.#count === listed.length
  }

  #play(segment: ListedSegment): boolean {
    const { id, bytes, directory, check } = segment
    if (formOf(directory) === FORM.none) return this.#directory.play(id, bytes, directory, check)
    if (check !== undefined && checksum(directory) !== check) return false
    const lines = readDirectory(directory)
    this.#press.note(id, directory, lines)
    return this.#directory.commit(id, bytes, this.#press.weighed(directory, this.#weigh(segment), lines))
  }
}
