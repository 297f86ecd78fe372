/** What the hostile origin is asked for, and how each request has to end. */

import { LENGTHS } from './pieces.ts'

/** How a request is made. */
export const ways = ['fetch', 'stream'] as const
export type Way = (typeof ways)[number]

/** One way to be hostile. */
export interface HostileCase {
  /** The path, and its name. */
  readonly name: string
  readonly query?: string
  /** Which port; the one that answers by path unless it is said. */
  readonly port?: 'mute' | 'reset' | 'closed'
  readonly protocol?: 'https'
  /** The `code` of the error, or several where it is a matter of how fast the machine is; none where the answer is right, or as right as anybody can see. */
  readonly codes: readonly Code[]
  /** Whether another attempt would end in the same way, so that there is none. Default: whether the code is `ERR_RESPONSE_TOO_LARGE`. */
  readonly once?: boolean
  /** Requests at the same time. Default: 1. */
  readonly times?: number
  /** Default: each. */
  readonly ways?: readonly Way[]
  /** The deadline over everything, in milliseconds, which is that of the only attempt. Default: {@link deadlineOf}, with two attempts. */
  readonly deadline?: number
  /** What the answer is, where there is one. Default: `'good'`. */
  readonly text?: string | undefined
  /** Whether an answer may be kept. Default: whether there is one. */
  readonly isKept?: boolean
}

type Code = 'ERR_NETWORK' | 'ERR_TIMEOUT' | 'ERR_RESPONSE_TOO_LARGE'

/** Milliseconds for everything, where that is what ends it, and for each of two attempts. Where the answer itself is to end it, there is time. */
export const deadlineOf = ({ deadline, codes }: HostileCase) => deadline ?? (codes.includes('ERR_TIMEOUT') ? 160 : 3000)
export const attemptOf = (hostile: HostileCase) => deadlineOf(hostile) * (hostile.deadline === undefined ? 0.75 : 1)
/** The largest body. */
export const LIMIT = 2 * 1024 ** 2
/** Answers that are cut at the same time. */
export const CUTS_AT_ONCE = 16

const ends =
  (...codes: Code[]) =>
  (name: string, more: Partial<HostileCase> = {}): HostileCase => ({ name, codes, ...more })
const network = ends('ERR_NETWORK')
const late = ends('ERR_TIMEOUT')
const large = ends('ERR_RESPONSE_TOO_LARGE')
const good = ends()
/** The platform says so, or nothing at all. */
const networkOrLate = ends('ERR_NETWORK', 'ERR_TIMEOUT')

export const groups: Record<string, readonly HostileCase[]> = {
  'slow drip': [
    late('drip-head'),
    late('drip-body'),
    late('drip-chunks'),
    late('drip-chunks', { query: 'every=100', times: 1000, deadline: 1000, ways: ['fetch'] }),
  ],
  hang: [
    late('silent'),
    late('handshake', { port: 'mute', protocol: 'https' }),
    late('hang-in-head'),
    late('hang-in-body'),
    late('hang-in-chunk-size'),
    late('hang-in-gzip'),
    late('hang-after-interim'),
    late('silent', { times: 200, ways: ['fetch'] }),
  ],
  reset: [
    network('connect', { port: 'reset' }),
    network('refused', { port: 'closed' }),
    network('reset-before-head'),
    network('reset-in-head'),
    network('reset-in-body'),
    network('reset-in-chunks'),
    network('end-before-head'),
  ],
  bomb: [large('bomb-gzip'), large('bomb-gzip-twice'), large('bomb-gzip', { times: 8, deadline: 2000 })],
  'endless body': [
    large('endless-body'),
    large('endless-chunks'),
    ends('ERR_RESPONSE_TOO_LARGE', 'ERR_TIMEOUT')('endless-tiny-chunks', { once: false }),
    late('endless-empty-gzip'),
    large('announces-much'),
  ],
  'header flood': [
    network('many-headers'),
    network('huge-header'),
    network('huge-cookies'),
    network('endless-header'),
    network('endless-headers'),
    late('endless-reason'),
    late('endless-chunk-extension'),
    network('endless-trailers'),
    late('endless-gzip-header'),
    late('endless-interim'),
    network('endless-continue'),
  ],
  'endless redirect': [
    network('redirect-loop', { once: true }),
    network('redirect-onward', { once: true }),
    network('redirect-across', { once: true }),
    late('redirect-slowly'),
    networkOrLate('redirect-with-endless-body', { once: true }),
    network('redirect-to-credentials', { once: true }),
    network('redirect-to-file', { once: true }),
    network('redirect-to-data', { once: true }),
    network('redirect-to-nonsense', { once: true }),
  ],
  'wrong framing': [
    network('length-too-long'),
    network('two-lengths'),
    network('length-negative'),
    network('length-no-number'),
    network('length-beyond-numbers'),
    network('length-and-chunks'),
    network('chunk-size-no-number'),
    network('chunk-size-negative'),
    network('chunk-size-beyond-numbers'),
    network('chunk-longer-than-said'),
    good('unknown-transfer-coding', { isKept: false }),
    network('no-http'),
    network('http-0.9'),
    network('http-2-preface'),
    network('status-no-number'),
    network('status-too-low'),
    network('header-with-nul'),
    network('header-without-colon'),
    network('switching-protocols'),
    good('gzip-cut-at-the-end', { isKept: false, text: undefined }),
    networkOrLate('gzip-no-gzip'),
    networkOrLate('gzip-wrong-sum'),
    network('coded-a-hundred-times'),
  ],
  'early close': [
    good('end-after-answer'),
    good('reset-after-answer'),
    good('more-after-answer'),
    good('garbage-after-answer'),
    good('body-of-204', { text: '' }),
    good('body-of-304', { text: '' }),
  ],
}

/** Framings in which an answer of 4 KiB is cut at every byte. */
export const framings = Object.keys(LENGTHS)
