import { expect, test } from 'vitest'
import { redis } from '../../../js/stores/redis.ts'
import { ManualClock } from '../../../js/testing.ts'
import { FakeRedis } from './fake-redis.ts'
import { type Lived, live } from './life.ts'

/** Between the commands that fail. `SHELFLIFE_FAULT_STEP=1` for each. */
const STEP = Number(process.env.SHELFLIFE_FAULT_STEP ?? 7)
const RECONNECT_MS = 300
const STALL_MS = 10_000

const REFUSALS = {
  oom: "OOM command not allowed when used memory > 'maxmemory'.",
  readonly: "READONLY You can't write against a read only replica.",
  loading: 'LOADING Redis is loading the dataset in memory',
  noauth: 'NOAUTH Authentication required.',
  noperm: "NOPERM this user has no permissions to run the 'set' command",
  misconf: 'MISCONF Redis is configured to save RDB snapshots, but it is currently not able to persist on disk.',
  wrongtype: 'WRONGTYPE Operation against a key holding the wrong kind of value',
  err: 'ERR something else',
} as const

/** Refused; the connection breaks before or after a command was executed; it is swallowed; the server stands still; it answers nonsense. */
const FAULTS = [
  ...(Object.keys(REFUSALS) as (keyof typeof REFUSALS)[]),
  'broken',
  'broken after',
  'swallowed',
  'stalled',
  'nonsense',
] as const
type Fault = (typeof FAULTS)[number]
type Plan = (n: number, name: string) => Fault | undefined

const NONSENSE = [null, 7, 'nonsense', [], [null], [['x'], 7], Buffer.from('nonsense')]

class FaultyRedis extends FakeRedis {
  calls = 0
  met = 0
  plan: Plan
  #mendIn = Number.POSITIVE_INFINITY

  constructor(plan: Plan) {
    super()
    this.plan = plan
  }

  override async sendCommand(args: readonly (string | Buffer)[]): Promise<unknown> {
    if (!this.isReady) throw new Error('The client is offline')
    this.calls += 1
    const fault = this.plan(this.calls, String(args[0]))
    if (fault === undefined) return super.sendCommand(args)
    this.met += 1
    if (fault in REFUSALS) throw new Error(REFUSALS[fault as keyof typeof REFUSALS])
    if (fault === 'swallowed') return new Promise(() => {})
    if (fault === 'nonsense') {
      await super.sendCommand(args)
      return NONSENSE[this.calls % NONSENSE.length]
    }
    if (fault === 'stalled') {
      this.mood = 'slow'
      this.#mendIn = STALL_MS
      return super.sendCommand(args)
    }
    if (fault === 'broken after') await super.sendCommand(args)
    if (this.isReady) {
      this.setReady(false)
      this.#mendIn = RECONNECT_MS
    }
    throw new Error('Socket closed unexpectedly')
  }

  tick(ms: number): void {
    this.#mendIn -= ms
    if (this.#mendIn > 0) return
    this.mend()
  }

  mend(): void {
    this.#mendIn = Number.POSITIVE_INFINITY
    this.mood = 'well'
    // In their order, as they came.
    this.release()
    if (!this.isReady) this.setReady(true)
  }
}

async function day(plan: Plan): Promise<Lived & { calls: number; met: number }> {
  const clock = new ManualClock()
  const server = new FaultyRedis(plan)
  let calls = 0
  const lived = await live({
    clock,
    store: redis({ client: server, commandTimeout: 100 }),
    tick: ms => server.tick(ms),
    calm() {
      calls = server.calls
      server.plan = () => undefined
      server.mend()
    },
  })
  expect(server.listeners).toBe(0)
  return { ...lived, calls, met: server.met }
}

test('nothing fails without a fault', async () => {
  const { stats, next, calls } = await day(() => undefined)
  expect([stats.errors, stats.dropped, next.errors]).toEqual([{}, 0, {}])
  expect(calls).toBeGreaterThan(60)
})

test.each(FAULTS)(
  '%s at the n-th command, for every n, and from then on: success or a typed error, the newest value or none, never a hang',
  { timeout: 600_000 },
  async fault => {
    const { calls } = await day(() => undefined)
    const plans: [string, Plan][] = []
    for (let at = 1 + (FAULTS.indexOf(fault) % STEP); at <= calls; at += STEP)
      plans.push([`command ${at}`, n => (n === at ? fault : undefined)])
    for (const from of [1, 2, 5, 20, 50]) plans.push([`from ${from} on`, n => (n >= from ? fault : undefined)])
    plans.push(['every third', n => (n % 3 === 0 ? fault : undefined)])
    for (const [what, plan] of plans) {
      const { met } = await day(plan).catch(error => {
        throw new Error(`${fault}, ${what}: ${error.message}`, { cause: error })
      })
      expect(met, what).toBeGreaterThan(0)
    }
  },
)
