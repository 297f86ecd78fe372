/** The report at the end: figures as a table for people. The same figures leave as JSON elsewhere. */

/**
 * @typedef {Awaited<ReturnType<typeof import('./main-job.mjs').mainJob>>} Figures
 */

/**
 * @param {Figures} figures
 * @param {{ colour: boolean }} options
 */
export function reportText(figures, { colour }) {
  const paint = (/** @type {number} */ code, /** @type {string} */ text) => (colour ? `\x1b[${code}m${text}\x1b[0m` : text)
  const { phases, single, sizes, expectations } = figures
  const { cold, warm, restart, storm, batch, advice } = phases
  const rows = [
    ['phase', 'reads', 'sent', 'saved', 'hit rate', 'p50', 'p95', 'p99', 'time'],
    ...Object.entries({ cold, warm, restart, storm, batch: { ...batch, asked: batch.items } }).map(([name, phase]) => [
      name,
      whole(phase.asked),
      whole(phase.sent),
      'saved' in phase ? whole(phase.saved) : '–',
      'hitRate' in phase ? percent(phase.hitRate) : '–',
      ms(phase.p50Ms),
      ms(phase.p95Ms),
      ms(phase.p99Ms),
      `${phase.seconds.toFixed(phase.seconds < 1 ? 2 : 1)} s`,
    ]),
  ]
  const pairs = [
    ['one read, origin 2-8 ms', speed(single.latencyOn)],
    ['one read, latency off', speed(single.latencyOff)],
    [
      'restart',
      `${percent(restart.hitRate)} of ${whole(restart.asked)} keys came from disk; first answer ${ms(restart.openMs)} after the start of the client`,
    ],
    [
      'storm',
      `${whole(storm.cached.answered)} of ${whole(storm.cached.asked)} cached and ${whole(storm.uncached.answered)} of ${whole(storm.uncached.asked)} uncached reads answered`,
    ],
    ['  faults of the origin', counted(storm.faults)],
    ['  failures by code', counted(storm.failures)],
    [
      'batch',
      `${whole(batch.fulfilled)} of ${whole(batch.items)} in ${batch.seconds.toFixed(1)} s and ${whole(batch.calls)} calls; ${batch.failed} poison items at ${batch.failedAt.join(', ')}`,
    ],
    [
      'bytes',
      `${bytes(cold.originBytes)} from the origin, ${bytes(sizes.memoryBytes)} in memory, ${bytes(sizes.diskBytes)} on disk, ${whole(sizes.entries)} entries`,
    ],
    ['unhandled rejections', whole(figures.unhandledRejections)],
  ]
  const labels = Math.max(...pairs.map(([label]) => String(label).length))
  return [
    '',
    ...table(rows).map((line, at) => (at === 0 ? paint(1, line) : line)),
    paint(2, '  Times are of single reads: cold, the first read of each key and its wait for a slot; warm, one after the other.'),
    '',
    ...pairs.map(([label, text]) => `  ${paint(2, String(label).padEnd(labels))}  ${text}`),
    '',
    `  ${paint(1, 'A client with wrong options')}, the advice on it, and what the same run measures with it:`,
    ...advice.advice.flatMap(({ severity, title, option, from, to, gain, predicted, measured }) => [
      `  ${severity.padEnd(8)} ${title}`,
      paint(
        2,
        `           ${shortened(option)}${from === undefined ? '' : ` from ${from}`}${to === undefined ? '' : ` to ${to}`}: ${shortened(gain)}`,
      ),
      ...(predicted === null || measured === null
        ? []
        : [`           measured ${inUnit(predicted.measure, measured.before)} → ${inUnit(predicted.measure, measured.after)}`]),
    ]),
    '',
    ...expectations.map(({ what, ok, found }) => `  ${ok ? paint(32, '✓') : paint(31, '✗')} ${what}: ${found}`),
    '',
  ].join('\n')
}

/** @param {readonly (readonly string[])[]} rows */
function table(rows) {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map(row => String(row[column]).length)))
  return rows.map(
    row =>
      `  ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join('   ')}`,
  )
}

/** @param {{ coldMedianMs: number, warmMedianMs: number, speedUp: number }} single */
const speed = ({ coldMedianMs, warmMedianMs, speedUp }) =>
  `cold ${ms(coldMedianMs)}, warm ${ms(warmMedianMs)}: ${whole(Math.round(speedUp))}x faster (medians)`

/**
 * @param {string} measure
 * @param {number} value
 */
const inUnit = (measure, value) => (measure === 'hitRate' ? percent(value) : ms(value))

/** @param {string} text */
const shortened = text => text.replace(/\(\/[^)]*\)/g, '')

/** @param {number} number */
const whole = number => number.toLocaleString('en')

/** @param {number} ratio */
const percent = ratio => `${(ratio * 100).toFixed(1)} %`

/** @param {number} value */
const ms = value => (value >= 10 ? `${value.toFixed(0)} ms` : value >= 0.1 ? `${value.toFixed(2)} ms` : `${(value * 1000).toFixed(1)} µs`)

/** @param {number} count */
const bytes = count => (count >= 1e6 ? `${(count / 1e6).toFixed(1)} MB` : `${(count / 1e3).toFixed(1)} kB`)

/** @param {Record<string, number>} counts */
const counted = counts =>
  Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ') || 'none'
