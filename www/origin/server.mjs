/** The origin of the demo: records as JSON over HTTP on loopback, with seeded latency and seeded faults on demand. */

import { createServer } from 'node:http'
import { Records, readCities, zipped } from './records.mjs'
import { Site } from './site.mjs'
import { Weather } from './weather.mjs'

/**
 * @typedef {import('./weather.mjs').Conditions} Conditions
 * @typedef {import('node:http').IncomingMessage} Request
 * @typedef {import('node:http').ServerResponse} Response
 * @typedef {{ requests: number, city: number, country: number, notFound: number, notModified: number, bodyBytes: number,
 *   fail: number, stall: number, reset: number, truncate: number, drip: number }} OriginCounts
 * @typedef {{ counts: OriginCounts, conditions: Conditions, records: { cities: number, countries: number } }} OriginState
 */

const DRIP_MS = 100
const LONGEST_CONTROL_BODY = 4096

/**
 * Starts an origin on 127.0.0.1.
 *
 * `GET /city/<index>` and `GET /country/<code>` answer records; `GET /control` says what was counted, `POST /control` with
 * `{ seed?, latency?, faults?, resetCounts? }` changes the conditions. Other paths are looked for in `pages`.
 *
 * @param {{ port?: number, pages?: string, cities?: readonly import('./records.mjs').City[] } & Partial<Conditions>} [options]
 *   `port` 0 (default) takes a free one; `pages` is a folder
 */
export async function createOrigin({ port = 0, pages, cities = readCities(), ...conditions } = {}) {
  const records = new Records(cities)
  const weather = new Weather(conditions)
  const site = pages === undefined ? undefined : new Site(pages)
  let counts = noCounts()
  /** @type {Set<ReturnType<typeof setTimeout>>} */
  const timers = new Set()
  /** @type {Set<string>} */
  const ownHosts = new Set()

  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    response.on('error', () => {})
    const path = new URL(request.url ?? '/', 'http://origin').pathname
    // A name that resolves to loopback must not let a foreign page in.
    if (!ownHosts.has(request.headers.host ?? '')) return plain(response, 421, 'this origin answers under its loopback address only')
    if (path === '/control') return control(request, response)
    if (request.method === 'OPTIONS') return preflight(response)
    if (request.method !== 'GET' && request.method !== 'HEAD') return plain(response, 405, 'GET and HEAD only')
    if (/^\/(city|country)\//.test(path)) return record(path, request, response)
    if (!site?.serve(path, request, response)) plain(response, 404, 'not found')
  })

  await new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', () => resolve(undefined)))
  const bound = /** @type {import('node:net').AddressInfo} */ (server.address()).port
  ownHosts.add(`127.0.0.1:${bound}`).add(`localhost:${bound}`)

  return {
    url: `http://127.0.0.1:${bound}`,
    /** @returns {OriginState} */
    state,
    /** Changes the conditions, as `POST /control` does. @param {Record<string, unknown>} change */
    change,
    async close() {
      for (const timer of timers) clearTimeout(timer)
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }

  /** @returns {OriginState} */
  function state() {
    return { counts: { ...counts }, conditions: weather.conditions, records: records.counts }
  }

  /** @param {Record<string, unknown>} change */
  function change({ resetCounts = false, ...conditions }) {
    weather.change(conditions)
    if (resetCounts === true) counts = noCounts()
  }

  /**
   * @param {string} path
   * @param {Request} request
   * @param {Response} response
   */
  function record(path, request, response) {
    counts.requests += 1
    counts[path.startsWith('/city/') ? 'city' : 'country'] += 1
    const { delay, fault } = weather.next(path)
    if (fault !== undefined) counts[fault] += 1
    if (fault === 'stall') return
    const answer = () => {
      if (response.destroyed) return
      if (fault === 'reset') return void request.socket.resetAndDestroy()
      if (fault === 'fail') return plain(response, 503, 'out of order')
      send(path, fault, request, response)
    }
    if (delay === 0) answer()
    else later(delay, answer)
  }

  /**
   * @param {string} path
   * @param {import('./weather.mjs').Fault | undefined} fault
   * @param {Request} request
   * @param {Response} response
   */
  function send(path, fault, request, response) {
    const found = records.answer(path)
    if (found === undefined) {
      counts.notFound += 1
      return plain(response, 404, 'no such record')
    }
    const headers = { ...CORS, etag: found.etag, 'cache-control': 'max-age=3600', vary: 'accept-encoding' }
    if (names(request.headers['if-none-match'], found.etag)) {
      counts.notModified += 1
      response.writeHead(304, headers)
      return void response.end()
    }
    const gzip = /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''))
    const body = gzip ? zipped(found) : found.body
    response.writeHead(200, {
      ...headers,
      'content-type': 'application/json',
      'content-length': body.length,
      ...(gzip ? { 'content-encoding': 'gzip' } : {}),
    })
    if (request.method === 'HEAD') return void response.end()
    if (fault === 'truncate') return void response.write(body.subarray(0, body.length >> 1), () => request.socket.destroy())
    if (fault === 'drip') return drip(body, 0, response)
    counts.bodyBytes += body.length
    response.end(body)
  }

  /**
   * @param {Buffer} body
   * @param {number} at
   * @param {Response} response
   */
  function drip(body, at, response) {
    if (response.destroyed) return
    if (at >= body.length) return void response.end()
    counts.bodyBytes += 1
    response.write(body.subarray(at, at + 1))
    later(DRIP_MS, () => drip(body, at + 1, response))
  }

  /**
   * @param {Request} request
   * @param {Response} response
   */
  function control(request, response) {
    if (request.method === 'GET') return json(response, 200, state())
    const from = request.headers.origin
    if (request.method !== 'POST') return plain(response, 405, 'GET and POST only')
    if (from !== undefined && !ownHosts.has(from.replace('http://', ''))) return plain(response, 403, 'not from another page')
    let text = ''
    request.setEncoding('utf8')
    request.on('data', part => {
      text += part
      if (text.length > LONGEST_CONTROL_BODY) request.destroy()
    })
    request.on('end', () => {
      try {
        change(JSON.parse(text))
        json(response, 200, state())
      } catch (error) {
        plain(response, 400, error instanceof Error ? error.message : 'bad request')
      }
    })
  }

  /**
   * @param {number} ms
   * @param {() => void} run
   */
  function later(ms, run) {
    const timer = setTimeout(() => {
      timers.delete(timer)
      run()
    }, ms)
    timers.add(timer)
  }
}

