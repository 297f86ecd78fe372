/** The switch for the origin's faults. */

const FAULTS = { fail: 0.3, stall: 0.1, reset: 0.15, truncate: 0.1, drip: 0.05 }

/** Makes the origin fail, or behave. */
export async function switchFaults(on: boolean): Promise<void> {
  const response = await fetch('control', { method: 'POST', body: JSON.stringify({ faults: on ? FAULTS : {} }) })
  if (!response.ok) throw new Error(await response.text())
}

/** Whether the origin is told to fail at the moment. */
export async function faultsAreOn(): Promise<boolean> {
  const { conditions } = (await (await fetch('control')).json()) as { conditions: { faults: Record<string, number> } }
  return Object.keys(conditions.faults).length > 0
}
