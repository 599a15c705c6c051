"""2,000 distinct HTTP targets in one process: as many loopback addresses, answered from one epoll loop.

`python -m tests.benchmarks._targets COUNT PORT` says `ready`, then answers each line on standard input with how many
requests it has served; it ends when standard input does.
"""

import resource
import select
import socket
import sys

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n"
_KEPT, _LAST = _HEAD + b"\r\nok", _HEAD + b"Connection: close\r\n\r\nok"


def address(number: int) -> str:
    """The address of one target."""
    return f"127.77.{number // 250}.{number % 250 + 1}"


def main() -> None:
    """Serve until standard input ends."""
    count, port = int(sys.argv[1]), int(sys.argv[2])
    room_for_descriptors()
    epoll = select.epoll()
    listeners, clients = _listen(count, port, epoll), dict[int, socket.socket]()
    epoll.register(0, select.EPOLLIN)
    served = 0
    print("ready", flush=True)
    while True:
        for descriptor, _ in epoll.poll():
            if descriptor == 0:
                if not sys.stdin.readline():
                    return
                print(served, flush=True)
            elif descriptor in listeners:
                _accept(listeners[descriptor], clients, epoll)
            else:
                served += _serve(clients, descriptor)


def room_for_descriptors() -> None:
    """A connection a target, and some."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _listen(count: int, port: int, epoll: select.epoll) -> dict[int, socket.socket]:
    listeners = {}
    for number in range(count):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address(number), port))
        listener.listen(64)
        listener.setblocking(False)
        listeners[listener.fileno()] = listener
        epoll.register(listener.fileno(), select.EPOLLIN)
    return listeners


def _accept(listener: socket.socket, clients: dict[int, socket.socket], epoll: select.epoll) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except BlockingIOError:
            return
        client.setblocking(False)
        clients[client.fileno()] = client
        epoll.register(client.fileno(), select.EPOLLIN)


def _serve(clients: dict[int, socket.socket], descriptor: int) -> bool:
    client = clients[descriptor]
    try:
        asked = client.recv(4096)
        last = b"onnection: close" in asked or b"HTTP/1.0" in asked
        if asked:
            client.send(_LAST if last else _KEPT)
    except OSError:
        asked, last = b"", True
    if last or not asked:
        del clients[descriptor]
        client.close()
    return bool(asked)


if __name__ == "__main__":
    main()
