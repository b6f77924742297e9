#!/usr/bin/python3
"""Tells the serial log what the guest is, as one line of JSON."""

import grp
import json
import os
import pathlib
import pwd
import stat
import subprocess

# What fmc and its users put there; data disks are mounted below /var/srv.
TREES = ["/opt", "/srv", "/var/srv"]
# Contents beyond this are told by their size alone.
MOST = 4096
# What the stand-in of K3s says of each start, one line of JSON for each.
K3S = pathlib.Path("/opt/k3s-report.jsonl")
# Units whose order tells who waited for whom, where they are.
UNITS = ["network-online.target", "time-sync.target", "systemd-time-wait-sync.service", "k3s.service", "k3s-agent.service"]


def said(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False).stdout


def named(find, number):
    try:
        return find(number)[0]
    except KeyError:
        return str(number)


def file(path):
    found = os.lstat(path)
    told = {
        "mode": stat.S_IMODE(found.st_mode),
        "owner": named(pwd.getpwuid, found.st_uid),
        "group": named(grp.getgrgid, found.st_gid),
    }
    if stat.S_ISREG(found.st_mode):
        told["size"] = found.st_size
        with open(path, "rb") as opened:
            told["contents"] = opened.read(MOST).decode("utf-8", "replace")
    elif stat.S_ISLNK(found.st_mode):
        told["target"] = os.readlink(path)
    return told


def files():
    told = {}
    for tree in TREES:
        for folder, folders, names in os.walk(tree):
            folders[:] = [name for name in folders if name != "lost+found"]
            for name in folders + names:
                path = os.path.join(folder, name)
                told[path] = file(path)
    return told


def interfaces():
    told = {}
    for link in json.loads(said("ip", "-json", "address")):
        if link["link_type"] != "ether":
            continue
        told[link["address"]] = {
            "name": link["ifname"],
            "mtu": link["mtu"],
            "addresses": [
                {"address": f"{one['local']}/{one['prefixlen']}", "dynamic": one.get("dynamic", False)}
                for one in link["addr_info"]
                if one["scope"] == "global"
            ],
        }
    return told


def routes():
    return [
        {"to": route["dst"], "via": route["gateway"], "interface": route["dev"]}
        for route in json.loads(said("ip", "-json", "route"))
        if "gateway" in route
    ]


def resolvers():
    told = []
    for link in sorted(pathlib.Path("/run/systemd/netif/links").glob("*")):
        for line in link.read_text().splitlines():
            if line.startswith("DNS="):
                told += line[len("DNS=") :].split()
    for line in pathlib.Path("/etc/resolv.conf").read_text().splitlines() if os.path.exists("/etc/resolv.conf") else []:
        if line.startswith("nameserver "):
            told.append(line.split()[1])
    return told


def users():
    told = {}
    for user in pwd.getpwall():
        if not 1000 <= user.pw_uid < 60000:
            continue
        ssh = pathlib.Path(user.pw_dir, ".ssh")
        keys = []
        for path in [ssh / "authorized_keys", *sorted((ssh / "authorized_keys.d").glob("*"))]:
            if path.is_file():
                keys += [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
        told[user.pw_name] = {
            "uid": user.pw_uid,
            "home": user.pw_dir,
            "shell": user.pw_shell,
            "groups": sorted(group.gr_name for group in grp.getgrall() if user.pw_name in group.gr_mem),
            "keys": keys,
        }
    return told


def disks():
    told = {}
    for disk in json.loads(said("lsblk", "--json", "--bytes", "--output", "SERIAL,SIZE,FSTYPE,UUID,LABEL,MOUNTPOINT"))[
        "blockdevices"
    ]:
        if disk["serial"]:
            told[disk.pop("serial")] = disk
    return told


def failed():
    units = json.loads(said("systemctl", "list-units", "--failed", "--output=json") or "[]")
    return {unit["unit"]: said("journalctl", "--no-pager", "--lines=20", f"--unit={unit['unit']}") for unit in units}


def units():
    """When each began to start and when it had started, in microseconds since the kernel's start, and how often it did so again."""
    told = {}
    for unit in UNITS:
        shown = said("systemctl", "show", "--property=LoadState,ActiveState,InactiveExitTimestampMonotonic,ActiveEnterTimestampMonotonic,NRestarts", unit)
        shown = dict(line.split("=", 1) for line in shown.splitlines())
        if shown["LoadState"] == "loaded":
            told[unit] = {
                "state": shown["ActiveState"],
                "began": int(shown["InactiveExitTimestampMonotonic"]),
                "started": int(shown["ActiveEnterTimestampMonotonic"]),
                "restarts": int(shown.get("NRestarts", 0)),
            }
    return told


def report():
    state = said("systemctl", "is-system-running", "--wait").strip()
    return {
        "boot_id": pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
        "machine_id": pathlib.Path("/etc/machine-id").read_text().strip(),
        "state": state,
        "hostname": os.uname().nodename,
        "static_hostname": pathlib.Path("/etc/hostname").read_text().strip(),
        "time_zone": os.path.realpath("/etc/localtime").removeprefix("/usr/share/zoneinfo/"),
        "network": [
            unit
            for unit in ["systemd-networkd.service", "NetworkManager.service"]
            if said("systemctl", "is-active", unit).strip() == "active"
        ],
        "interfaces": interfaces(),
        "routes": routes(),
        "resolvers": resolvers(),
        "users": users(),
        "files": files(),
        "disks": disks(),
        "failed": failed(),
        "units": units(),
        "k3s": [json.loads(line) for line in K3S.read_text().splitlines()] if K3S.exists() else [],
    }


told = json.dumps(report(), separators=(",", ":"))
with open("/dev/ttyS0", "w", encoding="ascii") as serial:
    serial.write(f"\nguest-report {told}\n")
