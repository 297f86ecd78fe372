/** What `POST` can change: what the host has registered, and nothing else. */

import { isShelflifeError } from '../errors.ts'
import type { Monitor } from '../monitor/monitor.ts'
import { Refusal } from './answers.ts'
import { bodyOf } from './body.ts'
import type { AdminCache, AdminOptions } from './types.ts'

const LONGEST_PATTERN = 256
const MOST_TAGS = 100

type Registered = Pick<AdminOptions, 'caches' | 'batches'>

/** Carries out the change that `path` names; gives what is to be answered. */
export async function change(path: readonly string[], request: Request, monitor: Monitor, registered: Registered): Promise<unknown> {
  const [room, name, verb, ...more] = path
  if (more.length > 0) throw nothing()
  if (room === 'batch' && name !== undefined && verb === undefined) {
    const run = own(registered.batches, name)
    return { result: (await performed(async () => run(await bodyOf(request), { signal: request.signal }))) ?? null }
  }
  if (room === 'cache' && name === 'clear' && verb === undefined) {
    const { cache } = await bodyOf(request)
    await performed(() => own(registered.caches, cache).clear())
    return { cleared: cache }
  }
  if (room === 'cache' && name === 'invalidate' && verb === undefined) {
    const { cache, ...meant } = await bodyOf(request)
    await invalidated(own(registered.caches, cache), meant)
    return { invalidated: cache }
  }
  if (room === 'recommendations' && name !== undefined && verb === 'apply') {
    if (!monitor.snapshot().recommendations.some(({ id, canApply }) => canApply && id === name)) throw nothing()
    await performed(() => monitor.apply(name))
    return { applied: name }
  }
  throw nothing()
}

async function invalidated(cache: AdminCache, { pattern, prefix, tags }: Readonly<Record<string, unknown>>): Promise<void> {
  if ([pattern, prefix, tags].filter(given => given !== undefined).length !== 1)
    throw new Refusal('ERR_BAD_REQUEST', 'one of pattern, prefix and tags is needed')
  if (isText(pattern) && cache.invalidate !== undefined) return void (await performed(() => cache.invalidate?.(pattern)))
  if (isText(prefix) && cache.invalidatePrefix !== undefined) return void (await performed(() => cache.invalidatePrefix?.(prefix)))
  if (Array.isArray(tags) && tags.length <= MOST_TAGS && tags.every(isText) && cache.invalidateTags !== undefined)
    return void (await performed(() => cache.invalidateTags?.(tags)))
  throw new Refusal(
    'ERR_BAD_REQUEST',
    `text of 1 to ${LONGEST_PATTERN} characters is needed, or up to ${MOST_TAGS} such tags, of a cache that knows it`,
  )
}

function isText(given: unknown): given is string {
  return typeof given === 'string' && given !== '' && given.length <= LONGEST_PATTERN
}

/** What the host has registered under a name; inherited things are not. */
function own<T>(registered: Readonly<Record<string, T>> | undefined, name: unknown): T {
  if (registered === undefined || typeof name !== 'string' || !Object.hasOwn(registered, name)) throw nothing()
  return registered[name] as T
}

/** What the host's functions throw may name anything, so only codes of ours are told. */
async function performed<T>(act: () => T | PromiseLike<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (error instanceof Refusal) throw error
    throw new Refusal('ERR_HANDLER', isShelflifeError(error) ? `it failed: ${error.code}` : 'it failed')
  }
}

const nothing = () => new Refusal('ERR_NOT_FOUND', 'there is nothing here')
