/** Runs the origin in a thread of its own, so that its work does not count as the client's. */

import { parentPort, workerData } from 'node:worker_threads'
import { createOrigin } from './server.mjs'

const origin = await createOrigin(workerData)
parentPort?.postMessage({ url: origin.url })
