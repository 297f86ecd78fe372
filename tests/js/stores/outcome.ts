/** What becomes of `work` while `pass` lets time pass: its value, or its error. Throws when it has not settled after `most` times. */
export async function outcomeOf<T>(work: Promise<T>, pass: () => Promise<unknown>, most: number): Promise<T | Error> {
  let outcome: { value: T | Error } | undefined
  work.then(
    value => {
      outcome = { value }
    },
    error => {
      outcome = { value: error }
    },
  )
  for (let passed = 0; outcome === undefined; passed += 1) {
    if (passed > most) throw new Error('it hangs')
    await pass()
  }
  return outcome.value
}
