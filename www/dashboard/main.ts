/** The page that an admin handler serves: the board, fed by its events. The token comes in the fragment, which no server is told. */

import { Board, type News } from './board.ts'
import { place, showText } from './dom.ts'
import { type FeedState, readEvents } from './sse.ts'
import { themeButton } from './theme.ts'

const KEPT = 'shelflife:token'
const STATES: Readonly<Record<FeedState, string>> = {
  connecting: 'Connecting…',
  live: 'Live',
  lost: 'Not connected; trying again',
  refused: 'The token is missing or wrong: open the page with #token=… at the end of its address.',
}

const board = new Board()
place('[data-place="choices"]').append(board.choices)
place('main').append(board.element)
themeButton(place<HTMLButtonElement>('button[data-action="theme"]'))

const token = takeToken()
const form = place<HTMLFormElement>('form')
form.addEventListener('submit', event => {
  event.preventDefault()
  location.hash = `token=${encodeURIComponent(place<HTMLInputElement>('#token').value)}`
  location.reload()
})
void readEvents('events', {
  token,
  signal: new AbortController().signal,
  onState(state) {
    const status = place('[data-text="status"]')
    showText(status, STATES[state])
    status.dataset.mark = state === 'live' ? 'good' : state === 'connecting' ? 'idle' : 'bad'
    form.hidden = state !== 'refused'
    place('main').dataset.state = state
  },
  onEvent(data) {
    const { canWrite, ...news } = data as News & { canWrite: boolean }
    const own = news.snapshots[0]?.id
    board.apply = canWrite ? (client, id) => apply(client.id === own, id) : undefined
    board.take(news)
  },
})

async function apply(isOwn: boolean, id: string): Promise<void> {
  if (!isOwn) throw new Error('that client is not the one that serves this page')
  const response = await fetch(`recommendations/${encodeURIComponent(id)}/apply`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
  })
  if (response.ok) return
  const { error } = (await response.json()) as { error: { message: string } }
  throw new Error(error.message)
}

/** Out of the address, so that it is neither bookmarked nor seen; kept for this tab. */
function takeToken(): string {
  const given = new URLSearchParams(location.hash.slice(1)).get('token')
  if (given !== null) {
    sessionStorage.setItem(KEPT, given)
    history.replaceState(null, '', location.pathname)
  }
  return given ?? sessionStorage.getItem(KEPT) ?? ''
}
