/** The main job from the first cold read to the last poison item, and what it expects of itself. */

import { rm } from 'node:fs/promises'
import { advicePhase } from './advice.mjs'
import { openClient } from './client.mjs'
import { batchPhase, restartPhase, singleReads, stormPhase, zipfPhase } from './phases.mjs'

/** @param {import('./phases.mjs').Run} run */
export async function mainJob(run) {
  let unhandledRejections = 0
  const count = () => {
    unhandledRejections += 1
  }
  process.on('unhandledRejection', count)
  const began = performance.now()
  await rm(run.folder, { recursive: true, force: true })

  const first = openClient({ folder: run.folder, url: run.origin.url })
  const cold = await zipfPhase(run, first, 'cold')
  const warm = await zipfPhase(run, first, 'warm')
  const latencyOn = await singleReads(run, first, 'on')
  const latencyOff = await singleReads(run, first, 'off')
  await first.cache.flush()
  const sizes = sizesOf(first)
  await first.close()

  const restart = await restartPhase(run)

  const stormy = openClient({ folder: run.folder, url: run.origin.url, impatient: true })
  const storm = await stormPhase(run, stormy)
  await stormy.close()

  const last = openClient({ folder: run.folder, url: run.origin.url })
  const batch = await batchPhase(run, last)
  await last.close()

  const advice = await advicePhase(run)

  // A rejection is reported as unhandled after the microtasks of its turn.
  await new Promise(resolve => setImmediate(resolve))
  process.off('unhandledRejection', count)
  const phases = { cold, warm, restart, storm, batch, advice }
  const single = { latencyOn, latencyOff }
  const expectations = expectationsOf(phases, single, unhandledRejections)
  return { seconds: (performance.now() - began) / 1000, phases, single, sizes, unhandledRejections, expectations }
}

/** @param {import('./client.mjs').Client} client */
function sizesOf({ cache }) {
  const stats = cache.stats()
  return {
    entries: stats.memory.entries,
    memoryBytes: stats.memory.size,
    diskBytes: stats.tiers.reduce((sum, tier) => sum + tier.bytes, 0),
  }
}

/**
 * What has to hold, whatever the machine. Times are reported, not expected.
 *
 * @param {{ cold: Awaited<ReturnType<typeof zipfPhase>>, warm: Awaited<ReturnType<typeof zipfPhase>>, restart: Awaited<ReturnType<typeof restartPhase>>,
 *   storm: Awaited<ReturnType<typeof stormPhase>>, batch: Awaited<ReturnType<typeof batchPhase>>, advice: Awaited<ReturnType<typeof advicePhase>> }} phases
 * @param {{ latencyOn: { speedUp: number } }} single
 * @param {number} unhandled
 */
function expectationsOf({ cold, warm, restart, storm, batch, advice }, { latencyOn }, unhandled) {
  const wrong = cold.wrong + warm.wrong + restart.wrong + storm.wrong
  return [
    { what: 'every answer belongs to its question', ok: wrong === 0, found: `${wrong} wrong` },
    { what: 'cold: one request a key', ok: cold.sent <= cold.keys, found: `${cold.sent} requests for ${cold.keys} keys` },
    { what: 'warm: hit rate at least 0.9', ok: warm.hitRate >= 0.9, found: warm.hitRate.toFixed(3) },
    { what: 'a warm read is at least 90x faster', ok: latencyOn.speedUp >= 90, found: `${latencyOn.speedUp.toFixed(0)}x` },
    {
      what: 'restart: at least 95 % without the origin',
      ok: restart.hitRate >= 0.95 && restart.errors.length === 0,
      found: `${(restart.hitRate * 100).toFixed(1)} %`,
    },
    {
      what: 'storm: every cached read is answered',
      ok: storm.cached.answered === storm.cached.asked,
      found: `${storm.cached.answered} of ${storm.cached.asked}`,
    },
    { what: 'storm: every failure carries a code', ok: storm.withoutCode === 0, found: `${storm.withoutCode} without` },
    { what: 'batch: results in the order of the items', ok: batch.inOrder, found: batch.inOrder ? 'yes' : 'no' },
    {
      what: 'batch: exactly the poison items failed',
      ok: batch.isolated && batch.withoutCode === 0,
      found: `${batch.failed} of ${batch.poisonAt.length}`,
    },
    {
      what: 'advice: at least five wrong options are found',
      ok: advice.found.length >= 5,
      found: `${advice.found.length} of ${advice.wrong.length}`,
    },
    {
      what: 'advice: the size is right within two points of hit rate',
      ok: advice.sizeOffBy !== null && advice.sizeOffBy <= 0.02,
      found: advice.sizeOffBy === null ? 'no advice' : `off by ${(advice.sizeOffBy * 100).toFixed(2)} points`,
    },
    {
      what: 'advice: hit rates get better as predicted, within a quarter',
      ok: advice.hitRatesOffBy.length >= 3 && advice.hitRatesOffBy.every(off => off <= 0.25),
      found: advice.hitRatesOffBy.map(off => `${(off * 100).toFixed(0)} %`).join(', ') || 'none tried',
    },
    { what: 'no unhandled rejection', ok: unhandled === 0, found: String(unhandled) },
  ]
}
