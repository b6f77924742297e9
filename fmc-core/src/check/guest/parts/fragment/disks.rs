//! What fragments do with the data disks of their machine.

use serde_json::Value;

use super::{FragmentProblem, One, text};
use crate::disk::Disk;
use crate::finding::{At, Finding};
use crate::guest::{Guest, mount};
use crate::ignition::fragment;
use crate::image::Os;
use crate::named::Named;
use crate::nearest::nearest;

/// The path of a disk by its serial, without the serial.
const BY_SERIAL: &str = "/dev/disk/by-id/virtio-";

/// Looks at what fragments do with a machine's data disks.
pub(crate) fn disks(
    guest: &Guest,
    disks: &Named<Disk>,
    os: Os,
    machine: &At<'_>,
    findings: &mut Vec<Finding>,
) {
    let at = machine.key("guest");
    for (index, fragment) in guest.fragments().iter().enumerate() {
        let one = One { index, fragment, reading: fragment::read(fragment), at };
        devices(&one, disks, findings);
        for disk in disks {
            let Some(name) = disk.serial_text() else { continue };
            let device = format!("{BY_SERIAL}{name}");
            let also = format!("{machine}.disks.{}", disk.name);
            let is_ours = disk.formatted().is_some();
            for list in ["disks", "filesystems", "luks"] {
                for (place, _) in
                    one.list("storage", list).filter(|(_, value)| text(value, "device") == device)
                {
                    if is_ours {
                        let problem = FragmentProblem::Disk { disk: name.clone() };
                        findings.push(problem.at(one.place(&format!("{place}.device"))).also(&also));
                    }
                }
            }
            let mounted = disk.mount.as_ref().and_then(|path| path.ok());
            if let Some(unit) = mounted.map(|path| mount::unit_name(&mount::without_links(path, os))) {
                for (place, _) in
                    one.list("systemd", "units").filter(|(_, value)| text(value, "name") == unit)
                {
                    let problem = FragmentProblem::Mount { disk: name.clone(), unit: unit.clone() };
                    findings.push(problem.at(one.place(&place)).also(format_args!("{also}.mount")));
                }
            }
            let Some(size) = disk.size.ok() else { continue };
            for (place, value) in
                one.list("storage", "disks").filter(|(_, value)| text(value, "device") == device)
            {
                let partitions = value.get("partitions").and_then(Value::as_array).into_iter().flatten();
                let mib =
                    |partition: &Value, key| partition.get(key).and_then(Value::as_u64).unwrap_or_default();
                // A table takes a MiB at the start; each partition without a start comes after those before it.
                let mut taken = 1_u64;
                for (index, partition) in partitions.enumerate() {
                    let start = mib(partition, "startMiB").max(taken);
                    taken = start.saturating_add(mib(partition, "sizeMiB"));
                    if taken.saturating_mul(1 << 20) > size.as_bytes() {
                        let problem =
                            FragmentProblem::TooLarge { disk: name.clone(), size: size.to_string() };
                        let place = format!("{place}.partitions.{index}.sizeMiB");
                        findings.push(problem.at(one.place(&place)).also(&also));
                        break;
                    }
                }
            }
        }
    }
}

/// Disks that the machine does not have, and names that are not one disk's for ever.
fn devices(one: &One<'_>, disks: &Named<Disk>, findings: &mut Vec<Finding>) {
    let serials: Vec<String> = disks.iter().filter_map(Disk::serial_text).collect();
    for list in ["disks", "filesystems", "luks"] {
        for (place, value) in one.list("storage", list) {
            let device = text(value, "device");
            findings.extend(
                device_problem(device, &serials)
                    .map(|problem| problem.at(one.place(&format!("{place}.device")))),
            );
        }
    }
    for (place, value) in one.list("storage", "raid") {
        let devices = value.get("devices").and_then(Value::as_array).into_iter().flatten();
        for (index, device) in devices.enumerate() {
            let problem = device_problem(device.as_str().unwrap_or_default(), &serials);
            findings
                .extend(problem.map(|problem| problem.at(one.place(&format!("{place}.devices.{index}")))));
        }
    }
}

fn device_problem(device: &str, serials: &[String]) -> Option<FragmentProblem> {
    if let Some(serial) = device.strip_prefix(BY_SERIAL) {
        let whole = serial.rsplit_once("-part").map_or(serial, |(serial, _)| serial);
        let is_there = serials.iter().any(|known| known == serial || known == whole);
        let device = device.to_owned();
        return (!is_there).then(|| match nearest(whole, serials.iter().map(String::as_str)) {
            Some(near) => FragmentProblem::NearDisk { device, near: format!("{BY_SERIAL}{near}") },
            None => FragmentProblem::NoDisk { device },
        });
    }
    // The root disk is the first one.
    let is_data = |rest: &str| !rest.starts_with('a');
    let by_order = ["/dev/vd", "/dev/sd"].iter().any(|start| device.strip_prefix(start).is_some_and(is_data));
    let by_path = device.starts_with("/dev/disk/by-path/");
    (!serials.is_empty() && (by_order || by_path))
        .then(|| FragmentProblem::ByOrder { device: device.to_owned() })
}
