// Node's own HTTP server: answers each request with what it understood of it.
const http = require('http');
const server = http.createServer({ maxHeaderSize: 262144, requestTimeout: 0, headersTimeout: 0 });
server.keepAliveTimeout = 0;
server.maxRequestsPerSocket = 0;
server.on('request', (request, response) => {
  const pieces = [];
  request.on('data', (piece) => pieces.push(piece));
  request.on('end', () => {
    const host = request.headers.host ?? '';
    const line = Buffer.from(`${request.method} ${request.url} ${host}\n`, 'latin1');
    const seen = Buffer.concat([line, ...pieces]);
    const fields = { 'Content-Length': seen.length };
    if (request.method === 'HEAD') fields.Seen = seen.toString('hex');
    response.writeHead(200, fields);
    response.end(request.method === 'HEAD' ? undefined : seen);
  });
});
server.listen(Number(process.argv[2]), '127.0.0.1');
