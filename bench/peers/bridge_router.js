// The front of the usual bridge: Node's ws, and ZeroMQ to a Python process, JSON on each hop.
// Arguments: port, ZeroMQ endpoint.
const { WebSocketServer } = require('ws');
const zmq = require('zeromq');

const [port, endpoint] = process.argv.slice(2);
const bridge = new zmq.Dealer({ sendHighWaterMark: 100000, receiveHighWaterMark: 100000 });
bridge.connect(endpoint);

const waiting = new Map();
const queue = [];
let correlation = 0;
let sending = false;

async function drain() {
  sending = true;
  while (queue.length) await bridge.send(queue.shift());
  sending = false;
}

async function receive() {
  for await (const [frame] of bridge) {
    const reply = JSON.parse(frame);
    const socket = waiting.get(reply.correlation);
    waiting.delete(reply.correlation);
    if (socket) socket.send(JSON.stringify(reply.body));
  }
}

const server = new WebSocketServer({ host: '127.0.0.1', port: Number(port), perMessageDeflate: false });
server.on('connection', (socket) => {
  socket.on('message', (data) => {
    const body = JSON.parse(data);
    if (!body.type) return socket.send('{"type":"error"}');
    correlation += 1;
    waiting.set(correlation, socket);
    queue.push(JSON.stringify({ correlation, module: 'backend.api.unified_vision_handler', body }));
    if (!sending) drain();
  });
});
receive();
