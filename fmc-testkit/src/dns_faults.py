"""A server of one zone that gives it away wrongly, as its argument says. It prints its port first."""

import base64
import hashlib
import hmac
import socket
import struct
import sys
import time

fault, secret = sys.argv[1], base64.b64decode(sys.argv[2])
ALGORITHM = b"\x0bhmac-sha256\x00"


def wire(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label) + b"\x00"


def end(message, at):
    while message[at]:
        at += message[at] + 1
    return at + 1


def record(owner, kind, data, ttl=300):
    return wire(owner) + struct.pack("!HHIH", kind, 1, ttl, len(data)) + data


def tsig(query):
    """The place of the last record, which is the key's."""
    questions, *others = struct.unpack("!HHHH", query[4:12])
    at = 12
    for _ in range(questions):
        at = end(query, at) + 4
    last = at
    for _ in range(sum(others)):
        last, after = at, end(query, at)
        at = after + 10 + struct.unpack("!H", query[after + 8 : after + 10])[0]
    return last


def soa(zone, serial=1):
    return record(zone, 6, wire("ns." + zone) + wire("a." + zone) + struct.pack("!IIIII", serial, 1, 1, 1, 1))


def message(number, records, code=0):
    return struct.pack("!HHHHHH", number, 0x8400 | code, 0, len(records), 0, 0) + b"".join(records)


class Signer:
    def __init__(self, key, mac):
        self.key, self.mac, self.between, self.first = key, mac, b"", True

    def unsigned(self, text):
        self.between += text
        return text

    def signed(self, text, error=0, now=None, other=b""):
        now = struct.pack("!Q", int(time.time() if now is None else now))[2:]
        fudge = struct.pack("!H", 300)
        digest = struct.pack("!H", len(self.mac)) + self.mac + self.between + text
        if self.first:
            digest += self.key + struct.pack("!HI", 255, 0) + ALGORITHM + now + fudge
            digest += struct.pack("!HH", error, len(other)) + other
        else:
            digest += now + fudge
        mac = hmac.new(secret, digest, hashlib.sha256).digest()
        self.mac, self.between, self.first = mac, b"", False
        data = ALGORITHM + now + fudge + struct.pack("!H", len(mac)) + mac + text[:2]
        data += struct.pack("!HH", error, len(other)) + other
        tsig = self.key + struct.pack("!HHIH", 250, 255, 0, len(data)) + data
        count = struct.unpack("!H", text[10:12])[0] + 1
        return text[:10] + struct.pack("!H", count) + text[12:] + tsig


def serve(connection):
    (length,) = struct.unpack("!H", connection.recv(2, socket.MSG_WAITALL))
    query = connection.recv(length, socket.MSG_WAITALL)
    (number,) = struct.unpack("!H", query[:2])
    is_update = query[2] >> 3 & 15 == 5
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode())
        at += query[at] + 1
    zone = ".".join(labels)
    place = tsig(query)
    key = query[place : end(query, place)]
    data = end(query, place) + 10 + len(ALGORITHM) + 8
    (size,) = struct.unpack("!H", query[data : data + 2])
    signer = Signer(key, query[data + 2 : data + 2 + size])

    def send(text):
        connection.sendall(struct.pack("!H", len(text)) + text)

    def host(place):
        return record("host%d.%s" % (place, zone), 1, bytes([192, 0, 2, place % 250]))

    begin = message(number, [soa(zone), host(0)])
    last = message(number, [soa(zone)])
    def refuse(code, error=0, other=b""):
        text = struct.pack("!HHHHHH", number, 0xA800 | code, 0, 0, 0, 0)
        return signer.signed(text, error, other=other)

    if fault.startswith("update-") and not is_update:
        send(signer.signed(message(number, [soa(zone), soa(zone)])))
    elif fault == "update-notauth":
        send(struct.pack("!HHHHHH", number, 0xA809, 0, 0, 0, 0))
    elif fault == "update-badtime":
        send(refuse(9, 18, struct.pack("!Q", int(time.time()) + 1000)[2:]))
    elif fault == "update-refused":
        send(refuse(5))
    elif fault == "update-changed":
        send(refuse(8))
    elif fault == "update-unsigned":
        send(struct.pack("!HHHHHH", number, 0xA800, 0, 0, 0, 0))
    elif fault == "update-forged":
        send(refuse(0)[:-8] + b"\x00" * 8)
    elif fault == "update-cut":
        return
    elif fault == "unsigned-between" or fault == "too-many-unsigned":
        send(signer.signed(begin))
        for place in range(1, 60 if fault == "unsigned-between" else 110):
            send(signer.unsigned(message(number, [host(place)])))
        send(signer.signed(last))
    elif fault == "last-unsigned":
        send(signer.signed(begin))
        send(signer.unsigned(last))
    elif fault == "unsigned":
        send(message(number, [soa(zone), host(0), soa(zone)]))
    elif fault == "forged":
        send(signer.signed(begin)[:-8] + b"\x00" * 8)
        send(signer.signed(last))
    elif fault == "other-soa":
        send(signer.signed(begin))
        send(signer.signed(message(number, [soa(zone, 2)])))
    elif fault == "soa-of-another-zone":
        send(signer.signed(message(number, [soa("example.org")])))
    elif fault == "no-soa":
        send(signer.signed(message(number, [host(0), soa(zone)])))
    elif fault == "empty":
        send(signer.signed(message(number, [])))
    elif fault == "cut":
        send(signer.signed(begin))
    elif fault == "notauth":
        send(message(number, [], 9))
    elif fault == "refused":
        send(message(number, [], 5))
    elif fault == "badtime":
        now = int(time.time()) + 1000
        other = struct.pack("!Q", now)[2:]
        send(signer.signed(message(number, [], 9), 18, now - 1000, other))
    elif fault == "no-dns":
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    elif fault == "loop":
        pointer = struct.pack("!H", 0xC000 | 12 + len(soa(zone)))
        send(signer.signed(message(number, [soa(zone), pointer + struct.pack("!HHIH", 1, 1, 1, 4) + b"\x01\x02\x03\x04"])))
    else:
        sys.exit("what is " + fault + "?")


listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", 0))
listener.listen(16)
print(listener.getsockname()[1], flush=True)
while True:
    connection, _ = listener.accept()
    with connection:
        try:
            serve(connection)
        except (ConnectionError, struct.error):
            pass
