/** Which kept responses and requests under way are meant by what a caller gives up. */

import { InvalidArgumentError } from '../errors.ts'
import { compileGlob } from '../glob.ts'
import { locate } from './request.ts'
import type { ResponseCache } from './types.ts'

/** One URL, or all that a pattern means. */
export interface GivenUp {
  matches(url: string): boolean
  /** Takes them out of `cache`, in every variant. */
  from(cache: ResponseCache): Promise<void>
}

/** Keys begin so; behind the URL come the headers that chose between variants, a line each. */
const METHOD = 'GET '

/** Reads what a caller gives up. Throws `InvalidArgumentError`. */
export function givenUp(what: string | URL | Request, base?: URL): GivenUp {
  return typeof what === 'string' && what.includes('*') ? pattern(what, base) : one(locate(what, base).href)
}

function one(url: string): GivenUp {
  const key = METHOD + url
  return {
    matches: other => other === url,
    async from(cache) {
      const { remove, prefix } = methodsOf(cache)
      await Promise.all([remove(key), prefix(`${key}\n`)])
    },
  }
}

function pattern(text: string, base: URL | undefined): GivenUp {
  const absolute = text.startsWith('/') ? locate('/', base).origin + text : text
  // In URLs `?` and `\` are themselves.
  const glob = METHOD + absolute.replace(/[?\\]/g, '\\$&')
  const matches = compileGlob(glob)
  return {
    matches: url => matches(METHOD + url),
    async from(cache) {
      const methods = methodsOf(cache)
      await Promise.all([methods.glob(glob), methods.glob(`${glob}\n*`)])
    },
  }
}

function methodsOf(cache: ResponseCache) {
  const { delete: remove, invalidate, invalidatePrefix } = cache
  if (remove === undefined || invalidate === undefined || invalidatePrefix === undefined)
    throw new InvalidArgumentError('cache', 'one that has delete, invalidate and invalidatePrefix', cache)
  return {
    remove: (key: string) => remove.call(cache, key),
    glob: (text: string) => invalidate.call(cache, text),
    prefix: (text: string) => invalidatePrefix.call(cache, text),
  }
}
