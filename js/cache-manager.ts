/** `shelflife/cache-manager`: cache-manager's names over a cache of ours. */

export type {
  CacheToManage,
  ManagedCache,
  ManagedEntry,
  ManagedOptions,
  ManagedWrapOptions,
  OfValue,
  RawValue,
} from './compat/cache-manager.ts'
export { fromCache } from './compat/cache-manager.ts'
