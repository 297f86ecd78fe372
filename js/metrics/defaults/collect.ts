/** What the process or page does by itself, as metrics. */

import { InvalidArgumentError } from '../../errors.ts'
import { metricsOption, optionsObject } from '../../options.ts'
import type { Registry } from '../registry.ts'
import { collectBrowser } from './browser.ts'
import { collectNode, type NodeSources } from './node.ts'

/** Options of {@link collectDefaultMetrics}. */
export interface DefaultMetricsOptions {
  /** Milliseconds between two looks at the delay of Node's event loop. Default: 20. */
  eventLoopResolution?: number
  /** What is read in place of this process and its files, for tests. Default: the real ones. */
  sources?: NodeSources
}

/** What {@link collectDefaultMetrics} returns. */
export interface DefaultMetrics extends Disposable {
  /** Ends the collection; the metrics stay as they are. */
  stop(): void
}

/**
 * Registers what the process or page does by itself, under prom-client's names where it has one. In Node: CPU, memory, heap spaces, garbage
 * collections, the event loop's delay and utilisation, what keeps it alive, file descriptors, bytes of files and network (on Linux). In
 * browsers: long tasks, heap where the browser tells, storage used and allowed, the timing of the navigation, bytes and number of requests.
 *
 * Everything is read when somebody looks; nothing holds the process or sets a timer of ours.
 *
 * ```ts
 * const defaults = collectDefaultMetrics(registry)
 * defaults.stop()
 * ```
 */
export function collectDefaultMetrics(registry: Registry, options?: DefaultMetricsOptions): DefaultMetrics {
  if (registry === undefined) throw new InvalidArgumentError('registry', 'a registry of createRegistry', registry)
  metricsOption(registry)
  const { sources, eventLoopResolution = 20 } = optionsObject(options, 'options')
  if (!Number.isInteger(eventLoopResolution) || eventLoopResolution < 1)
    throw new InvalidArgumentError('eventLoopResolution', 'a whole number of milliseconds', eventLoopResolution)
  const { process } = globalThis as { process?: { versions?: { node?: string } } }
  const inNode = sources !== undefined || process?.versions?.node !== undefined
  const stops = inNode ? collectNode(registry, sources, eventLoopResolution) : collectBrowser(registry)
  const stop = () => {
    for (const one of stops.splice(0)) one()
  }
  return { stop, [Symbol.dispose]: stop }
}
