/** What alerts take and tell. What they tell is plain data, ready for `JSON.stringify`. */

import type { Clock } from '../clock.ts'
import type { LabelSelector } from '../metrics/selection.ts'
import type { WindowOptions } from '../metrics/window.ts'
import type { MonitorAlert } from '../monitor/types.ts'
import type { Duration } from '../options.ts'

/** Which series, and how far back. */
export interface ReadOptions {
  /** Default: all series of the metric. */
  labels?: LabelSelector
}

/** Reads a registry for a rule. What does not exist is `null` or 0, so that a rule may be there before its metrics. */
export interface MetricReader {
  /** The sum of counters or gauges; of metrics of samples, how many there were. `null` where there is no such series. */
  value(name: string, options?: ReadOptions): number | null
  /** The same for each series. */
  series(name: string, options?: ReadOptions): { labels: Readonly<Record<string, string>>; value: number }[]
  /**
   * By how much a counter rose within the window, however often it began anew. It is known from the first question on: until then,
   * and for a window that is longer, from what is known.
   */
  increase(name: string, window: Duration, options?: ReadOptions): number
  /** The same a second. */
  rate(name: string, window: Duration, options?: ReadOptions): number
  /** A quantile of the samples, all or of a window that the registry keeps (`retention`); `null` where there are none. */
  quantile(name: string, quantile: number, options?: ReadOptions & WindowOptions): number | null
}

/** One of several things that a rule watches. */
export interface AlertSample {
  labels: Readonly<Record<string, string>>
  value: boolean | number | null
}

/** A rule: what is wrong, and for how long before somebody is told. */
export interface AlertRule {
  /** One of its own. */
  name: string
  /**
   * Whether something is wrong, or a number that is held against `above` or `below`; without those, any but 0 is wrong. `null`,
   * `undefined` and `NaN` are not. An array is an alert for each of its entries, at most 100, by their labels.
   */
  when: (read: MetricReader) => boolean | number | null | undefined | readonly AlertSample[]
  /** Wrong is a number above this. */
  above?: number
  /** Wrong is a number below this. */
  below?: number
  /** How long it has to be wrong, at each evaluation, before the alert fires. Default: 0. */
  for?: Duration
  /** How long it has to be right before the alert is resolved. Default: 0. */
  keepFiringFor?: Duration
  /** Told with the alert. `severity` may be `info`, `warning` or `critical`. Default: none. */
  labels?: Readonly<Record<string, string>>
  /** Texts, in which `{value}` and `{label}`, any label's name, are filled in; `summary` is shown. Default: none. */
  annotations?: Readonly<Record<string, string>>
}

/** Options of {@link createAlerts}. */
export interface AlertsOptions {
  /** At most 1000. */
  rules: readonly AlertRule[]
  /** How often the rules are evaluated. Default: 15 s. */
  interval?: Duration
  /** An alert fires. */
  onFiring?: (alert: Alert) => unknown
  /** An alert that fired is over. */
  onResolved?: (alert: Alert) => unknown
  /** The state of an alert is another one. */
  onChange?: (alert: Alert, before: Alert['state']) => unknown
  /** Default: the system's. */
  clock?: Clock
}

/**
 * An alert at one moment. `inactive`: nothing is wrong. `pending`: something is, not long enough yet. `firing`. `resolved`: it fired within
 * the last quarter of an hour.
 */
export interface Alert extends MonitorAlert {
  /** Those of the rule, and of the sample. */
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  /** The number that `when` gave last. */
  readonly value: number | null
  /** Why the rule could not be evaluated the last time; then its alerts stay as they were. */
  readonly error?: string
}
