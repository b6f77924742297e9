//! PostgreSQL on machines, as files say it.

use fmc::name::MachineName;

use super::*;

pub(crate) const EXAMPLE: &str = include_str!("../../examples/postgresql/cloud.yaml");

#[test]
fn the_example_is_whole() {
    let rust = "Spanning::said(Postgresql::new(\"main\", 15, \"db1\").standbys([\"db2\"])";
    is_whole(EXAMPLE, include_str!("../../docs/postgresql.md"), rust);
}

#[test]
fn every_setting_is_described() {
    is_described(
        "postgresql",
        &[
            "backup",
            "databases",
            "max_connections",
            "name",
            "packages",
            "port",
            "primary",
            "size",
            "standbys",
            "users",
            "version",
        ],
    );
}

/// The example with a mistake: each text in place of another one.
fn with(changes: &[(&str, &str)]) -> String {
    changes.iter().fold(EXAMPLE.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    })
}

pub(crate) const BACKUP: &str = "backup: {machine: vault, at: \"03:15\", keep: 3}";
const DB1: &str = "interfaces: [{network: core, address: 10.17.3.14}]";

/// A mistake, and the beginning of what is said about it.
const MISTAKES: &[(&[(&str, &str)], &str)] = &[
    (&[("version: 15", "version: 17")], "error[postgresql-version]: Debian 12 has PostgreSQL 15, and not 17"),
    (&[("version: 15", "version: 9")], "it is a whole number from 13 to 18"),
    (&[("version: 15", "version: \"15.4\"")], "it is a major version alone"),
    (
        &[(
            DB1,
            "interfaces: [{network: core, address: 10.17.3.14}]\n    disks: {postgresql: {size: 20 GiB}}",
        )],
        "error[postgresql-no-disk]: no data disk of db1 is mounted at /var/lib/postgresql",
    ),
    (
        &[
            (BACKUP, "backup: {}"),
            (
                DB1,
                "interfaces: [{network: core, address: 10.17.3.14}]\n    disks: {postgresql-backup: {size: 20 GiB, mount: /srv}, postgresql: {size: 90 GiB, mount: /var/lib}}",
            ),
        ],
        "warning[postgresql-one-disk]: the data of db1 and its backups are on one disk",
    ),
    (&[(BACKUP, "")], "warning[postgresql-no-backup]: a standby repeats a mistake at once"),
    (&[("keep: 3", "keep: 0")], "error[postgresql-retention]: `keep` is 0"),
    (&[("at: \"03:15\"", "at: \"25:15\"")], "it has an hour from 00 to 23"),
    (
        &[("standbys: [db2]", "standbys: [db2, db1]")],
        "error[postgresql-members]: db1 is the primary of main and a standby of main",
    ),
    (
        &[("machine: vault, at", "machine: db1, at")],
        "error[postgresql-members]: db1 is the keeper of backups of main and the primary of main",
    ),
    (&[("primary: db1", "primary: db3")], "there is no machine db3"),
    (
        &[(
            "accept:\n",
            "  - postgresql: {name: other, version: 15, primary: db2, standbys: [db1], backup: {}}\naccept:\n",
        )],
        "error[postgresql-members]: db2 is the primary of other and a standby of main",
    ),
    (
        &[("accept:\n", "  - postgresql: {name: main, version: 15, primary: web, backup: {}}\naccept:\n")],
        "error[postgresql-members]: two PostgreSQL of the cloud are called main",
    ),
    (&[(", from: [{machine: web}]", "")], "warning[postgresql-no-clients]: nobody may connect to shop"),
    (&[("{machine: web}", "{machine: wbe}")], "did you mean web?"),
    (
        &[("{machine: web}", "{inside: {interfaces: [docker0], subnet: 172.17.0.0/16}}")],
        "`inside` is no caller of a database",
    ),
    (
        &[("version: 15\n", "version: 15\n      max_connections: 500\n")],
        "error[postgresql-memory]: db1 has 4 GiB of memory, which holds 204 connections",
    ),
    (&[("version: 15\n", "version: 15\n      max_connections: 3\n")], "`max_connections` is 3"),
    (&[("version: 15\n", "version: 15\n      size: 100 MiB\n")], "has no room for a database"),
    (&[("version: 15\n", "version: 15\n      port: 80\n")], "only root listens at ports below 1024"),
    (
        &[("machine: vault, at", "s3: {bucket: b, endpoint: \"http://s3.example.org\"}, at")],
        "pgBackRest takes an endpoint by its name alone",
    ),
    (
        &[("version: 15\n", "version: 16\n      packages: pgdg\n")],
        "the servers have PGDG's pgBackRest, and vault has that of Debian 12",
    ),
    (
        &[("version: \"12\"", "version: \"11\""), ("version: 15\n", "version: 13\n")],
        "pgBackRest of Debian 11 has no server for TLS",
    ),
    (&[("owner: shop", "owner: shopp")], "error[postgresql-no-user]: `owner` names shopp"),
    (&[("users: [reports]", "users: [auditor]")], "error[postgresql-no-user]: `users[0]` names auditor"),
    (
        &[("shop: {owner", "Shop: {owner")],
        "warning[postgresql-quoted-name]: whoever writes SQL has to quote the database \"Shop\"",
    ),
    (
        &[("reports: {}", "reports: {}, \"1a\": {}")],
        "warning[postgresql-quoted-name]: whoever writes SQL has to quote the user \"1a\"",
    ),
    (&[("reports: {}", "reports: {}, \"a b\": {}")], "a b is not a name of a user"),
    (
        &[("reports: {}", "reports: {}, pg_monitor: {}")],
        "error[postgresql-reserved-name]: pg_monitor is a user",
    ),
    (&[("reports: {}", "reports: {}, postgres: {}")], "error[postgresql-reserved-name]: postgres is a user"),
    (&[("shop: {owner", "template1: {owner")], "error[postgresql-reserved-name]: template1 is a database"),
    (&[("version: 15\n", "version: 15\n      port: 8432\n")], "error[postgresql-port]"),
    (
        &[
            ("version: 15\n", "version: 15\n      port: 9100\n"),
            (
                DB1,
                "interfaces: [{network: core, address: 10.17.3.14}]\n    roles: [{node-exporter: {from: [{machine: web}]}}]",
            ),
        ],
        "both listen on tcp 9100",
    ),
    (&[("machine: vault, at", "s3: {bucket: b}, at")], "pgBackRest needs the endpoint of the bucket"),
    (&[("machine: vault, at", "machine: vault, s3: {bucket: b}, at")], "on a machine and in a bucket"),
    (&[("os: debian, version: \"12\"", "os: flatcar, version: \"4593.2.0\"")], "cannot install itself there"),
    (&[("    memory: 4 GiB\n", "    memory: 256 MiB\n")], "postgresql-primary needs 512 MiB"),
    (&[("keep: 3", "keeps: 3")], "did you mean `keep`?"),
];

