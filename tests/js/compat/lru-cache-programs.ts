/** Random programs for a cache, and a player that writes down everything that can be seen of one. */

import type { LRUCache } from '../../../js/lru-cache.ts'
import type { Seeded } from '../model/random.ts'
import type { CacheClass } from './both.ts'

type Cache = LRUCache<string, number, string>
type Flags = Record<string, boolean>

/** One call, as plain data, so that it can be made on two caches. */
export interface Step {
  readonly call: string
  readonly key: string
  readonly value: number
  readonly ms: number
  readonly options: Record<string, unknown>
  readonly withStatus: boolean
  readonly fetch: FetchPlan
}

/** What a fetch that this step starts will do. */
interface FetchPlan {
  readonly outcome: 'value' | 'undefined' | 'failure' | 'throw' | 'at once'
  readonly ms: number
  /** Options that the fetch method changes. */
  readonly changes: Record<string, unknown>
  readonly abortAfter: number | undefined
}

export interface Program {
  readonly options: Record<string, unknown>
  readonly callbacks: Flags
  readonly steps: readonly Step[]
}

const KEYS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
const READ_FLAGS = ['allowStale', 'updateAgeOnGet', 'noDeleteOnStaleGet']
const WRITE_FLAGS = ['noDisposeOnSet', 'noUpdateTTL']
const FETCH_FLAGS = ['noDeleteOnFetchRejection', 'allowStaleOnFetchRejection', 'allowStaleOnFetchAbort', 'ignoreFetchAbort']
const FLAGS = [...READ_FLAGS, ...WRITE_FLAGS, 'updateAgeOnHas']

const READS = ['get', 'get', 'get', 'get', 'has', 'peek', 'info', 'getRemainingTTL', 'find']
const WRITES = ['set', 'set', 'set', 'set', 'set', 'set undefined', 'delete', 'memo', 'memo']
const WHOLE = ['clear', 'pop', 'purgeStale', 'dump', 'dump and load', 'forEach', 'rforEach', 'iterate', 'delete while iterating']
const OTHER = ['advance', 'advance', 'advance', 'advance', 'change a property']
export const SYNCHRONOUS = [...READS, ...READS, ...WRITES, ...WRITES, ...WHOLE, ...OTHER]
export const ASYNCHRONOUS = [...SYNCHRONOUS, ...Array(24).fill('fetch'), ...Array(4).fill('forceFetch')]

const sizeOfValue = (value: number) => (value % 5) + 1

export function randomProgram(random: Seeded, calls: readonly string[]): Program {
  const options = randomOptions(random)
  // Timers of the cache fire an odd number of ms after a call. With all else even, no other timer fires with them.
  const unit = options.ttlAutopurge ? 2 : 1
  if (typeof options.ttl === 'number') options.ttl *= unit
  const callbacks = { dispose: chance(random, 2), disposeAfter: chance(random, 2), onInsert: chance(random, 2) }
  const fetching = calls.includes('fetch') && random.below(8) > 0
  const sized = 'maxSize' in options
  const steps = Array.from({ length: 8 + random.below(40) }, () => randomStep(random, random.pick(calls), sized, unit))
  return { options: { ...options, fetching }, callbacks, steps }
}

function chance(random: Seeded, oneIn: number): boolean {
  return random.below(oneIn) === 0
}

function randomOptions(random: Seeded): Record<string, unknown> {
  const options: Record<string, unknown> = {}
  const limit = random.below(6)
  if (limit !== 5) options.max = 1 + random.below(7)
  if (limit === 4 || limit === 3) {
    options.maxSize = 6 + random.below(12)
    if (chance(random, 2)) options.maxEntrySize = 2 + random.below(4)
    if (!chance(random, 4)) options.sizeCalculation = sizeOfValue
    if (chance(random, 3)) options.backgroundFetchSize = 1 + random.below(6)
    if (chance(random, 3)) delete options.max
  }
  if (limit === 5 || chance(random, 2)) options.ttl = 1 + random.below(30)
  if (chance(random, 2)) options.ttlResolution = random.pick([0, 0, 1, 5])
  if (limit === 5 || chance(random, 4)) {
    options.ttlAutopurge = true
    // With an older reading, lru-cache may find an entry not yet stale when its timer fires, and then forget it.
    options.ttlResolution = 0
  }
  for (const flag of [...FLAGS, ...FETCH_FLAGS]) if (chance(random, 4)) options[flag] = true
  return options
}

function flagsOf(random: Seeded, flags: readonly string[]): Flags {
  const chosen: Flags = {}
  for (const flag of flags) if (chance(random, 6)) chosen[flag] = chance(random, 2)
  return chosen
}

