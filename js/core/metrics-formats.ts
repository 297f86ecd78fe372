/** The text formats, as the core calls them. */
export const FORMATS = { prometheus: 0, openmetrics: 1, 'prom-client': 2 } as const

/** One of them. */
export type CoreFormat = keyof typeof FORMATS
