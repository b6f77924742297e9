# What makes the root a blank image, and a test guest.
rm -f "$root/etc/hostname" "$root/etc/machine-id" "$root/var/lib/dbus/machine-id" "$root/etc/resolv.conf" "$root/etc/localtime"
: >"$root/etc/fstab"
chroot "$root" groupadd --system wheel

# Ignition's last stage relabels for SELinux, and so does what an Enterprise Linux runs: here is none.
mkdir -p "$root/etc/selinux/targeted/contexts/files"
printf 'SELINUX=disabled\nSELINUXTYPE=targeted\n' >"$root/etc/selinux/config"
: >"$root/etc/selinux/targeted/contexts/files/file_contexts"
for stub in setfiles restorecon; do
    printf '#!/bin/sh\nexit 0\n' >"$root/usr/sbin/$stub"
    chmod 755 "$root/usr/sbin/$stub"
done

# Where Ignition puts a user's keys.
printf 'AuthorizedKeysFile .ssh/authorized_keys .ssh/authorized_keys.d/ignition\n' >"$root/etc/ssh/sshd_config.d/keys.conf"

find "$root/etc/cloud/cloud.cfg.d" -type f ! -name 05_logging.cfg -delete
cp "$here/cloud.cfg" "$root/etc/cloud/cloud.cfg"
printf 'policy: enabled\n' >"$root/etc/cloud/ds-identify.cfg"

# Debian's own default for new interfaces would compete with what is compiled.
rm -rf "$root"/etc/network "$root"/etc/NetworkManager/system-connections/*
printf '[main]\nplugins=keyfile\nno-auto-default=*\n' >"$root/etc/NetworkManager/NetworkManager.conf"

# What a test guest does not need is deleted, not masked, and no alias is left behind that points at nothing: presets stop at both.
units=$root/usr/lib/systemd/system
rm -rf "$units"/*.timer "$units"/*getty* "$units"/apt-daily* "$units"/e2scrub* "$units"/systemd-rfkill* \
    "$units"/systemd-pstore* "$units"/rc-local* "$units"/cloud-init-hotplugd* "$units"/NetworkManager-dispatcher* \
    "$units"/wpa_supplicant* "$units"/cryptdisks* "$units"/hwclock* "$units"/systemd-firstboot* "$units"/systemd-binfmt* "$units"/proc-sys-fs-binfmt*
rm -rf "$units/timers.target.wants"
rm -rf "$root"/etc/systemd/system/*
for again in 1 2; do
    find "$root/etc/systemd" "$root/usr/lib/systemd/system" -xtype l ! -lname /dev/null -delete
done

install -m 755 "$here/report.py" "$root/usr/sbin/guest-report"
cp "$here/guest-report.service" "$here/guest.target" "$units/"
ln -sfn guest.target "$units/default.target"
rm -f "$root"/usr/lib/systemd/system-preset/*
cp "$here/guest.preset" "$root/usr/lib/systemd/system-preset/90-guest.preset"
