// Node's ws, sending each text frame it receives to every connection.
const { WebSocketServer } = require('ws');

const server = new WebSocketServer({ host: '127.0.0.1', port: Number(process.argv[2]), perMessageDeflate: false });
server.on('connection', (socket) => {
  socket.on('message', (data) => {
    for (const receiver of server.clients) receiver.send(data, { binary: false });
  });
});
