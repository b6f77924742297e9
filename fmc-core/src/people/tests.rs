//! Each rule of people, broken once; and what follows from people.

use super::*;
use crate::cloud::Cloud;
use crate::dns::{Dns, DnsServer, IpaLogin};
use crate::finding::Kind;
use crate::host::Host;
use crate::image::Image;
use crate::ipa::FreeIpa;
use crate::machine::{Interface, Machine};
use crate::network::Network;
use crate::node_exporter::NodeExporter;
use crate::secret::Secret;
use crate::unit::SizeExt as _;

fn server(name: &str) -> DnsServer {
    let login = IpaLogin::new("admin", Secret::file("ipa-password", "secrets/ipa-password"));
    DnsServer::at(name, "192.0.2.10")
        .fqdn("ipa.example.org")
        .ipa(login.ca(Secret::file("ipa-ca", "ipa-ca.crt")))
}

fn machine(name: &str, address: &str) -> Machine {
    Machine::new(name, Image::debian("12").path("/images/debian-12.qcow2"))
        .memory(4.gib())
        .root_disk(20.gib())
        .interface(Interface::on("lab").address(address))
}

/// A cloud whose people are in a FreeIPA elsewhere.
fn cloud(people: People) -> Cloud {
    Cloud::new("first")
        .domain("lab.example")
        .host(Host::local())
        .network(Network::nat("lab", "10.17.3.0/24"))
        .machines([machine("web", "10.17.3.21").role(NodeExporter::new()), machine("db", "10.17.3.22")])
        .dns(Dns::new().server(server("ipa")))
        .people(people)
}

/// The findings about people: their kind and their place.
fn found(cloud: &Cloud) -> Vec<(Kind, String)> {
    let findings = match cloud.check() {
        Ok(checked) => checked.findings().to_vec(),
        Err(report) => report.into_findings(),
    };
    let of_people = findings.iter().filter(|finding| finding.at().starts_with("people"));
    of_people.map(|finding| (finding.kind(), finding.at().trim_start_matches("people.").to_owned())).collect()
}

fn at(kind: Kind, path: &str) -> Vec<(Kind, String)> {
    vec![(kind, path.to_owned())]
}

fn ana() -> IpaUser {
    IpaUser::new("ana", "Ana", "Ruiz")
}

fn people() -> People {
    People::new().user(ana()).group(IpaGroup::new("dbas").users(["ana"]))
}

fn others() -> PeopleOfOthers {
    PeopleOfOthers::new().users(["sam"]).groups(["staff"]).host_groups(["racks"])
}

#[test]
fn what_others_have_may_be_named() {
    let all = people()
        .others(others())
        .group(IpaGroup::new("g").users(["sam"]).groups(["staff"]))
        .host_group(HostGroup::new("h").host_groups(["racks"]))
        .hbac_rule(
            HbacRule::new("r").users(["sam"]).groups(["staff"]).host_groups(["racks"]).services(["sshd"]),
        );
    assert_eq!(found(&cloud(all)), []);
}

#[test]
fn people_that_are_right_have_no_finding() {
    let all = people()
        .user(IpaUser::new("bob", "Bob", "Ng").groups(["dbas"]).disabled())
        .group(IpaGroup::new("operators").users(["admin"]).groups(["dbas", "ipausers"]))
        .host_group(
            HostGroup::new("all").machines(["web"]).roles(["node-exporter"]).host_groups(["ipaservers"]),
        )
        .hbac_rule(HbacRule::new("ssh").groups(["admins", "dbas"]).host_groups(["all"]).services(["sshd"]))
        .sudo_rule(SudoRule::new("all").users(["ana"]).everywhere().every_command().as_anyone())
        .without_allow_all();
    let checked = cloud(all).check().unwrap();
    let people = checked.people().unwrap();
    assert_eq!(people.server_in(&checked).unwrap().name, "ipa");
    let members = people.members();
    assert_eq!(members["dbas"].users.iter().copied().collect::<Vec<_>>(), ["ana", "bob"]);
    assert_eq!(members["operators"].groups.iter().copied().collect::<Vec<_>>(), ["dbas", "ipausers"]);
    let hosts = people.host_groups.get("all").unwrap().hosts(&checked);
    assert_eq!(hosts.iter().map(ToString::to_string).collect::<Vec<_>>(), ["web.lab.example"]);
}

#[test]
fn people_have_one_server() {
    let without = Cloud::new("first").people(people());
    assert_eq!(found(&without), at(Kind::PeopleServer, "people"));
    let two = || Dns::new().server(server("ipa").default(true)).server(server("other"));
    assert_eq!(found(&cloud(people()).dns(two())), at(Kind::PeopleServer, "people"));
    assert_eq!(found(&cloud(people().server("other")).dns(two())), []);
    assert_eq!(found(&cloud(people().server("ns1"))), at(Kind::PeopleServer, "server"));
}

