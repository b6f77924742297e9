# Makes a host: network, mount and host name namespaces, held by a process that does nothing. Prints its id.
# $1: the host's name. $2: the folders that get a layer of the host's own, so that written files stay in the lab.
set -eu
PATH=$PATH:/usr/sbin:/sbin
mount --make-rprivate /
hostname "$1"
umount --recursive --lazy /sys
mount -t sysfs sysfs /sys
mount -t tmpfs -o mode=755 tmpfs /run
ip link set lo up
for folder in $2; do
    mkdir -p "/run/layer$folder/upper" "/run/layer$folder/work"
    mount -t overlay -o "lowerdir=$folder,upperdir=/run/layer$folder/upper,workdir=/run/layer$folder/work" overlay "$folder"
done
mkdir -p /run/lock
echo $$
exec sleep infinity >&- 2>&-