#[test]
fn mistakes_are_shown_and_explained() {
    for (changes, expected) in MISTAKES {
        let (code, said) = run(&with(changes), "check");
        assert!(
            said.contains(expected) && (code == 1 || expected.starts_with("warning")),
            "{changes:?}: {code} {said}"
        );
    }
    for kind in Postgresql::FINDINGS {
        let (code, said) = run("", &format!("explain {}", kind.as_str()));
        assert!(code == 0 && said.contains("How to mend it"), "{}: {said}", kind.as_str());
        let is_shown = MISTAKES.iter().any(|(_, text)| text.contains(&format!("[{}]", kind.as_str())));
        assert!(is_shown || kind.as_str() == "postgresql-no-database", "no mistake of {}", kind.as_str());
    }
}

/// The example with a cluster of K3s that keeps its state in the PostgreSQL.
fn with_k3s() -> String {
    let machine = "  master1:\n    image: {os: debian, version: \"12\", source: {path: /images/debian-12.qcow2}}\n    memory: 4 GiB\n    cpus: 2\n    \
        root_disk: 20 GiB\n    interfaces: [{network: apps, address: 10.17.5.31}]\n";
    let cluster = "clusters:\n  prod:\n    version: v1.36.3+k3s1\n    servers: [master1]\n    datastore: {postgresql: main}\n";
    with(&[
        ("roles:\n", &format!("{machine}{cluster}roles:\n")),
        ("accept:\n", "accept:\n  - {kind: k3s-install-unpinned, reason: an example}\n"),
        ("users: {shop: {}, ", "users: {shop: {}, kine: {}, "),
        ("        shop: {owner", "        k3s: {owner: kine}\n        shop: {owner"),
    ])
}

