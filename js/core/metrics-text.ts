/** The text of a registry: told in parts, with turns for the event loop in between. */

import type { Clock } from '../clock.ts'
import { nextTask } from '../next-task.ts'
import type { CoreHandle } from './door.ts'
import { type CoreFormat, FORMATS } from './metrics-formats.ts'
import type { MetricsMachine } from './parts/metrics.ts'

/** Text is told in parts of about this many bytes, each well below a millisecond. */
const PART_BYTES = 16 * 1024
/** After so many milliseconds, or bytes, of it the event loop has a turn. */
const SLICE_MS = 4
const SLICE_BYTES = 256 * 1024

/** The text that `handle` has begun at `began`, which it ends. */
export async function textOf(handle: CoreHandle<MetricsMachine>, format: CoreFormat, clock: Clock, began: number): Promise<string> {
  try {
    const parts: string[] = []
    let bytes = 0
    let since = began
    for (let family = 0, series = 0; family >= 0; ) {
      if (bytes >= SLICE_BYTES || clock.monotonic() - since >= SLICE_MS) {
        await nextTask()
        bytes = 0
        since = clock.monotonic()
      }
      handle.use(machine => {
        const part = machine.textPart(FORMATS[format], family, series, PART_BYTES)
        parts.push(part)
        bytes += part.length
        family = machine.nextFamily
        series = machine.nextSeries
      })
    }
    return parts.join('')
  } finally {
    if (!handle.lost) handle.use(machine => machine.endText())
  }
}
