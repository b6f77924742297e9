"""A time server for guests without access to another. It serves this machine's time.

The parts of RFC 5905 that a client checks: version 4, server, stratum 1, the client's own time stamp sent back.
"""

import socket
import struct
import time

# From 1900 to 1970, in seconds.
ERA = 2208988800


def stamp():
    now = time.time()
    return struct.pack("!II", (int(now) + ERA) & 0xFFFFFFFF, int(now % 1 * 2**32))


with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
    server.bind(("", 123))
    while True:
        asked, client = server.recvfrom(1024)
        if len(asked) < 48:
            continue
        received = stamp()
        head = struct.pack("!BBBbII4s", 0x24, 1, asked[2], -20, 0, 0, b"TEST")
        server.sendto(head + received + asked[40:48] + received + stamp(), client)
        print(client[0], flush=True)
