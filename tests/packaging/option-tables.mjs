// The tables of options in the guide, beside what the types of the package and their comments say.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { filesOf } from './installed.mjs'

/**
 * Whose options a table has: the type, where it comes from, and the interfaces whose comments say the defaults. `retry.budget` is looked for in the
 * type and in the comments that `nested` names.
 * @typedef {{ type: string, from?: string, interfaces: string[], nested?: Record<string, string> }} Owner
 */

/** @type {Readonly<Record<string, Owner>>} */
const OWNERS = {
  createMemoryCache: { type: 'MemoryCacheOptions<string, unknown>', interfaces: ['MemoryCacheOptions'] },
  createCache: { type: 'CacheOptions<unknown>', interfaces: ['CacheOptions', 'LoadingOptions', 'StaleOptions', 'MemoryCacheOptions'] },
  createMemoryGovernor: { type: 'MemoryGovernorOptions', interfaces: ['MemoryGovernorOptions'] },
  indexedDB: { type: 'IndexedDBOptions', from: 'stores/indexeddb', interfaces: ['IndexedDBOptions'] },
  fileSystem: { type: 'FileSystemOptions', from: 'stores/fs', interfaces: ['FileSystemOptions'] },
  sqlite: { type: 'SqliteOptions', from: 'stores/sqlite', interfaces: ['SqliteOptions'] },
  redis: { type: 'RedisOptions', from: 'stores/redis', interfaces: ['RedisOptions', 'RedisConnectionOptions', 'RedisPatience'] },
  redisBus: { type: 'RedisBusOptions', from: 'stores/redis', interfaces: ['RedisBusOptions'] },
  keyvStore: { type: 'KeyvStoreOptions', from: 'stores/keyv', interfaces: ['KeyvStoreOptions'] },
  'a tier': { type: 'TierOptions', interfaces: ['TierOptions'] },
  compression: { type: 'CompressionOptions', from: 'stores/fs', interfaces: ['CompressionOptions'] },
  createFetch: {
    type: 'FetchOptions',
    interfaces: ['FetchOptions', 'CachingOptions'],
    nested: { retry: 'RetryOptions', hedge: 'HedgingOptions' },
  },
  retry: { type: 'RetryPolicyOptions', interfaces: ['RetryPolicyOptions'] },
  circuitBreaker: { type: 'CircuitBreakerOptions', interfaces: ['CircuitBreakerOptions', 'BreakerOptions'] },
  bulkhead: { type: 'BulkheadOptions', interfaces: ['BulkheadOptions'] },
  createRateLimiter: { type: 'RateLimiterOptions', interfaces: ['RateLimiterOptions', 'RateLimit'] },
  undiciTransport: { type: 'UndiciTransportOptions', from: 'transports/undici', interfaces: ['UndiciTransportOptions'] },
  processBatch: { type: 'BatchOptions', interfaces: ['BatchOptions'] },
  createWorkers: { type: 'WorkersOptions', from: 'workers', interfaces: ['WorkersOptions', 'WorkerSettings'] },
  createBatcher: { type: 'BatcherOptions<unknown>', interfaces: ['BatcherOptions'] },
  createQueue: { type: 'QueueOptions', interfaces: ['QueueOptions'] },
  createPool: { type: 'PoolOptions<unknown>', interfaces: ['PoolOptions'] },
  createRegistry: { type: 'RegistryOptions', interfaces: ['RegistryOptions'] },
  createAlerts: { type: 'AlertsOptions', interfaces: ['AlertsOptions'] },
  'a rule': { type: 'AlertRule', interfaces: ['AlertRule'] },
  createMonitor: { type: 'MonitorOptions', interfaces: ['MonitorOptions'] },
  createAdminHandler: { type: 'AdminOptions', from: 'admin', interfaces: ['AdminOptions'] },
  createAdvisor: { type: 'AdvisorOptions', interfaces: ['AdvisorOptions'] },
  createTuner: { type: 'TunerOptions', interfaces: ['TunerOptions'] },
  compareRuns: { type: 'CompareOptions', interfaces: ['CompareOptions', 'MetricCompareOptions'] },
}

