# Builds the test guest: one root image that Ignition or cloud-init configures, its kernel, and an initramfs for each.
# $1: an empty folder for the result. $2: a folder that keeps downloaded packages. $3: the release's code name.
# $4: the package that depends on the kernel's. $5: a file of apt's sources. Runs as root, in a mount namespace of its own.
set -eu
result=$1 packages=$2 release=$3 kernel_package=$4 sources=$5
here=$(dirname "$(readlink -f "$0")")
root=$result/root
export LC_ALL=C DEBIAN_FRONTEND=noninteractive
PATH=$PATH:/usr/sbin:/sbin

# On disk, dpkg would wait for it.
mkdir -p "$root" "$packages/partial"
mount -t tmpfs -o mode=755,size=4G tmpfs "$root"

# A proxy or mirror options of this machine's apt hold in there too.
apt-config dump | grep '^Acquire::\(http\|https\)::' >"$result/apt.conf" || true

mmdebstrap --quiet --mode=root --variant=essential \
    --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr \
    --skip=essential/unlink --skip=cleanup/apt --skip=check/empty \
    --aptopt="$result/apt.conf" \
    --aptopt='APT::Install-Recommends "false"' \
    --dpkgopt=force-unsafe-io \
    --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-exclude=/usr/share/info/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/i18n/*' \
    --dpkgopt='path-exclude=/usr/share/lintian/*' \
    --dpkgopt='path-exclude=/usr/share/bash-completion/*' \
    --dpkgopt='path-exclude=/usr/lib/udev/hwdb.d/*' \
    --include="$(tr '\n' ',' <"$here/packages")" \
    --setup-hook="mkdir -p \"\$1/var/cache/apt/archives\" && mount --bind '$packages' \"\$1/var/cache/apt/archives\"" \
    --customize-hook="sh '$here/download-kernel.sh' \"\$1\" '$kernel_package' '$packages'" \
    "$release" "$root" "$sources"

. "$here/kernel.sh"
. "$here/settings.sh"
. "$here/initramfs.sh"

umount "$root/var/cache/apt/archives"
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/* "$root"/var/log/* "$root"/boot "$root"/initramfs* "$root"/tmp/*
mkdir -p "$root/var/cache/apt/archives/partial"
mke2fs -q -t ext4 -L root -m 0 -E lazy_itable_init=1,nodiscard -O ^metadata_csum,^resize_inode,^huge_file \
    -J size=8 -d "$root" "$result/root.img" 1500M
umount "$root"
rmdir "$root"
qemu-img convert -f raw -O qcow2 "$result/root.img" "$result/root.qcow2"
rm "$result/root.img" "$result/apt.conf"
sha256sum "$result/root.qcow2" | cut -d ' ' -f 1 >"$result/root.sha256"
