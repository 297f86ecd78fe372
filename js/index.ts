/** What `import … from 'shelflife'` offers: export lists only. */

export { type Clock, type ClockTimer, systemClock } from './clock.ts'
export {
  ClosedError,
  CoreTrappedError,
  type ErrorCode,
  InvalidArgumentError,
  isShelflifeError,
  ShelflifeError,
  TimeoutError,
} from './errors.ts'
export type * from './types.ts'
