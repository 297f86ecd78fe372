/** `shelflife/testing`: what users need to test their own code. */

export { plantTrap, trapCount } from './core/door.ts'
export { ManualClock } from './testing/manual-clock.ts'
