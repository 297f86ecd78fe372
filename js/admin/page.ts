/** The files of the dashboard, by name. The build puts in those of `www/dashboard`; from source there are none. */

/** One file. */
export interface PageFile {
  readonly type: string
  readonly body: string
}

export const FILES: Readonly<Record<string, PageFile>> = {}
