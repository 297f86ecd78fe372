/** Gives the event loop a turn. */

/** Whoever waits, in the order of the messages that are on their way to {@link ring}. */
const waiting: (() => void)[] = []
let ring: MessagePort | undefined

/** Resolves in a task of its own: timers, input and painting come first. Not a wait for time, so it asks no clock. */
export function nextTask(): Promise<void> {
  return new Promise(resolve => {
    // Node hands over many messages of one channel in one turn.
    const { setImmediate } = globalThis as { setImmediate?: (run: () => void) => unknown }
    if (setImmediate !== undefined) {
      setImmediate(resolve)
      return
    }
    ring ??= listen()
    waiting.push(resolve)
    ring.postMessage(undefined)
  })
}

/** One channel for all: in Chromium, making one takes longer than most tasks. */
function listen(): MessagePort {
  const { port1, port2 } = new MessageChannel()
  port1.onmessage = () => waiting.shift()?.()
  return port2
}
