/** `shelflife/lru-cache`: the class of lru-cache 11, for programs that change only their import. */

export { LRUCache } from './compat/lru-cache/lru-cache.ts'
export type { Perf } from './compat/lru-cache/types.ts'
