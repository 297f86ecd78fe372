/** `burnRate`: alerts on how fast an error budget is used up. */

import { InvalidArgumentError } from '../errors.ts'
import type { LabelSelector } from '../metrics/selection.ts'
import { type Duration, durationMs, optionsObject, wholeNumber } from '../options.ts'
import type { AlertRule, MetricReader } from './types.ts'

/** A counter: by name, or some of its series. Of a histogram or timer, how many samples there were. */
export type CounterSelector = string | { readonly name: string; readonly labels?: LabelSelector }

/** A pair of windows. */
export interface BurnRateWindow {
  /** How many times as fast as the budget allows. */
  factor: number
  /** So fast in this time, */
  long: Duration
  /** and still so in this one: an alert is over soon after its cause. */
  short: Duration
  /** Default: none. */
  severity?: 'info' | 'warning' | 'critical'
}

/** Options of {@link burnRate}. */
export interface BurnRateOptions extends Pick<AlertRule, 'for' | 'keepFiringFor' | 'labels' | 'annotations'> {
  /** What share shall succeed, such as 0.999. */
  objective: number
  /** What failed. */
  errors: CounterSelector
  /** All, the failed among them. */
  total: CounterSelector
  /** Default: `'error budget'`. The rules are called `error budget (1h)` and so on. */
  name?: string
  /** Default: 14.4 times in 1 h and 5 m, critical; 6 times in 6 h and 30 m, a warning. */
  windows?: readonly BurnRateWindow[]
  /** With fewer in the long window nobody is told. Default: 10. */
  minTotal?: number
}

/**
 * Rules that fire when errors use up the budget of an objective too fast: 14.4 times as fast is a fiftieth of the budget of 30 days in an
 * hour, 6 times a twentieth in six hours (Beyer and others, "The Site Reliability Workbook", chapter 5). Their value is the rate, of the window where it is less.
 *
 * ```ts
 * createAlerts(registry, { rules: burnRate({ objective: 0.999, errors: 'load_failures_total', total: 'load_seconds' }) })
 * ```
 *
 * Throws `ERR_INVALID_ARGUMENT`, also for an objective that leaves so much room that nothing could burn it so fast.
 */
export function burnRate(options: BurnRateOptions): AlertRule[] {
  const given: Partial<BurnRateOptions> = optionsObject(options, 'options')
  const {
    objective = Number.NaN,
    name = 'error budget',
    windows = WINDOWS,
    minTotal = 10,
    errors,
    total,
    labels,
    annotations = {},
    ...holds
  } = given
  if (!(typeof objective === 'number' && objective > 0 && objective < 1))
    throw new InvalidArgumentError('objective', 'a number between 0 and 1, such as 0.999', objective)
  if (typeof name !== 'string' || name === '') throw new InvalidArgumentError('name', 'the name of a rule', name)
  wholeNumber(minTotal, 'minTotal')
  const read = { errors: checkedSelector(errors, 'errors'), total: checkedSelector(total, 'total') }
  if (!Array.isArray(windows) || windows.length === 0) throw new InvalidArgumentError('windows', 'an array of windows', windows)
  const budget = 1 - objective
  return (windows as readonly BurnRateWindow[]).map(({ factor, long, short, severity }) => {
    if (!(typeof factor === 'number' && factor > 0)) throw new InvalidArgumentError('factor', 'a positive number', factor)
    if (factor * budget >= 1)
      throw new InvalidArgumentError('objective', `above ${1 - 1 / factor}, to be burnt ${factor} times as fast`, objective)
    if (durationMs(short, 'short') >= durationMs(long, 'long')) throw new InvalidArgumentError('short', 'shorter than long', short)
    return {
      ...holds,
      name: `${name} (${long})`,
      when: reader => {
        const [slow, fast] = [long, short].map(window => ratesIn(reader, window, read)) as [Rates, Rates]
        return slow.total < minTotal || fast.total === 0 ? 0 : Math.min(slow.ratio, fast.ratio) / budget
      },
      above: factor,
      labels: { ...(severity !== undefined && { severity }), ...labels },
      annotations: {
        summary: `errors use up the budget {value} times as fast as ${Number((objective * 100).toPrecision(8))} % allows`,
        ...annotations,
      },
    }
  })
}

const WINDOWS: readonly BurnRateWindow[] = [
  { factor: 14.4, long: '1h', short: '5m', severity: 'critical' },
  { factor: 6, long: '6h', short: '30m', severity: 'warning' },
]

interface Rates {
  readonly total: number
  readonly ratio: number
}

interface Selectors {
  readonly errors: Exclude<CounterSelector, string>
  readonly total: Exclude<CounterSelector, string>
}

/** What part of all failed within a window. */
function ratesIn(reader: MetricReader, window: Duration, { errors, total }: Selectors): Rates {
  const [failed, all] = [errors, total].map(({ name, ...options }) => reader.increase(name, window, options)) as [number, number]
  return { total: all, ratio: all === 0 ? 0 : failed / all }
}

function checkedSelector(selector: CounterSelector | undefined, name: string): Exclude<CounterSelector, string> {
  const found = typeof selector === 'string' ? { name: selector } : selector
  if (typeof found?.name !== 'string' || found.name === '')
    throw new InvalidArgumentError(name, 'the name of a counter, or one with labels', selector)
  return found
}
