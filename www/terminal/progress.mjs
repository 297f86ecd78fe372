/** Progress on stderr: a bar where somebody looks on, one line at the end of each phase elsewhere. */

const WIDTH = 28
const REDRAW_MS = 80

/**
 * @typedef {{ advance(by?: number): void, end(summary: string): void }} Bar
 */

/** @param {NodeJS.WriteStream} [stream] */
export function progressOn(stream = process.stderr) {
  const live = stream.isTTY === true
  return {
    /** Says something that is not a phase. @param {string} line */
    say(line) {
      stream.write(`${line}\n`)
    },
    /**
     * Begins a phase of `total` steps.
     *
     * @param {string} label
     * @param {number} total
     * @returns {Bar}
     */
    begin(label, total) {
      let done = 0
      let drawn = 0
      const draw = () => {
        drawn = performance.now()
        const share = Math.min(1, done / total)
        const full = Math.round(share * WIDTH)
        const bar = '█'.repeat(full) + '░'.repeat(WIDTH - full)
        stream.write(`\r\x1b[K  ${label.padEnd(10)} ${bar} ${String(Math.floor(share * 100)).padStart(3)} %  ${done} of ${total}`)
      }
      if (live) draw()
      return {
        advance(by = 1) {
          done += by
          if (live && performance.now() - drawn >= REDRAW_MS) draw()
        },
        end(summary) {
          stream.write(live ? `\r\x1b[K  \x1b[32m✓\x1b[0m ${label.padEnd(10)} ${summary}\n` : `${label}: ${summary}\n`)
        },
      }
    },
  }
}
