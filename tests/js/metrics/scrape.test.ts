import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { createRegistry } from '../../../js/metrics/registry.ts'

const SERIES = 10_000
const hasAll = ['promtool', 'prometheus'].every(program => spawnSync(program, ['--version']).error === undefined)

function full() {
  const registry = createRegistry({ prefix: 'app_', maxSeries: SERIES })
  const requests = registry.counter({ name: 'requests_total', help: 'All requests.\n"Quoted" \\.', labelNames: ['path'] })
  for (const path of ['/', 'a\\b', '"', '\n', '\r', '\ud800', 'ключ', 'overflow']) requests.inc({ path })
  registry.gauge({ name: 'temperature_celsius', help: 'Now.' }).set(Number.NaN)
  registry.summary({ name: 'wait_seconds', help: 'Waits.' }).observe(0.25)
  registry.timer({ name: 'load_seconds', help: 'Loading.' }).time(() => 1)
  const took = registry.histogram({ name: 'took_seconds', help: 'Durations.', labelNames: ['route'] })
  for (let route = 0; route < SERIES; route += 1) took.observe({ route }, route / 1000)
  return registry
}

it('gives the event loop a turn for every quarter of a megabyte, or sooner', async () => {
  const registry = full()
  let turns = 0
  const turn = () => {
    turns += 1
    if (turns > 0) setImmediate(turn)
  }
  setImmediate(turn)
  const { length } = await registry.metrics()
  const counted = turns
  turns = Number.NEGATIVE_INFINITY
  expect(length).toBeGreaterThan(5e6)
  expect(counted).toBeGreaterThanOrEqual(Math.floor(length / (280 * 1024)) - 1)
})

it('tells as many as scrape at once two texts of each format, the second with all that was recorded before they asked', async () => {
  const registry = full()
  await registry.metrics()
  const began = performance.now()
  await registry.metrics()
  const one = performance.now() - began
  const first = registry.metrics()
  // It has begun.
  await new Promise(resolve => setImmediate(resolve))
  registry.gauge({ name: 'temperature_celsius', help: 'Now.' }).set(20)
  const asked = performance.now()
  const others = await Promise.all(Array.from({ length: 100 }, () => registry.metrics()))
  const all = performance.now() - asked
  expect(await first).toContain('app_temperature_celsius NaN\n')
  expect(new Set(others).size).toBe(1)
  expect(others[0]).toContain('app_temperature_celsius 20\n')
  expect(all).toBeLessThan(20 * one)
})

describe.skipIf(!hasAll)('Prometheus itself', () => {
  const folder = mkdtempSync(join(tmpdir(), 'shelflife-prometheus-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('finds nothing to say about the text of 10 000 histogram series', async () => {
    const said = execFileSync('promtool', ['check', 'metrics'], { input: await full().metrics(), encoding: 'utf8' })
    expect(said).toBe('')
  })

  it('scrapes both formats without an error and counts every series', async () => {
    const registry = full()
    const seen: string[] = []
    const origin = createServer((request, response) => {
      const accept = request.url === '/plain' ? undefined : request.headers.accept
      void registry.exposition(accept).then(({ contentType, body }) => {
        seen.push(`${request.url} ${contentType.split(';')[0]}`)
        response.writeHead(200, { 'content-type': contentType }).end(body)
      })
    }).listen(0, '127.0.0.1')
    await once(origin, 'listening')
    const target = `127.0.0.1:${(origin.address() as AddressInfo).port}`
    const free = createServer().listen(0, '127.0.0.1')
    await once(free, 'listening')
    const own = `127.0.0.1:${(free.address() as AddressInfo).port}`
    free.close()
    await once(free, 'close')
    const job = (name: string) => `  - job_name: ${name}\n    metrics_path: /${name}\n    static_configs:\n      - targets: ['${target}']\n`
    const config = `global:\n  scrape_interval: 1s\n  scrape_timeout: 1s\nscrape_configs:\n${job('open')}${job('plain')}`
    writeFileSync(join(folder, 'prometheus.yml'), config)
    const server = spawn(
      'prometheus',
      [`--config.file=${folder}/prometheus.yml`, `--storage.tsdb.path=${folder}/data`, `--web.listen-address=${own}`, '--log.level=error'],
      { stdio: 'ignore' },
    )
    const ended = once(server, 'exit')
    try {
      const ask = async (path: string) => {
        const response = await fetch(`http://${own}/api/v1/${path}`).catch(() => undefined)
        return response?.ok ? ((await response.json()) as { data: never }).data : undefined
      }
      type Targets = { activeTargets: { health: string; lastError: string; scrapePool: string }[] }
      const isUp = ({ activeTargets }: Targets) => activeTargets.length === 2 && activeTargets.every(({ health }) => health !== 'unknown')
      const targets = await until(async () => (await ask('targets')) as Targets | undefined, isUp)
      expect(targets.activeTargets.map(({ health, lastError }) => ({ health, lastError }))).toEqual([
        { health: 'up', lastError: '' },
        { health: 'up', lastError: '' },
      ])
      expect(new Set(seen)).toEqual(new Set(['/open application/openmetrics-text', '/plain text/plain']))
      type Vector = { result: { metric: { job: string; type?: string }; value: [number, string] }[] }
      const query = async (text: string) => {
        const found = await until(
          async () => (await ask(`query?query=${encodeURIComponent(text)}`)) as Vector | undefined,
          ({ result }) => result.length === 2,
        )
        return Object.fromEntries(found.result.map(({ metric, value }) => [metric.job, Number(value[1])]))
      }
      const both = (value: number) => ({ open: value, plain: value })
      expect(await query('sum by (job) (app_took_seconds_count)')).toEqual(both(SERIES))
      expect(await query('count by (job) (app_took_seconds_bucket{le="10.0"} or app_took_seconds_bucket{le="10"})')).toEqual(both(SERIES))
      expect(await query('sum by (job) (app_requests_total)')).toEqual(both(8))
      expect(await query('app_wait_seconds{quantile="0.5"}')).toEqual(both(0.25))
      expect(await query('app_load_failures_total')).toEqual(both(0))
    } finally {
      server.kill()
      await ended
      origin.closeAllConnections()
      origin.close()
    }
  }, 60_000)
})

/** Asks a program of somebody else's until the answer is what is waited for. */
async function until<T>(ask: () => Promise<T | undefined>, done: (answer: T) => boolean): Promise<T> {
  for (const deadline = Date.now() + 40_000; ; ) {
    const answer = await ask()
    if (answer !== undefined && done(answer)) return answer
    if (Date.now() > deadline) throw new Error(`not within 40 s: ${JSON.stringify(answer)}`)
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}
