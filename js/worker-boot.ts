/** The script of workers that are told which module their handler is in. */

import { serveModule } from './batch/workers/serve.ts'

serveModule(url => import(/* @vite-ignore */ /* webpackIgnore: true */ url))
