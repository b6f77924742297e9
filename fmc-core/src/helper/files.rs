//! The files in the homes of a helper's users.

use std::fmt::Write as _;

use super::{Helper, targets, way_in};
use crate::checked::{Checked, Machine};
use crate::given::Given;
use crate::guest::checked::User;
use crate::guest::{Guest, GuestFile, TextPart};
use crate::postgresql::Postgresql;
use crate::role::Site;
use crate::secret::{ClientKubeconfig, Secret, SecretRef};
use crate::unit::FileMode;

/// Read and written by its owner alone.
const OWN: FileMode = FileMode::new(0o600);

/// The guest of a helper.
pub(super) fn guest(helper: &Helper, site: &Site<'_>) -> Guest {
    let tools = helper.tools.iter().map(|tool| tool.guest(site.os()));
    let guest = tools.fold(Guest::new(), Guest::with);
    helper.people(site).fold(guest, |guest, user| {
        let home = user.home.as_ref().map_or_else(|| format!("/home/{}", user.name), ToString::to_string);
        let guest = ssh(&home, user, site, guest);
        let guest = kubeconfig(helper, &home, user, site, guest);
        psql(helper, &home, site, guest)
    })
}

/// `~/.ssh/config`, and the host keys that the cloud makes.
fn ssh(home: &str, user: &User, site: &Site<'_>, guest: Guest) -> Guest {
    let (cloud, own) = (site.cloud(), site.machine());
    let mut text = format!("# The machines of {}, written by fmc.\n", cloud.name());
    let mut known: Vec<TextPart> = Vec::new();
    let mut host = |machine: &Machine, jump: Option<&Machine>| {
        let address = match jump {
            Some(jump) => machine.address_towards(jump),
            None => machine.address_towards(own),
        };
        let Some(address) = address else { return };
        let alias = alias(cloud, machine);
        // Writing to a text cannot fail.
        let _ = writeln!(text, "\nHost {}\n  HostName {address}\n  HostKeyAlias {alias}", machine.name);
        if let Some(jump) = jump {
            let _ = writeln!(text, "  ProxyJump {}", jump.name);
        }
        if let Some(key) = machine.ssh_host_key() {
            text.push_str(
                "  UserKnownHostsFile ~/.ssh/fmc_known_hosts\n  GlobalKnownHostsFile none\n  StrictHostKeyChecking yes\n",
            );
            // Where a secret is a part of a text, its own line break at the end may be left out.
            known.extend([
                TextPart::from(format!("{alias} ")),
                TextPart::Secret(Secret::from(key.clone())),
                "\n".into(),
            ]);
        }
    };
    match way_in(site) {
        Some((way, bastion)) => {
            host(bastion, None);
            let passage = way.users.iter().find(|passage| passage.user == user.name);
            let to = passage.into_iter().flat_map(|passage| passage.to.iter());
            to.filter_map(|at| cloud.at(*at))
                .filter(|machine| machine.name != own.name)
                .for_each(|machine| host(machine, Some(bastion)));
        }
        None => targets(site).for_each(|machine| host(machine, None)),
    }
    let guest = guest.file(GuestFile::text(format!("{home}/.ssh/config").as_str(), text).mode(OWN));
    if known.is_empty() {
        return guest;
    }
    guest.file(GuestFile::parts(format!("{home}/.ssh/fmc_known_hosts").as_str(), known).mode(OWN))
}

/// The name under which host keys of a machine are stored, as `ssh-config` has it.
fn alias(cloud: &Checked, machine: &Machine) -> String {
    format!("{}.{}", machine.name, cloud.owner())
}

/// `~/.kube/config` of an administrator by the user's name.
fn kubeconfig(helper: &Helper, home: &str, user: &User, site: &Site<'_>, guest: Guest) -> Guest {
    let cluster =
        helper.cluster.as_ref().and_then(Given::ok).and_then(|name| site.cloud().cluster(name.as_str()));
    let until = helper.until.as_ref().and_then(Given::ok);
    let Some((cluster, until)) = cluster.zip(until) else { return guest };
    let whole = ClientKubeconfig {
        cluster: cluster.name.to_string(),
        server: cluster.endpoint.url(),
        user: user.name.to_string(),
        until: until.last_second(),
        secrets: cluster.pki.admin().of_user("helper", cluster.name.as_str(), user.name.as_str()),
    };
    let secret = SecretRef::kubeconfig("helper", whole);
    guest.file(GuestFile::secret(format!("{home}/.kube/config").as_str(), secret.into()).mode(OWN))
}

/// `~/.pg_service.conf`, `~/.pgpass` and the certificates of authorities.
fn psql(helper: &Helper, home: &str, site: &Site<'_>, mut guest: Guest) -> Guest {
    let mut services = String::from("# The databases of the cloud, written by fmc.\n");
    let mut passwords: Vec<TextPart> = Vec::new();
    let mut authorities: Vec<&str> = Vec::new();
    for said in helper.databases.iter() {
        let found = said.postgresql.ok().and_then(|name| {
            let found = Postgresql::named(site.cloud(), name.as_str())?;
            Some((name.as_str(), found))
        });
        let Some((instance, postgresql)) = found else { continue };
        let Some((service, database)) = said.name.ok().zip(said.database_name()) else { continue };
        let Some(at) = postgresql.login_from(site.cloud(), site.machine(), database.as_str()) else {
            continue;
        };
        let certificate = format!("{home}/.postgresql/{instance}.crt");
        // Writing to a text cannot fail.
        let _ = write!(
            services,
            "\n[{service}]\nhost={host}\nhostaddr={address}\nport={port}\ndbname={database}\nuser={user}\nsslmode=verify-full\n\
             sslrootcert={certificate}\n",
            host = at.host,
            address = at.address,
            port = at.port,
            user = at.user,
        );
        passwords.extend([
            TextPart::from(format!("{}:{}:{database}:{}:", at.host, at.port, at.user)),
            TextPart::Secret(at.password),
            "\n".into(),
        ]);
        if !authorities.contains(&instance) {
            authorities.push(instance);
            let secret = postgresql.authority().certificate();
            guest = guest.file(GuestFile::secret(certificate.as_str(), secret).mode(OWN));
        }
    }
    if passwords.is_empty() {
        return guest;
    }
    guest
        .file(GuestFile::text(format!("{home}/.pg_service.conf").as_str(), services).mode(OWN))
        .file(GuestFile::parts(format!("{home}/.pgpass").as_str(), passwords).mode(OWN))
}