function randomStep(random: Seeded, call: string, sized: boolean, unit: number): Step {
  const options: Record<string, unknown> = flagsOf(random, call === 'has' ? ['updateAgeOnHas'] : [...READ_FLAGS, ...WRITE_FLAGS])
  if (/fetch/i.test(call)) Object.assign(options, flagsOf(random, FETCH_FLAGS))
  if (/etch|memo/.test(call)) {
    if (chance(random, 4)) options.forceRefresh = true
    if (chance(random, 3)) options.context = `context ${random.below(3)}`
  }
  if (/set|etch|memo/.test(call)) {
    if (chance(random, 3)) options.ttl = random.pick([0, 1, 3, 8, 20]) * unit
    if (sized && chance(random, 4)) options.size = random.pick([0, -1, 1, 2, 4, 9])
    if (sized && chance(random, 6)) options.sizeCalculation = random.pick([sizeOfValue, () => 2, () => 0.5])
    if (!sized && chance(random, 60)) options.size = 1
    if (call === 'set' && chance(random, 8)) options.start = random.pick([900, 1000, 1010])
  }
  return {
    call,
    key: random.pick(KEYS),
    value: random.below(8),
    ms: random.pick([0, 1, 1, 2, 3, 5, 8, 13, 40]) * unit,
    options,
    withStatus: chance(random, 2),
    fetch: {
      outcome: random.pick(['value', 'value', 'value', 'undefined', 'failure', 'failure', 'throw', 'at once']),
      ms: random.pick([0, 1, 3, 7, 15]) * unit,
      changes: chance(random, 4) ? { ttl: random.below(12) * unit, ...flagsOf(random, FETCH_FLAGS) } : {},
      abortAfter: chance(random, 3) ? random.pick([0, 1, 2, 5, 10]) * unit : undefined,
    },
  }
}

/** Plays a program on a cache of its own, step by step, and writes down what can be seen. Time is the host's, faked. */
export class Player {
  readonly log: unknown[] = []
  readonly #settled: [about: string, ...unknown[]][] = []
  readonly #cache: Cache | undefined
  /** Nothing is added then: lru-cache shows what is added in the reverse order only, and may pass over others. */
  #iterating = false
  readonly #program: Program
  /** What the fetches that are started next will do. */
  #plan: FetchPlan | undefined

