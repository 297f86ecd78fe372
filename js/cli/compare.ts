/** `shelflife compare`: a verdict on two stored runs, as text, Markdown or JSON, and as an exit code. */

import { type ParseArgsConfig, parseArgs } from 'node:util'
import { isShelflifeError } from '../errors.ts'
import { compareRuns } from '../regression/compare.ts'
import { scanRuns } from '../regression/history.ts'
import { comparisonMarkdown, comparisonText } from '../regression/text.ts'
import type { CompareOptions, Run, Statistic, Verdict } from '../regression/types.ts'
import { EXIT, Failure, type Output } from './exit.ts'
import { readHistory, readRunFile } from './run-files.ts'

const USAGE = `usage: shelflife compare <base.json> <now.json> [<confirming.json> ...] [options]

Says of each metric whether it is regressed, improved, unchanged or inconclusive. A file is a run of createRun(), or an
object of samples by name: { "load": [12.1, 11.9, ...] }. Further files are runs of the same as <now.json>, which have to
show a change as well before it counts.

  --min-effect <ratio>      the smallest change worth a verdict: 0.05 or 5% (default 5%)
  --confidence <ratio>      one less the rate of false alarms, of all metrics together (default 95%)
  --statistic <name>        trimmedMean (default: the mean of the middle 90 %), mean, or a quantile such as p95
  --higher <metric>         of this metric of a plain object, more is better; may be given several times
  --history <folder>        earlier runs, *.json: a change as small as those between them is none, and changes of level are told
  --allow-inconclusive      end with 0 where nothing can be said
  --json, --markdown        instead of text

Ends with 0 (improved or unchanged), 1 (regressed), 2 (inconclusive), 64 (usage), 65 (a file holds no run), 66 (a file
cannot be read).
`

const OPTIONS = {
  'min-effect': { type: 'string' },
  confidence: { type: 'string' },
  statistic: { type: 'string' },
  higher: { type: 'string', multiple: true },
  history: { type: 'string' },
  'allow-inconclusive': { type: 'boolean' },
  json: { type: 'boolean' },
  markdown: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const satisfies ParseArgsConfig['options']

/** Runs the command and gives its exit code. */
export function compareCommand(args: readonly string[], out: Output): number {
  try {
    return compareFiles(args, out)
  } catch (error) {
    if (error instanceof Failure) {
      out.complain(`shelflife: ${error.message}\n${error.exit === EXIT.usage ? `\n${USAGE}` : ''}`)
      return error.exit
    }
    if (!isShelflifeError(error)) throw error
    out.complain(`shelflife: ${error.message}\n`)
    return error.code === 'ERR_PARSE' ? EXIT.data : EXIT.usage
  }
}

function compareFiles(args: readonly string[], out: Output): number {
  const { values, positionals } = parsed(args)
  if (values.help) {
    out.write(USAGE)
    return EXIT.ok
  }
  const [base, now, ...confirming] = positionals
  if (base === undefined || now === undefined) throw new Failure(EXIT.usage, 'two files are needed')
  if (values.json && values.markdown) throw new Failure(EXIT.usage, '--json and --markdown exclude each other')
  const read = (file: string) => directed(readRunFile(file), values.higher ?? [])
  const earlier = values.history === undefined ? [] : readHistory(values.history).map(run => directed(run, values.higher ?? []))
  const options: CompareOptions = {
    ...(values['min-effect'] !== undefined && { minEffect: ratioOf(values['min-effect'], '--min-effect') }),
    ...(values.confidence !== undefined && { confidence: ratioOf(values.confidence, '--confidence') }),
    ...(values.statistic !== undefined && { statistic: statisticOf(values.statistic) }),
  }
  const latest = read(now)
  const comparison = compareRuns(read(base), latest, { ...options, confirm: confirming.map(read), history: earlier })
  const trends = earlier.length === 0 ? [] : scanRuns([...earlier, latest], options)
  if (values.json) out.write(`${JSON.stringify({ ...comparison, trends }, null, 2)}\n`)
  else out.write(values.markdown ? comparisonMarkdown(comparison, trends) : comparisonText(comparison, trends))
  return exitOf(comparison.verdict, values['allow-inconclusive'] === true)
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true })
  } catch (error) {
    throw new Failure(EXIT.usage, (error as Error).message)
  }
}

function exitOf(verdict: Verdict, allowInconclusive: boolean): number {
  if (verdict === 'regressed') return EXIT.regressed
  return verdict === 'inconclusive' && !allowInconclusive ? EXIT.inconclusive : EXIT.ok
}

/** `0.05` or `5%`. */
function ratioOf(text: string, option: string): number {
  const [, number, percent] = /^(\d+(?:\.\d+)?|\.\d+)(%?)$/.exec(text) ?? []
  if (number === undefined) throw new Failure(EXIT.usage, `${option} must be a ratio such as 0.05 or 5%; received ${text}`)
  return percent === '%' ? Number(number) / 100 : Number(number)
}

function statisticOf(text: string): Statistic {
  if (text === 'mean' || text === 'trimmedMean') return text
  const digits = /^p(\d+(?:\.\d+)?)$/.exec(text)?.[1]
  if (digits === undefined)
    throw new Failure(EXIT.usage, `--statistic must be trimmedMean, mean or a quantile such as p95; received ${text}`)
  return Number(digits) / 100
}

/** The run, of whose metrics those named are better the higher they are. */
function directed(run: Run, higher: readonly string[]): Run {
  const metrics = Object.entries(run.metrics).map(([name, metric]) => [
    name,
    higher.includes(name) ? { ...metric, better: 'higher' } : metric,
  ])
  return { ...run, metrics: Object.fromEntries(metrics) }
}
