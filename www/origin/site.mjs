/** Serves the built pages of `www`, read once into memory, under a strict Content-Security-Policy. */

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { gzipSync } from 'node:zlib'

/** @type {Record<string, string>} */
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
  '.map': 'application/json',
}

const HEADERS = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  // Together they give the page a clock of 5 µs instead of 100 µs.
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'cache-control': 'no-cache',
}

export class Site {
  /** @type {Map<string, { body: Buffer, zipped: Buffer, type: string }>} */
  #files = new Map()

  /** @param {string} folder where the built pages are; a folder that does not exist serves nothing */
  constructor(folder) {
    if (!existsSync(folder)) return
    for (const name of readdirSync(folder)) {
      const type = TYPES[extname(name)]
      if (type === undefined) continue
      const body = readFileSync(join(folder, name))
      this.#files.set(name === 'index.html' ? '/' : `/${name}`, { body, zipped: gzipSync(body), type })
    }
  }

  /**
   * Answers when there is such a file.
   *
   * @param {string} path
   * @param {import('node:http').IncomingMessage} request
   * @param {import('node:http').ServerResponse} response
   * @returns {boolean} whether it answered
   */
  serve(path, request, response) {
    const file = this.#files.get(path)
    if (file === undefined) return false
    const gzip = /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''))
    const body = gzip ? file.zipped : file.body
    response.writeHead(200, {
      ...HEADERS,
      'content-type': file.type,
      'content-length': body.length,
      vary: 'accept-encoding',
      ...(gzip ? { 'content-encoding': 'gzip' } : {}),
    })
    response.end(request.method === 'HEAD' ? undefined : body)
    return true
  }
}
