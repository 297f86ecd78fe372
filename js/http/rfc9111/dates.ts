/** The three forms of a date in HTTP (RFC 9110, section 5.6.7), and nothing that merely looks like one. */

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
// Written out: what is put together when the module is loaded stays in bundles that do not use it.
const FIXED = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (\d\d) (\w{3}) (\d{4}) ([01]\d|2[0-3]):([0-5]\d):([0-5]\d|60) GMT$/
const RFC_850 = /^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (\d\d)-(\w{3})-(\d\d) ([01]\d|2[0-3]):([0-5]\d):([0-5]\d|60) GMT$/
const ASCTIME = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (\w{3}) ([ \d]\d) ([01]\d|2[0-3]):([0-5]\d):([0-5]\d|60) (\d{4})$/

/** Milliseconds since 1970; `undefined` for what is no date. A year of two digits is at most 50 years after `now`. */
export function parseHttpDate(text: string, now: number): number | undefined {
  const fixed = FIXED.exec(text)
  if (fixed !== null) return instant(fixed[3], fixed[2], fixed[1], fixed.slice(4))
  const short = RFC_850.exec(text)
  if (short !== null) return instant(fullYear(Number(short[3]), now), short[2], short[1], short.slice(4))
  const asctime = ASCTIME.exec(text)
  if (asctime !== null) return instant(asctime[6], asctime[1], asctime[2], asctime.slice(3, 6))
  return undefined
}

function fullYear(short: number, now: number): number {
  const thisYear = new Date(now).getUTCFullYear()
  const year = thisYear - (thisYear % 100) + short
  return year > thisYear + 50 ? year - 100 : year
}

function instant(
  year: string | number | undefined,
  name: string | undefined,
  day: string | undefined,
  time: (string | undefined)[],
): number | undefined {
  const month = MONTHS.indexOf(name ?? '')
  const [hours = 0, minutes = 0, seconds = 0] = time.map(Number)
  // `Date.UTC` takes years up to 99 for those of the last century.
  const midnight = new Date(0).setUTCFullYear(Number(year), month, Number(day))
  // A day that the month does not have comes out as one of the next.
  if (month < 0 || new Date(midnight).getUTCDate() !== Number(day)) return undefined
  return midnight + ((hours * 60 + minutes) * 60 + seconds) * 1000
}
