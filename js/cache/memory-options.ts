/** Reads the options of a memory cache, once. */

import type { Clock } from '../clock.ts'
import { type EvictionPolicy, isPolicy, MOST_ENTRIES } from '../core/cache-core.ts'
import { InvalidArgumentError } from '../errors.ts'
import {
  clockOption,
  durationMs,
  durationOrZeroMs,
  metricsOption,
  optionalFunction,
  optionsObject,
  sizeInBytes,
  wholeNumber,
} from '../options.ts'
import { estimateSize } from './estimate-size.ts'
import { checkValidation, type Validate, validateIntervalMs } from './guards.ts'
import { randomSeed } from './key-hash.ts'
import type { DisposeReason, MemoryCacheOptions, MemoryCacheStats, NamespaceOptions } from './memory-types.ts'

const DEFAULT_MAX = 10_000
const NEVER = Number.POSITIVE_INFINITY

/** What may be in a cache at once. */
export interface Limits {
  readonly max: number
  readonly maxSize: number
  readonly maxEntrySize: number
}

/** Options with every default filled in; durations in milliseconds. */
export interface ResolvedMemoryOptions<K, V> extends Limits {
  readonly policy: EvictionPolicy
  /** How many entries there will be, as far as one knows. */
  readonly expected: number
  readonly seed: number
  /** How an entry is weighed; `undefined` where sizes are not counted. */
  readonly weigh: ((value: V, key: K) => number) | undefined
  readonly sizeUnit: MemoryCacheStats['sizeUnit']
  readonly ttlMs: number
  readonly maxTtlMs: number
  readonly idleMs: number
  readonly jitterMs: number
  readonly cleanupIntervalMs: number
  readonly random: () => number
  readonly dispose: ((value: V, key: K, reason: DisposeReason) => void) | undefined
  readonly validate: Validate<K, V> | undefined
  readonly validateIntervalMs: number
  readonly clock: Clock
  readonly name: string
}

/** Throws `ERR_INVALID_ARGUMENT` for anything that cannot be meant. */
export function resolveMemoryOptions<K, V>(given: MemoryCacheOptions<K, V> | undefined): ResolvedMemoryOptions<K, V> {
  const options: MemoryCacheOptions<K, V> = optionsObject(given, 'options')
  const {
    max,
    maxSize,
    maxEntrySize = NEVER,
    sizeCalculation,
    dispose,
    random = Math.random,
    policy = 'lru',
    seed,
    name = 'memory',
  } = options
  const { ttl = NEVER, maxTtl = NEVER, idleTtl = NEVER, jitter = 0, cleanupInterval = 1000 } = options
  optionalFunction(sizeCalculation, 'sizeCalculation')
  optionalFunction(dispose, 'dispose')
  optionalFunction(random, 'random')
  if (!isPolicy(policy)) throw new InvalidArgumentError('policy', "'lru', 's3fifo', 'tinylfu' or 'auto'", policy)
  if (typeof name !== 'string') throw new InvalidArgumentError('name', 'a string', name)
  metricsOption(options.metrics)
  checkValidation(options)
  const counted = maxSize !== undefined || maxEntrySize !== NEVER || sizeCalculation !== undefined
  const most = max === undefined ? (maxSize === undefined ? DEFAULT_MAX : MOST_ENTRIES) : mostEntries(max)
  return {
    max: most,
    expected: most,
    maxSize: maxSize === undefined ? NEVER : sizeInBytes(maxSize, 'maxSize'),
    maxEntrySize: sizeInBytes(maxEntrySize, 'maxEntrySize'),
    policy,
    // Plain LRU leaves nothing to chance.
    seed: seed === undefined ? (policy === 'lru' ? 0 : randomSeed()) : wholeNumber(seed, 'seed', { min: 0 }),
    weigh:
      sizeCalculation ?? (counted ? (value, key) => estimateSize(value) + (typeof key === 'string' ? estimateSize(key) : 0) : undefined),
    sizeUnit: sizeCalculation !== undefined ? 'calculated' : counted ? 'estimated bytes' : 'none',
    ttlMs: durationMs(ttl, 'ttl'),
    maxTtlMs: durationMs(maxTtl, 'maxTtl'),
    idleMs: durationMs(idleTtl, 'idleTtl'),
    jitterMs: durationOrZeroMs(jitter, 'jitter'),
    cleanupIntervalMs: durationOrZeroMs(cleanupInterval, 'cleanupInterval'),
    random,
    dispose,
    validate: options.validate?.bind(options),
    validateIntervalMs: validateIntervalMs(options.validateInterval),
    clock: clockOption(options.clock),
    name,
  }
}

/** The options of a namespace: what it says, and where it is silent the cache around it. Its limits are its own. */
export function resolveNamespaceOptions<K, V>(
  around: ResolvedMemoryOptions<K, V>,
  name: string,
  given: NamespaceOptions<K, V> | undefined,
): ResolvedMemoryOptions<K, V> {
  const { weigh, sizeUnit, policy } = around
  const usual = {
    ...{ ttl: around.ttlMs, maxTtl: around.maxTtlMs, idleTtl: around.idleMs, jitter: around.jitterMs, policy, dispose: around.dispose },
    ...{ validate: around.validate, validateInterval: around.validateIntervalMs, max: NEVER },
  }
  const shared = {
    ...{ cleanupInterval: around.cleanupIntervalMs, random: around.random, clock: around.clock, name: `${around.name}:${name}` },
    seed: policy === 'lru' ? undefined : around.seed,
  }
  const own = resolveMemoryOptions<K, V>({ ...said(usual), ...said(optionsObject(given, 'options')), ...said(shared) })
  const expected = Math.min(own.max, around.expected)
  // What is counted together is weighed alike.
  return weigh === undefined ? { ...own, expected } : { ...own, expected, weigh, sizeUnit }
}

/** Without what is `undefined`. */
function said(options: object): object {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}

/** A limit in entries, as far as a `Map` can hold them. */
export function mostEntries(max: unknown): number {
  return Math.min(wholeNumber(max, 'max', { infinite: true }), MOST_ENTRIES)
}
