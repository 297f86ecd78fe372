/** Runs in files. */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ShelflifeError } from '../errors.ts'
import { readRun } from '../regression/run.ts'
import type { Run } from '../regression/types.ts'
import { EXIT, Failure } from './exit.ts'

/** The run in a file. Throws {@link Failure} where there is no file, `ERR_PARSE` where it holds no run. */
export function readRunFile(file: string): Run {
  const text = reading(file, () => readFileSync(file, 'utf8'))
  let value: unknown
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch (cause) {
    throw new ShelflifeError('ERR_PARSE', `${file} holds no JSON: ${(cause as Error).message}`, { cause })
  }
  return readRun(value, file)
}

/** The runs in a folder, oldest first: by their time, and before those the ones without a time, by name. */
export function readHistory(folder: string): Run[] {
  const names = reading(folder, () => readdirSync(folder)).filter(name => name.endsWith('.json'))
  const time = (run: Run) => (run.time === null ? Number.NEGATIVE_INFINITY : Date.parse(run.time))
  return names
    .sort()
    .map(name => readRunFile(join(folder, name)))
    .sort((a, b) => (time(a) === time(b) ? 0 : time(a) - time(b)))
}

function reading<T>(path: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new Failure(EXIT.noInput, `${path} cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}`)
  }
}
