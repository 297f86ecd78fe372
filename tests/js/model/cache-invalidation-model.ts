/**
 * The cache with tiers against a naive model of what may be read: every value remembers when it was made, every change
 * and every invalidation when it happened and what it means. A value may not be read by whoever asks after one that means it.
 */

import { type Cache, createCache } from '../../../js/index.ts'
import type { Store } from '../../../js/stores/tier.ts'
import { ManualClock, MemoryLog, memoryStore } from '../../../js/testing.ts'
import { isRecord } from '../../../js/tier/records.ts'
import { MapStore } from '../cache/map-store.ts'
import { Seeded } from './random.ts'

const KEYS = ['a', 'b', 'ab', 'abc', 'x', '']
const TAGS = ['s', 't', 'u']
const PATTERNS = ['*', 'a*', '?', '*b*', 'x', 'q*']
const PREFIXES = ['', 'a', 'ab', 'x', 'q']
const TTL = 1000
const WINDOW = 500

/** A value that somebody made, at a moment of the model. */
interface Made {
  readonly version: number
  readonly key: string
  readonly at: number
  readonly time: number
  tags: readonly string[]
  dependsOn: readonly string[]
}

/** Something that ended values made before it. */
interface Ending {
  readonly at: number
  readonly isSoft: boolean
  /** Which values it ends for sure, and which at most. */
  readonly ends: (made: Made) => boolean
  readonly mayEnd: (made: Made) => boolean
}

/** What has been tried, so that a test can see that nothing was left out. */
export type Seen = Record<'fresh' | 'stale' | 'nothing' | 'fromTier' | 'kept' | 'discarded' | 'restarts' | 'survivors', number>

/** Runs one sequence of random operations. Throws, with the seed, where a read gives what it may not. */
export async function runSequence(seed: number, seen: Seen): Promise<void> {
  const run = new Run(seed, seen)
  try {
    await run.run()
  } catch (error) {
    throw new Error(`seed ${seed}: ${(error as Error).message}\n${run.story.join('\n')}`, { cause: error })
  }
}

class Run {
  readonly story: string[] = []
  readonly #seen: Seen
  readonly #random: Seeded
  readonly #clock = new ManualClock()
  readonly #windows: boolean
  readonly #jumps: boolean
  #stores: Store[]
  #cache: Cache<number>
  /** Moments: they only rise. */
  #now = 0
  readonly #made = new Map<number, Made>()
  readonly #endings: Ending[] = []
  /** By key, the value that was set last, unless something else may have come after it. */
  readonly #set = new Map<string, Made>()
  readonly #paused: (() => void)[] = []
  #reading: Promise<void>[] = []

