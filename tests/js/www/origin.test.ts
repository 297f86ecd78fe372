import { connect } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createOrigin } from '../../../www/origin/server.mjs'
import { Weather } from '../../../www/origin/weather.mjs'

const CITIES = [
  { name: 'Vila', lat: '42.5', lng: '1.5', country: 'AD', admin1: '03', admin2: '' },
  { name: 'Soldeu', lat: '42.6', lng: '1.7', country: 'AD', admin1: '02', admin2: '' },
  { name: 'Dubai', lat: '25.1', lng: '55.2', country: 'AE', admin1: '03', admin2: '' },
]

describe('the origin', () => {
  let origin: Awaited<ReturnType<typeof createOrigin>>
  const get = (path: string, init?: RequestInit) => fetch(origin.url + path, init)

  beforeEach(async () => {
    origin = await createOrigin({ cities: CITIES, latency: [0, 0] })
  })
  afterEach(() => origin.close())

  test('answers a city and a country with their records', async () => {
    expect(await (await get('/city/2')).json()).toEqual({ index: 2, ...CITIES[2] })
    expect(await (await get('/country/AD')).json()).toEqual({
      code: 'AD',
      count: 2,
      bounds: { north: 42.6, south: 42.5, east: 1.7, west: 1.5 },
      cities: [
        { index: 0, name: 'Vila' },
        { index: 1, name: 'Soldeu' },
      ],
    })
  })

  test.each(['/city/3', '/city/-1', '/city/01', '/city/', '/country/ZZ', '/country/__proto__', '/elsewhere'])(
    'answers 404 for %s',
    async path => {
      expect((await get(path)).status).toBe(404)
    },
  )

  test('answers 304 without a body when the tag still holds', async () => {
    const first = await get('/city/1')
    const etag = first.headers.get('etag')
    expect(etag).toMatch(/^W\/"[\w-]{16}"$/)
    const again = await get('/city/1', { headers: { 'if-none-match': `"other", ${etag}` } })
    expect([again.status, await again.text()]).toEqual([304, ''])
    expect((await get('/city/0', { headers: { 'if-none-match': String(etag) } })).status).toBe(200)
    expect(origin.state().counts.notModified).toBe(1)
  })

  test('compresses only for those who accept it', async () => {
    const zipped = await raw(origin.url, 'GET /country/AD HTTP/1.1', 'accept-encoding: gzip')
    const body = zipped.subarray(zipped.indexOf('\r\n\r\n') + 4)
    expect(zipped.toString('latin1')).toContain('content-encoding: gzip')
    expect(JSON.parse(gunzipSync(body).toString())).toMatchObject({ code: 'AD' })
    expect((await raw(origin.url, 'GET /country/AD HTTP/1.1')).toString()).toContain('"code":"AD"')
  })

  test('counts requests by kind and starts again on demand', async () => {
    await Promise.all(['/city/0', '/city/1', '/country/AD', '/city/9'].map(path => get(path)))
    expect(origin.state().counts).toMatchObject({ requests: 4, city: 3, country: 1, notFound: 1 })
    origin.change({ resetCounts: true })
    expect(origin.state().counts).toMatchObject({ requests: 0, city: 0 })
  })

  test('lets other pages read records, and nobody but its own pages steer it', async () => {
    expect((await get('/city/0')).headers.get('access-control-allow-origin')).toBe('*')
    const foreign = await get('/control', {
      method: 'POST',
      body: '{"faults":{"fail":1}}',
      headers: { origin: 'http://elsewhere.example' },
    })
    expect(foreign.status).toBe(403)
    expect((await raw(origin.url, 'GET /control HTTP/1.1', 'host: elsewhere.example')).toString()).toContain(' 421 ')
    expect(origin.state().conditions.faults).toEqual({})
  })

  test.each([
    ['{"faults":{"fail":2}}', /between 0 and 1/],
    ['{"faults":{"fail":0.6,"stall":0.6}}', /must not exceed 1/],
    ['{"faults":{"smoke":1}}', /unknown fault "smoke"/],
    ['{"latency":[8,2]}', /shortest/],
    ['{"speed":1}', /unknown condition "speed"/],
    ['nonsense', /JSON/],
  ])('refuses the conditions %s', async (body, reason) => {
    const answer = await get('/control', { method: 'POST', body })
    expect(answer.status).toBe(400)
    expect(await answer.text()).toMatch(reason)
  })

  test('fails, breaks, cuts short and drips as told', async () => {
    const under = async (fault: string, ask: () => Promise<unknown>) => {
      origin.change({ faults: { [fault]: 1 } })
      return ask().then(String, (error: Error) => `rejected: ${error.name}`)
    }
    expect((await get('/city/0')).status).toBe(200)
    expect(await under('fail', async () => (await get('/city/0')).status)).toBe('503')
    expect(await under('reset', () => get('/city/0'))).toBe('rejected: TypeError')
    expect(await under('truncate', async () => (await get('/city/0')).text())).toBe('rejected: TypeError')
    expect(await under('stall', () => get('/city/0', { signal: AbortSignal.timeout(50) }))).toBe('rejected: TimeoutError')
    expect(await under('drip', async () => (await get('/city/0', { signal: AbortSignal.timeout(50) })).text())).toBe(
      'rejected: TimeoutError',
    )
    expect(origin.state().counts).toMatchObject({ fail: 1, reset: 1, truncate: 1, stall: 1, drip: 1 })
    origin.change({ faults: {} })
    expect((await get('/city/0')).status).toBe(200)
  })
})

