/** The phases of the main job. Each takes the run's state, does its work and returns its figures. */

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { isShelflifeError, processBatch } from 'shelflife'
import { randomFrom } from '../shared/random.mjs'
import { RECORDS, recordOf, zipfReads } from '../shared/zipf.mjs'
import { percentiles } from './client.mjs'
import { drive, median } from './drive.mjs'

/**
 * @typedef {import('./client.mjs').Client} Client
 * @typedef {{ origin: import('../origin/start.mjs').Origin, folder: string, seed: number, reads: number, keys: number,
 *   progress: ReturnType<typeof import('./progress.mjs').progressOn> }} Run
 */

/** Reads under way at a time; how many of them reach the origin is up to the client. */
const WIDTH = 64

/** Single reads, one after the other, to compare a cold with a warm one. */
const SINGLE_READS = 300

/** The storm. With one retry each, about one uncached read in five still fails. */
const STORM = { fail: 0.25, stall: 0.15, reset: 0.1, truncate: 0.05, drip: 0.05 }

/** Records that do not exist. */
const POISON = 12

/**
 * The Zipf sequence; `phase` is `'cold'` with nothing cached and `'warm'` when it comes again. Cold, the percentiles are those of the
 * first read of each key, its wait for a slot included: later ones find it in memory. Warm, reads go one after the other, since a
 * read that never waits would only have the others of its turn counted in.
 *
 * @param {Run} run
 * @param {Client} client
 * @param {'cold' | 'warm'} phase
 */
export async function zipfPhase({ origin, seed, reads, keys, progress }, client, phase) {
  const bar = progress.begin(phase, reads)
  const sequence = zipfReads({ reads, keys, seed })
  const before = await origin.state()
  const timed = client.timer.with({ phase })
  /** @type {Set<number>} */
  const seen = new Set()
  const began = performance.now()
  let wrong = 0
  await drive(sequence, phase === 'cold' ? WIDTH : 1, client.read, (index, { ms, value, error }) => {
    if (error !== undefined) throw error
    if (value?.index !== index) wrong += 1
    if (phase === 'warm' || !seen.has(index)) timed.observe(ms / 1000)
    seen.add(index)
    bar.advance()
  })
  const seconds = (performance.now() - began) / 1000
  const after = await origin.state()
  const figures = {
    ...asked(reads, after.counts.requests - before.counts.requests),
    keys: seen.size,
    wrong,
    seconds,
    readsPerSecond: reads / seconds,
    originBytes: after.counts.bodyBytes - before.counts.bodyBytes,
    ...percentiles(client, phase),
  }
  bar.end(`${reads} reads of ${figures.keys} keys in ${seconds.toFixed(1)} s, ${figures.sent} requests sent`)
  return figures
}

/**
 * One read at a time: keys nobody has read yet, then the same again from memory.
 *
 * @param {Run} run
 * @param {Client} client
 * @param {'on' | 'off'} latency
 */
export async function singleReads({ origin, keys, progress }, client, latency) {
  const bar = progress.begin(`single/${latency}`, SINGLE_READS * 2)
  const skip = latency === 'on' ? 0 : SINGLE_READS
  const indexes = Array.from({ length: SINGLE_READS }, (_, at) => recordOf(keys + skip + at))
  const { latency: usual } = (await origin.state()).conditions
  if (latency === 'off') await origin.change({ latency: 0 })
  /** @type {[number[], number[]]} */
  const times = [[], []]
  for (const round of times) {
    await drive(indexes, 1, client.read, (_, { ms, error }) => {
      if (error !== undefined) throw error
      round.push(ms)
      bar.advance()
    })
  }
  await origin.change({ latency: usual })
  const [coldMedianMs, warmMedianMs] = [median(times[0]), median(times[1])]
  const figures = { reads: SINGLE_READS, coldMedianMs, warmMedianMs, speedUp: coldMedianMs / warmMedianMs }
  bar.end(`one read: cold ${coldMedianMs.toFixed(2)} ms, warm ${warmMedianMs.toFixed(4)} ms`)
  return figures
}

/**
 * A new process reads every key of the sequence once, from the folder.
 *
 * @param {Run} run
 */
export async function restartPhase({ origin, folder, seed, reads, keys, progress }) {
  const distinct = [...new Set(zipfReads({ reads, keys, seed }))]
  const bar = progress.begin('restart', distinct.length)
  const before = await origin.state()
  const child = fork(fileURLToPath(new URL('./reopen.mjs', import.meta.url)), { stdio: ['ignore', 2, 2, 'ipc'] })
  child.send({ folder, url: origin.url, keys: distinct, width: WIDTH })
  /** @type {import('./reopen.mjs').Reopened | undefined} */
  let answer
  child.on('message', (/** @type {{ advance?: number, answer?: import('./reopen.mjs').Reopened }} */ message) => {
    if (message.advance !== undefined) bar.advance(message.advance)
    answer = message.answer ?? answer
  })
  const [code] = await once(child, 'exit')
  if (answer === undefined) throw new Error(`the restarted process ended with ${code} and no answer`)
  const after = await origin.state()
  const { reads: count, ...rest } = answer
  const figures = { ...asked(count, after.counts.requests - before.counts.requests), ...rest }
  bar.end(`${count} keys in ${rest.seconds.toFixed(1)} s, ${figures.sent} requests sent`)
  return figures
}

/**
 * The origin fails while the client reads cached and uncached keys, half and half.
 *
 * @param {Run} run
 * @param {Client} client
 */
