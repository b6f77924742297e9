# Runs systemd-networkd on a folder's files until it has read them all, and prints what it says.
# $1: the program. $2: the folder.
set -eu
PATH=$PATH:/usr/sbin:/sbin
mount --make-rprivate /
files=$(mktemp -d)
cp "$2"/* "$files"
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/network /run/systemd/netif/links /run/systemd/netif/leases /etc/systemd/network
chown -R systemd-network:systemd-network /run/systemd/netif
mount -t tmpfs tmpfs /etc/systemd/network
for file in "$files"/*; do
    install -o root -g systemd-network -m 0640 "$file" /etc/systemd/network
done
rm -r "$files"
SYSTEMD_LOG_LEVEL=debug SYSTEMD_LOG_TARGET=console "$1" >/run/log 2>&1 &
tries=0
while kill -0 $! 2>/dev/null && ! grep -q 'Enumeration completed' /run/log && [ $tries -lt 600 ]; do
    tries=$((tries + 1))
    sleep 0.05
done
kill $! 2>/dev/null || true
wait $! || true
grep -q 'Enumeration completed' /run/log || echo '/etc/systemd/network/: it read nothing'
cat /run/log
