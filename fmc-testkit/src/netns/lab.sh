# The first process of a lab, in fresh mount, network and process namespaces. Its network namespace is the router.
# Prints its process id outside, then waits for its standard input to close: the test has ended or died.
set -eu
read -r outside rest </proc/self/stat
PATH=$PATH:/usr/sbin:/sbin
mount -t proc proc /proc
umount --recursive --lazy /sys
mount -t sysfs sysfs /sys
mount -t tmpfs -o mode=755 tmpfs /run
ip link set lo up
echo 1 >/proc/sys/net/ipv4/ip_forward
[ ! -e /proc/sys/net/ipv6/conf/all/forwarding ] || echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
echo "$outside"
# In the background, so that the first process waits and reaps processes that end.
exec 3<&0
cat <&3 >/dev/null &
wait $! || true
kill -KILL -1
