/** Server-sent events by `fetch`, which, unlike `EventSource`, can say who asks. Tries again for ever, ever later. */

const FIRST_PAUSE_MS = 1000
const LONGEST_PAUSE_MS = 15_000
/** An event that does not end is none. */
const LONGEST_EVENT = 16 * 1024 * 1024

/** How it goes. `'refused'`: the token is missing or wrong, and trying again does not help. */
export type FeedState = 'connecting' | 'live' | 'lost' | 'refused'

/** Reads events until `signal` aborts, or the token is refused. */
export async function readEvents(
  url: string,
  {
    token,
    signal,
    onEvent,
    onState,
  }: { token: string; signal: AbortSignal; onEvent: (data: unknown) => void; onState: (state: FeedState) => void },
): Promise<void> {
  let pause = FIRST_PAUSE_MS
  onState('connecting')
  while (!signal.aborted) {
    try {
      const response = await fetch(url, { headers: { authorization: `Bearer ${token}` }, cache: 'no-store', signal })
      if (response.status === 401) return onState('refused')
      if (!response.ok || response.body === null) throw new Error(`status ${response.status}`)
      let text = ''
      for await (const part of partsOf(response.body)) {
        const events = (text + part).split('\n\n')
        text = events.pop() ?? ''
        if (text.length > LONGEST_EVENT) throw new Error('an event without end')
        for (const event of events) {
          // Lines end as the format says; inside of strings JSON leaves what others take for line ends.
          const data = event
            .split('\n')
            .find(line => line.startsWith('data: '))
            ?.slice('data: '.length)
          if (data !== undefined) tell(JSON.parse(data), onEvent)
        }
        pause = FIRST_PAUSE_MS
        onState('live')
      }
    } catch {
      // It is tried again.
    }
    if (signal.aborted) return
    onState('lost')
    await new Promise(resolve => setTimeout(resolve, pause))
    pause = Math.min(LONGEST_PAUSE_MS, pause * 2)
  }
}

async function* partsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  for (;;) {
    const { value, done } = await reader.read()
    if (done) return
    yield decoder.decode(value, { stream: true })
  }
}

/** What goes wrong with one event is no fault of the connection. */
function tell(data: unknown, onEvent: (data: unknown) => void): void {
  try {
    onEvent(data)
  } catch (error) {
    reportError(error)
  }
}
