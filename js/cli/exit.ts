/** What commands end with. From 64 on they are those of sysexits.h. */

export const EXIT = { ok: 0, regressed: 1, inconclusive: 2, usage: 64, data: 65, noInput: 66 } as const

/** Where a command writes: its answer, and what it has to complain of. */
export interface Output {
  write(text: string): void
  complain(text: string): void
}

/** Why a command ends before it has an answer. */
export class Failure extends Error {
  readonly exit: number

  constructor(exit: number, message: string) {
    super(message)
    this.exit = exit
  }
}
