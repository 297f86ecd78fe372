/** Reads what an entry is to be given up with. */

import { InvalidArgumentError } from '../errors.ts'
import type { Marked } from '../stores/barriers.ts'

/** Throws `ERR_INVALID_ARGUMENT` for anything but lists of strings. */
export function readMarks({ tags, dependsOn }: Marked): Marked {
  if (tags !== undefined) texts(tags, 'tags')
  if (dependsOn !== undefined) texts(dependsOn, 'dependsOn')
  return { tags, dependsOn }
}

/** The marks of both. */
export function joined(one: Marked, other: Marked): Marked {
  return { tags: both(one.tags, other.tags), dependsOn: both(one.dependsOn, other.dependsOn) }
}

/** `list`, if it is a list of strings. A string is iterable, too, and never meant as a list of its characters. */
export function texts(list: unknown, name: string): readonly string[] {
  if (!Array.isArray(list) || !list.every(one => typeof one === 'string')) throw new InvalidArgumentError(name, 'an array of strings', list)
  return list
}

/** The texts in what can be gone through; throws likewise. */
export function textsIn(list: Iterable<string>, name: string): readonly string[] {
  const isList = typeof list === 'object' && typeof list?.[Symbol.iterator] === 'function'
  return texts(isList ? [...list] : list, name)
}

function both(one: readonly string[] | undefined, other: readonly string[] | undefined): readonly string[] | undefined {
  return one === undefined || other === undefined ? (one ?? other) : [...one, ...other]
}
