/** A memory cache without any cleverness: an array by recency, and every question answered by looking at all of it. */

export interface Entry {
  key: unknown
  value: number
  /** Fresh until here; use moves it on where there is an idle time. */
  until: number
  /** The end of the time to live, which use does not move. */
  ttlEnd: number
  staleFor: number
  size: number
  tags: readonly string[]
  dependsOn: readonly unknown[]
  /** Until then it has been found right. */
  askAt: number
}

export interface NaiveOptions {
  max: number
  maxSize: number
  maxEntrySize: number
  ttl: number
  maxTtl: number
  idleTtl: number
  /** How much of a life jitter takes away. */
  shorter: number
  weighed: boolean
  /** Whether a fresh value is still right, and for how long an answer holds. */
  isRight: ((value: number) => boolean) | undefined
  validateInterval: number
  /** Whether the least recently used leaves first; other policies are only held to the limits. */
  exact: boolean
  /** The cache that is compared tells nobody who leaves: here it is the least recently used, and there it shows by what is left. */
  readonly isSilent?: boolean
}

export interface Groups {
  tags: readonly string[]
  dependsOn: readonly unknown[]
}

/** An entry on its way from one cache to another. */
export interface Dumped extends Groups {
  key: unknown
  value: number
  ttl: number
  staleFor: number
  size: number
}

export type Mode = 'delete' | 'expire'

type Scarce = 'entries' | 'size'

/** See the top of this file. */
export class NaiveCache {
  /** From the least to the most recently used. */
  entries: Entry[] = []
  /** Who left for want of room in the cache that is compared, and has not left here yet. */
  readonly left: unknown[] = []
  evictions = 0
  hits = 0
  staleHits = 0
  misses = 0
  within: NaiveCache[] = []
  readonly options: NaiveOptions
  readonly around: NaiveCache | undefined

  constructor(options: NaiveOptions, around?: NaiveCache) {
    this.options = options
    this.around = around
    around?.within.push(this)
  }

  /** This cache and all within it. */
  all(): NaiveCache[] {
    return [this, ...this.within.flatMap(inner => inner.all())]
  }

  /** What is not gone for good. */
  kept(now: number): Entry[] {
    return this.entries.filter(entry => entry.until + entry.staleFor > now)
  }

  find(key: unknown, now: number, allowStale = false): Entry | undefined {
    for (const entry of this.entries) {
      if (Object.is(entry.key, key)) return entry.until > now || (allowStale && entry.until + entry.staleFor > now) ? entry : undefined
    }
    return undefined
  }

  peek(key: unknown, now: number, allowStale = false): number | undefined {
    return this.look(key, now, allowStale)?.value
  }

  /** For readers: what is fresh but not right any more is given up. */
  look(key: unknown, now: number, allowStale: boolean): Entry | undefined {
    const { isRight, validateInterval } = this.options
    const entry = this.find(key, now)
    if (isRight === undefined || entry === undefined || entry.askAt > now) return this.find(key, now, allowStale)
    if (isRight(entry.value)) entry.askAt = now + validateInterval
    else this.delete(key, now)
    return this.find(key, now, allowStale)
  }

  get(key: unknown, now: number, allowStale = false): number | undefined {
    const entry = this.look(key, now, allowStale)
    if (entry === undefined) {
      this.misses += 1
      return undefined
    }
    this.hits += 1
    if (entry.until <= now) this.staleHits += 1
    entry.until = Math.max(entry.until, Math.min(now + this.options.idleTtl, entry.ttlEnd))
    this.entries = [...this.entries.filter(other => other !== entry), entry]
    return entry.value
  }

  set(key: unknown, value: number, ttl: number, staleFor: number, size: number, groups: Groups, now: number): boolean {
    return this.store({ key, value, ttl, staleFor, size, ...groups }, now, 0)
  }

  /** With `pastBy`, it is no news to those that depend on it, and so much of its life is over. */
  store({ key, value, ttl, staleFor, size, tags, dependsOn }: Dumped, now: number, pastBy: number, isCopy = false): boolean {
    const old = this.kept(now).find(entry => Object.is(entry.key, key))
    this.entries = this.kept(now).filter(entry => entry !== old)
    if (!isCopy) this.changed(key, now)
    if (size > this.largest()) return false
    if (old !== undefined && !this.options.exact) this.excuse(key)
    for (let cache: NaiveCache | undefined = this; cache !== undefined; cache = cache.around) cache.shrink(this, 1, size, now)
    const { maxTtl, idleTtl, shorter } = this.options
    const life = Math.min(ttl, maxTtl)
    const ttlEnd = now - pastBy + (shorter === 0 || life === Number.POSITIVE_INFINITY ? life : Math.max(life - shorter, Math.min(life, 1)))
    this.entries.push({ key, value, until: Math.min(ttlEnd, now + idleTtl), ttlEnd, staleFor, size, tags, dependsOn, askAt: 0 })
    return true
  }

  dump(now: number): Dumped[] {
    return this.kept(now).map(({ until: _, askAt: __, ttlEnd, ...entry }) => ({ ...entry, ttl: ttlEnd - now }))
  }

  /** Takes in what was dumped so long ago, in place of what is here. */
  load(dumped: readonly Dumped[], ago: number, now: number): void {
    this.entries = []
    for (const entry of dumped) {
      const left = entry.ttl - ago
      if (left + entry.staleFor > 0) this.store({ ...entry, ttl: left > 0 ? left : 1 }, now, left > 0 ? 0 : 1 - left, true)
    }
  }

