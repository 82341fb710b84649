#!/usr/bin/env python3
"""A proxy that loses responses, for testing the clients of docs/clients.md. It forwards to the server at the given
address, and cuts each connection when the server starts to answer the second call on it (on the first connection: the
first call). At that moment the server has finished the call, but the client does not know it and must repeat the call on
the next connection. Prints its own port when it starts, and the number of lost responses when it ends."""

import asyncio
import signal
import sys

HEADERS = 1
HOST, PORT = sys.argv[1].rsplit(":", 1)
connections = lost = 0


async def copy_requests(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


async def copy_answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answers: int) -> None:
    """Copies HTTP/2 frames of the first `answers` streams, and stops at the HEADERS of the next stream."""
    global lost
    answered = set()
    while head := await reader.read(1):
        head += await reader.readexactly(8)
        length, kind, stream = int.from_bytes(head[:3]), head[3], int.from_bytes(head[5:]) & 0x7FFFFFFF
        if kind == HEADERS:
            answered.add(stream)
            if len(answered) > answers:
                lost += 1
                return
        writer.write(head + await reader.readexactly(length))
        await writer.drain()


async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    global connections
    answers = min(connections, 1)
    connections += 1
    to_server, server = await asyncio.open_connection(HOST, PORT)
    both = [copy_requests(reader, server), copy_answers(to_server, writer, answers)]
    await asyncio.wait([asyncio.create_task(one) for one in both], return_when=asyncio.FIRST_COMPLETED)
    for end in (writer, server):
        end.transport.abort()


async def main() -> None:
    listener = await asyncio.start_server(connect, "127.0.0.1", 0)
    print(listener.sockets[0].getsockname()[1], flush=True)
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    await stopped.wait()
    print(lost)


asyncio.run(main())
