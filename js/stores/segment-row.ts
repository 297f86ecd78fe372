/** How a line of a segment's directory lies in the numbers that the core reads and writes. */

/** Numbers a line takes, and what each of them is. */
export const ROW = { id: 0, deleted: 1, order: 2, cost: 3, offset: 4, length: 5, check: 6, expiresAt: 7, writtenAt: 8, columns: 9 } as const
