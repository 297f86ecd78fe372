/**
 * Keys and tags of namespaces, as tiers have them: the *path* of the namespace, then the text. Each step of a path tells its length,
 * and a text that looks like a path is escaped, so that no two keys of different namespaces are the same text.
 */

/** Begins each step of a path: a separator that hardly any key has. */
const MARK = '\u001f'
const MARK_CODE = 0x1f
const STEP = /(\d+):/y

/** The path of the namespace `name` within that of `path`. */
export function pathWithin(path: string, name: string): string {
  return `${path}${MARK}${name.length}:${name}`
}

/** `text` of the namespace of `path`. */
export function namespaced(path: string, text: string): string {
  return text.charCodeAt(0) === MARK_CODE ? `${path}${MARK}:${text}` : path + text
}

/** How much of a text that {@link namespaced} made is the path. */
export function pathLength(text: string): number {
  let at = 0
  while (text.charCodeAt(at) === MARK_CODE) {
    STEP.lastIndex = at + 1
    const [step = '', length] = STEP.exec(text) ?? []
    if (length === undefined) break
    at += 1 + step.length + Number(length)
  }
  return Math.min(at, text.length)
}

/** The text without its path. */
export function withoutPath(text: string, length = pathLength(text)): string {
  return text.slice(text.charCodeAt(length) === MARK_CODE ? length + 2 : length)
}
