/** Wires client, workload, controls, the panels of this demo, and the dashboard, which is the one that an admin handler serves. */

import { Client } from './client.ts'
import { controls } from './controls.ts'
import { Board } from './dashboard/board.ts'
import { place, showFigure, showText } from './dashboard/dom.ts'
import { duration, percent, whole } from './dashboard/format.ts'
import { themeButton } from './dashboard/theme.ts'
import { failuresPanel } from './panels/failures.ts'
import { sourcesPanel } from './panels/sources.ts'
import { readStart, type StartResult, Stream } from './workload.ts'

const client = new Client(location.origin)
const { monitor } = client
const stream = new Stream(client)
const board = new Board()
const showSources = sourcesPanel()
const showFailures = failuresPanel()

showText(place('[data-text="origin"]'), location.host)
place('[data-place="choices"]').append(board.choices)
place('[data-place="board"]').append(board.element)
themeButton(place<HTMLButtonElement>('button[data-action="theme"]'))
board.apply = async ({ id }, recommendation) => {
  if (id !== monitor.id) throw new Error('that client lives in another tab')
  await monitor.apply(recommendation)
}
show()
monitor.on('point', show)
void start()

async function start(): Promise<void> {
  const control = controls(client, stream)
  showStart(await readStart(client))
  await client.flush()
  const main = place('main')
  main.dataset.state = 'ready'
  main.setAttribute('aria-busy', 'false')
  show()
  control.turnTraffic(true)
}

function show(): void {
  const figures = client.figures()
  showSources(figures)
  showFailures(figures.failures)
  board.take({ snapshots: [monitor.snapshot({ keys: true }), ...monitor.others()], history: monitor.history() })
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
