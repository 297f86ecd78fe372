/** Runs something when the promises that are settled by now, and those they settle, have had their turn. */

type NextTick = (callback: () => void) => void

const nextTick = (globalThis as { process?: { nextTick?: NextTick } }).process?.nextTick
const settled = Promise.resolve()

let port: MessagePort | undefined
const waiting: (() => void)[] = []

/**
 * Calls `callback` after the promise jobs of this turn. Where the platform has `process.nextTick` (Node, Bun, Deno) that is at the end of the
 * job queue, without a task; elsewhere it is the next task.
 */
export function afterPromises(callback: () => void): void {
  if (nextTick !== undefined) {
    void settled.then(() => nextTick(callback))
    return
  }
  port ??= channel()
  waiting.push(callback)
  port.postMessage(0)
}

function channel(): MessagePort {
  const { port1, port2 } = new MessageChannel()
  port1.onmessage = () => waiting.shift()?.()
  return port2
}
