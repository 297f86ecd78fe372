import { afterEach, expect, test, vi } from 'vitest'
import { storeContext } from '../../../js/core/tier-core.ts'
import { BusSpeaker } from '../../../js/stores/redis/bus-speaker.ts'
import type { Reply } from '../../../js/stores/redis/client.ts'
import { ManualClock } from '../../../js/testing.ts'

afterEach(() => vi.restoreAllMocks())

async function later(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve()
}

test('who waits until all is told takes no turns of the event loop meanwhile', async () => {
  const clock = new ManualClock()
  const said: string[] = []
  let answer: (reply: Reply) => void = () => {}
  const speaker = new BusSpeaker(
    {
      channel: 'bus',
      maxMessages: 10,
      line: { timeoutMs: 10_000, failures: 5, openMs: 500, maxOpenMs: 500, random: () => 0 },
      speak(onChange) {
        queueMicrotask(() => onChange())
        return {
          isReady: true,
          send([name, ...args]) {
            if (name === 'PING') return Promise.resolve('PONG')
            said.push(String(args.at(-1)))
            return new Promise(resolve => {
              answer = resolve
            })
          },
          renew() {},
          close() {},
        }
      },
    },
    { ...storeContext(clock), onChange: () => {} },
    () => {},
  )
  await speaker.open()
  const turns = vi.spyOn(globalThis, 'setImmediate')
  speaker.tell({ keys: ['a'] })
  let isDrained = false
  const drained = speaker.drain().then(() => {
    isDrained = true
  })
  await later()
  speaker.tell({ keys: ['b'] })
  answer('1-0')
  await later()
  expect([said.length, isDrained, turns.mock.calls.length]).toEqual([2, false, 0])
  answer('2-0')
  await drained
  expect([speaker.queued, speaker.published]).toEqual([0, 2])
  speaker.close()
  expect(clock.timers).toBe(0)
})
