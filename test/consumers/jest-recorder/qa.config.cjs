const net = require('node:net');
const { connection, defineBinding, defineConfig, fromEnv } = require('@qa/jest-preset');

/** A user's own binding: says what happens to a server that writes it down. */
const recorder = defineBinding({
  kind: 'recorder',
  parse: ({ address }) => ({ address }),
  withAddress: (_, address) => ({ address }),
  describe: ({ address }) => ({ address: `recorder://${address}` }),
  open({ address }) {
    const [host, port] = address.split(':');
    const socket = net.connect({ host, port: Number(port) });
    const waiting = [];
    socket.setEncoding('utf8').on('data', (text) => {
      for (const answer of text.split('\n').filter(Boolean)) waiting.shift()(answer);
    });
    socket.unref();
    const say = (line) =>
      new Promise((resolve, reject) => {
        waiting.push((answer) => (answer === 'ok' ? resolve() : reject(new Error(`${line} was refused`))));
        socket.write(`${line}\n`);
      });
    return new Promise((resolve, reject) => {
      socket.once('connect', () => resolve({ socket, say }));
      socket.once('error', (error) =>
        reject(new Error(`recorder://${address}: ${error.message}. Start the recorder.`)),
      );
    });
  },
  health: async () => ({ version: '1', latency: 0, identity: 'nobody' }),
  ownership: async () => ({ owned: true, by: 'throwaway', because: 'the test started it' }),
  reset: async ({ say }) => ({
    reset: () => say('reset'),
    push: () => say('baseline'),
    pop: () => void say('pop'),
    close: async () => {},
  }),
  close: ({ socket }) => new Promise((resolve) => socket.end(resolve)),
  handle: (opened) => ({
    say: (line) => opened().client.say(line),
  }),
});

module.exports = defineConfig({
  connections: { rec: connection(recorder, { address: fromEnv('RECORDER') }) },
  tags: process.env.DECLARED ? process.env.DECLARED.split(',') : undefined,
  afterReset: (qa) => (process.env.AFTER_RESET ? qa.rec.say('afterReset') : undefined),
});
