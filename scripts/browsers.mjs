// The browsers that tests may use. None is downloaded by itself: what the system has is what there is.

import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { toolEnv } from './toolchain.mjs'

const MAC = '/Applications'

/** `{ browser, driver }` of Chromium, either undefined when it is not here. SHELFLIFE_CHROMIUM and SHELFLIFE_CHROMEDRIVER name others. */
export function chromium() {
  return {
    browser:
      process.env.SHELFLIFE_CHROMIUM ??
      which(
        'chromium',
        'chromium-browser',
        'google-chrome',
        'google-chrome-stable',
        `${MAC}/Google Chrome.app/Contents/MacOS/Google Chrome`,
      ),
    driver: process.env.SHELFLIFE_CHROMEDRIVER ?? which('chromedriver'),
  }
}

/** The same for Firefox. */
export function firefox() {
  return {
    browser: process.env.SHELFLIFE_FIREFOX ?? which('firefox', 'firefox-esr', `${MAC}/Firefox.app/Contents/MacOS/firefox`),
    driver: process.env.SHELFLIFE_GECKODRIVER ?? which('geckodriver'),
  }
}

/** The same for WebKit (WebKitGTK's MiniBrowser), and what gives it a display. */
export function webkit() {
  const folders = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/libexec'].map(folder => `${folder}/webkit2gtk-4.1`)
  const display = which('xvfb-run')
  return {
    browser: process.env.SHELFLIFE_WEBKIT ?? which(...folders.map(folder => `${folder}/MiniBrowser`)),
    driver: display === undefined ? undefined : (process.env.SHELFLIFE_WEBKITDRIVER ?? which('WebKitWebDriver')),
    display,
  }
}

/**
 * The first of these programs that can be run, with its whole path.
 * @param {...string} names
 */
export function which(...names) {
  const folders = toolEnv().PATH.split(delimiter)
  for (const name of names) {
    for (const file of name.startsWith('/') ? [name] : folders.map(folder => join(folder, name))) {
      try {
        accessSync(file, constants.X_OK)
        return file
      } catch {
        // Not here; the next one may be.
      }
    }
  }
  return undefined
}