#[test]
fn names_are_taken_once() {
    for (people, path) in [
        (People::new().user(IpaUser::new("admin", "Ad", "Min")), "users.admin"),
        (People::new().group(IpaGroup::new("editors")), "groups.editors"),
        (People::new().host_group(HostGroup::new("ipaservers")), "host_groups.ipaservers"),
        (
            People::new().hbac_rule(HbacRule::new("allow_all").everyone().everywhere().every_service()),
            "hbac_rules.allow_all",
        ),
        (people().group(IpaGroup::new("ana")), "users.ana"),
        (People::new().user(ana().groups(["admins"])), "users.ana.groups[0]"),
        (People::new().user(ana().groups(["staff"])).others(others()), "users.ana.groups[0]"),
        (People::new().user(IpaUser::new("sam", "Sam", "Own")).others(others()), "others.users[0]"),
        (People::new().group(IpaGroup::new("staff")).others(others()), "others.groups[0]"),
        (People::new().host_group(HostGroup::new("racks")).others(others()), "others.host_groups[0]"),
    ] {
        assert_eq!(found(&cloud(people)), at(Kind::PeopleNameTaken, path));
    }
    for (people, path) in [
        (people().user(ana()), "users.ana"),
        (people().group(IpaGroup::new("dbas")), "groups.dbas"),
        (people().host_group(HostGroup::new("a")).host_group(HostGroup::new("a")), "host_groups.a"),
    ] {
        assert_eq!(found(&cloud(people)), at(Kind::NameDuplicate, path));
    }
}

#[test]
fn names_and_texts_are_those_that_freeipa_takes() {
    for (people, path) in [
        (People::new().user(IpaUser::new("Ana", "A", "B")), "users.Ana"),
        (People::new().user(IpaUser::new("-ana", "A", "B")), "users.-ana"),
        (People::new().user(IpaUser::new("1234", "A", "B")), "users.1234"),
        (People::new().user(IpaUser::new("a".repeat(33), "A", "B")), &*format!("users.{}", "a".repeat(33))),
        (People::new().group(IpaGroup::new("a b")), "groups.a b"),
        (People::new().host_group(HostGroup::new("-a")), "host_groups.-a"),
    ] {
        assert_eq!(found(&cloud(people)), at(Kind::NameInvalid, path));
    }
    for (user, path) in [
        (IpaUser::new("ana", "", "Ruiz"), "users.ana.first_name"),
        (IpaUser::new("ana", "Ana", "Ruiz "), "users.ana.last_name"),
        (ana().mail(["ana"]), "users.ana.mail[0]"),
        (ana().mail(["ana@lab"]), "users.ana.mail[0]"),
        (ana().mail(["a..b@lab.example"]), "users.ana.mail[0]"),
        (ana().ssh_keys(["ssh-ed25519 AAAA"]), "users.ana.ssh_keys[0]"),
        (ana().shell("bash"), "users.ana.shell"),
    ] {
        assert_eq!(found(&cloud(People::new().user(user))), at(Kind::ValueInvalid, path));
    }
    let rule = |command: &str| {
        people().sudo_rule(SudoRule::new("r").users(["ana"]).everywhere().commands([command]))
    };
    for command in ["ALL", "less", "/", "/usr/bin/less.", "/usr/bin/less ", "", "/bin/a\nb"] {
        assert_eq!(
            found(&cloud(rule(command))),
            at(Kind::ValueInvalid, "sudo_rules.r.commands[0]"),
            "{command:?}"
        );
    }
    for command in ["/usr/bin/less", "/usr/bin/", "/bin/systemctl restart x.service *", "sudoedit /etc/hosts"]
    {
        assert_eq!(found(&cloud(rule(command))), [], "{command}");
    }
    let option =
        people().sudo_rule(SudoRule::new("r").users(["ana"]).everywhere().every_command().options([" x"]));
    assert_eq!(found(&cloud(option)), at(Kind::ValueInvalid, "sudo_rules.r.options[0]"));
}

#[test]
fn what_is_named_is_there() {
    let rule = || HbacRule::new("r").everywhere().services(["sshd"]);
    for (people, path) in [
        (people().group(IpaGroup::new("g").users(["anna"])), "groups.g.users[0]"),
        (people().group(IpaGroup::new("g").groups(["dba"])), "groups.g.groups[0]"),
        (People::new().user(ana().groups(["dba"])), "users.ana.groups[0]"),
        (people().host_group(HostGroup::new("h").machines(["wep"])), "host_groups.h.machines[0]"),
        (people().host_group(HostGroup::new("h").host_groups(["g"])), "host_groups.h.host_groups[0]"),
        (people().hbac_rule(rule().users(["ana", "bob"])), "hbac_rules.r.users[1]"),
        (people().hbac_rule(rule().groups(["dbs"])), "hbac_rules.r.groups[0]"),
        (
            people().hbac_rule(HbacRule::new("r").everyone().every_service().host_groups(["h"])),
            "hbac_rules.r.host_groups[0]",
        ),
        (
            people().sudo_rule(SudoRule::new("r").everyone().every_command().machines(["dp"])),
            "sudo_rules.r.machines[0]",
        ),
    ] {
        assert_eq!(found(&cloud(people)), at(Kind::ReferenceUnknown, path));
    }
    let report = cloud(people().group(IpaGroup::new("g").users(["anna"]))).check().unwrap_err();
    assert!(report.to_string().contains("did you mean ana?"), "{report}");
}

