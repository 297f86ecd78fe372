// An origin that costs next to nothing: answers every request it can see the end of with the same JSON. Says its port, then, when asked, how many
// requests and sockets it has seen.

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

const seen = { requests: 0, sockets: 0, most: 0 }
const server = createServer({ noDelay: true }, socket => {
  seen.sockets += 1
  seen.most = Math.max(seen.most, seen.sockets)
  socket.on('close', () => {
    seen.sockets -= 1
  })
  socket.on('error', () => undefined)
  let rest = ''
  socket.setEncoding('latin1')
  socket.on('data', text => {
    rest += text
    let answers = 0
    for (let end = rest.indexOf(END); end >= 0; end = rest.indexOf(END)) {
      rest = rest.slice(end + END.length)
      answers += 1
    }
    seen.requests += answers
    if (answers > 0) socket.write(ANSWER.repeat(answers))
  })
})
server.listen(0, '127.0.0.1', 16_384, () => process.send({ port: server.address().port }))
process.on('message', () => {
  process.send(seen)
  seen.requests = 0
  seen.most = seen.sockets
})
process.on('disconnect', () => process.exit())
