/** Which fields of a request chose its answer, and the name of the variant that they choose. */

import { type Fields, fieldOf, tokensOf } from './fields.ts'

/** Bodies are kept decoded, so that their coding on the wire makes no variant. */
const NOT_CHOOSING = 'accept-encoding'
/** Not to be kept in a name: a digest tells them apart as well. */
const SECRET = ['authorization', 'cookie', 'proxy-authorization']

/** The fields that `Vary` names, in order and once each; `'*'` when there is no telling. */
export function varyOf(headers: Fields): '*' | string[] {
  const names = tokensOf(fieldOf(headers, 'vary'))
  if (names.includes('*')) return '*'
  return [...new Set(names)].filter(name => name !== NOT_CHOOSING).sort()
}

/** What tells the variant that a request chooses by `names` from others; requests that are alike in them have the same. */
export function variantOf(names: readonly string[], request: Fields): string {
  return names.map(name => `\n${name}: ${shown(name, fieldOf(request, name))}`).join('')
}

function shown(name: string, value: string | undefined): string {
  // No value can begin like that: it is trimmed.
  if (value === undefined) return ' none'
  const text = value.trim().replace(/\s+/g, ' ').replace(/ ?, ?/g, ', ')
  return SECRET.includes(name) ? digest(text) : text
}

/**
 * 53 bits that tell texts apart, not against somebody who looks for two that are alike: whoever may be told apart by them lives in
 * one partition. Two multiplications a unit, mixed at the end.
 */
function digest(text: string): string {
  let a = 0x9e3779b9
  let b = 0x85ebca6b
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at)
    a = Math.imul(a ^ unit, 0x27d4eb2f)
    b = Math.imul(b ^ unit, 0x165667b1)
  }
  a = Math.imul(a ^ (a >>> 16), 0x7feb352d) ^ Math.imul(b ^ (b >>> 13), 0xc2b2ae35)
  b = Math.imul(b ^ (b >>> 16), 0x846ca68b) ^ Math.imul(a ^ (a >>> 13), 0x9e3779b1)
  return `#${((b >>> 11) * 0x100000000 + (a >>> 0)).toString(36)}`
}
