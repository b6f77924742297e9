//! Adds a fragment to the config of a machine. The check has found what clashes.

use ignition_config::v3_6::{Config, KernelArguments, Passwd, Storage, Systemd};

use super::fragment;
use crate::guest::Fragment;

/// Adds all that a fragment says behind what a config has.
pub(super) fn add(config: &mut Config, fragment: &Fragment) {
    let read = fragment::read(fragment).config;
    // The check refuses a fragment without the members that the type needs.
    let Ok(more) = serde_json::from_value::<Config>(read) else { return };
    let Config { ignition, kernel_arguments, passwd, storage, systemd } = more;
    let own = &mut config.ignition;
    if let Some(theirs) = ignition.config {
        list(&mut own.config.get_or_insert_default().merge, theirs.merge);
    }
    if let Some(theirs) = ignition.security.and_then(|security| security.tls) {
        let tls = own.security.get_or_insert_default().tls.get_or_insert_default();
        list(&mut tls.certificate_authorities, theirs.certificate_authorities);
    }
    own.proxy = own.proxy.take().or(ignition.proxy);
    own.timeouts = own.timeouts.take().or(ignition.timeouts);
    if let Some(KernelArguments { should_exist, should_not_exist }) = kernel_arguments {
        let own = config.kernel_arguments.get_or_insert_default();
        list(&mut own.should_exist, should_exist);
        list(&mut own.should_not_exist, should_not_exist);
    }
    if let Some(Passwd { groups, users }) = passwd {
        let own = config.passwd.get_or_insert_default();
        list(&mut own.groups, groups);
        list(&mut own.users, users);
    }
    if let Some(Storage { directories, disks, files, filesystems, links, luks, raid }) = storage {
        let own = config.storage.get_or_insert_default();
        list(&mut own.directories, directories);
        list(&mut own.disks, disks);
        list(&mut own.files, files);
        list(&mut own.filesystems, filesystems);
        list(&mut own.links, links);
        list(&mut own.luks, luks);
        list(&mut own.raid, raid);
    }
    if let Some(Systemd { units }) = systemd {
        list(&mut config.systemd.get_or_insert_default().units, units);
    }
}

fn list<T>(own: &mut Option<Vec<T>>, more: Option<Vec<T>>) {
    if let Some(more) = more.filter(|more| !more.is_empty()) {
        own.get_or_insert_default().extend(more);
    }
}
