/** Wires client, workload, controls and panels. */

import { Client, type Outcome } from './client.ts'
import { controls } from './controls.ts'
import { duration, percent, whole } from './format.ts'
import { History } from './history.ts'
import { place, showFigure, showText } from './page.ts'
import { chartsPanel } from './panels/charts.ts'
import { showFailures } from './panels/failures.ts'
import { showMemory } from './panels/memory.ts'
import { showSources } from './panels/sources.ts'
import { showTiles } from './panels/tiles.ts'
import { readStart, type StartResult, Stream } from './workload.ts'

const TICK_MS = 500

/** Three minutes of charts. */
const SAMPLES = 360

const client = new Client(location.origin)
const history = new History({ longest: SAMPLES, windowMs: 5000 })
const record = ({ outcome, ms }: Outcome) => history.record(outcome, ms, performance.now())
const stream = new Stream(client, record)
const showCharts = chartsPanel()

showText(place('[data-text="origin"]'), location.host)
tick()
setInterval(tick, TICK_MS)
void start()

async function start(): Promise<void> {
  const control = controls(client, stream)
  showStart(await readStart(client, record))
  await client.flush()
  const main = place('main')
  main.dataset.state = 'ready'
  main.setAttribute('aria-busy', 'false')
  tick()
  history.restart()
  control.turnTraffic(true)
}

function tick(): void {
  const figures = client.figures()
  history.tick(performance.now(), Date.now(), figures)
  showTiles(figures)
  showSources(figures)
  showMemory(figures)
  showFailures(figures.failures)
  showCharts(history.samples)
}

function showStart({ keys, indexeddb, origin, failed, ms }: StartResult): void {
  showFigure('start-keys', keys, whole(keys))
  showFigure('start-indexeddb', indexeddb, whole(indexeddb))
  showFigure('start-origin', origin, whole(origin))
  showFigure('start-ms', ms, duration(ms))
  const isWarm = indexeddb / keys >= 0.5
  const failures = failed > 0 ? `, ${whole(failed)} failed` : ''
  showText(place('[data-text="start-headline"]'), startHeadline({ isWarm, keys, indexeddb, origin }))
  showText(
    place('[data-text="start-detail"]'),
    isWarm
      ? `IndexedDB survived the reload. ${origin === 0 ? 'The origin was not asked at all.' : `The origin was asked for ${whole(origin)} keys.`}`
      : 'Each key was fetched once and is stored in IndexedDB now. Reload the page to see it start warm.',
  )
  showText(place('[data-text="status"]'), `Started ${isWarm ? 'warm' : 'cold'} in ${duration(ms)}${failures}`)
}

function startHeadline({ isWarm, keys, indexeddb, origin }: { isWarm: boolean; keys: number; indexeddb: number; origin: number }): string {
  if (isWarm) return `Warm: ${percent(indexeddb / keys)} of the keys were already here.`
  if (origin === keys) return 'First visit: everything came from the origin.'
  return `Cold: ${percent(origin / keys)} of the keys came from the origin.`
}
