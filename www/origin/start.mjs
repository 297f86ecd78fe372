/** Starts the origin in its own thread and steers it over its control endpoint, as the dashboard does. */

import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

/**
 * @typedef {import('./server.mjs').OriginState} OriginState
 * @typedef {Awaited<ReturnType<typeof startOrigin>>} Origin
 */

/** @param {{ port?: number, pages?: string, seed?: number, latency?: number | [number, number] }} options as for `createOrigin` */
export async function startOrigin(options) {
  const worker = new Worker(new URL('./worker.mjs', import.meta.url), { workerData: options })
  const [{ url }] = await once(worker, 'message')
  return {
    /** @type {string} */
    url,
    /** @returns {Promise<OriginState>} */
    state: async () => (await fetch(`${url}/control`)).json(),
    /**
     * @param {Record<string, unknown>} conditions
     * @returns {Promise<OriginState>}
     */
    async change(conditions) {
      const response = await fetch(`${url}/control`, { method: 'POST', body: JSON.stringify(conditions) })
      if (!response.ok) throw new Error(await response.text())
      return response.json()
    },
    async close() {
      await worker.terminate()
    },
  }
}
