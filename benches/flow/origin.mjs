// An origin that costs next to nothing: answers every request it can see the end of with the same JSON. Says its port, then, when asked, how many
// requests it has seen since, and who had how many sockets.

import { createServer } from 'node:net'

const BODY = JSON.stringify({
  id: 7,
  name: 'Leipzig',
  country: 'DE',
  population: 504_971,
  location: [51.34, 12.37],
  tags: ['city', 'trade', 'music'],
})
const ANSWER = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncache-control: max-age=3600\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`
const END = '\r\n\r\n'

/** Sockets that are open now, and that were open at most, by who has them: the first part of the path. */
const sockets = {}
let requests = 0
const server = createServer({ noDelay: true }, socket => {
  let rest = ''
  let whose
  socket.on('close', () => {
    if (whose !== undefined) whose.open -= 1
  })
  socket.on('error', () => undefined)
  socket.setEncoding('latin1')
  socket.on('data', text => {
    rest += text
    whose ??= claimed(rest)
    let answers = 0
    for (let end = rest.indexOf(END); end >= 0; end = rest.indexOf(END)) {
      rest = rest.slice(end + END.length)
      answers += 1
    }
    requests += answers
    if (answers > 0) socket.write(ANSWER.repeat(answers))
  })
})

function claimed(text) {
  const name = text.split('/', 2)[1]
  sockets[name] ??= { open: 0, most: 0 }
  const whose = sockets[name]
  whose.open += 1
  whose.most = Math.max(whose.most, whose.open)
  return whose
}

server.listen(0, '127.0.0.1', 16_384, () => process.send({ port: server.address().port }))
process.on('message', () => {
  process.send({ requests, sockets })
  requests = 0
})
process.on('disconnect', () => process.exit())
