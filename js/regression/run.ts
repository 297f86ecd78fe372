/** Runs: made, read back from JSON, and kept to a few kB. */

import { ShelflifeError } from '../errors.ts'
import type { Registry } from '../metrics/registry.ts'
import { clockOption, metricsOption, optionsObject } from '../options.ts'
import { metricsOfRegistry } from './registry-metrics.ts'
import type { Better, Run, RunMetric, RunMetrics, RunOptions } from './types.ts'

const FORMAT = 'shelflife-run'
const VERSION = 1
/** More samples of one metric are counted by size, and their order is forgotten. */
const MOST_SAMPLES = 500
/** Samples that are counted together differ by less than this, as a ratio. */
const WIDTH = 0.005
/** Digits that are stored. */
const DIGITS = 6
const MOST_METRICS = 10_000

/**
 * A run, ready to be stored as JSON and compared with later ones. Of a metric with more than 500 samples it keeps how often each size
 * was seen, half a per cent wide. Throws `ERR_PARSE` for samples that are no finite numbers.
 *
 * ```ts
 * const run = createRun({ metrics: { load: { samples, unit: 'ms' }, requests: { samples: rates, unit: '1/s', better: 'higher' } } })
 * await writeFile('base.json', JSON.stringify(run))
 * ```
 *
 * `createRun({ registry, window: '15m' })` is what a program did lately. Of its many samples each depends on others, so compare it with a
 * `history`, which says how much such runs differ by themselves.
 */
export function createRun(options: RunOptions): Run {
  const { metrics, registry, window = 'all', environment = {}, clock } = optionsObject(options, 'options') as Partial<RunOptions>
  const recorded = metricsOption(registry) === undefined ? {} : metricsOfRegistry(registry as Registry, window)
  const read = { ...recorded, ...metricsOf(registry === undefined ? metrics : (metrics ?? {}), 'metrics') }
  return {
    format: FORMAT,
    version: VERSION,
    time: new Date(clockOption(clock).wall()).toISOString(),
    environment: environmentOf(environment, 'environment'),
    metrics: Object.fromEntries(Object.entries(read).map(([name, metric]) => [name, condensed(metric)])),
  }
}

/**
 * Reads a run from what `JSON.parse` gave: one of {@link createRun}, or an object of samples by name. Throws `ERR_PARSE`, which says what
 * is wrong with which metric; `what` is how the message calls the run.
 */
export function readRun(value: unknown, what = 'run'): Run {
  if (!isObject(value)) throw unreadable(what, 'is not an object')
  if (value.format !== FORMAT) {
    return { format: FORMAT, version: VERSION, time: null, environment: {}, metrics: metricsOf(value, what) }
  }
  if (value.version !== VERSION) throw unreadable(what, `has version ${String(value.version)}; this is read: ${VERSION}`)
  const { time = null, environment = {} } = value
  if (time !== null && (typeof time !== 'string' || Number.isNaN(Date.parse(time)))) throw unreadable(what, 'has a time that is none')
  return {
    format: FORMAT,
    version: VERSION,
    time,
    environment: environmentOf(environment, `${what}: environment`),
    metrics: metricsOf(value.metrics, `${what}: metrics`),
  }
}

function metricsOf(given: unknown, what: string): Record<string, RunMetric> {
  if (!isObject(given)) throw unreadable(what, 'is not an object of metrics')
  const entries = Object.entries(given as RunMetrics)
  if (entries.length > MOST_METRICS) throw unreadable(what, `has more than ${MOST_METRICS} metrics`)
  return Object.fromEntries(entries.map(([name, metric]) => [name, metricOf(metric, `${what}: '${name}'`)]))
}

function metricOf(given: unknown, what: string): RunMetric {
  const metric: Record<string, unknown> = Array.isArray(given) ? { samples: given } : isObject(given) ? given : {}
  const { unit = '', better = 'lower', samples, counts } = metric
  if (typeof unit !== 'string') throw unreadable(what, 'has a unit that is no text')
  if (better !== 'lower' && better !== 'higher') throw unreadable(what, "has a direction that is neither 'lower' nor 'higher'")
  if ((samples === undefined) === (counts === undefined)) throw unreadable(what, "needs either 'samples' or 'counts'")
  const told: { unit: string; better: Better } = { unit, better }
  if (samples === undefined) {
    if (!isCounted(counts)) throw unreadable(what, 'needs counts as pairs of a rising finite value and how often it was seen')
    return { ...told, counts }
  }
  if (!isNumbers(samples) && !(Array.isArray(samples) && samples.every(isNumbers)))
    throw unreadable(what, 'needs finite numbers as samples, or arrays of them')
  return { ...told, samples }
}

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(Number.isFinite)
}

function isCounted(value: unknown): value is [number, number][] {
  if (!Array.isArray(value)) return false
  let last = -Infinity
  return value.every(pair => {
    if (!isNumbers(pair) || pair.length !== 2) return false
    const [size, times] = pair as [number, number]
    const fits = size > last && Number.isSafeInteger(times) && times > 0
    last = size
    return fits
  })
}

function environmentOf(given: unknown, what: string): Record<string, string> {
  if (!isObject(given)) throw unreadable(what, 'is not an object')
  const entries = Object.entries(given)
  if (!entries.every(([, value]) => typeof value === 'string' || Number.isFinite(value)))
    throw unreadable(what, 'may hold texts and numbers')
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]))
}

/** What is stored of a metric. */
function condensed({ samples, counts, ...told }: RunMetric): RunMetric {
  if (samples === undefined) return { ...told, counts: counts as NonNullable<RunMetric['counts']> }
  const all = samples.flat()
  if (all.length > MOST_SAMPLES) return { ...told, counts: counted(all) }
  const rounded = (values: readonly number[]) => values.map(value => Number(value.toPrecision(DIGITS)))
  return { ...told, samples: isNumbers(samples) ? rounded(samples) : (samples as number[][]).map(rounded) }
}

function counted(samples: readonly number[]): [number, number][] {
  const times = new Map<number, number>()
  for (const sample of samples) {
    const step = Math.round(Math.log(Math.abs(sample)) / WIDTH)
    const value = sample === 0 ? 0 : Number((Math.sign(sample) * Math.exp(step * WIDTH)).toPrecision(DIGITS))
    times.set(value, (times.get(value) ?? 0) + 1)
  }
  return [...times].sort(([a], [b]) => a - b)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function unreadable(what: string, why: string): ShelflifeError {
  return new ShelflifeError('ERR_PARSE', `${what} ${why}`)
}
