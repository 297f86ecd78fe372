/** Compression by `node:zlib`, on its own threads. Apart from what browsers load: a bundler would look for the module of Node. */

import { FORM, type Zip } from './compression.ts'

/** As fast as it gets; see docs/decisions. */
const LEVEL = 1

/** The threads of Node. */
export const nodeZip: Zip = {
  forms: [FORM.brotli, FORM.deflate, FORM.gzip],
  async compress(form, bytes) {
    const zlib = await import('node:zlib')
    if (form === FORM.brotli) {
      const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_SIZE_HINT } = zlib.constants
      const params = { [BROTLI_PARAM_QUALITY]: LEVEL, [BROTLI_PARAM_SIZE_HINT]: bytes.length }
      return called(done => zlib.brotliCompress(bytes, { params }, done))
    }
    const compress = form === FORM.gzip ? zlib.gzip : zlib.deflateRaw
    return called(done => compress(bytes, { level: LEVEL }, done))
  },
  async expand(form, bytes, most) {
    const zlib = await import('node:zlib')
    const options = { maxOutputLength: Math.max(1, most) }
    if (form === FORM.brotli) return called(done => zlib.brotliDecompress(bytes, options, done))
    const expand = form === FORM.gzip ? zlib.gunzip : zlib.inflateRaw
    return called(done => expand(bytes, options, done))
  },
}

function called(call: (done: (error: Error | null, bytes: Uint8Array) => void) => void): Promise<Uint8Array> {
  return new Promise((resolve, reject) => call((error, bytes) => (error === null ? resolve(bytes) : reject(error))))
}
