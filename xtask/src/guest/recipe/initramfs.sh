# An initramfs with Ignition, and one without: both begin with early-init.
early=$result/early
mkdir -p "$early/early"
cp "$here/early-init" "$early/init"
chmod 755 "$early/init"
cp "$root/bin/busybox" "$early/early/busybox"
# In the order in which they are to be loaded; what is built in has no file.
for module in virtio_pci virtio_blk qemu_fw_cfg ext4; do
    chroot "$root" modprobe --set-version "$kernel" --show-depends "$module" | sed -n 's/^insmod \([^ ]*\).*/\1/p'
done | awk '!seen[$0]++' >"$result/modules"
while read -r module; do
    case $module in
        *.zst) zstd -q -d "$root$module" -o "$early/early/$(basename "$module" .zst)" ;;
        *) cp "$root$module" "$early/early/" ;;
    esac
    basename "$module" .zst
done <"$result/modules" >"$early/early/order"
(cd "$early" && find . | LC_ALL=C sort | cpio --quiet -o -H newc) >"$result/initramfs-cloud-init"

# Ignition's config comes from fw_cfg: no network is needed before the root.
sed -i 's/echo qemu systemd url-lib network/echo qemu systemd/' "$root/usr/lib/dracut/modules.d/30ignition/module-setup.sh"
mount -t proc proc "$root/proc"
chroot "$root" dracut -q -f --no-hostonly --no-compress --no-early-microcode --no-machineid --nostrip \
    -m "base systemd systemd-initrd dracut-systemd udev-rules rootfs-block fs-lib qemu ignition" \
    --add-drivers "virtio_pci virtio_blk virtio_scsi sd_mod sr_mod ata_piix qemu_fw_cfg virtio_rng" \
    --install "switch_root sleep umount insmod" --kver "$kernel" /initramfs
umount "$root/proc"
# A later archive replaces what an earlier one brings.
cat "$root/initramfs" "$result/initramfs-cloud-init" | zstd -q -3 -c >"$result/initramfs-ignition"
rm -r "$early" "$result/modules" "$root/initramfs"