/** @typedef {{ page: string, owner: string, option: string, fallback: string }} Row */

/**
 * @param {string} page
 * @param {string} text
 * @returns {Row[]}
 */
export function optionsIn(page, text) {
  return Array.from(text.matchAll(/^\| Option of (.+?) \| Default \|[^\n]*\n\|[-|]+\|\n((?:\|.*\n)+)/gm)).flatMap(
    ([, owner = '', rows = '']) =>
      Array.from(rows.matchAll(/^\| `([\w.]+)` \| ((?:[^|\\]|\\.)*?) ?\|/gm), ([, option = '', fallback = '']) => {
        return { page, owner: owner.replaceAll('`', ''), option, fallback: fallback.replaceAll('\\', '').trim() }
      }),
  )
}

/**
 * A module that compiles where each option exists.
 * @param {readonly Row[]} rows
 */
export function moduleOf(rows) {
  const lines = rows.map(({ owner, option }) => {
    const { type, from } = ownerOf(owner)
    const imported = `import('shelflife${from === undefined ? '' : `/${from}`}').${type}`
    return `export const _: Has<${imported}, '${option}'> = true // ${owner}\n`
  })
  return `type Each<T> = T extends unknown ? keyof T : never
type At<T, K> = T extends unknown ? (K extends keyof T ? NonNullable<T[K]> : never) : never
type Has<T, P extends string> = P extends \`\${infer Head}.\${infer Rest}\` ? Has<At<T, Head>, Rest> : P extends Each<T> ? true : false
${lines.map((line, at) => line.replace('const _', `const option${at}`)).join('')}`
}

/**
 * Rows whose default is not the one that the comment of the option says.
 * @param {string} types
 * @param {readonly Row[]} rows
 */
export function wrongDefaults(types, rows) {
  const declarations = filesOf(types).map(file => readFileSync(join(types, file), 'utf8'))
  return rows.flatMap(({ page, owner, option, fallback }) => {
    const { interfaces, nested = {} } = ownerOf(owner)
    const [head = '', tail] = option.split('.')
    const looked = tail === undefined ? interfaces : [nested[head] ?? '']
    const comment = looked.map(name => commentOn(tail ?? head, name, declarations)).find(found => found !== undefined)
    if (comment === undefined) return [`${page}: ${owner} ${option} has no comment in ${looked.join(', ')}`]
    const said = plain(/\bDefault(?: with `\w+`)?:? (.*)$/.exec(comment)?.[1] ?? '')
    const agrees = fallback === '' ? said === '' : said.startsWith(plain(fallback)) && !/^[\w]/.test(said.slice(plain(fallback).length))
    return agrees ? [] : [`${page}: ${owner} ${option} says '${fallback}', its comment '${said}'`]
  })
}

/** @param {string} owner */
function ownerOf(owner) {
  const found = OWNERS[owner]
  if (found === undefined) throw new Error(`there is a table of options of ${owner}, whose type is not known here`)
  return found
}

/**
 * The comment on a member of an interface, in one line.
 * @param {string} member
 * @param {string} name
 * @param {readonly string[]} declarations
 */
function commentOn(member, name, declarations) {
  for (const text of declarations) {
    const start = text.search(new RegExp(`^export (?:interface|type) ${name}\\b`, 'm'))
    if (start < 0) continue
    const end = text.indexOf('\nexport ', start + 1)
    const block = text.slice(start, end < 0 ? undefined : end)
    const comment = new RegExp(`/\\*\\*((?:(?!\\*/)[\\s\\S])*)\\*/\\s*(?:readonly )?${member}\\??[(:]`).exec(block)?.[1]
    if (comment !== undefined) return comment.replace(/\s*\n\s*\* ?/g, ' ').trim()
  }
  return undefined
}

/** @param {string} text */
function plain(text) {
  return text.replace(/[`\\]/g, '').replace(/\.$/, '').trim().toLowerCase()
}
