/** The public types, written by hand. Each room's options and results; numbers of time are milliseconds. */

export type { Clock, ClockTimer } from './clock.ts'
export type { Duration, Size } from './options.ts'
