# Asks a name server over UDP and prints one answer a line. Arguments: SERVER NAME TYPE; TYPE is A or PTR.
import ipaddress, socket, struct, sys

TYPES = {"A": 1, "PTR": 12}


def name_at(data, at):
    labels, end = [], None
    while data[at]:
        if data[at] & 0xC0:
            end = end or at + 2
            at = struct.unpack(">H", data[at:at + 2])[0] & 0x3FFF
        else:
            labels.append(data[at + 1:at + 1 + data[at]].decode())
            at += 1 + data[at]
    return ".".join(labels), end or at + 1


server, name, wanted = sys.argv[1:]
if wanted == "PTR":
    name = ipaddress.ip_address(name).reverse_pointer
labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
question = struct.pack(">6H", 1, 0x100, 1, 0, 0, 1) + labels + struct.pack(">B2H", 0, TYPES[wanted], 1)
# The size that fmc's HAProxy announces (EDNS, RFC 6891).
question += struct.pack(">B2HIH", 0, 41, 1232, 0, 0)
ask = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
ask.settimeout(5)
ask.sendto(question, (server, 53))
data = ask.recv(4096)
flags, _, count = struct.unpack(">3H", data[2:8])
if flags & 0x200:
    sys.exit("the answer is cut")
at = name_at(data, 12)[1] + 4
for _ in range(count):
    at = name_at(data, at)[1]
    kind, _, _, length = struct.unpack(">2HIH", data[at:at + 10])
    at += 10
    if kind == 1:
        print(ipaddress.ip_address(data[at:at + length]))
    elif kind == 12:
        print(name_at(data, at)[0])
    at += length
