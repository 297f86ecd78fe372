/** A reader of the Prometheus text format 0.0.4, written from its description and sharing nothing with the writer. */

export interface Sample {
  name: string
  labels: Map<string, string>
  value: number
}

export interface Family {
  type: string
  help: string
  samples: Sample[]
}

/** Reads a whole text; throws at the first line that the format does not allow. */
export function parseText(text: string): Map<string, Family> {
  const families = new Map<string, Family>()
  if (text !== '' && !text.endsWith('\n')) throw new Error('the last line must end with a line feed')
  let help: { name: string; text: string } | undefined
  for (const line of text.split('\n').slice(0, -1)) {
    if (line.startsWith('# HELP ')) {
      const [, name = '', rest = ''] = /^# HELP (\S+) (.*)$/s.exec(line) ?? []
      help = { name, text: unescaped(rest, false) }
    } else if (line.startsWith('# TYPE ')) {
      const [, name = '', type = ''] = /^# TYPE (\S+) (counter|gauge|histogram|summary)$/.exec(line) ?? []
      if (name === '' || families.has(name)) throw new Error(`bad or second TYPE: ${line}`)
      families.set(name, { type, help: help?.name === name ? help.text : '', samples: [] })
    } else {
      const sample = parseSample(line)
      const family = families.get(sample.name) ?? families.get(sample.name.replace(/_(bucket|sum|count)$/, ''))
      if (family === undefined) throw new Error(`a sample without TYPE: ${line}`)
      family.samples.push(sample)
    }
  }
  return families
}

function parseSample(line: string): Sample {
  let at = 0
  const take = (pattern: RegExp): string => {
    pattern.lastIndex = at
    const found = pattern.exec(line)
    if (found === null) throw new Error(`cannot read ${JSON.stringify(line)} at ${at}`)
    at += found[0].length
    return found[0]
  }
  const name = take(/[a-zA-Z_:][a-zA-Z0-9_:]*/y)
  const labels = new Map<string, string>()
  if (line[at] === '{') {
    do {
      at += 1
      const label = take(/[a-zA-Z_][a-zA-Z0-9_]*/y)
      const value = unescaped(take(/="(?:[^"\\\n]|\\["\\n])*"/y).slice(2, -1), true)
      if (labels.has(label)) throw new Error(`label ${label} twice`)
      labels.set(label, value)
    } while (line[at] === ',')
    take(/\}/y)
  }
  take(/ /y)
  const number = line.slice(at)
  if (!/^(NaN|[+-]Inf|-?\d+(\.\d+)?(e-?\d+)?)$/.test(number)) throw new Error(`not a number: ${number}`)
  return { name, labels, value: Number(number.replace('Inf', 'Infinity')) }
}

function unescaped(text: string, quotes: boolean): string {
  return text.replace(/\\(.)/g, (sequence, code: string) => {
    if (code === 'n') return '\n'
    if (code === '\\' || (quotes && code === '"')) return code
    throw new Error(`unknown escape ${sequence}`)
  })
}
