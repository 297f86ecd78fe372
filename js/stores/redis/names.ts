/**
 * The names of keys in Redis: the prefix, a letter for the kind, the key. The prefix has no `|`, so no two keys of different
 * prefixes have the same name. Redis takes texts as UTF-8, which not every JavaScript string is: those go by their numbers.
 */

const LONE_SURROGATE = /\p{Surrogate}/u

/** See the top of this file. */
export class RedisNames {
  readonly version: string
  readonly marks: string
  readonly sources: string
  readonly #entries: string
  readonly #oddEntries: string

  constructor(prefix: string) {
    this.version = `${prefix}|version`
    this.marks = `${prefix}|marks`
    this.sources = `${prefix}|sources`
    this.#entries = `${prefix}|e|`
    this.#oddEntries = `${prefix}|u|`
  }

  /** Where the entry of `key` lies. */
  of(key: string): string {
    return LONE_SURROGATE.test(key) ? this.#oddEntries + numbersOf(key) : this.#entries + key
  }
}

function numbersOf(key: string): string {
  let numbers = ''
  for (let at = 0; at < key.length; at += 1) numbers += key.charCodeAt(at).toString(16).padStart(4, '0')
  return numbers
}
