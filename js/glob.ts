/**
 * Patterns over keys: `*` stands for any run of characters, `?` for one, `\` takes the next character as it is.
 *
 * The pattern is an automaton whose states are bits, so that matching takes a fixed number of steps for each
 * character, whatever the pattern (Shift-And: Baeza-Yates and Gonnet, 1992).
 */

import { InvalidArgumentError } from './errors.ts'

/** The longest pattern, in characters. */
export const MOST_PATTERN_CHARACTERS = 256

const WORD_BITS = 32
/** Stands for `?` among the characters of a pattern. */
const ANY = -1

interface Parsed {
  /** Character codes, `ANY` among them, stars left out. */
  readonly tokens: readonly number[]
  /** Whether a star stands before the token of the same index; the last one, whether one stands at the end. */
  readonly stars: readonly boolean[]
  /** What every matching key begins with, and, where there is a star, ends with. */
  readonly prefix: string
  readonly suffix: string
}

/** Whether a key matches. Throws `ERR_INVALID_ARGUMENT` for a pattern that is none. */
export function compileGlob(pattern: string): (key: string) => boolean {
  const { tokens, stars, prefix, suffix } = parse(pattern)
  const starCount = stars.filter(Boolean).length
  if (starCount === 0 && prefix.length === tokens.length) return key => key === prefix
  const hasEnds = (key: string) => key.length >= tokens.length && key.startsWith(prefix) && key.endsWith(suffix)
  if (starCount === 1 && prefix.length + suffix.length === tokens.length) return hasEnds
  const matches = tokens.length < WORD_BITS ? narrow(tokens, stars) : wide(tokens, stars)
  return key => hasEnds(key) && matches(key)
}

function parse(pattern: unknown): Parsed {
  if (typeof pattern !== 'string' || pattern.length === 0 || pattern.length > MOST_PATTERN_CHARACTERS) {
    throw new InvalidArgumentError('pattern', `a string of 1 to ${MOST_PATTERN_CHARACTERS} characters`, pattern)
  }
  const tokens: number[] = []
  const stars = [false]
  let prefix = ''
  let suffix = ''
  let literal = true
  for (let at = 0; at < pattern.length; at += 1) {
    const character = pattern[at] as string
    if (character === '*') {
      stars[tokens.length] = true
      literal = false
      suffix = ''
      continue
    }
    const escaped = character === '\\'
    if (escaped) at += 1
    if (at === pattern.length) throw new InvalidArgumentError('pattern', 'one that does not end in the middle of an escape', pattern)
    const any = character === '?'
    if (any) literal = false
    if (literal) prefix += pattern[at]
    suffix = any ? '' : suffix + pattern[at]
    tokens.push(any ? ANY : pattern.charCodeAt(at))
    stars.push(false)
  }
  return { tokens, stars, prefix, suffix }
}

/** For up to 31 tokens: one word of states. */
function narrow(tokens: readonly number[], stars: readonly boolean[]): (key: string) => boolean {
  const { stay, steps, others } = automaton(tokens, stars, 1)
  const accepting = 1 << tokens.length
  const staying = stay[0] as number
  const other = others[0] as number
  const known = new Map(Array.from(steps, ([code, words]) => [code, words[0] as number]))
  return key => {
    let states = 1
    for (let at = 0; at < key.length; at += 1) {
      states = ((states << 1) & (known.get(key.charCodeAt(at)) ?? other)) | (states & staying)
      if (states === 0) return false
    }
    return (states & accepting) !== 0
  }
}

function wide(tokens: readonly number[], stars: readonly boolean[]): (key: string) => boolean {
  const words = Math.floor(tokens.length / WORD_BITS) + 1
  const { stay, steps, others } = automaton(tokens, stars, words)
  const states = new Int32Array(words)
  return key => {
    states.fill(0)
    states[0] = 1
    for (let at = 0; at < key.length; at += 1) {
      const step = steps.get(key.charCodeAt(at)) ?? others
      let carry = 0
      let alive = 0
      for (let word = 0; word < words; word += 1) {
        const now = states[word] as number
        const next = (((now << 1) | carry) & (step[word] as number)) | (now & (stay[word] as number))
        carry = now >>> (WORD_BITS - 1)
        states[word] = next
        alive |= next
      }
      if (alive === 0) return false
    }
    return (((states[words - 1] as number) >>> (tokens.length % WORD_BITS)) & 1) === 1
  }
}

/** Bit `i` is the state in which `i` tokens are matched; a star keeps its state alive whatever comes. */
function automaton(tokens: readonly number[], stars: readonly boolean[], words: number) {
  const stay = new Int32Array(words)
  const others = new Int32Array(words)
  const steps = new Map<number, Int32Array>()
  for (const [state, star] of stars.entries()) if (star) setBit(stay, state)
  for (const [at, token] of tokens.entries()) if (token === ANY) setBit(others, at + 1)
  for (const [at, token] of tokens.entries()) {
    if (token === ANY) continue
    const step = steps.get(token) ?? others.slice()
    setBit(step, at + 1)
    steps.set(token, step)
  }
  return { stay, steps, others }
}

function setBit(words: Int32Array, bit: number): void {
  words[bit >> 5] = (words[bit >> 5] as number) | (1 << (bit & 31))
}
