// A handler that does with an item what it says. Items are objects: { do: …, n: … }.

let batches = 0

/**
 * @param {{ do: string, n: number, pixels?: Uint8Array, port?: MessagePort }[]} items
 * @param {import('../../../js/worker.ts').BatchContext} context
 */
export default async function handler(items, { signal, indexes, attempt }) {
  batches += 1
  const results = []
  for (const [at, item] of items.entries()) results.push(await perform(item, { signal, index: indexes[at], attempt }))
  return results
}

/** @type {Record<string, (item: any, context: any) => unknown>} */
const deeds = {
  double: ({ n }) => n * 2,
  context: ({ n }, { index, attempt }) => ({ n, index, attempt, batches }),
  fail: ({ n }) => Object.assign(new RangeError(`no ${n}`), { code: 'E_RANGE', n }),
  throw: ({ n }) => {
    throw Object.assign(new TypeError(`broken ${n}`, { cause: new AggregateError([new SyntaxError('inner')], 'many') }), {
      code: 'E_BROKEN',
    })
  },
  exit: () => process.exit(7),
  uncaught: () => {
    setTimeout(() => {
      throw new RangeError('nobody catches this')
    })
    return new Promise(() => undefined)
  },
  hang: () => {
    for (;;);
  },
  patient: (_, { signal }) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  full: () => {
    const held = []
    for (;;) held.push(new Array(100_000).fill(held.length))
  },
  once: ({ n }, { attempt }) => (attempt === 1 ? deeds.exit?.({}, {}) : n),
  clone: () => () => 1,
  invert: ({ pixels }) => {
    for (const at of pixels.keys()) pixels[at] = 255 - pixels[at]
    return pixels
  },
  moved: ({ n }) => {
    const bytes = new Uint8Array(n).fill(n)
    return /** @type {any} */ ({ [Symbol.for('shelflife.transfer')]: { value: bytes, list: [bytes.buffer] } })
  },
  port: ({ port }) => {
    port.postMessage('here')
    return 'said'
  },
  span: ({ n }) => {
    const begun = performance.timeOrigin + performance.now()
    deeds.spin?.({ n }, {})
    return [begun, performance.timeOrigin + performance.now()]
  },
  spin: ({ n }) => {
    let sum = 0
    for (let at = 0; at < n; at += 1) sum = (sum * 31 + at) % 1_000_003
    return sum
  },
}

/** @param {any} item @param {any} context */
function perform(item, context) {
  const deed = deeds[item.do]
  if (deed === undefined) throw new Error(`cannot ${item.do}`)
  return deed(item, context)
}