#[test]
fn no_group_is_in_itself() {
    for groups in
        [&[("a", "a")][..], &[("a", "b"), ("b", "a")], &[("x", "a"), ("a", "b"), ("b", "c"), ("c", "b")]]
    {
        let people = groups.iter().fold(People::new(), |people, (name, inner)| {
            people
                .group(IpaGroup::new(*name).groups([*inner]))
                .host_group(HostGroup::new(*name).host_groups([*inner]))
        });
        let circles = [at(Kind::PeopleCircle, "groups"), at(Kind::PeopleCircle, "host_groups")].concat();
        assert_eq!(found(&cloud(people)), circles, "{groups:?}");
    }
    // A long chain is no circle.
    let chain = (0..2000).fold(People::new().group(IpaGroup::new("g2000")), |people, number| {
        people.group(IpaGroup::new(format!("g{number}")).groups([format!("g{}", number + 1)]))
    });
    assert_eq!(found(&cloud(chain)), []);
}

#[test]
fn a_rule_says_who_where_and_what() {
    let hbac = || HbacRule::new("r").users(["ana"]).machines(["web"]).services(["sshd"]);
    let sudo = || SudoRule::new("r").users(["ana"]).machines(["web"]).commands(["/usr/bin/less"]);
    for rule in [
        HbacRule::new("r").machines(["web"]).services(["sshd"]),
        HbacRule::new("r").users(["ana"]).services(["sshd"]),
        HbacRule::new("r").users(["ana"]).machines(["web"]),
        hbac().everyone(),
        hbac().everywhere(),
        hbac().every_service(),
    ] {
        assert_eq!(found(&cloud(people().hbac_rule(rule))), at(Kind::PeopleRule, "hbac_rules.r"));
    }
    for rule in [
        SudoRule::new("r").machines(["web"]).every_command(),
        SudoRule::new("r").users(["ana"]).every_command(),
        SudoRule::new("r").users(["ana"]).machines(["web"]),
        sudo().everyone(),
        sudo().everywhere(),
        sudo().every_command(),
        sudo().as_anyone().run_as(["postgres"]),
    ] {
        assert_eq!(found(&cloud(people().sudo_rule(rule))), at(Kind::PeopleRule, "sudo_rules.r"));
    }
    assert_eq!(found(&cloud(people().hbac_rule(hbac()).sudo_rule(sudo()))), []);
}

#[test]
fn machines_are_enrolled() {
    let group = |group: HostGroup| people().host_group(group);
    let nowhere = group(HostGroup::new("h").roles(["k3s-server"]));
    assert_eq!(found(&cloud(nowhere)), at(Kind::PeopleNotEnrolled, "host_groups.h.roles[0]"));
    let mut nameless = cloud(group(HostGroup::new("h").machines(["web"])));
    nameless.domain = None;
    assert_eq!(found(&nameless), at(Kind::PeopleNotEnrolled, "host_groups.h.machines[0]"));

    // A FreeIPA of the cloud knows its clients and its servers.
    let ipa =
        Machine { image: Image::rocky("9.4").path("/images/rocky.qcow2"), ..machine("ipa", "10.17.3.11") };
    let own = |people: People| {
        let login = IpaLogin::new("admin", Secret::file("ipa-password", "secrets/ipa-password"));
        let server = DnsServer::on("ipa", "ipa").ipa(login.ca(Secret::file("ipa-ca", "ipa-ca.crt")));
        cloud(people)
            .machine(ipa.clone())
            .role(FreeIpa::on("ipa").clients(["db"]))
            .dns(Dns::new().server(server))
    };
    assert_eq!(found(&own(group(HostGroup::new("h").machines(["ipa", "db"])))), []);
    for (wrong, path) in [
        (HostGroup::new("h").machines(["db", "web"]), "host_groups.h.machines[1]"),
        (HostGroup::new("h").roles(["node-exporter"]), "host_groups.h.roles[0]"),
    ] {
        assert_eq!(found(&own(group(wrong))), at(Kind::PeopleNotEnrolled, path));
    }
}

#[test]
fn somebody_may_log_in() {
    let closed = || people().without_allow_all();
    let ssh = || HbacRule::new("ssh").everyone().everywhere();
    assert_eq!(found(&cloud(closed())), at(Kind::PeopleLockedOut, "without_allow_all"));
    for rule in [ssh().services(["sudo"]), ssh().services(["sshd"]).disabled()] {
        assert_eq!(found(&cloud(closed().hbac_rule(rule))), at(Kind::PeopleLockedOut, "without_allow_all"));
    }
    for rule in [ssh().services(["sshd"]), ssh().every_service()] {
        assert_eq!(found(&cloud(closed().hbac_rule(rule))), []);
    }
}
