import { expect, test } from 'vitest'
import { createAdminHandler, toNodeListener } from '../../../js/admin.ts'
import { createMonitor } from '../../../js/index.ts'
import { nextTask } from '../../../js/next-task.ts'
import { ManualClock } from '../../../js/testing/manual-clock.ts'

/** As much of Node's two as the listener uses. */
function call(token: string) {
  const listeners = new Map<string, Set<() => void>>()
  const outgoing = {
    destroyed: false,
    writeHead: () => outgoing,
    flushHeaders: () => undefined,
    write: () => true,
    end: () => outgoing,
    destroy: () => outgoing,
    on: (event: string, listener: () => void) => listeners.set(event, (listeners.get(event) ?? new Set()).add(listener)),
    off: (event: string, listener: () => void) => listeners.get(event)?.delete(listener),
  }
  const incoming = {
    method: 'GET',
    url: '/events',
    headers: { host: '127.0.0.1', authorization: `Bearer ${token}` },
    socket: { remoteAddress: '127.0.0.1' },
    resume: () => undefined,
    async *[Symbol.asyncIterator]() {},
  }
  const leave = () => {
    outgoing.destroyed = true
    for (const listener of listeners.get('close') ?? []) listener()
  }
  return { incoming, outgoing, leave }
}

test.each([0, 1, 2, 3, 5, 10])('a reader who leaves after %i turns is counted no more', async turns => {
  const clock = new ManualClock()
  const monitor = createMonitor({ clock })
  const admin = createAdminHandler(monitor, { clock })
  const { incoming, outgoing, leave } = call(admin.token)
  toNodeListener(admin)(incoming, outgoing)
  for (let turn = 0; turn < turns; turn += 1) await Promise.resolve()
  leave()
  for (let turn = 0; turn < 5; turn += 1) await nextTask()
  expect(admin.readers).toBe(0)
  admin.close()
  monitor.close()
})
