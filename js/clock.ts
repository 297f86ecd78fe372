/** Time as an argument: everything that waits or expires asks a {@link Clock}, so that tests never sleep. */

/** A source of time. {@link systemClock} is the default; `ManualClock` of `shelflife/testing` is for tests. */
export interface Clock {
  /** Milliseconds since the Unix epoch. May jump when the machine's clock is set. */
  wall(): number
  /** Milliseconds since some origin. Never goes back. */
  monotonic(): number
  /** Calls `wake` once when `monotonic()` has reached `at`. */
  timer(at: number, wake: () => void): ClockTimer
}

/** A timer that has been set. */
export interface ClockTimer {
  /** Takes the timer back. Does nothing when it has fired. */
  cancel(): void
  /** Whether waiting for this timer keeps the process alive. A new timer does not. */
  hold(on: boolean): void
}

/** The longest wait a host timer can do; a longer one fires at once (2^31 ms overflows). */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** The machine's clocks. */
export const systemClock: Clock = {
  wall: () => Date.now(),
  monotonic: () => performance.now(),
  timer(at, wake) {
    let held = false
    let handle: ReturnType<typeof setTimeout>
    const arm = () => {
      const delay = Math.max(0, Math.ceil(at - performance.now()))
      handle = setTimeout(() => (performance.now() < at ? arm() : wake()), Math.min(delay, LONGEST_TIMER_MS))
      if (!held) hold(handle, false)
    }
    arm()
    return {
      cancel: () => clearTimeout(handle),
      hold(on) {
        held = on
        hold(handle, on)
      },
    }
  },
}

interface Holdable {
  ref?(): void
  unref?(): void
}

/** Browsers have nothing to keep alive; Deno's timers are numbers. */
function hold(handle: unknown, on: boolean): void {
  if (typeof handle === 'object') (handle as Holdable)[on ? 'ref' : 'unref']?.()
  else (globalThis as { Deno?: DenoTimers }).Deno?.[on ? 'refTimer' : 'unrefTimer'](handle as number)
}

interface DenoTimers {
  refTimer(id: number): void
  unrefTimer(id: number): void
}