#[test]
fn a_cluster_has_its_state_in_a_database() {
    let text = with_k3s();
    let cloud = from_yaml(&text).unwrap();
    let checked = cloud.check().unwrap_or_else(|report| panic!("{report}"));
    assert!(to_rust(&cloud).unwrap().contains("datastore(k3s::Datastore::of(\"main\"))"));
    assert_eq!(from_yaml(&to_yaml(&cloud).unwrap()).unwrap(), cloud);
    let contents = |machine: &str, path: &str| {
        let files = &checked.machine(machine).unwrap().guest.files;
        format!("{:?}", files.iter().find(|file| file.path.as_str() == path).unwrap().contents)
    };
    let config = contents("master1", "/etc/rancher/k3s/config.yaml");
    assert!(config.contains("postgres://kine:") && config.contains("postgresql-main-user-kine"), "{config}");
    assert!(
        config.contains("@10.17.3.14:5432/k3s?sslmode=verify-full") && config.contains("datastore-cafile"),
        "{config}"
    );
    let hba = contents("db1", "/etc/postgresql/15/main/pg_hba.conf");
    assert!(hba.contains("hostssl \\\"k3s\\\" \\\"kine\\\" 10.17.5.31/32 scram-sha-256"), "{hba}");
    let master = MachineName::literal("master1");
    assert!(checked.flows().into("db1").from(master).allows(tcp(5432)));
    let after = &checked.machine("master1").unwrap().after;
    assert!(after.contains(&checked.find("db1").unwrap()), "{after:?}");

    for (from, to, expected) in [
        (
            "  prod:\n",
            "  other:\n    version: v1.36.3+k3s1\n    servers: [web]\n    datastore: {postgresql: main}\n  prod:\n",
            "keep their state in one database, k3s",
        ),
        (
            "k3s: {owner: kine}",
            "kine: {owner: kine}",
            "error[postgresql-no-database]: the datastore of the cluster prod is the database k3s",
        ),
        (
            "{postgresql: main}",
            "{postgresql: mian}",
            "there is no PostgreSQL mian among the roles of the cloud",
        ),
        (
            "{postgresql: main}",
            "{postgresql: main, port: 5432}",
            "the port of the datastore follows from the PostgreSQL",
        ),
    ] {
        assert!(text.contains(from));
        let (code, said) = run(&text.replace(from, to), "check");
        assert!(code == 1 && said.contains(expected), "{to}: {said}");
    }
}

