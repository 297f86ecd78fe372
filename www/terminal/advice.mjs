/** A client whose options are wrong on purpose, what the advisor says of it, and what each piece of advice brings when the run is repeated with it. */

import { join } from 'node:path'
import { createAdvisor, createCache, createFetch, createMonitor, createQueue, createRegistry, reportText } from 'shelflife'
import { fileSystem } from 'shelflife/stores/fs'
import { randomFrom } from '../shared/random.mjs'
import { zipf, zipfReads } from '../shared/zipf.mjs'
import { drive } from './drive.mjs'

/** What the run is made with; each of these is wrong. */
const WRONG = {
  'cities.max': 150,
  'cities.maxEntrySize': 2000,
  'sessions.staleWhileRevalidate': 0,
  'origin.perHost': 3,
  'digests.concurrency': 2,
  'blobs.tiers.compression': 'gzip',
}
const COMPRESSION = 'blobs.tiers.compression'

/** @typedef {{ [option in keyof typeof WRONG]: (typeof WRONG)[option] extends number ? number : string }} Settings */

/** Reads of one run, and the keys they are spread over. */
const READS = 4000
const KEYS = 1500
const WIDTH = 16
/** Sessions are asked for evenly in time, and live for a part of the run. */
const SESSIONS = { keys: 40, reads: 2400, perMs: 1, ttlMs: 150, loadMs: 4 }
/** One city in eight comes with a long text. */
const LONG = 8
const BLOBS = 120

/**
 * What is read is the same in each run, and each begins with nothing.
 *
 * @param {import('./phases.mjs').Run} run
 */
export async function advicePhase({ origin, folder, seed, progress }) {
  const bar = progress.begin('advice', READS)
  const began = performance.now()
  const place = { url: origin.url, folder: join(folder, 'advice'), seed }
  const first = await runWith(/** @type {Settings} */ ({ ...WRONG }), place)
  bar.advance(READS)
  /** @type {(Omit<import('shelflife').Recommendation, 'predicted' | 'evidence' | 'source'> & { predicted: import('shelflife').Prediction | null,
   *   measured: { before: number, after: number } | null })[]} */
  const advice = []
  for (const { id, severity, title, gain, option, from, to, predicted } of first.recommendations) {
    const told = { id, severity, title, gain, option, from, to }
    const measure = MEASURE_OF[id]
    if (predicted === undefined || measure === undefined || !(option in WRONG)) {
      advice.push({ ...told, predicted: null, measured: null })
      continue
    }
    const again = await runWith(/** @type {Settings} */ ({ ...WRONG, [option]: to }), place)
    advice.push({ ...told, predicted, measured: { before: first.measures[measure], after: again.measures[measure] } })
  }
  const seconds = (performance.now() - began) / 1000
  const size = advice.find(one => one.id === 'cities:larger')
  bar.end(
    `${advice.length} recommendations for a client with wrong options, ${advice.filter(one => one.measured !== null).length} tried, in ${seconds.toFixed(1)} s`,
  )
  const offBy = advice.flatMap(({ predicted, measured }) => {
    if (predicted?.measure !== 'hitRate' || measured === null) return []
    const gain = predicted.expected - predicted.now
    return [Math.abs(measured.after - measured.before - gain) / gain]
  })
  return {
    seconds,
    hitRatesOffBy: offBy,
    wrong: Object.keys(WRONG),
    found: Object.keys(WRONG).filter(option =>
      advice.some(one => one.option === option || (option === COMPRESSION && one.id.endsWith(':compression'))),
    ),
    text: first.text,
    advice,
    sizeOffBy: size?.predicted == null || size.measured === null ? null : Math.abs(size.predicted.expected - size.measured.after),
  }
}

/** Which of the measures of a run a piece of advice is about. @type {Record<string, keyof Awaited<ReturnType<typeof runWith>>['measures']>} */
const MEASURE_OF = {
  'cities:larger': 'citiesInMemory',
  'cities:oversized': 'cities',
  'sessions:serve-stale': 'sessions',
  'origin:per-host': 'p95Ms',
  'digests:concurrency': 'taskMs',
}

