//! The rules about a helper.

use super::{Helper, Tool, way_in};
use crate::finding::{NameList, OwnKind};
use crate::postgresql::Postgresql;
use crate::role::{RoleFindings, Site};

const NO_USER: OwnKind = OwnKind::error("helper-no-user", include_str!("pages/no-user.md")).never_accepted();
const NO_PASSAGE: OwnKind = OwnKind::warning("helper-no-passage", include_str!("pages/no-passage.md"));
const NO_DIGEST: OwnKind =
    OwnKind::error("helper-no-digest", include_str!("pages/no-digest.md")).never_accepted();
const NO_PACKAGE: OwnKind =
    OwnKind::error("helper-no-package", include_str!("pages/no-package.md")).never_accepted();
const NO_CLUSTER: OwnKind =
    OwnKind::error("helper-no-cluster", include_str!("pages/no-cluster.md")).never_accepted();
const NO_DATABASE: OwnKind =
    OwnKind::error("helper-no-database", include_str!("pages/no-database.md")).never_accepted();

/// The kinds of findings about a helper.
pub(super) const KINDS: &[OwnKind] = &[NO_USER, NO_PASSAGE, NO_DIGEST, NO_PACKAGE, NO_CLUSTER, NO_DATABASE];

/// Everything that is wrong with a helper.
pub(super) fn check(helper: &Helper, site: &Site<'_>, findings: &mut RoleFindings<'_>) {
    users(helper, site, findings);
    for tool in helper.tools.iter() {
        let at = format!("tools.{}", tool.name);
        if findings.leaf(&at, &tool.name).is_some() {
            one_tool(tool, &at, site, findings);
        }
    }
    cluster(helper, site, findings);
    databases(helper, site, findings);
}

fn users(helper: &Helper, site: &Site<'_>, findings: &mut RoleFindings<'_>) {
    let machine = site.machine();
    let names = NameList::new(machine.guest.users.iter().map(|user| user.name.as_str()));
    for (index, user) in helper.users.iter().enumerate() {
        let at = format!("users[{index}]");
        let Some(name) = findings.leaf(&at, user) else { continue };
        if !machine.guest.users.iter().any(|known| known.name == *name) {
            findings.part(&at, |findings| {
                let help = match names.nearest(name.as_str()) {
                    Some(near) => format!("did you mean {near}?"),
                    None => format!("add the user to the guest of {}", machine.name),
                };
                findings.find(&NO_USER, format!("{} has no user {name}", machine.name), help);
            });
            continue;
        }
        if let Some((way, bastion)) = way_in(site)
            && !way.users.iter().any(|passage| passage.user == *name)
        {
            findings.part(&at, |findings| {
                findings.find(
                    &NO_PASSAGE,
                    format!(
                        "{name} cannot go on by SSH from {}: {} does not let the user in",
                        machine.name, bastion.name
                    ),
                    format!("name the user among the `users` of {}", bastion.name),
                );
            });
        }
    }
    let gives = helper.cluster.is_some() || !helper.databases.is_empty();
    if helper.users.is_empty() && gives {
        findings.find(
            &NO_USER,
            "nobody gets the credentials: the helper names no user",
            "name those who administrate, as `users: [ops]`",
        );
    }
}

fn one_tool(tool: &Tool, at: &str, site: &Site<'_>, findings: &mut RoleFindings<'_>) {
    if let Some(package) = &tool.package {
        findings.leaf(&format!("{at}.package"), package);
    }
    let url = tool.url.as_ref().map(|url| findings.leaf(&format!("{at}.url"), url).is_some());
    let digest = tool.digest.as_ref().map(|digest| findings.leaf(&format!("{at}.digest"), digest).is_some());
    findings.part(at, |findings| {
        if tool.name.ok().is_some_and(|name| name.version().is_some()) {
            findings.refuse(
                "a version is one of a package, and this is the name of a program",
                "write the version at the package, as `package: etcd-client=3.4.23-4`",
            );
        }
        if url.is_some() != digest.is_some() {
            findings.find(
                &NO_DIGEST,
                "a program that is fetched has a URL and a digest",
                "give it both, `url` and `digest: sha256:…`, as the project publishes them",
            );
        }
        if tool.package.is_some() && url.is_some() {
            findings.refuse("it has a package and a URL", "keep one of them");
        }
        if tool.member.is_some() && (url.is_none() || !tool.has_plain_member()) {
            findings.refuse(
                "`member` is the path of a program in the archive of its URL, as linux-amd64/helm",
                "write that path, or leave it out",
            );
        }
        if url.is_none() && digest.is_none() && tool.package_on(site.os()).is_none() {
            findings.find(
                &NO_PACKAGE,
                format!("{} has no package that is known to have {}", site.os().label(), tool.name),
                "give the tool a `url` and a `digest`, or on a system with packages its `package`",
            );
        }
    });
}

fn cluster(helper: &Helper, site: &Site<'_>, findings: &mut RoleFindings<'_>) {
    if let Some(until) = &helper.until {
        findings.leaf("until", until);
    }
    let Some(said) = &helper.cluster else {
        if helper.until.is_some() {
            findings
                .refuse("`until` is the end of a kubeconfig, and no cluster is named", "name the `cluster`");
        }
        return;
    };
    let Some(name) = findings.leaf("cluster", said) else { return };
    if site.cloud().cluster(name.as_str()).is_none() {
        findings.part("cluster", |findings| {
            let known = NameList::new(site.cloud().clusters().iter().map(|cluster| cluster.name.as_str()));
            let help = match known.nearest(name.as_str()) {
                Some(near) => format!("did you mean {near}?"),
                None => "name a cluster of the cloud, or leave it out".to_owned(),
            };
            findings.find(&NO_CLUSTER, format!("the cloud has no cluster {name}"), help);
        });
    }
    if helper.until.is_none() {
        findings.find(
            &NO_CLUSTER,
            "the kubeconfigs have no end, and a cluster cannot revoke one",
            "state the last day on which they let anybody in, as `until: 2027-06-30`",
        );
    }
}

fn databases(helper: &Helper, site: &Site<'_>, findings: &mut RoleFindings<'_>) {
    for database in helper.databases.iter() {
        let at = format!("databases.{}", database.name);
        let leaves = [
            findings.leaf(&at, &database.name).is_some(),
            database
                .database
                .as_ref()
                .is_none_or(|name| findings.leaf(&format!("{at}.database"), name).is_some()),
        ];
        let Some(instance) = findings.leaf(&format!("{at}.postgresql"), &database.postgresql) else {
            continue;
        };
        if leaves.contains(&false) {
            continue;
        }
        let found = Postgresql::named(site.cloud(), instance.as_str());
        let name = database.database_name().map(ToString::to_string).unwrap_or_default();
        let login = found.and_then(|found| found.login_from(site.cloud(), site.machine(), &name));
        if login.is_none() {
            let message = match found {
                None => format!("the cloud has no PostgreSQL {instance}"),
                Some(_) => format!(
                    "the PostgreSQL {instance} has no database {name} that {} could call",
                    site.machine().name
                ),
            };
            findings.part(&at, |findings| {
                findings.find(
                    &NO_DATABASE,
                    message,
                    "name a role `postgresql` of the cloud and one of its databases, or leave it out",
                );
            });
        }
    }
}