/// The text of a machine's file.
fn text_of(checked: &Checked, machine: &str, path: &str) -> String {
    use fmc::guest::checked::Contents;
    let files = &checked.machine(machine).unwrap().guest.files;
    let file = files.iter().find(|file| file.path.as_str() == path);
    match &file.unwrap_or_else(|| panic!("{machine}: {path}")).contents {
        Contents::Text(text) => text.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn callers_are_said_once() {
    let checked = from_yaml(EXAMPLE).unwrap().check().unwrap_or_else(|report| panic!("{report}"));
    let hba = text_of(&checked, "db1", "/etc/postgresql/15/main/pg_hba.conf");
    assert_eq!(
        hba,
        "# Who may connect, written by fmc.\nlocal all postgres peer\nhostssl \"shop\" \"shop\",\"reports\" 10.17.5.21/32 scram-sha-256\n\
         hostssl replication fmc_replication 10.17.3.15/32 scram-sha-256\n"
    );
    let settings = text_of(&checked, "db1", "/etc/postgresql/15/main/postgresql.conf");
    assert!(settings.contains("\nlisten_addresses = 'localhost,10.17.3.14'\n"), "{settings}");
    assert!(settings.contains("\nshared_buffers = 1024MB\n"), "{settings}");
    let allows = |to: &'static str, from: &'static str, port| {
        checked.flows().into(to).from(MachineName::literal(from)).allows(tcp(port))
    };
    assert!(allows("db1", "web", 5432) && allows("db2", "web", 5432) && allows("db1", "db2", 5432));
    assert!(!allows("db1", "other", 5432) && !allows("db1", "vault", 5432) && !allows("vault", "web", 8432));
    assert!(allows("db1", "vault", 8432) && allows("vault", "db1", 8432) && allows("vault", "db2", 8432));
    // A standby starts after its primary.
    assert_eq!(checked.machine("db2").unwrap().after, [checked.find("db1").unwrap()]);
}

/// Enterprise Linux has its own places; its files are compared with what its programs document.
#[test]
fn rocky_reads_its_own_files() {
    let rocky = with(&[
        (
            "image: {os: debian, version: \"12\", source: {path: /images/debian-12.qcow2}}\n    memory",
            "image: {os: rocky, version: \"9.4\", source: {path: /images/rocky.qcow2}}\n    memory",
        ),
        (BACKUP, "backup: {}"),
    ]);
    let checked = from_yaml(&rocky).unwrap().check().unwrap_or_else(|report| panic!("{report}"));
    let guest = &checked.machine("db1").unwrap().guest;
    assert!(text_of(&checked, "db1", "/etc/dnf/modules.d/postgresql.module").contains("stream=15\n"));
    let unit = guest.units.iter().find(|unit| unit.name.as_str() == "postgresql.service").unwrap();
    let dropin = unit.dropins.iter().find(|dropin| dropin.name.as_str() == "50-fmc.conf").unwrap();
    assert_eq!(
        dropin.contents.text(),
        "[Unit]\nRequires=fmc-postgresql.service\nAfter=fmc-postgresql.service network-online.target\nWants=network-online.target\n\n\
         [Service]\nEnvironment=PGDATA=/var/lib/postgresql/15/main\nExecStartPre=\nExecStart=\n\
         ExecStart=/usr/bin/postgres -D /var/lib/postgresql/15/main -c config_file=/etc/postgresql/15/main/postgresql.conf\n"
    );
    let packages: Vec<&str> = guest.packages.iter().map(|package| package.as_str()).collect();
    assert!(packages.contains(&"postgresql-server") && packages.contains(&"epel-release"), "{packages:?}");
}

/// A cluster keeps the database that has its state.
#[test]
fn the_state_of_a_cluster_is_not_exchanged_for_an_empty_database() {
    let folder = fmc_testkit::tree::scratch();
    let write = |text: &str| std::fs::write(folder.path().join("cloud.yaml"), text).unwrap();
    let text = with_k3s();
    write(&text);
    let (code, said) = run_in(folder.path(), "apply --yes --connect sim:host.json");
    assert_eq!(code, 0, "{said}");
    let other = text.replace("{postgresql: main}", "{postgresql: main, database: empty}");
    write(&other.replace(
        "        k3s: {owner: kine}\n",
        "        k3s: {owner: kine}\n        empty: {owner: kine}\n",
    ));
    let (code, said) = run_in(folder.path(), "apply --yes --connect sim:host.json --replace outdated");
    assert!(code != 0 && said.contains("in a database without its state"), "{said}");
}

/// A database keeps its major version, and a machine that is replaced keeps its disks.
#[test]
fn another_major_version_is_refused_while_the_data_is_there() {
    let folder = fmc_testkit::tree::scratch();
    let write = |text: &str| std::fs::write(folder.path().join("cloud.yaml"), text).unwrap();
    let example = with(&[(BACKUP, "backup: {}")]);
    write(&example);
    let (code, said) = run_in(folder.path(), "apply --yes --connect sim:host.json");
    assert_eq!(code, 0, "{said}");
    // A repository is read only as it was made.
    write(&with(&[(BACKUP, "backup: {encrypted: true}")]));
    let (_, said) = run_in(folder.path(), "plan --connect sim:host.json --replace db1");
    assert!(said.contains("only as it was made, encrypted or not"), "{said}");
    write(&example.replace("version: 15\n", "version: 17\n      packages: pgdg\n"));
    let (_, said) = run_in(folder.path(), "plan --connect sim:host.json --replace db1");
    assert!(said.contains("a database keeps the major version that it was made with"), "{said}");
    let (code, said) = run_in(folder.path(), "apply --yes --connect sim:host.json --replace db1");
    assert_ne!(code, 0, "{said}");
    // The same machine with more memory is made new, and its disks stay.
    write(&example.replace("    memory: 4 GiB\n", "    memory: 8 GiB\n"));
    let (_, said) = run_in(folder.path(), "plan --connect sim:host.json --replace db1");
    assert!(said.contains("db1.disk.postgresql"), "{said}");
}