/**
 * So many reads in each millisecond, whatever the machine does meanwhile: how often something expires in use must not depend on that.
 *
 * @param {import('shelflife').Cache<number>} sessions
 * @param {number} seed
 */
async function readSessions(sessions, seed) {
  const next = zipf({ keys: SESSIONS.keys, seed })
  const began = performance.now()
  const all = []
  for (let read = 0; read < SESSIONS.reads; ) {
    for (const due = (performance.now() - began) * SESSIONS.perMs; read < Math.min(due, SESSIONS.reads); read += 1) {
      const load = () => new Promise(resolve => setTimeout(resolve, SESSIONS.loadMs, read))
      all.push(sessions.getOrSet(`session/${next()}`, /** @type {() => Promise<number>} */ (load)))
    }
    await new Promise(resolve => setTimeout(resolve, 1))
  }
  await Promise.all(all)
}

/**
 * @param {Settings} settings
 * @param {{ url: string, folder: string, seed: number }} place
 */
async function runWith(settings, { url, folder, seed }) {
  const registry = createRegistry()
  const monitor = createMonitor({ name: 'a client with wrong options', interval: 50, registry })
  const cities = createCache({
    name: 'cities',
    max: settings['cities.max'],
    maxSize: '32mb',
    maxEntrySize: settings['cities.maxEntrySize'],
    ttl: '1m',
  })
  const sessions = createCache({
    name: 'sessions',
    max: 1000,
    ttl: SESSIONS.ttlMs,
    staleWhileRevalidate: settings['sessions.staleWhileRevalidate'],
  })
  const fetch = createFetch({ name: 'origin', perHost: settings['origin.perHost'], metrics: registry, dedupe: false })
  const digests = createQueue({ name: 'digests', concurrency: settings['digests.concurrency'] })
  const compression = /** @type {'gzip' | 'none'} */ (settings[COMPRESSION])
  const blobs = createCache({ name: 'blobs', store: fileSystem({ path: join(folder, `blobs-${compression}`), compression }) })
  monitor.watch('cities', cities)
  monitor.watch('sessions', sessions)
  monitor.watch('origin', fetch)
  monitor.watch('digests', digests)
  monitor.watch('blobs', blobs)
  const advisor = createAdvisor(monitor, { minSamples: 500 })

  const sequence = zipfReads({ reads: READS, keys: KEYS, seed })
  let [taskMs, tasks] = [0, 0]
  /** A wait of the kind that a call to a slow neighbour is. */
  const digest = async () => {
    const began = performance.now()
    await digests.add(() => new Promise(resolve => setTimeout(resolve, 5)))
    taskMs += performance.now() - began
    tasks += 1
  }
  const reading = drive(
    sequence,
    WIDTH,
    index =>
      cities.getOrSet(`city/${index}`, async ({ signal }) => {
        const city = /** @type {object} */ (await fetch.json(`${url}/city/${index}`, { signal }))
        return { ...city, text: 'long '.repeat(index % LONG === 0 ? 1000 : 10) }
      }),
    (_, { error }) => {
      if (error !== undefined) throw error
    },
  )
  const digesting = drive(
    Array.from({ length: 600 }, (_, at) => at),
    16,
    digest,
    () => {},
  )
  const random = randomFrom(seed)
  for (let at = 0; at < BLOBS; at += 1) {
    await blobs.set(
      `blob/${at}`,
      Uint8Array.from({ length: 4096 }, () => Math.floor(random() * 256)),
    )
  }
  await blobs.flush()
  await Promise.all([reading, digesting, readSessions(sessions, seed)])
  // The last point.
  await new Promise(resolve => setTimeout(resolve, 60))

  const report = advisor.report()
  const { memory, hitRate } = cities.stats()
  const client = fetch.stats()
  const measures = {
    cities: hitRate,
    citiesInMemory: memory.hits / (memory.hits + memory.misses),
    sessions: sessions.stats().hitRate,
    p95Ms: client.latency?.p95 ?? Number.NaN,
    taskMs: taskMs / tasks,
  }
  const { recommendations } = report
  const text = reportText(report)
  advisor.close()
  monitor.close()
  await Promise.all([fetch.close(), cities.close(), sessions.close(), blobs.clear().then(() => blobs.close())])
  digests.close()
  return { recommendations, measures, text }
}
