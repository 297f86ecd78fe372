/** `shelflife/testing`: what users need to test their own code. */
export { plantTrap, trapCount } from "./core/door.ts"
