/** A comparison as text: for a terminal, and as Markdown for a summary of a pull request. */

import type { Comparison, MetricComparison, Trend } from './types.ts'

const COLUMNS = ['metric', 'base', 'now', 'change', 'interval', 'p', 'could see', 'verdict'] as const

/** A table of all metrics and a line that sums up. */
export function comparisonText(comparison: Comparison, trends: readonly Trend[] = []): string {
  const rows = [COLUMNS, ...comparison.metrics.map(metric => cells(metric).map(printable))]
  const widths = COLUMNS.map((_, at) => Math.max(...rows.map(row => (row[at] as string).length)))
  const table = rows.map(row =>
    row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] as number) : cell.padStart(widths[at] as number))).join('  '),
  )
  return `${[...table, '', ...notes(comparison, trends).map(printable), comparison.verdict].join('\n')}\n`
}

/** The same in Markdown. */
export function comparisonMarkdown(comparison: Comparison, trends: readonly Trend[] = []): string {
  const row = (values: readonly string[]) => `| ${values.map(escaped).join(' | ')} |`
  const table = [
    row(COLUMNS),
    row(COLUMNS.map((_, at) => (at === 0 ? '---' : '--:'))),
    ...comparison.metrics.map(metric => row(cells(metric))),
  ]
  return `${[`**${comparison.verdict}**`, '', ...table, '', ...notes(comparison, trends).map(note => `- ${escaped(note)}`)].join('\n')}\n`
}

function cells(metric: MetricComparison): string[] {
  const { name, unit, base, now, change, interval, pValue, minimumDetectableEffect, verdict, reason } = metric
  const value = (number: number) => `${Number(number.toPrecision(4))}${unit === '' ? '' : ` ${unit}`}`
  return [
    name,
    value(base),
    value(now),
    percent(change, '+'),
    interval === null ? '-' : `${percent(interval[0], '+')} … ${percent(interval[1], '+')}`,
    pValue < 0.001 ? '<0.001' : pValue.toFixed(3),
    minimumDetectableEffect === null ? '-' : percent(minimumDetectableEffect),
    verdict === 'inconclusive' ? `${verdict}: ${reason}` : verdict,
  ]
}

function notes({ metrics, missing, environment }: Comparison, trends: readonly Trend[]): string[] {
  const short = metrics.filter(
    ({ verdict, samples, samplesNeeded }) => verdict === 'inconclusive' && samplesNeeded > Math.min(samples.base, samples.now),
  )
  return [
    ...missing.now.map(name => `${name}: only in the base`),
    ...missing.base.map(name => `${name}: new`),
    ...short.map(({ name, samplesNeeded }) => `${name}: about ${samplesNeeded} samples in each run would tell`),
    ...environment.map(({ name, base, now }) => `environment: ${name} was ${base ?? 'not told'}, is ${now ?? 'not told'}`),
    ...trends.flatMap(({ name, changes }) =>
      changes.map(
        ({ run, time, verdict, change }) =>
          `${name}: ${verdict} by ${percent(change, '+')} with run ${run + 1}${time === null ? '' : ` (${time})`}`,
      ),
    ),
  ]
}

function percent(ratio: number, sign = ''): string {
  const rounded = (ratio * 100).toFixed(1)
  return `${ratio >= 0 ? sign : ''}${rounded} %`
}

/** Names come from files: they may not move the cursor, nor begin a line. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '?')
}

function escaped(text: string): string {
  return printable(text).replace(/[\\|<>`*_[\]]/g, '\\$&')
}
