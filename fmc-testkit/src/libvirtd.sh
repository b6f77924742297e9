# The first process of a libvirtd of the tests' own, in fresh mount, network and process namespaces.
# $1: a folder seen from inside and outside. $2: a folder for QEMU's probed capabilities, or nothing.
# Reads commands from standard input, one a line, and answers each with its output and a line "$MARK STATUS".
set -eu
folder=$1
cache=$2
PATH=$PATH:/usr/sbin:/sbin

# A view of the new network namespace. It mounts no cgroups, because two daemons would share them.
umount --recursive --lazy /sys
mount -t sysfs sysfs /sys
# Hides the machine's own sockets in /run: libvirt's state, D-Bus, firewalld, polkit and machined.
mkdir -p /var/log/libvirt /var/cache/libvirt
for place in /run /etc/libvirt /var/lib/libvirt /var/log/libvirt /var/cache/libvirt; do
    mount -t tmpfs -o mode=755 tmpfs $place
done
[ -z "$cache" ] || mount --bind "$cache" /var/cache/libvirt
mkdir -p /run/lock /run/libvirt /var/lib/libvirt/images
ip link set lo up

# As root: if QEMU's own user cannot open /dev/kvm, libvirt probes QEMU at every look-up.
cat >/etc/libvirt/qemu.conf <<END
user = "root"
group = "root"
security_driver = "none"
namespaces = []
END
cat >/etc/libvirt/libvirtd.conf <<END
unix_sock_dir = "$folder"
unix_sock_rw_perms = "0777"
auth_unix_ro = "none"
auth_unix_rw = "none"
host_uuid = "$(cat /proc/sys/kernel/random/uuid)"
log_outputs = "3:file:$folder/libvirtd.log"
END

start_daemon() {
    libvirtd --daemon --config /etc/libvirt/libvirtd.conf --pid-file /run/libvirtd.pid
}

kill_daemon() {
    pid=$(cat /run/libvirtd.pid)
    kill -KILL "$pid"
    while grep -qs '^State:.[^Z]' "/proc/$pid/status"; do sleep 0.01; done
}

answer() {
    while IFS= read -r command; do
        status=0
        eval "$command" </dev/null 2>&1 || status=$?
        echo "$MARK $status"
    done
}

virtlogd --daemon --pid-file /run/virtlogd.pid
# In the background, so that the first process waits and reaps each QEMU at once, which libvirt waits for.
exec 3<&0
answer <&3 &
wait $! || true

# The standard input is closed: the test has ended or died.
kill -KILL -1
rm -rf "$folder"
