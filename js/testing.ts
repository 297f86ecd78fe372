/** `shelflife/testing`: what users need to test their own code. */

export { plantTrap, trapCount } from './core/door.ts'
export { type Fault, type FaultPlan, type FaultyCall, FaultyMedium, faultyStore } from './testing/faulty-medium.ts'
export { ManualClock } from './testing/manual-clock.ts'
export { MemoryLog, MemoryMedium, memoryStore } from './testing/memory-medium.ts'
export { type StoreCase, type StoreFeature, type StoreUnderTest, testStore } from './testing/store-contract.ts'
