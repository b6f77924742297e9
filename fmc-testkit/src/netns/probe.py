"""Listens on many ports, or asks many: `probe.py listen NAME tcp:80 udp:53 …`, or `probe.py ask SECONDS` with JSON on standard input."""

import asyncio
import errno
import json
import os
import socket
import struct
import sys

# The time in which an open connection may tell its name: a real service waits for the client to speak.
FIRST_WORD = 0.3
UDP_AGAIN = 0.2


def bound(family, kind, port):
    made = socket.socket(family, kind)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    made.bind(("::" if family == socket.AF_INET6 else "0.0.0.0", port))
    made.setblocking(False)
    return made


def answer_datagram(listener, name):
    """Answers from the address that was asked, which routing would not always choose."""
    v6 = listener.family == socket.AF_INET6
    asked, control, _, client = listener.recvmsg(2048, 256)
    reply = []
    for level, kind, value in control:
        if v6 and (level, kind) == (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO):
            reply.append((level, kind, value[:16] + struct.pack("@I", 0)))
        elif not v6 and (level, kind) == (socket.IPPROTO_IP, IP_PKTINFO):
            reply.append((level, kind, struct.pack("@I", 0) + value[8:12] + bytes(4)))
    listener.sendmsg([asked + b" " + name], reply, 0, client)


# Python 3.11 has no constant for it; ip(7) of Linux.
IP_PKTINFO = 8


async def listen(name, ports):
    loop = asyncio.get_running_loop()
    families = [socket.AF_INET] + ([socket.AF_INET6] if os.path.exists("/proc/net/if_inet6") else [])

    async def greet(_, writer):
        writer.write(name)
        writer.close()

    for family in families:
        for port in ports:
            protocol, number = port.split(":")
            if protocol == "tcp":
                await asyncio.start_server(greet, sock=bound(family, socket.SOCK_STREAM, int(number)), backlog=64)
            else:
                listener = bound(family, socket.SOCK_DGRAM, int(number))
                if family == socket.AF_INET6:
                    listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
                else:
                    listener.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
                loop.add_reader(listener, answer_datagram, listener, name)
    print("listens", flush=True)
    await loop.create_future()


async def ask_tcp(address, port):
    reader, writer = await asyncio.open_connection(address, port)
    try:
        said = await asyncio.wait_for(reader.read(256), FIRST_WORD)
    except (TimeoutError, asyncio.TimeoutError, ConnectionError):
        said = b""
    writer.close()
    return said


async def ask_udp(address, port):
    loop = asyncio.get_running_loop()
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as asking:
        asking.setblocking(False)
        asking.connect((address, port))
        nonce = os.urandom(8).hex().encode()
        while True:
            await loop.sock_sendall(asking, nonce)
            try:
                said = await asyncio.wait_for(loop.sock_recv(asking, 2048), UDP_AGAIN)
            except (TimeoutError, asyncio.TimeoutError):
                continue
            if said.startswith(nonce + b" "):
                return said[len(nonce) + 1 :]


async def ask_one(target, seconds):
    ask = ask_tcp if target["protocol"] == "tcp" else ask_udp
    try:
        said = await asyncio.wait_for(ask(target["address"], target["port"]), seconds)
    except (TimeoutError, asyncio.TimeoutError):
        return "silent"
    except ConnectionRefusedError:
        return "refused"
    except OSError as error:
        if error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EACCES, errno.EPERM):
            return "unreachable"
        if error.errno == errno.ETIMEDOUT:
            return "silent"
        raise
    return {"open": said.decode("utf-8", "replace")}


async def ask(seconds, targets):
    return await asyncio.gather(*(ask_one(target, seconds) for target in targets))


if sys.argv[1] == "listen":
    asyncio.run(listen(sys.argv[2].encode(), sys.argv[3:]))
else:
    print(json.dumps(asyncio.run(ask(float(sys.argv[2]), json.load(sys.stdin)))))
