/** Keys as text that every database keeps exactly: well-formed, without control characters, never empty. */

const UNUSUAL = /^$|^~|[\p{Cc}\p{Cs}]/u

/** `key`, or, where that would not survive, a text that no other key has. */
export function exactText(key: string): string {
  // Well-formed JSON writes halves of surrogate pairs and control characters as escapes.
  return UNUSUAL.test(key) ? `~${JSON.stringify(key)}` : key
}

/** The key that {@link exactText} made `text` of; `undefined` where it did not. */
export function keyOfText(text: string): string | undefined {
  if (!text.startsWith('~')) return text
  try {
    return JSON.parse(text.slice(1)) as string
  } catch {
    return undefined
  }
}