const CORS = { 'access-control-allow-origin': '*', 'access-control-expose-headers': 'etag', 'cross-origin-resource-policy': 'cross-origin' }

/** @param {Response} response */
function preflight(response) {
  response.writeHead(204, {
    ...CORS,
    'access-control-allow-methods': 'GET, HEAD',
    'access-control-allow-headers': '*',
    'access-control-max-age': '600',
  })
  response.end()
}

/**
 * @param {Response} response
 * @param {number} status
 * @param {string} text
 */
function plain(response, status, text) {
  if (response.destroyed) return
  response.writeHead(status, { ...CORS, 'content-type': 'text/plain; charset=utf-8' })
  response.end(`${text}\n`)
}

/**
 * @param {Response} response
 * @param {number} status
 * @param {unknown} value
 */
function json(response, status, value) {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(JSON.stringify(value))
}

/**
 * Whether an If-None-Match header names this tag (weak comparison).
 *
 * @param {string | undefined} header
 * @param {string} etag
 */
function names(header, etag) {
  if (header === undefined) return false
  return header.trim() === '*' || header.split(',').some(tag => tag.trim().replace(/^W\//, '') === etag.slice(2))
}

/** @returns {OriginCounts} */
function noCounts() {
  return { requests: 0, city: 0, country: 0, notFound: 0, notModified: 0, bodyBytes: 0, fail: 0, stall: 0, reset: 0, truncate: 0, drip: 0 }
}
