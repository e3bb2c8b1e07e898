"""h11, the parser behind httpx and uvicorn: answers each request with what it understood of it."""
import socket
import sys
import threading

import h11


def serve(client):
    pending = b""
    while True:
        reader = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
        if pending:
            reader.receive_data(pending)
        request, body = None, []
        while True:
            try:
                event = reader.next_event()
            except h11.RemoteProtocolError as error:
                reason = str(error).encode("latin-1", "replace").replace(b"\n", b" ")
                client.sendall(b"HTTP/1.1 400 %s\r\nContent-Length: 0\r\n\r\n" % reason[:200])
                return
            if event is h11.NEED_DATA:
                data = client.recv(1 << 16)
                reader.receive_data(data)
            elif isinstance(event, h11.Request):
                request = event
            elif isinstance(event, h11.Data):
                body.append(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage):
                break
            else:
                return
        pending = reader.trailing_data[0]
        host = b",".join(value for name, value in request.headers if name == b"host")
        seen = b"%s %s %s\n" % (request.method, request.target, host) + b"".join(body)
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n" % len(seen)
        if request.method == b"HEAD":
            client.sendall(head + b"Seen: " + seen.hex().encode() + b"\r\n\r\n")
        else:
            client.sendall(head + b"\r\n" + seen)


def guarded(client):
    with client:
        try:
            serve(client)
            client.shutdown(socket.SHUT_WR)
            while client.recv(1 << 16):
                pass
        except OSError:
            pass


with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as listener:
    while True:
        client, _ = listener.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=guarded, args=(client,), daemon=True).start()
