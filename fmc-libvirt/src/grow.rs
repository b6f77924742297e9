//! The steps of a person inside a guest whose disk became larger: libvirt grows the volume under it, and nothing tells the
//! file system.

use fmc_core::checked::Disk;
use fmc_core::disk::Filesystem;
use fmc_core::image::Os;

/// The program by which systemd grows a mounted file system of any kind that it knows: systemd-growfs(8). Systems that
/// run it at each start need it only until then.
const GROWFS: &str = "/usr/lib/systemd/systemd-growfs";

/// The words for a data disk.
pub(crate) fn disk(disk: &Disk, os: Os) -> String {
    let provisioned = os.provisioner().and(disk.filesystem);
    match (provisioned, &disk.mount) {
        (None, _) => "what is on it stays as large as it was".to_owned(),
        (Some(_), Some(path)) => {
            format!("to grow its file system, run inside the guest: sudo {GROWFS} {path}")
        }
        (Some(Filesystem::Ext4), None) => {
            let device = format!("/dev/disk/by-id/virtio-{}", disk.serial);
            format!("to grow its file system, run inside the guest: sudo resize2fs {device}")
        }
        (Some(_), None) => {
            "to grow its file system, run inside the guest: sudo xfs_growfs, where it is mounted".to_owned()
        }
    }
}

/// The words for a root disk: cloud-init and Flatcar grow the root at each start, Fedora CoreOS only at the first.
pub(crate) fn root(os: Os) -> &'static str {
    match os {
        Os::Debian | Os::Rocky | Os::Almalinux | Os::Flatcar => {
            "its file system grows at the guest's next start"
        }
        Os::FedoraCoreos => {
            "Fedora CoreOS grows its root at the first start only; later, inside the guest: sudo growpart /dev/vda 4 && \
             sudo unshare --mount sh -c 'mount -o remount,rw /sysroot && xfs_growfs /sysroot'"
        }
        _ => "what is on it stays as large as it was",
    }
}
