/** What the options of a `set` say. All of these throw `ERR_INVALID_ARGUMENT` for anything that cannot be meant. */

import { InvalidArgumentError } from '../errors.ts'
import { durationMs, durationOrZeroMs, optionsObject, wholeNumber } from '../options.ts'
import type { EntryDetail } from './entry-detail.ts'
import { guardFor } from './guarded.ts'
import { checkValidation, type Guard } from './guards.ts'
import { lifetime } from './lifetime.ts'
import { texts } from './marks.ts'
import type { ResolvedMemoryOptions } from './memory-options.ts'
import type { SetOptions } from './memory-types.ts'

/** How long the entry lives, in milliseconds. */
export function lifeIn<K, V>(options: SetOptions<K> | undefined, usual: ResolvedMemoryOptions<K, V>): number {
  if (options !== undefined) optionsObject(options, 'options')
  return lifetime(options?.ttl === undefined ? usual.ttlMs : durationMs(options.ttl, 'ttl'), usual)
}

/** Whether they speak of a life at most. */
export function isPlain<K>(options: SetOptions<K>): boolean {
  const { staleFor, tags, dependsOn, validate } = options ?? {}
  return staleFor === undefined && tags === undefined && dependsOn === undefined && validate === undefined
}

/** For how long it is kept for those who take it stale. */
export function staleForIn<K>(options: SetOptions<K> | undefined): number {
  return options?.staleFor === undefined ? 0 : durationOrZeroMs(options.staleFor, 'staleFor')
}

/** Whether it is tied to anything. */
export function hasTies<K>(options: SetOptions<K> | undefined): options is SetOptions<K> {
  if (options === undefined) return false
  if (options.tags !== undefined) texts(options.tags, 'tags')
  if (options.dependsOn !== undefined) checkedList(options.dependsOn, 'dependsOn')
  return (options.tags ?? options.dependsOn) !== undefined
}

/** Who has to be asked about it. */
export function guardIn<K, V>(
  options: SetOptions<K> | undefined,
  detail: EntryDetail<K, V> | undefined,
  usual: ResolvedMemoryOptions<K, V>,
): Guard<K, V> | undefined {
  if (options?.validate === undefined && usual.validate === undefined && detail?.guard === undefined) return undefined
  if (options !== undefined) checkValidation(options)
  return guardFor(detail?.guard, options, usual)
}

/** What it weighs; 0 where sizes are not counted. */
export function sizeIn<K, V>(options: SetOptions<K> | undefined, key: K, value: V, { weigh }: ResolvedMemoryOptions<K, V>): number {
  if (weigh === undefined) return 0
  const given = options?.size
  return given === undefined ? wholeNumber(weigh(value, key), 'sizeCalculation', { min: 0 }) : wholeNumber(given, 'size', { min: 0 })
}

/** A string is iterable, too, and never meant as a list of its characters. */
function checkedList(list: unknown, name: string): void {
  if (!Array.isArray(list)) throw new InvalidArgumentError(name, 'an array', list)
}