export async function stormPhase({ origin, seed, reads, keys, progress }, client) {
  const count = Math.round(reads / 10)
  const bar = progress.begin('storm', count)
  const cached = zipfReads({ reads, keys, seed })
  const random = randomFrom(seed + 1)
  const known = new Set(cached)
  const sequence = Array.from({ length: count }, (_, at) =>
    random() < 0.75 ? /** @type {number} */ (cached[Math.floor(random() * cached.length)]) : recordOf(2 * keys + at),
  )
  const { conditions, counts: before } = await origin.state()
  await origin.change({ faults: STORM, seed })
  const timed = client.timer.with({ phase: 'storm' })
  /** @type {Record<string, number>} */
  const failures = {}
  let withoutCode = 0
  let wrong = 0
  const answered = { cached: 0, uncached: 0 }
  const asked_ = { cached: 0, uncached: 0 }
  const began = performance.now()
  await drive(sequence, WIDTH, client.read, (index, { ms, value, error }) => {
    const kind = known.has(index) ? 'cached' : 'uncached'
    asked_[kind] += 1
    timed.observe(ms / 1000)
    bar.advance()
    if (error === undefined) {
      answered[kind] += 1
      if (value?.index !== index) wrong += 1
    } else if (isShelflifeError(error)) failures[error.code] = (failures[error.code] ?? 0) + 1
    else withoutCode += 1
  })
  const seconds = (performance.now() - began) / 1000
  const { counts: after } = await origin.change({ faults: {}, seed: conditions.seed })
  const failed = count - answered.cached - answered.uncached
  const figures = {
    asked: count,
    // Retries included, so this is not what was missed.
    sent: after.requests - before.requests,
    seconds,
    answered: count - failed,
    failed,
    cached: { asked: asked_.cached, answered: answered.cached },
    uncached: { asked: asked_.uncached, answered: answered.uncached },
    wrong,
    failures,
    withoutCode,
    faults: Object.fromEntries(
      Object.keys(STORM).map(fault => [fault, Number(after[/** @type {'fail'} */ (fault)]) - before[/** @type {'fail'} */ (fault)]]),
    ),
    ...percentiles(client, 'storm'),
  }
  bar.end(`${figures.answered} of ${count} answered in ${seconds.toFixed(1)} s, ${failed} failed with a code`)
  return figures
}

/**
 * A batch over records of which some do not exist: each batch reads its records through the client and measures how far they are from Greenwich.
 *
 * @param {Run} run
 * @param {Client} client
 */
export async function batchPhase({ origin, seed, keys, progress }, client) {
  const bar = progress.begin('batch', keys)
  const random = randomFrom(seed + 2)
  const items = Array.from({ length: keys }, (_, rank) => recordOf(rank))
  const poisoned = new Set(Array.from({ length: POISON }, () => Math.floor(random() * keys)))
  for (const at of poisoned) items[at] = RECORDS + at
  let settled = 0
  const timed = client.timer.with({ phase: 'batch' })
  const before = await origin.state()
  const began = performance.now()
  const outcome = await processBatch(
    items,
    async (/** @type {readonly number[]} */ indexes) => {
      const records = await Promise.all(indexes.map(index => timed.time(() => client.read(index))))
      return records.map(({ index, lat, lng }) => ({ index, km: kilometresFromGreenwich(Number(lat), Number(lng)) }))
    },
    {
      name: 'distances',
      batchSize: 100,
      concurrency: 4,
      maxRetries: 0,
      metrics: client.registry,
      onProgress: ({ done, failed }) => {
        bar.advance(done + failed - settled)
        settled = done + failed
      },
    },
  )
  const seconds = (performance.now() - began) / 1000
  const inOrder = outcome.results.every((result, at) => result.status === 'rejected' || result.value.index === items[at])
  const failedAt = outcome.failed.map(one => one.index).toSorted((a, b) => a - b)
  const poisonAt = [...poisoned].toSorted((a, b) => a - b)
  const after = await origin.state()
  const figures = {
    items: items.length,
    sent: after.counts.requests - before.counts.requests,
    status: outcome.status,
    fulfilled: outcome.results.filter(result => result.status === 'fulfilled').length,
    failed: failedAt.length,
    poisonAt,
    failedAt,
    isolated: JSON.stringify(failedAt) === JSON.stringify(poisonAt) && failedAt.every(at => outcome.results[at]?.status === 'rejected'),
    inOrder: inOrder && outcome.results.length === items.length,
    withoutCode: outcome.failed.filter(one => !isShelflifeError(one.error)).length,
    calls: outcome.stats.calls,
    seconds,
    ...percentiles(client, 'batch'),
  }
  bar.end(`${figures.fulfilled} of ${items.length} records in ${seconds.toFixed(1)} s, ${figures.failed} poison items set apart`)
  return figures
}

/**
 * @param {number} reads
 * @param {number} sent
 */
function asked(reads, sent) {
  return { asked: reads, sent, saved: reads - sent, hitRate: (reads - sent) / reads }
}

/**
 * Along the great circle.
 *
 * @param {number} lat
 * @param {number} lng
 */
function kilometresFromGreenwich(lat, lng) {
  const radians = Math.PI / 180
  const [from, to] = [51.4779 * radians, lat * radians]
  const cosine = Math.sin(from) * Math.sin(to) + Math.cos(from) * Math.cos(to) * Math.cos(lng * radians)
  return Math.round(6371 * Math.acos(Math.min(1, Math.max(-1, cosine))))
}