  delete(key: unknown, now: number): boolean {
    const entry = this.find(key, now)
    this.entries = this.entries.filter(other => !Object.is(other.key, key))
    this.changed(key, now)
    return entry !== undefined
  }

  expire(key: unknown, now: number): boolean {
    const entry = this.find(key, now)
    if (entry !== undefined) {
      entry.until = now
      entry.ttlEnd = now
    }
    this.changed(key, now)
    return entry !== undefined
  }

  /** What was made from `key` goes, and what was made from that. */
  changed(key: unknown, now: number): void {
    const made = this.kept(now).filter(entry => entry.dependsOn.some(source => Object.is(source, key)))
    if (made.length === 0) return
    this.entries = this.entries.filter(entry => !made.includes(entry))
    for (const entry of made) this.changed(entry.key, now)
  }

  /** How many of those that were meant, stale ones only if they were deleted. */
  invalidate(isMeant: (entry: Entry) => boolean, mode: Mode, now: number): number {
    const count = this.kept(now).filter(entry => isMeant(entry) && (mode === 'delete' || entry.until > now)).length
    const meant = this.kept(now).filter(isMeant)
    for (const entry of meant) {
      if (mode === 'delete') this.entries = this.entries.filter(other => other !== entry)
      else if (entry.until > now) {
        entry.until = now
        entry.ttlEnd = now
      }
    }
    for (const entry of meant) this.changed(entry.key, now)
    return count
  }

  /** Those whose key is meant, and what was made from such a key, be it here or not. */
  invalidateNamed(isMeant: (key: unknown) => boolean, mode: Mode, now: number): number {
    const count = this.invalidate(({ key, until }) => isMeant(key) && (mode === 'delete' || until > now), mode, now)
    for (const source of this.entries.flatMap(({ dependsOn }) => dependsOn)) if (isMeant(source)) this.changed(source, now)
    return count
  }

  resize(max: number, maxSize: number, now: number): void {
    this.options.max = max
    this.options.maxSize = maxSize
    for (let cache: NaiveCache | undefined = this; cache !== undefined; cache = cache.around) cache.shrink(this, 0, 0, now)
  }

  /** How many had to leave that were of some use. */
  trim(share: number, now: number): number {
    this.entries = this.kept(now)
    const [entries, size] = [this.entries.length * (1 - share), this.own('size') * (1 - share)]
    const before = this.entries.length
    while (this.entries.length > entries || this.own('size') > size) this.evict()
    return before - this.entries.length
  }

  /** The largest entry that all limits allow. */
  largest(): number {
    const { maxSize, maxEntrySize } = this.options
    return Math.min(maxSize, maxEntrySize, this.around?.largest() ?? Number.POSITIVE_INFINITY)
  }

  held(what: Scarce): number {
    return this.within.reduce((sum, inner) => sum + inner.held(what), this.own(what))
  }

  own(what: Scarce): number {
    return what === 'entries' ? this.entries.length : this.entries.reduce((sum, { size }) => sum + size, 0)
  }

  shrink(asker: NaiveCache, entries: number, size: number, now: number): void {
    if (this.scarce(entries, size) === undefined) return
    for (const cache of this.all()) cache.entries = cache.kept(now)
    for (let scarce = this.scarce(entries, size); scarce !== undefined; scarce = this.scarce(entries, size)) {
      this.giver(asker, scarce, scarce === 'entries' ? entries : size).evict()
    }
  }

  scarce(entries: number, size: number): Scarce | undefined {
    if (this.held('entries') + entries > this.options.max) return 'entries'
    return this.held('size') + size > this.options.maxSize ? 'size' : undefined
  }

  /** Whoever holds most, what is to come counted as held. */
  giver(asker: NaiveCache, what: Scarce, more: number): NaiveCache {
    const shares = [this.share(this.own(what), this === asker, more)]
    for (const inner of this.within) shares.push(this.share(inner.held(what), inner.all().includes(asker), more))
    const at = shares.indexOf(Math.max(...shares))
    return at === 0 ? this : (this.within[at - 1] as NaiveCache).giver(asker, what, more)
  }

  share(held: number, isAsker: boolean, more: number): number {
    return held > 0 && isAsker ? held + more : held
  }

  /** A policy may give up the very entry that is overwritten with a larger one. */
  excuse(key: unknown): void {
    const at = this.left.findIndex(one => Object.is(one, key))
    if (at < 0) return
    this.left.splice(at, 1)
    this.evictions += 1
  }

  /** Lets the one leave that has left the cache that is compared, if it may. */
  evict(): void {
    if (this.options.isSilent === true) {
      this.entries.shift()
      this.evictions += 1
      return
    }
    if (this.left.length === 0) throw new Error(`nobody left, expected ${String(this.entries[0]?.key)}`)
    const key = this.left.shift()
    const entry = this.entries.find(one => Object.is(one.key, key))
    if (entry === undefined) throw new Error(`victim ${String(key)}, which is not there`)
    if (this.options.exact && entry !== this.entries[0]) throw new Error(`victim ${String(key)}, expected ${String(this.entries[0]?.key)}`)
    this.entries.splice(this.entries.indexOf(entry), 1)
    this.evictions += 1
  }
}
