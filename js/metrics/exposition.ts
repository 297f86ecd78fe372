/** In which text format a scraper wants the numbers. */

/** The text formats; `'prom-client'` is `'prometheus'` with the bound of a bucket before its other labels. */
export type TextFormat = 'prometheus' | 'openmetrics' | 'prom-client'

/** Their media types. */
export const CONTENT_TYPES: Readonly<Record<TextFormat, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  'prom-client': 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
}

/**
 * What an `Accept` header prefers: OpenMetrics where it is asked for at least as much as plain text, otherwise the Prometheus format, which
 * everybody reads.
 */
export function textFormat(accept: string | null | undefined): TextFormat {
  let open = 0
  let plain = 0
  for (const range of (accept ?? '').toLowerCase().split(',')) {
    const [type = '', ...parameters] = range.split(';').map(part => part.trim())
    const version = parameters.find(parameter => parameter.startsWith('version='))?.slice(8)
    const weight = weightOf(parameters.find(parameter => parameter.startsWith('q=')))
    if (type === 'application/openmetrics-text' && (version === undefined || version === '1.0.0')) open = Math.max(open, weight)
    else if (type === 'text/plain' || type === 'text/*') plain = Math.max(plain, weight)
  }
  return open > 0 && open >= plain ? 'openmetrics' : 'prometheus'
}

function weightOf(parameter: string | undefined): number {
  if (parameter === undefined) return 1
  const weight = Number(parameter.slice(2))
  return weight >= 0 && weight <= 1 ? weight : 0
}
