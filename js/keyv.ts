/** `shelflife/keyv`: a storage adapter of Keyv over a cache. */

export { type CacheForKeyv, KeyvShelflife, type KeyvShelflifeOptions } from './compat/keyv.ts'
