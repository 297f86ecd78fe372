/** Buttons and the slider. What a button did is announced in the status line. */

import type { Client } from './client.ts'
import { place, showText } from './dashboard/dom.ts'
import { faultsAreOn, switchFaults } from './origin-control.ts'
import type { Stream } from './workload.ts'

/** Makes the controls work. */
export function controls(client: Client, stream: Stream): { turnTraffic(on: boolean): void } {
  const button = (action: string) => place<HTMLButtonElement>(`button[data-action="${action}"]`)
  const say = (text: string) => showText(place('[data-text="status"]'), text)
  const press = (of: HTMLButtonElement, on: boolean) => of.setAttribute('aria-pressed', String(on))

  const traffic = button('traffic')
  const turnTraffic = (on: boolean) => {
    if (on) stream.start()
    else stream.stop()
    press(traffic, on)
  }
  traffic.addEventListener('click', () => {
    turnTraffic(!stream.running)
    say(stream.running ? 'Traffic runs' : 'Traffic stands still')
  })

  const rate = place<HTMLInputElement>('#rate')
  const takeRate = () => {
    stream.rate = rate.valueAsNumber
    showText(place('[data-text="rate"]'), rate.value)
  }
  rate.addEventListener('input', takeRate)
  takeRate()

  const faults = button('faults')
  onPress(faults, async () => {
    const on = faults.getAttribute('aria-pressed') !== 'true'
    await switchFaults(on)
    press(faults, on)
    say(on ? 'The origin fails, stalls and breaks off now' : 'The origin behaves again')
  })
  const pressure = button('pressure')
  onPress(pressure, async () => {
    const on = pressure.getAttribute('aria-pressed') !== 'true'
    client.press(on)
    press(pressure, on)
    say(on ? 'Memory is scarce now: a governor takes some back' : 'Memory is as large as it was')
  })
  onPress(button('clear-memory'), async () => {
    await client.clearMemory()
    say('Memory is empty; IndexedDB answers')
  })
  onPress(button('clear-all'), async () => {
    await client.clearAll()
    say('Memory and IndexedDB are empty')
  })

  void faultsAreOn().then(
    on => press(faults, on),
    () => say('The origin does not answer'),
  )
  return { turnTraffic }

  /** One press at a time; a failure is said, not swallowed. */
  function onPress(of: HTMLButtonElement, act: () => Promise<void>): void {
    let busy = false
    of.addEventListener('click', async () => {
      if (busy) return
      busy = true
      try {
        await act()
      } catch (error) {
        say(`That did not work: ${error instanceof Error ? error.message : String(error)}`)
      }
      busy = false
    })
  }
}
