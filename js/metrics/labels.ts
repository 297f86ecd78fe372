/** Labels: which are valid, and the series that a set of them names. */

import { InvalidArgumentError } from '../errors.ts'
import { Cardinality, type LabelCardinality } from './cardinality.ts'

/** What a label may be; numbers and booleans are written as text. */
export type LabelValue = string | number | boolean

/** A value for each label name. */
export type Labels<L extends string = string> = Readonly<Record<L, LabelValue>>

/** The value of every label of the series that stands for all series beyond the limit. */
const OVERFLOW = 'overflow'

/** Longer values are cut: a label is a name, not a document. */
const LONGEST_VALUE = 1024
/** Label names that Prometheus gives a meaning of its own. */
const RESERVED = new Set(['le', 'quantile'])

/** Label names as written in options, checked: valid, unreserved, each once. */
export function checkedLabelNames(names: unknown, argument: string): readonly string[] {
  if (names === undefined) return []
  if (!Array.isArray(names)) throw new InvalidArgumentError(argument, 'an array of label names', names)
  for (const name of names) checkLabelName(name, argument)
  if (new Set(names).size !== names.length) throw new InvalidArgumentError(argument, 'label names that differ', names.join(', '))
  return [...names]
}

/** A label name, checked. */
export function checkLabelName(name: unknown, argument: string): void {
  if (typeof name !== 'string' || !/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) || name.startsWith('__') || RESERVED.has(name)) {
    throw new InvalidArgumentError(argument, "label names like 'method', not beginning with '__', not 'le' or 'quantile'", name)
  }
}

/**
 * The text of a label value as series are told apart by it: lone surrogates and carriage returns, which no reader of
 * the text format would see as they are, are replaced first, so that two series never look the same.
 */
export function labelText(value: unknown, name: string): string {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (typeof value !== 'string') throw new InvalidArgumentError(`label ${name}`, 'a string, a number or a boolean', value)
  const cut = value.length > LONGEST_VALUE ? `${value.slice(0, LONGEST_VALUE - 1)}…` : value
  return cut.replace(/\r\n?/g, '\n').replace(/\p{Cs}/gu, '\ufffd')
}

type Branch<S> = Map<string, Branch<S> | S>

/** The series of one family by their label values, one map a label. Its size is bounded: what is beyond is `overflow`. */
export class SeriesTree<S> {
  /** How often labels were answered with the overflow series because the family was full. */
  overflowed = 0
  readonly #names: readonly string[]
  readonly #max: number
  readonly #begin: (values: string[]) => S
  readonly #root: Branch<S> = new Map()
  /** Kept from the first overflow on. */
  #cardinality: Cardinality | undefined
  #size = 0

  constructor(names: readonly string[], max: number, begin: (values: string[]) => S) {
    this.#names = names
    this.#max = max
    this.#begin = begin
  }

  /** Series that are not the overflow series; at most the limit. */
  get size(): number {
    return this.#size
  }

  /** How many values each label has had, those with most first. */
  cardinality(): LabelCardinality[] {
    if (this.#cardinality !== undefined) return this.#cardinality.labels()
    const seen = this.#names.map(() => new Set<string>())
    for (const values of this.#known()) for (const [at, value] of values.entries()) seen[at]?.add(value)
    return this.#names.map((label, at) => ({ label, values: seen[at]?.size ?? 0 })).sort((a, b) => b.values - a.values)
  }

  /** The values by which a series of these labels is found. */
  valuesOf(labels: Readonly<Record<string, string>>): string[] {
    return this.#names.map(name => labels[name] as string)
  }

  /** Takes a series out. False of the overflow series, which stays as long as the family. */
  remove(values: readonly string[]): boolean {
    const path = [this.#root]
    for (const value of values.slice(0, -1)) path.push(path.at(-1)?.get(value) as Branch<S>)
    const [last] = values.slice(-1) as [string]
    if (values.every(value => value === OVERFLOW) || path.at(-1)?.delete(last) !== true) return false
    for (let at = path.length - 1; at > 0 && path[at]?.size === 0; at -= 1) path[at - 1]?.delete(values[at - 1] as string)
    this.#size -= 1
    return true
  }

  /** Puts a series back that was taken out, though there may be no room for a new one. */
  put(values: readonly string[], series: S): void {
    this.#size += 1
    this.#place(values, series)
  }

  /** The series that `labels` name; begun if there is room for it. */
  find(labels: Labels): S {
    const names = this.#names
    let node: Branch<S> | S | undefined = this.#root
    for (let at = 0; at < names.length; at += 1) {
      const name = names[at] as string
      const value: LabelValue | undefined = labels[name]
      node = (node as Branch<S>).get(typeof value === 'string' ? value : labelText(value, name))
      if (node === undefined) return this.#admit(labels)
    }
    let given = 0
    for (const _ in labels) given += 1
    if (given !== names.length) this.#check(labels)
    return node as S
  }

  #admit(labels: Labels): S {
    this.#check(labels)
    const values = this.#names.map(name => labelText(labels[name], name))
    const known = this.#look(values)
    if (known !== undefined) return known
    if (this.#size < this.#max) {
      this.#size += 1
      return this.#insert(values)
    }
    this.overflowed += 1
    this.#cardinality ??= new Cardinality(this.#names, this.#known())
    this.#cardinality.add(values)
    const overflow = this.#names.map(() => OVERFLOW)
    return this.#look(overflow) ?? this.#insert(overflow)
  }

  /** The label values of all series. */
  *#known(): Generator<string[]> {
    const depth = this.#names.length
    const below = function* (branch: Branch<S>, values: string[]): Generator<string[]> {
      for (const [value, next] of branch) {
        const path = [...values, value]
        if (path.length === depth) yield path
        else yield* below(next as Branch<S>, path)
      }
    }
    yield* below(this.#root, [])
  }

  #check(labels: Labels): void {
    for (const name of Object.keys(labels)) {
      if (!this.#names.includes(name)) throw new InvalidArgumentError('labels', `made of ${this.#names.join(', ') || 'nothing'}`, name)
    }
    for (const name of this.#names) {
      if (!Object.hasOwn(labels, name)) throw new InvalidArgumentError(`label ${name}`, 'a string, a number or a boolean', undefined)
    }
  }

  #look(values: string[]): S | undefined {
    let node: Branch<S> | S | undefined = this.#root
    for (const value of values) {
      node = (node as Branch<S>).get(value)
      if (node === undefined) return undefined
    }
    return node as S
  }

  #insert(values: string[]): S {
    const series = this.#begin(values)
    this.#place(values, series)
    return series
  }

  #place(values: readonly string[], series: S): void {
    let branch = this.#root
    values.forEach((value, at) => {
      if (at === values.length - 1) branch.set(value, series)
      else {
        const next = (branch.get(value) as Branch<S> | undefined) ?? new Map()
        branch.set(value, next)
        branch = next
      }
    })
  }
}