describe('the weather', () => {
  const paths = Array.from({ length: 2000 }, (_, index) => `/city/${index % 500}`)
  const faults = { fail: 0.2, stall: 0.1, reset: 0.05, truncate: 0.05, drip: 0.1 }
  const met = (weather: Weather, asked: readonly string[]) => asked.map(path => `${path} ${JSON.stringify(weather.next(path))}`)

  test('is the same for the same seed and another for another seed', () => {
    expect(met(new Weather({ seed: 7, faults }), paths)).toEqual(met(new Weather({ seed: 7, faults }), paths))
    expect(met(new Weather({ seed: 7, faults }), paths)).not.toEqual(met(new Weather({ seed: 8, faults }), paths))
  })

  test('does not depend on the order in which parallel requests arrive', () => {
    const forwards = met(new Weather({ seed: 7, faults }), paths)
    const backwards = met(new Weather({ seed: 7, faults }), paths.toReversed())
    expect(backwards.toSorted()).toEqual(forwards.toSorted())
  })

  test('keeps the latency within its bounds and the faults near their shares', () => {
    const weather = new Weather({ seed: 7, latency: [2, 8], faults })
    const all = Array.from({ length: 20_000 }, (_, index) => weather.next(`/city/${index}`))
    const delays = all.map(one => one.delay)
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(2)
    expect(Math.max(...delays)).toBeLessThan(8)
    expect(delays.reduce((sum, delay) => sum + delay, 0) / all.length).toBeCloseTo(5, 0)
    for (const [fault, share] of Object.entries(faults))
      expect(Math.abs(all.filter(one => one.fault === fault).length / all.length - share)).toBeLessThan(0.01)
  })
})

/** One request by hand, since fetch decompresses and sets its own headers. */
function raw(url: string, request: string, header = 'x-none: 1'): Promise<Buffer> {
  const { port, host } = new URL(url)
  const host1 = header.startsWith('host:') ? '' : `host: ${host}\r\n`
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), '127.0.0.1', () => socket.write(`${request}\r\n${host1}${header}\r\nconnection: close\r\n\r\n`))
    const parts: Buffer[] = []
    socket.on('data', part => parts.push(part))
    socket.on('end', () => resolve(Buffer.concat(parts)))
    socket.on('error', reject)
  })
}
