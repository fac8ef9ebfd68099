// Node's ws with what a router in one process does: parse, dispatch by type, stringify the answer.
const { WebSocketServer } = require('ws');

const handlers = {
  request_workspace_analysis: (message) => ({ type: 'workspace_analysis', id: message.id, payload: message.payload }),
};

const server = new WebSocketServer({ host: '127.0.0.1', port: Number(process.argv[2]), perMessageDeflate: false });
server.on('connection', (socket) => {
  socket.on('message', (data) => {
    const message = JSON.parse(data);
    const handler = handlers[message.type];
    socket.send(JSON.stringify(handler ? handler(message) : { type: 'error' }));
  });
});
