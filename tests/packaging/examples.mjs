// The examples in README.md and docs/guide: found, completed by what they take for granted, and written down as files of a consumer.

import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { transform } from 'esbuild'
import { write } from './installed.mjs'
import { PRELUDE } from './prelude.mjs'

/**
 * A fenced block. The word behind the language says what cannot be run here: `browser` wants a page, `service` a server of somebody else's.
 * A block that begins with the name of a file is that file, which other examples of the page use.
 * @typedef {{ page: string, line: number, language: string, needs: string, code: string, name: string | undefined }} Example
 */

/**
 * @param {string} page
 * @param {string} text
 * @returns {Example[]}
 */
export function examplesOf(page, text) {
  return Array.from(text.matchAll(/^```(ts|js)(?: (\w+))?\n([\s\S]*?)^```$/gm), ({ index, 1: language, 2: needs, 3: code }) => ({
    page,
    line: text.slice(0, index).split('\n').length,
    language: language ?? '',
    needs: needs ?? '',
    code: code ?? '',
    name: /^\/\/ (\S+\.[jt]s)\n/.exec(code ?? '')?.[1],
  }))
}

/**
 * The examples of a page that is read from `root`.
 * @param {string} root
 * @param {string} page
 */
export function readExamples(root, page) {
  return examplesOf(page, readFileSync(join(root, page), 'utf8'))
}

/**
 * Writes an example below `folder`, for the compiler as it stands and for Node without its types.
 * @param {string} folder
 * @param {Example} example
 */
export async function writeExample(folder, { page, line, language, needs, code, name }) {
  const place = join('examples', page.replace(/\.md$/, ''))
  if (name !== undefined) return write(folder, join(place, name), code)
  const text = `${preludeFor(code)}${code}\nexport {}\n`
  write(folder, join(place, `line-${line}.${language}`), text)
  if (needs !== '') return undefined
  // Types go, and `using` with them, which Node 20 does not know.
  const { code: plain } = await transform(checked(text), { loader: 'ts', target: 'es2022' })
  return write(folder, join(place, `line-${line}.mjs`), plain)
}

/**
 * What an example takes for granted, and what that takes for granted.
 * @param {string} code
 */
function preludeFor(code) {
  const own = declaredIn(code)
  /** @type {Set<string>} */
  const wanted = new Set()
  const want = (/** @type {string} */ text) => {
    for (const [name, made] of Object.entries(PRELUDE)) {
      if (own.has(name) || wanted.has(name) || !new RegExp(`(?<![.\\w'"/-])${name}\\b(?!['"/])`).test(text)) continue
      wanted.add(name)
      want(made)
    }
  }
  want(code)
  const made = Object.entries(PRELUDE).filter(([name]) => wanted.has(name))
  return `import * as shelflife from 'shelflife'\nvoid shelflife\n${made.map(([, text]) => text).join('')}`
}

/**
 * The names that an example declares itself.
 * @param {string} code
 */
function declaredIn(code) {
  const plain = Array.from(code.matchAll(/\b(?:const|let|function\*?|class|interface|type) (\w+)/g), ([, name]) => name)
  const taken = Array.from(code.matchAll(/(?:const|let|import) (?:\w+, )?[{[]([^}\]]*)[}\]] (?:=|from)/g), ([, names = '']) =>
    names.split(',').map(name =>
      name
        .split(/:| as /)
        .at(-1)
        ?.trim(),
    ),
  )
  return new Set([...plain, ...taken.flat()])
}

/**
 * What an example says that it prints (`console.log(x) // => 1`) is held to that.
 * @param {string} code
 */
function checked(code) {
  return code.replace(/^(\s*)console\.log\((.*)\) \/\/ => (.*)$/gm, (_, space, printed, expected) => {
    return `${space}console.log(${printed}); globalThis.expectPrinted(${JSON.stringify(expected)})`
  })
}

/**
 * Where an example is written for Node.
 * @param {string} folder
 * @param {Example} example
 */
export function placeOf(folder, { page, line }) {
  return join(folder, 'examples', page.replace(/\.md$/, ''), `line-${line}.mjs`)
}

/** @param {string} file */
export const folderOf = file => dirname(file)
