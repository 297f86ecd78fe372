/** Gives the event loop a turn. */

/** Resolves in a task of its own: timers, input and painting come first. Not a wait for time, so it asks no clock. */
export function nextTask(): Promise<void> {
  return new Promise(resolve => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(undefined)
  })
}