  constructor(seed: number, seen: Seen) {
    this.#seen = seen
    this.#random = new Seeded(seed)
    this.#windows = this.#chance(2)
    this.#jumps = this.#chance(4)
    // Maps lose things and can be copied; a log of segments has a queue and an order of its own.
    const isLog = this.#chance(3)
    this.#stores = Array.from({ length: this.#random.pick([0, 1, 1, 2]) }, () =>
      isLog ? memoryStore({ log: new MemoryLog() }) : new MapStore(),
    )
    this.#cache = this.#open()
  }

  async run(): Promise<void> {
    for (let step = 0; step < 40; step += 1) await this.#step()
    await this.#settle()
    await this.#compare()
    const left = this.#cache.pending()
    if (left.loads + left.leases > 0) throw new Error(`something is left: ${JSON.stringify(left)}`)
    this.#seen.discarded += this.#cache.stats().discarded
    await this.#cache.close()
  }

  #open(): Cache<number> {
    return createCache<number>({
      clock: this.#clock,
      max: 2,
      ttl: TTL,
      negativeTtl: this.#random.pick([0, 200]),
      ...(this.#windows && { staleWhileRevalidate: WINDOW }),
      tiers: this.#stores,
    })
  }

  async #step(): Promise<void> {
    const key = this.#random.pick(KEYS)
    switch (this.#random.below(16)) {
      case 0:
      case 1:
      case 2: {
        const made = this.#make(key, this.#tags(), this.#sources())
        this.#tell(`set ${key} = ${made.version} ${made.tags} <- ${made.dependsOn}`)
        this.#end({ ends: other => other.key === key || other.dependsOn.includes(key), but: made })
        // A load that ends about now may change what this was made from.
        if (made.dependsOn.length > 0 && this.#cache.pending().loads > 0) this.#set.delete(key)
        else this.#set.set(key, made)
        await this.#cache.set(key, made.version, { tags: made.tags, dependsOn: made.dependsOn })
        return
      }
      case 3:
        this.#tell(`delete ${key}`)
        this.#end({ ends: other => other.key === key || other.dependsOn.includes(key) })
        this.#set.delete(key)
        await this.#cache.delete(key)
        return
      case 4:
      case 5: {
        const tags = this.#tags()
        const isSoft = this.#chance(2)
        const ends = (other: Made) => other.tags.some(tag => tags.includes(tag))
        return this.#invalidate(`tags ${tags}`, ends, isSoft, mode => this.#cache.invalidateTags(tags, mode))
      }
      case 6: {
        const pattern = this.#random.pick(PATTERNS)
        const expression = new RegExp(`^${pattern.replaceAll('*', '.*').replaceAll('?', '.')}$`)
        return this.#named(
          pattern,
          other => expression.test(other),
          mode => this.#cache.invalidate(pattern, mode),
        )
      }
      case 7: {
        const prefix = this.#random.pick(PREFIXES)
        return this.#named(
          `${prefix}…`,
          other => other.startsWith(prefix),
          mode => this.#cache.invalidatePrefix(prefix, mode),
        )
      }
      case 8:
        this.#tell(`expire ${key}`)
        this.#end({ ends: other => other.key === key, isSoft: true })
        this.#end({ ends: other => other.dependsOn.includes(key) })
        await this.#cache.expire(key)
        return
      case 9:
      case 10:
        return this.#load(key)
      case 11:
      case 12:
        return this.#read(key)
      case 13:
        return this.#happen()
      default:
        this.#paused.splice(this.#random.below(this.#paused.length + 1), 1)[0]?.()
        await Promise.resolve()
    }
  }

  /** What comes from outside: time, restarts, a tier that loses something, and everything going. */
  async #happen(): Promise<void> {
    switch (this.#random.below(5)) {
      case 0:
        if (this.#jumps) this.#clock.setWall(this.#clock.wall() - this.#random.below(20_000))
        return
      case 1:
        this.#clock.advance(this.#random.below(300))
        return
      case 2: {
        const [upper, lower] = this.#stores
        if (lower === undefined || !(upper instanceof MapStore)) return
        for (const key of [...upper.entries.keys()]) if (!isRecord(key) && this.#chance(2)) upper.entries.delete(key)
        return
      }
      case 3: {
        await this.#settle()
        const maps = this.#stores.filter(store => store instanceof MapStore)
        const dies = maps.length === this.#stores.length && this.#chance(2)
        this.#tell(dies ? 'dies' : 'restart')
        this.#seen.restarts += 1
        this.#seen.discarded += this.#cache.stats().discarded
        const old = this.#cache
        if (dies) {
          // What the old one still does, it does to stores that nobody will look at.
          this.#stores = maps.map(({ entries }) => {
            const store = new MapStore()
            for (const [key, entry] of entries) store.entries.set(key, structuredClone(entry))
            return store
          })
        }
        await old.close()
        // Without a store nothing comes over.
        if (this.#stores.length === 0) this.#set.clear()
        this.#cache = this.#open()
        return
      }
      default:
        if (this.#random.below(3) > 0) return
        this.#tell('clear')
        this.#end({ ends: () => true })
        this.#set.clear()
        await this.#cache.clear()
    }
  }

  #named(name: string, isMeant: (key: string) => boolean, call: (mode: { mode: 'delete' | 'expire' }) => Promise<void>): Promise<void> {
    const isSoft = this.#chance(2)
    return this.#invalidate(
      name,
      other => isMeant(other.key),
      isSoft,
      call,
      other => other.dependsOn.some(isMeant),
    )
  }

  async #invalidate(
    name: string,
    ends: (made: Made) => boolean,
    isSoft: boolean,
    call: (options: { mode: 'delete' | 'expire'; persist?: 'stored' }) => Promise<void>,
    endsFor: (made: Made) => boolean = () => false,
  ): Promise<void> {
    this.#tell(`invalidate ${name}${isSoft ? ', softly' : ''}`)
    this.#end({ ends, isSoft })
    this.#end({ ends: endsFor })
    const done = call({ mode: isSoft ? 'expire' : 'delete', ...(this.#stores.length > 0 && { persist: 'stored' }) })
    // It holds at once, and for good when that is acknowledged.
    if (this.#chance(3)) this.#read(this.#random.pick(KEYS))
    await done
  }

  #load(key: string): void {
    const tags = this.#tags()
    // A loader of many keys cannot name tags.
    const isMany = this.#chance(4)
    const late = isMany ? [] : this.#tags()
    const sources = this.#sources()
    const lateSources = !isMany && this.#chance(3) ? this.#sources() : undefined
    const fate = this.#random.below(8)
    const asked = ++this.#now
    const loader = async ({ setTags, setOptions }: { setTags(tags: readonly string[]): void; setOptions(options: object): void }) => {
      const made = this.#make(key, [...tags, ...late], lateSources ?? sources)
      this.#tell(`load ${key} = ${made.version} ${made.tags} <- ${made.dependsOn}`)
      await new Promise<void>(resolve => this.#paused.push(resolve))
      // Whether it is kept, and when, only the cache knows.
      this.#set.delete(key)
      this.#end({ ends: () => false })
      if (fate === 0) throw new Error('origin')
      if (fate === 1) return undefined
      setTags(late)
      if (lateSources !== undefined) setOptions({ dependsOn: lateSources })
      return made.version
    }
    const forceFresh = this.#chance(8)
    this.#tell(`ask ${key} @${asked}`)
    const options = { tags, dependsOn: sources, forceFresh }
    const plain = { setTags() {}, setOptions() {} }
    const answer = isMany
      ? this.#cache.getOrSetMany([key], async () => [await loader(plain)], options).then(([value]) => value)
      : this.#cache.getOrSet(key, loader, options)
    this.#reading.push(
      answer.then(
        value => {
          this.#tell(`  got ${key} = ${value} @${asked}`)
          this.#check(key, value, asked, this.#windows && !forceFresh)
          if (value !== undefined) this.#seen.kept += 1
        },
        error => {
          if ((error as Error).message !== 'origin') throw error
        },
      ),
    )
  }

  #read(key: string): void {
    const asked = ++this.#now
    const allowStale = this.#chance(2)
    const inMemory = this.#cache.memory.has(key)
    const isMany = this.#chance(3)
    const found = isMany ? this.#cache.getMany([key], { allowStale }).then(([value]) => value) : this.#cache.get(key, { allowStale })
    const reading = found.then(value => {
      this.#tell(`  read ${key} = ${value} @${asked}`)
      this.#check(key, value, asked, allowStale)
      if (value !== undefined && !inMemory) this.#seen.fromTier += 1
    })
    this.#reading.push(reading)
  }

  #check(key: string, value: number | undefined, asked: number, mayBeStale: boolean): void {
    if (value === undefined) {
      this.#seen.nothing += 1
      return
    }
    const made = this.#made.get(value)
    if (made === undefined || made.key !== key) throw new Error(`${key} has ${value}, which nobody made for it`)
    const endings = this.#endings.filter(ending => ending.at > made.at && ending.at < asked && ending.ends(made))
    const hard = endings.find(ending => !ending.isSoft)
    if (hard !== undefined) throw new Error(`read ${value} of ${key}, asked at ${asked}, which ended at ${hard.at}`)
    if (endings.length > 0 && !mayBeStale) throw new Error(`read ${value} of ${key}, asked at ${asked}, which is stale`)
    this.#seen[endings.length > 0 ? 'stale' : 'fresh'] += 1
  }

  /** Reads everything when nothing is under way: what nothing can have ended is there. */
  async #compare(): Promise<void> {
    for (const key of KEYS) {
      const asked = ++this.#now
      const value = await this.#cache.get(key)
      this.#check(key, value, asked, false)
      const set = this.#set.get(key)
      if (set === undefined || this.#jumps || this.#clock.monotonic() - set.time >= TTL) continue
      // What it was made from may have been made from something, and so on, and have tags: only what has no ties is sure.
      if (this.#stores.length === 0 || this.#endings.some(({ at, mayEnd }) => at > set.at && mayEnd(set))) continue
      if (value !== set.version) throw new Error(`${key} has ${value}, and not ${set.version}, which nothing ended`)
      this.#seen.survivors += 1
    }
  }

  async #settle(): Promise<void> {
    let settled = false
    const all = Promise.all(this.#reading).finally(() => {
      settled = true
    })
    for (let turn = 0; turn < 10_000 && !(settled && this.#cache.pending().leases === 0); turn += 1) {
      this.#paused.splice(this.#random.below(this.#paused.length + 1), 1)[0]?.()
      await Promise.resolve()
    }
    if (!settled) throw new Error('somebody waits for ever')
    await all
    this.#reading = []
  }

  #make(key: string, tags: readonly string[], sources: readonly string[]): Made {
    // Nothing depends on itself.
    const dependsOn = sources.filter(source => source !== key)
    const made = { version: this.#made.size + 1, key, at: ++this.#now, time: this.#clock.monotonic(), tags, dependsOn }
    this.#made.set(made.version, made)
    return made
  }

  #end({ ends, isSoft = false, but }: { ends: (made: Made) => boolean; isSoft?: boolean; but?: Made }): void {
    const mayEnd = (made: Made) => made !== but && (ends(made) || made.dependsOn.length > 0)
    this.#endings.push({ at: ++this.#now, isSoft, ends: made => made !== but && ends(made), mayEnd })
  }

  #tags(): string[] {
    return TAGS.filter(() => this.#chance(3))
  }

  #sources(): string[] {
    return this.#chance(3) ? KEYS.filter(() => this.#chance(4)) : []
  }

  #chance(of: number): boolean {
    return this.#random.below(of) === 0
  }

  #tell(what: string): void {
    this.story.push(`${this.#now}: ${what}`)
  }
}
