// Work for the processor, and next to none. For shelflife a batch, for piscina a batch as its task.

const deeds = {
  spin({ n }) {
    let sum = 0
    for (let at = 0; at < n; at += 1) sum = (sum * 31 + at) % 1_000_003
    return sum
  },
  increment: ({ n }) => n + 1,
}

export const handler = items => items.map(item => deeds[item.do](item))
export default handler
