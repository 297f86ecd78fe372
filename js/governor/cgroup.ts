/**
 * What Linux says of the memory of this process's control groups, of version 1 and 2. A limit may stand at any level, so all of
 * them are looked at. Used is what cannot be dropped: pages of files that nobody has touched lately are no need.
 */

import type { MemoryReading } from './types.ts'

/** The text of a file; `undefined` where there is none. */
export type ReadText = (path: string) => string | undefined

interface Hierarchy {
  readonly root: string
  readonly limit: string
  readonly used: string
  readonly idleFiles: string
}

const V1: Hierarchy = {
  root: '/sys/fs/cgroup/memory',
  limit: 'memory.limit_in_bytes',
  used: 'memory.usage_in_bytes',
  idleFiles: 'total_inactive_file',
}
const V2: Hierarchy = { root: '/sys/fs/cgroup', limit: 'memory.max', used: 'memory.current', idleFiles: 'inactive_file' }

/** Above this a "limit" is a kernel's way of saying that there is none. */
const MOST_BELIEVABLE_LIMIT = 2 ** 53

/** The scarcest of the limits of this process's control groups. */
export function cgroupReading(read: ReadText): MemoryReading | undefined {
  let scarcest: MemoryReading | undefined
  for (const line of read('/proc/self/cgroup')?.split('\n') ?? []) {
    const [, number, controllers, path] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? []
    const hierarchy = number === '0' && controllers === '' ? V2 : controllers?.split(',').includes('memory') ? V1 : undefined
    if (hierarchy === undefined || path === undefined) continue
    for (const folder of foldersOf(hierarchy.root, path)) {
      const one = readingOf(hierarchy, folder, read)
      if (one !== undefined && (scarcest === undefined || one.used / one.limit > scarcest.used / scarcest.limit)) scarcest = one
    }
  }
  return scarcest
}

/** From the group itself up to the root, which inside a container is often all that can be seen. */
function foldersOf(root: string, path: string): string[] {
  const parts = path.split('/').filter(part => part !== '')
  return Array.from({ length: parts.length + 1 }, (_, at) => [root, ...parts.slice(0, parts.length - at)].join('/'))
}

function readingOf({ limit, used, idleFiles }: Hierarchy, folder: string, read: ReadText): MemoryReading | undefined {
  const most = numberIn(read(`${folder}/${limit}`))
  const all = numberIn(read(`${folder}/${used}`))
  if (all === undefined || most === undefined || !isLimit(most)) return undefined
  const idle = new RegExp(`^${idleFiles} (\\d+)$`, 'm').exec(read(`${folder}/memory.stat`) ?? '')?.[1]
  return { kind: 'container', used: Math.max(0, all - Number(idle ?? 0)), limit: most }
}

function numberIn(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+\s*$/.test(text) ? Number(text) : undefined
}

/** Whether this is a limit at all. */
export function isLimit(limit: number | undefined): limit is number {
  return limit !== undefined && limit > 0 && limit < MOST_BELIEVABLE_LIMIT
}
