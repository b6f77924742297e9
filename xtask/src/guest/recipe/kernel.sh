# The kernel: its image, and of its modules those that a guest of QEMU needs. Its package is unpacked, not installed:
# that would build an initramfs of its own.
mkdir "$root/tmp/kernel"
while read -r deb; do
    # A kernel that has some of these built in has no such folders, and tar complains of that.
    dpkg-deb --fsys-tarfile "$packages/$deb" | tar -x -C "$root/tmp/kernel" --wildcards \
        './boot/vmlinuz-*' './lib/modules/*/modules.*' \
        './lib/modules/*/kernel/lib' './lib/modules/*/kernel/crypto' './lib/modules/*/kernel/arch/x86/crypto' \
        './lib/modules/*/kernel/drivers/virtio' './lib/modules/*/kernel/drivers/block' \
        './lib/modules/*/kernel/drivers/char' './lib/modules/*/kernel/drivers/firmware' \
        './lib/modules/*/kernel/drivers/scsi' './lib/modules/*/kernel/drivers/ata' \
        './lib/modules/*/kernel/drivers/acpi' './lib/modules/*/kernel/drivers/cdrom' './lib/modules/*/kernel/drivers/input/evdev.ko*' \
        './lib/modules/*/kernel/drivers/net/virtio_net.ko*' './lib/modules/*/kernel/drivers/net/net_failover.ko*' \
        './lib/modules/*/kernel/drivers/net/wireguard' './lib/modules/*/kernel/net/ipv4/udp_tunnel.ko*' \
        './lib/modules/*/kernel/net/ipv6/ip6_udp_tunnel.ko*' \
        './lib/modules/*/kernel/net/netfilter' './lib/modules/*/kernel/net/ipv4/netfilter' './lib/modules/*/kernel/net/ipv6/netfilter' \
        './lib/modules/*/kernel/net/bridge' './lib/modules/*/kernel/net/802' './lib/modules/*/kernel/net/8021q' \
        './lib/modules/*/kernel/drivers/net/veth.ko*' './lib/modules/*/kernel/net/llc' \
        './lib/modules/*/kernel/fs/overlayfs' \
        './lib/modules/*/kernel/net/core' './lib/modules/*/kernel/fs/fat' './lib/modules/*/kernel/fs/isofs' \
        './lib/modules/*/kernel/fs/nls' './lib/modules/*/kernel/fs/autofs' 2>/dev/null || true
done <"$packages/newest-kernel"
cp "$root"/tmp/kernel/boot/vmlinuz-* "$result/vmlinuz"
cp -a "$root/tmp/kernel/lib/modules" "$root/usr/lib/"
rm -r "$root/tmp/kernel"
kernel=$(ls "$root/usr/lib/modules")
depmod -b "$root" "$kernel"
