/** What the hostile origin answers, by path. */

import { gzipSync } from 'node:zlib'
import { BODY, forever, head, inTwo, KEPT, KIB_64, type Piece, pause, slowly, WHOLES } from './pieces.ts'

/** Makes the pieces; an iterator that goes on for ever sends for ever. */
export type Answer = (query: URLSearchParams, context: AnswerContext) => Iterable<Piece> | AsyncIterable<Piece>

/** What an answer may need. */
export interface AnswerContext {
  readonly bombs: { readonly thrice: Buffer; readonly twice: Buffer }
  readonly ports: { readonly main: number; readonly other: number }
}

/** An honest answer, after which the connection is kept. */
export const GOOD = `${head({ 'content-length': '4', ...KEPT })}good`

export const answers: Record<string, Answer> = {
  silent: () => ['hang'],
  'drip-head': () => slowly(head({ ...KEPT, 'x-long': 'x'.repeat(10_000) })),
  async *'drip-body'() {
    yield head({ ...KEPT, 'content-length': '100000' })
    yield* slowly('x'.repeat(100_000))
  },
  async *'drip-chunks'(query) {
    yield head({ ...KEPT, 'transfer-encoding': 'chunked' })
    for (;;) {
      yield '1\r\nx\r\n'
      await pause(Number(query.get('every') ?? 10))
    }
  },
  'hang-in-head': () => ['HTTP/1.1 200 OK\r\ncontent-le', 'hang'],
  'hang-in-body': () => [head({ ...KEPT, 'content-length': '10' }), 'half', 'hang'],
  'hang-in-chunk-size': () => [head({ ...KEPT, 'transfer-encoding': 'chunked' }), '4\r\nhalf\r\n1', 'hang'],
  'hang-in-gzip': () => [(WHOLES.gzip as Uint8Array).subarray(0, 2000), 'hang'],
  'hang-after-interim': () => [head({}, '102 Processing'), 'hang'],
  'reset-before-head': () => ['reset'],
  'reset-in-head': () => inTwo(['HTTP/1.1 200 OK\r\ncontent-le'], ['reset']),
  'reset-in-body': () => inTwo([head({ ...KEPT, 'content-length': '10' }), 'half'], ['reset']),
  'reset-in-chunks': () => inTwo([head({ ...KEPT, 'transfer-encoding': 'chunked' }), '4\r\nhalf\r\n'], ['reset']),
  'end-before-head': () => ['end'],
  cut(query) {
    const all = WHOLES[query.get('framing') as string] as Uint8Array
    return [all.subarray(0, Number(query.get('at'))), 'end']
  },
  unkept: query => [
    head({ 'cache-control': 'no-store', 'content-length': query.get('size') as string }),
    new Uint8Array(Number(query.get('size'))),
  ],
  whole: query => [WHOLES[query.get('framing') as string] as Uint8Array],
  'gzip-cut-within': () => {
    const cut = gzipSync(BODY).subarray(0, 2000)
    return [head({ ...KEPT, 'content-encoding': 'gzip', 'content-length': `${cut.byteLength}` }), cut]
  },
  'gzip-cut-at-the-end': () => [
    head({ ...KEPT, 'content-encoding': 'gzip', connection: 'close' }),
    gzipSync(BODY).subarray(0, 2000),
    'end',
  ],
  'gzip-no-gzip': () => [head({ ...KEPT, 'content-encoding': 'gzip', 'content-length': '8' }), 'no gzip!'],
  'gzip-wrong-sum': () => {
    const wrong = gzipSync(BODY)
    wrong[wrong.byteLength - 6] = (wrong[wrong.byteLength - 6] as number) ^ 255
    return [head({ ...KEPT, 'content-encoding': 'gzip', 'content-length': `${wrong.byteLength}` }), wrong]
  },
  'bomb-gzip': (_query, { bombs }) => [
    head({ ...KEPT, 'content-encoding': 'gzip, gzip, gzip', 'content-length': `${bombs.thrice.byteLength}` }),
    bombs.thrice,
  ],
  'bomb-gzip-twice': (_query, { bombs }) => [
    head({ ...KEPT, 'content-encoding': 'gzip, gzip', 'content-length': `${bombs.twice.byteLength}` }),
    bombs.twice,
  ],
  'coded-a-hundred-times': () => [head({ ...KEPT, 'content-encoding': Array(100).fill('gzip').join(), 'content-length': '4' }), 'bomb'],
  'many-headers': () => [`HTTP/1.1 200 OK\r\n${Array.from({ length: 20_000 }, (_, at) => `x-${at}: y\r\n`).join('')}`, ...['\r\n', 'hang']],
  'huge-header': () => [head({ ...KEPT, 'x-huge': 'y'.repeat(4 * 1024 ** 2), 'content-length': '0' })],
  'huge-cookies': () => [`HTTP/1.1 200 OK\r\n${`set-cookie: ${'c'.repeat(4000)}=1\r\n`.repeat(2000)}\r\n`, 'hang'],
  *'endless-header'() {
    yield 'HTTP/1.1 200 OK\r\nx-endless: '
    yield* forever(KIB_64)
  },
  *'endless-headers'() {
    yield 'HTTP/1.1 200 OK\r\n'
    yield* forever('x: y\r\n'.repeat(5000))
  },
  *'endless-reason'() {
    yield 'HTTP/1.1 200 '
    yield* forever(KIB_64)
  },
  *'endless-body'() {
    yield head({ ...KEPT })
    yield* forever(KIB_64)
  },
  *'endless-chunks'() {
    yield head({ ...KEPT, 'transfer-encoding': 'chunked' })
    yield* forever(`4000\r\n${'x'.repeat(0x4000)}\r\n`)
  },
  *'endless-tiny-chunks'() {
    yield head({ ...KEPT, 'transfer-encoding': 'chunked' })
    yield* forever('1\r\nx\r\n'.repeat(5000))
  },
  *'endless-chunk-extension'() {
    yield `${head({ ...KEPT, 'transfer-encoding': 'chunked' })}4;x=`
    yield* forever(KIB_64)
  },
  *'endless-trailers'() {
    yield `${head({ ...KEPT, 'transfer-encoding': 'chunked' })}4\r\ngood\r\n0\r\n`
    yield* forever('x: y\r\n'.repeat(5000))
  },
  *'endless-gzip-header'() {
    // A name of a file that never ends stands before the first byte of what is packed.
    yield head({ ...KEPT, 'content-encoding': 'gzip' })
    yield Uint8Array.of(0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3)
    yield* forever(KIB_64)
  },
  *'endless-empty-gzip'() {
    yield head({ ...KEPT, 'content-encoding': 'gzip' })
    yield* forever(Buffer.concat(Array.from({ length: 1000 }, () => gzipSync(Buffer.alloc(0)))))
  },
  *'endless-interim'() {
    yield* forever(head({}, '103 Early Hints').repeat(1000))
  },
  *'endless-continue'() {
    yield* forever(head({}, '100 Continue').repeat(1000))
  },
  'announces-much': () => [head({ ...KEPT, 'content-length': '5000000000' }), 'x', 'hang'],
  'length-too-long': () => inTwo([head({ ...KEPT, 'content-length': '10' }), 'four'], ['end']),
  'two-lengths': () => [`HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ncontent-length: 4\r\ncontent-length: 5\r\n\r\ngood`],
  'length-negative': () => [head({ ...KEPT, 'content-length': '-4' }), 'good'],
  'length-no-number': () => [head({ ...KEPT, 'content-length': '4x' }), 'good'],
  'length-beyond-numbers': () => [head({ ...KEPT, 'content-length': '9'.repeat(30) }), 'good'],
  'length-and-chunks': () => [head({ ...KEPT, 'content-length': '4', 'transfer-encoding': 'chunked' }), '4\r\ngood\r\n0\r\n\r\n'],
  'chunk-size-no-number': () => [head({ ...KEPT, 'transfer-encoding': 'chunked' }), 'zz\r\ngood\r\n0\r\n\r\n'],
  'chunk-size-negative': () => [head({ ...KEPT, 'transfer-encoding': 'chunked' }), '-4\r\ngood\r\n0\r\n\r\n'],
  'chunk-size-beyond-numbers': () => [head({ ...KEPT, 'transfer-encoding': 'chunked' }), `${'f'.repeat(20)}\r\ngood\r\n0\r\n\r\n`],
  'chunk-longer-than-said': () => [head({ ...KEPT, 'transfer-encoding': 'chunked' }), '2\r\ngood\r\n0\r\n\r\n'],
  'unknown-transfer-coding': () => inTwo([head({ ...KEPT, 'transfer-encoding': 'strange' }), 'good'], ['end']),
  'no-http': () => ['SSH-2.0-OpenSSH_9.2\r\n', 'hang'],
  'http-0.9': () => ['<html>good</html>', 'end'],
  'http-2-preface': () => ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'hang'],
  'status-no-number': () => ['HTTP/1.1 abc OK\r\ncontent-length: 4\r\n\r\ngood'],
  'status-too-low': () => ['HTTP/1.1 099 OK\r\ncontent-length: 4\r\n\r\ngood'],
  'header-with-nul': () => ['HTTP/1.1 200 OK\r\nx: a\0b\r\ncontent-length: 4\r\n\r\ngood'],
  'header-without-colon': () => ['HTTP/1.1 200 OK\r\nnonsense\r\ncontent-length: 4\r\n\r\ngood'],
  'switching-protocols': () => [head({ upgrade: 'websocket', connection: 'upgrade' }, '101 Switching Protocols'), 'hang'],
  'redirect-loop': () => [redirect('/redirect-loop')],
  'redirect-onward': query => [redirect(`/redirect-onward?at=${Number(query.get('at') ?? 0) + 1}`)],
  'redirect-across': (query, { ports }) => {
    const at = Number(query.get('at') ?? 0)
    return [redirect(`http://127.0.0.1:${at % 2 === 0 ? ports.other : ports.main}/redirect-across?at=${at + 1}`)]
  },
  async *'redirect-slowly'(query) {
    await pause(40)
    yield redirect(`/redirect-slowly?at=${Number(query.get('at') ?? 0) + 1}`)
  },
  'redirect-with-endless-body': query => withEndlessBody(Number(query.get('at') ?? 0)),
  'redirect-to-credentials': (_query, { ports }) => [redirect(`http://user:password@127.0.0.1:${ports.other}/good`)],
  'redirect-to-file': () => [redirect('file:///etc/passwd')],
  'redirect-to-data': () => [redirect('data:text/plain,evil')],
  'redirect-to-nonsense': () => [redirect('http://[')],
  'end-after-answer': () => [GOOD, 'end'],
  'reset-after-answer': () => inTwo([GOOD], ['reset']),
  'more-after-answer': () => [`${GOOD}HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil`],
  'garbage-after-answer': () => [`${GOOD}${'\0'.repeat(100)}`],
  'body-of-204': () => [`${head({ ...KEPT }, '204 No Content')}evil`],
  'body-of-304': () => [`${head({ ...KEPT }, '304 Not Modified')}evil`],
}

/** Whether the answer of that name leaves the connection as good as before. */
export function isWhole(name: string): boolean {
  return (
    !(name in answers) ||
    (/^(whole|unkept|bomb-|gzip-(no|wrong|cut-within)|redirect-|coded-)/.test(name) && name !== 'redirect-with-endless-body')
  )
}

function redirect(location: string): string {
  return head({ location, 'content-length': '0' }, '302 Found')
}

function* withEndlessBody(at: number): Iterable<Piece> {
  yield head({ location: `/redirect-with-endless-body?at=${at + 1}` }, '302 Found')
  yield* forever(KIB_64)
}