  constructor(LRUCache: CacheClass, program: Program, perf: { now(): number }) {
    this.#program = program
    const { fetching, ...options } = program.options
    const { dispose, disposeAfter, onInsert } = program.callbacks
    this.#cache = this.#try('new', () => {
      const all = {
        perf,
        ...options,
        ...(dispose && { dispose: (...told: unknown[]) => this.log.push('dispose', told, this.#cache?.size) }),
        ...(disposeAfter && { disposeAfter: (value: number, key: string, reason: string) => this.#disposedAfter(value, key, reason) }),
        ...(onInsert && { onInsert: (...told: unknown[]) => this.log.push('insert', told, this.#cache?.size) }),
        ...(fetching === true && {
          fetchMethod: (...asked: never[]) => this.#fetchMethod(...(asked as unknown as [string, number, never])),
        }),
        memoMethod: (key: string, old: number | undefined, { options, context }: { options: Record<string, unknown>; context: string }) => {
          this.log.push(
            'memoMethod',
            key,
            old,
            Object.keys(options)
              .filter(name => name !== 'status')
              .sort(),
            context,
          )
          return (old ?? 0) + 1
        },
      }
      return new LRUCache<string, number, string>(all as unknown as LRUCache.Options<string, number, string>)
    })
  }

  play(step: Step): void {
    const cache = this.#cache
    if (cache === undefined || step.call === 'advance') return
    this.#plan = step.fetch
    this.#iterating = /purgeStale|clear|load|iterating/.test(step.call)
    const status: Record<string, unknown> = {}
    const options = { ...step.options, ...(step.withStatus && { status }) }
    this.#try(step.call, () => this.#call(cache, step, options as never))
    if (step.withStatus) this.log.push('status', this.#plain(status))
    this.look()
  }

  /** What was written down since the last time. */
  take(): unknown[] {
    const settled = this.#settled.splice(0)
    // lru-cache has a timer for each entry, between two of which promises get their turn; ours removes both at once.
    if (this.#program.options.ttlAutopurge) settled.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    return [...this.log.splice(0), ...settled]
  }

  /** Writes down the state. Asks nothing that would change it, but that a clock reading is kept. */
  look(): void {
    const cache = this.#cache
    if (cache === undefined) return
    const entries = cache.dump().map(([key, { value, size }]) => [key, value, size])
    this.log.push('state', cache.size, cache.calculatedSize, entries)
  }

  #disposedAfter(value: number, key: string, reason: string): void {
    const cache = this.#cache as Cache
    this.log.push('disposeAfter', value, key, reason, cache.size, cache.calculatedSize, cache.peek(key))
    if (reason === 'evict' && value === 7 && !this.#iterating) cache.set(key, 1, 'maxSize' in this.#program.options ? { size: 1 } : {})
  }

  #call(cache: Cache, step: Step, options: LRUCache.FetchOptionsWithContext<string, number, string>): unknown {
    const { key, value } = step
    switch (step.call) {
      case 'get':
      case 'has':
      case 'peek':
      case 'memo':
        return (cache[step.call] as (key: string, options: object) => unknown).call(cache, key, options)
      case 'set':
        return cache.set(key, value, options) === cache
      case 'set undefined':
        return cache.set(key, undefined, options) === cache
      case 'fetch':
      case 'forceFetch':
        return this.#fetch(cache, step, { ...options })
      case 'find':
        return cache.find((held, at, self) => (held === value || at === key) && self === cache, options)
      case 'delete':
      case 'getRemainingTTL':
      case 'info':
        return cache[step.call](key)
      case 'clear':
      case 'pop':
      case 'purgeStale':
        return cache[step.call]()
      case 'dump':
        return this.#dump(cache)
      case 'dump and load':
        cache.load(structuredClone(this.#dump(cache)) as never)
        return undefined
      case 'forEach':
      case 'rforEach': {
        const seen: unknown[] = []
        cache[step.call](function (this: unknown, ...told) {
          seen.push(told[0], told[1], told[2] === cache, this === step)
        }, step)
        return seen
      }
      case 'iterate':
        return [
          [...cache],
          [...cache.keys()],
          [...cache.values()],
          [...cache.entries()],
          [...cache.rkeys()],
          [...cache.rvalues()],
          [...cache.rentries()],
        ]
      case 'delete while iterating': {
        // A set, since lru-cache may show an entry again after another was deleted.
        const seen = new Set<string>()
        for (const [at, held] of value < 4 ? cache.entries() : cache.rentries()) {
          seen.add(at)
          if (held % 2 === value % 2) cache.delete(at)
        }
        return [...seen].sort()
      }
      case 'change a property':
        return this.#change(cache, step)
      default:
        throw new Error(`no such call: ${step.call}`)
    }
  }

  #change(cache: Cache, { value, ms }: Step): unknown {
    const name = [...FLAGS, ...FETCH_FLAGS, 'ttl'][(value * 7 + (ms >> 1)) % 11] as 'allowStale'
    if ((name as string) === 'ttl') cache.ttl = cache.ttl === 0 ? 0 : ms + 2
    else cache[name] = !cache[name]
    return [name, cache[name]]
  }

  /** A dump without `start` where nothing ages: there, lru-cache's says NaN when it has no `max`. */
  #dump(cache: Cache): unknown[] {
    return cache.dump().map(([key, { ttl, start, ...rest }]) => [key, ttl ? { ...rest, ttl, start } : rest])
  }

  #fetch(cache: Cache, step: Step, options: Record<string, unknown>): string {
    const { abortAfter } = step.fetch
    let signal: AbortSignal | undefined
    if (abortAfter !== undefined) {
      const controller = new AbortController()
      signal = controller.signal
      setTimeout(() => controller.abort(new Error('called off')), abortAfter)
    }
    const about = `${step.call} ${step.key}`
    const promise = cache[step.call as 'fetch'](step.key, { ...options, ...(signal && { signal }) } as never)
    promise.then(
      value => this.#settled.push([about, 'gave', value, this.#plain(options.status as object)]),
      error => this.#settled.push([about, 'failed', messageOf(error), this.#plain(options.status as object)]),
    )
    return 'begun'
  }

  #fetchMethod(key: string, stale: number | undefined, given: { signal: AbortSignal; options: Record<string, unknown>; context: unknown }) {
    const { signal, options, context } = given
    const plan = this.#plan as FetchPlan
    const { status, signal: asked, ...choices } = options
    this.log.push('fetchMethod', key, stale, this.#plain(choices), context, asked === undefined, signal.aborted)
    signal.addEventListener('abort', () => this.log.push('aborted', key, messageOf(signal.reason)))
    Object.assign(options, plan.changes)
    const value = plan.ms + 1
    if (plan.outcome === 'at once') return value
    if (plan.outcome === 'throw') throw new Error('thrown')
    return new Promise((resolve, reject) => {
      setTimeout(() => {
        // A failure after an abort for which the stale value was given is the one thing that we mean to do otherwise.
        const late = signal.aborted && options.allowStaleOnFetchAbort === true
        if (plan.outcome === 'failure' && !late) reject(new Error('failed'))
        else resolve(plan.outcome === 'value' ? value : undefined)
      }, plan.ms)
    })
  }

  #try<R>(about: string, action: () => R): R | undefined {
    try {
      const result = action()
      this.log.push(about, typeof result === 'object' && about === 'new' ? 'made' : result)
      return result
    } catch (error) {
      this.log.push(about, 'threw', (error as Error).constructor.name)
      return undefined
    }
  }

  #plain(object: object | undefined): unknown {
    if (object === undefined) return undefined
    const entries = Object.entries(object).filter(([, value]) => value !== undefined)
    return Object.fromEntries(
      entries.map(([name, value]) => {
        if (name === 'cache') return [name, value === this.#cache]
        return [name, value instanceof Error ? messageOf(value) : typeof value === 'function' ? 'function' : value]
      }),
    )
  }
}

/** What an error says, where both say it in the same words: those of the program, and the reasons of aborts. */
function messageOf(error: unknown): string {
  const { message, name } = error as Error
  return /^(called off|failed|thrown|deleted|evicted|replaced)$/.test(message) ? message : name
}
