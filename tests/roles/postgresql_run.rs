//! PostgreSQL from its compiled files, in namespaces: who gets in, what a standby has, and what a restored machine has.

use std::sync::Arc;
use std::time::Duration;

use fmc::guest::checked::{Contents, TextPart};
use fmc::keys::{Keyring, RootKey};
use fmc::postgresql::Postgresql;
use fmc::prelude::*;
use fmc::secret::{Authority, Secret, SecretBytes, SecretError, SecretRef, Secrets};
use fmc_testkit::netns::{Daemon, Lab, Nic};
use fmc_testkit::{shell, systemd};

use super::postgresql::{BACKUP, EXAMPLE};
use super::*;

/// The scripts wait for other machines, which a busy computer starts slowly.
const PATIENCE: Duration = Duration::from_secs(180);

fn checked(text: &str) -> Checked {
    from_yaml(text).unwrap().check().unwrap_or_else(|report| panic!("{report}"))
}

/// The secrets that are not made from the root key: the authority of a bucket, and its key.
struct Given;

impl Secrets for Given {
    fn bytes(&self, secret: &SecretRef) -> Result<SecretBytes, SecretError> {
        let text = match secret.name.as_str() {
            "s3-ca" => bytes(&checked(EXAMPLE), &bucket_authority().certificate().reference().unwrap()),
            "s3-key" => "the key of the bucket".to_owned(),
            _ => return Err(SecretError::unavailable(secret, "the test has no such secret")),
        };
        Ok(SecretBytes::new(text.into_bytes()))
    }
}

fn bucket_authority() -> Authority {
    Authority::named("bucket")
}

fn bytes(checked: &Checked, secret: &SecretRef) -> String {
    let key = RootKey::from_bytes([7; 32]);
    let keyring = Keyring::new(key, &checked.secret_scope(), Arc::new(Given));
    String::from_utf8(keyring.bytes(secret).unwrap().expose().to_vec()).unwrap()
}

/// The files of a machine, each with its path, text and mode.
fn files(checked: &Checked, machine: &str) -> Vec<(String, String, u32)> {
    let files = checked.machine(machine).unwrap().guest.files.iter();
    let texts = files.map(|file| {
        let text = match &file.contents {
            Contents::Text(text) => text.to_string(),
            Contents::Secret(secret) => bytes(checked, secret),
            Contents::Parts(parts) => parts
                .iter()
                .map(|part| match part {
                    TextPart::Text(text) => text.to_string(),
                    TextPart::Secret(of) => bytes(checked, of),
                    other => panic!("{other:?}"),
                })
                .collect(),
            other => panic!("{other:?}"),
        };
        (file.path.to_string(), text, u32::from(file.mode.bits()))
    });
    texts.collect()
}

/// A cloud in namespaces.
struct World {
    checked: Checked,
    lab: Lab,
}

impl World {
    fn start(text: &str) -> Self {
        let (checked, lab) = (checked(text), Lab::start());
        for network in checked.networks() {
            let family = network.ipv4.as_ref().unwrap();
            lab.network(network.name.as_str(), &format!("{}/24", family.gateway.unwrap()));
        }
        let world = Self { checked, lab };
        for machine in world.checked.machines() {
            let interface = machine.interfaces.first().unwrap();
            let network = world.checked.at(interface.network).unwrap().name.as_str();
            world.host(
                machine.name.as_str(),
                &Nic::new(network, format!("{}/24", machine.address().unwrap())),
            );
        }
        world
    }

    /// A machine with its files and its firewall, as after its packages are there.
    fn host(&self, name: &str, nic: &Nic) {
        let lab = &self.lab;
        lab.host(name, std::slice::from_ref(nic));
        // The database of the computer that runs the test, and what packages make.
        self.root(
            name,
            "rm -rf /var/lib/postgresql/* /etc/postgresql/* /var/lib/pgbackrest/* /run/postgresql && \
             install -d -o postgres -g postgres -m 2775 /run/postgresql",
        );
        for (path, text, mode) in files(&self.checked, name) {
            lab.write(name, &path, &text, mode);
            if path == "/etc/fmc/firewall.nft" {
                lab.load_rules(name, &text).unwrap();
            }
        }
    }

    fn root(&self, name: &str, script: &str) -> String {
        let ran = self.lab.run_for(name, PATIENCE, &["bash", "-c", script]);
        ran.unwrap_or_else(|refused| panic!("{name}: {script}: {refused}"))
    }

    /// Starts a server as its units do.
    fn up(&self, name: &str) {
        self.root(name, "/usr/local/sbin/fmc-postgresql");
        self.root(name, "pg_ctlcluster --skip-systemctl-redirect 15 main start -- -t 120 || { cat /var/log/postgresql/*.log; false; }");
    }

    /// The machine with the backups, and pgBackRest's server on it.
    fn keep(&self) -> Daemon<'_> {
        self.root("vault", "/usr/local/sbin/fmc-pgbackrest");
        self.lab.daemon("vault", SERVER)
    }

    fn postgresql(&self) -> &Postgresql {
        Postgresql::named(&self.checked, "main").unwrap()
    }

    fn secret(&self, secret: &Secret) -> String {
        bytes(&self.checked, &secret.reference().unwrap())
    }

    /// What a client gets from a server, with the certificate verified; the refusal if it gets none.
    fn query(
        &self,
        from: &str,
        host: &str,
        user: &str,
        password: &str,
        query: &str,
    ) -> Result<String, String> {
        let authority = self.secret(&self.postgresql().authority().certificate());
        self.lab.write(from, "/etc/ssl/main.pem", &authority, 0o644);
        let machine = self
            .checked
            .machines()
            .iter()
            .find(|machine| machine.fqdn.as_ref().is_some_and(|fqdn| fqdn.as_str() == host));
        let address = machine.and_then(|machine| machine.address()).unwrap();
        let address = format!(
            "host={host} hostaddr={address} dbname=shop user={user} password={password} connect_timeout=3 \
             sslmode=verify-full sslrootcert=/etc/ssl/main.pem"
        );
        let words =
            ["psql", "--no-psqlrc", "--tuples-only", "--no-align", "--dbname", &address, "--command", query];
        self.lab.run(from, &words).map_err(|refused| refused.to_string())
    }
}

/// pgBackRest's server, as its unit starts it.
const SERVER: &[&str] = &["runuser", "-u", "postgres", "--", "pgbackrest", "server"];

const PRIMARY: &str = "db1.lab.example";
const STANDBY: &str = "db2.lab.example";

#[test]
fn a_client_is_let_in_and_nobody_else() {
    let world = World::start(EXAMPLE);
    let _vault = world.keep();
    world.up("db1");
    world.root("db1", "/usr/local/sbin/fmc-postgresql-databases");
    // A second run changes nothing.
    world.root("db1", "/usr/local/sbin/fmc-postgresql-databases");
    let password = |user: &str| world.secret(&world.postgresql().password(user));
    let shop = password("shop");
    let ask = |from: &str, user: &str, query: &str| world.query(from, PRIMARY, user, &password(user), query);
    assert_eq!(ask("web", "shop", "CREATE TABLE things (name text)").as_deref(), Ok("CREATE TABLE\n"));
    assert_eq!(ask("web", "shop", "SHOW ssl").as_deref(), Ok("on\n"));
    // Who is let in without being the owner sees what the owner grants.
    assert!(ask("web", "reports", "TABLE things").unwrap_err().contains("permission denied"));
    ask("web", "shop", "GRANT SELECT ON things TO reports").unwrap();
    assert_eq!(ask("web", "reports", "SELECT count(*) FROM things").as_deref(), Ok("0\n"));

    let refused =
        |from: &str, user: &str, with: &str| world.query(from, PRIMARY, user, with, "SELECT 1").unwrap_err();
    assert!(refused("web", "shop", "another").contains("password authentication failed"));
    assert!(refused("web", "postgres", &shop).contains("no pg_hba.conf entry"));
    // The firewall keeps a stranger out, and without it PostgreSQL does.
    assert!(refused("other", "shop", &shop).contains("timeout expired"));
    world.root("db1", "nft flush ruleset");
    assert!(refused("other", "shop", &shop).contains("no pg_hba.conf entry for host \"10.17.5.22\""));
    // Nothing speaks without TLS, and a server of another name is not believed.
    let plain = world.root(
        "web",
        &format!("PGPASSWORD={shop} psql 'host=10.17.3.14 user=shop dbname=shop sslmode=disable' -c 'SELECT 1' 2>&1 || :"),
    );
    assert!(plain.contains("no encryption"), "{plain}");
    let wrong = world.root(
        "web",
        &format!(
            "PGPASSWORD={shop} psql 'host=web.lab.example hostaddr=10.17.3.14 user=shop dbname=shop sslmode=verify-full \
             sslrootcert=/etc/ssl/main.pem' -c 'SELECT 1' 2>&1 || :"
        ),
    );
    assert!(wrong.contains("does not match host name"), "{wrong}");

    // The passwords themselves are in no file of the server, and secrets are in none that others read.
    for (path, text, mode) in files(&world.checked, "db1") {
        assert!(!text.contains(&shop), "{path}");
        let is_secret = text.contains("PRIVATE KEY") || text.contains("SCRAM-SHA-256$");
        assert!(!is_secret || mode == 0o600, "{path} {mode:o}");
    }
    let open = world.root("db1", "find /etc/postgresql /etc/pgbackrest /var/lib/postgresql -name '*.key' -perm /037; find /var/lib/postgresql/15/main -maxdepth 0 -perm /077");
    assert_eq!(open, "");
}

#[test]
fn a_standby_follows_and_a_database_comes_back_from_another_machine() {
    let world = World::start(EXAMPLE);
    let _vault = world.keep();
    world.up("db1");
    world.root("db1", "/usr/local/sbin/fmc-postgresql-databases");
    world.up("db2");
    let shop = world.secret(&world.postgresql().password("shop"));
    let ask = |host: &str, query: &str| world.query("web", host, "shop", &shop, query);
    ask(PRIMARY, "CREATE TABLE things AS SELECT generate_series(1, 1000) AS number").unwrap();
    // Whoever waits for the standby has it in the same words as everyone: its slot knows how far it is.
    let caught_up = "for i in $(seq 60); do runuser -u postgres -- psql -Atc \"SELECT count(*) FROM pg_stat_replication r \
        JOIN pg_replication_slots s ON s.active_pid = r.pid WHERE s.slot_name = 'db2' AND r.replay_lsn = pg_current_wal_lsn()\" | grep -qx 1 && exit 0; sleep 1; done; exit 1";
    world.root("db1", caught_up);
    assert_eq!(ask(STANDBY, "SELECT sum(number) FROM things").as_deref(), Ok("500500\n"));
    assert!(ask(STANDBY, "DELETE FROM things").unwrap_err().contains("read-only transaction"));
    // A standby that starts again keeps what it has.
    world.root("db2", "/usr/local/sbin/fmc-postgresql");

    // The machine with the backups asks pgBackRest's server on the primary.
    let at_primary = world.lab.daemon("db1", SERVER);
    world.root("vault", "/usr/local/sbin/fmc-postgresql-backup first");
    let backups = |world: &World| world.root("vault", "runuser -u postgres -- pgbackrest info --output=json");
    assert_eq!(backups(&world).matches("\"label\"").count(), 1);
    // There is one already.
    world.root("vault", "/usr/local/sbin/fmc-postgresql-backup first");
    assert_eq!(backups(&world).matches("\"label\"").count(), 1);

    // What came after the backup is in the archive.
    ask(PRIMARY, "INSERT INTO things SELECT generate_series(1001, 1100)").unwrap();
    world.root("db1", "runuser -u postgres -- psql -Atc 'SELECT pg_switch_wal()' && for i in $(seq 60); do \
        runuser -u postgres -- psql -Atc \"SELECT last_archived_wal IS NOT NULL AND last_archived_wal >= pg_walfile_name(pg_switch_wal() - 1) FROM pg_stat_archiver\" | grep -qx t && exit 0; sleep 1; done; exit 1");
    let rows = ask(PRIMARY, "SELECT count(*), sum(number) FROM things").unwrap();
    assert_eq!(rows, "1100|605550\n");

    // The machine and its data are gone; the new one has the same name and empty disks.
    world.root("db1", "pg_ctlcluster --skip-systemctl-redirect 15 main stop -m immediate");
    drop(at_primary);
    world.root("db1", "rm -rf /var/lib/postgresql/*");
    world.up("db1");
    world.root("db1", "/usr/local/sbin/fmc-postgresql-databases");
    assert_eq!(ask(PRIMARY, "SELECT count(*), sum(number) FROM things").as_deref(), Ok(&*rows));
    ask(PRIMARY, "INSERT INTO things VALUES (1)").unwrap();
    // Backups go on in the same place.
    let _at_primary = world.lab.daemon("db1", SERVER);
    world.root("vault", "/usr/local/sbin/fmc-postgresql-backup");
    assert_eq!(backups(&world).matches("\"label\"").count(), 2);
}

/// The cloud with its backups on a second disk of the primary, encrypted, and without a standby.
fn on_a_disk() -> String {
    let text =
        EXAMPLE.replace("machine: vault, at", "encrypted: true, at").replace("      standbys: [db2]\n", "");
    assert_ne!(text, EXAMPLE);
    text
}

#[test]
fn a_database_comes_back_from_a_disk_and_is_never_made_beside_a_backup() {
    let world = World::start(&on_a_disk());
    world.up("db1");
    world.root("db1", "/usr/local/sbin/fmc-postgresql-databases");
    let shop = world.secret(&world.postgresql().password("shop"));
    let ask = |query: &str| world.query("web", PRIMARY, "shop", &shop, query);
    ask("CREATE TABLE things AS SELECT generate_series(1, 1000) AS number").unwrap();
    world.root("db1", "/usr/local/sbin/fmc-postgresql-backup first");
    let stop = "pg_ctlcluster --skip-systemctl-redirect 15 main stop -m fast";
    world.root("db1", stop);

    // A reboot keeps what is there.
    let before = world.root("db1", "find /var/lib/postgresql -type f | sort | xargs sha256sum");
    world.root("db1", "/usr/local/sbin/fmc-postgresql");
    assert_eq!(world.root("db1", "find /var/lib/postgresql -type f | sort | xargs sha256sum"), before);

    // While the repository cannot be read, the script waits and makes nothing.
    world.root("db1", "mv /var/lib/postgresql/15/main /var/lib/before");
    world.root("db1", "chmod 000 /var/lib/pgbackrest/backup");
    let waits = world.lab.run_for("db1", Duration::from_secs(8), &["/usr/local/sbin/fmc-postgresql"]);
    assert!(waits.is_err());
    assert_eq!(world.root("db1", "ls -A /var/lib/postgresql/15"), "");
    world.root("db1", "chmod 750 /var/lib/pgbackrest/backup");

    // A restore that was interrupted begins again.
    world.root("db1", "install -d -o postgres -g postgres /var/lib/postgresql/15/main.new/half");
    world.up("db1");
    assert_eq!(ask("SELECT count(*), sum(number) FROM things").as_deref(), Ok("1000|500500\n"));
    world.root("db1", stop);

    // Data of another major version is left as it is.
    world.root(
        "db1",
        "mv /var/lib/postgresql/15 /var/lib/postgresql/14 && echo 14 >/var/lib/postgresql/14/main/PG_VERSION",
    );
    let refused = world.lab.run("db1", &["/usr/local/sbin/fmc-postgresql"]).unwrap_err().to_string();
    assert!(refused.contains("has a database of PostgreSQL 14, and this machine has 15"), "{refused}");
    assert_eq!(world.root("db1", "ls -A /var/lib/postgresql/15"), "");
}

/// The cloud with its backups in a bucket of the machine `vault`.
fn in_a_bucket() -> String {
    let bucket = "s3: {bucket: backups, endpoint: vault.lab.example, region: home, folder: main, access_key: backup, lookup: path, \
        secret_key: {name: s3-key, source: {environment: S3_KEY}}, ca: {name: s3-ca, source: {file: s3.pem}}}, encrypted: true, at";
    let text = EXAMPLE.replace("machine: vault, at", bucket).replace("      standbys: [db2]\n", "");
    assert_ne!(text, EXAMPLE);
    text.replace("10.17.3.16}]\n", "10.17.3.16}]\n    accept: [{service: tcp 443, from: {machine: db1}}]\n")
}

#[test]
fn a_database_comes_back_from_a_bucket() {
    let world = World::start(&in_a_bucket());
    let own = bucket_authority().server("vault", ["vault.lab.example"]);
    for (path, secret) in [("/etc/s3.pem", own.certificate()), ("/etc/s3.key", own.key())] {
        world.lab.write("vault", path, &world.secret(&secret), 0o600);
    }
    world.lab.write("vault", "/etc/s3.py", include_str!("s3.py"), 0o644);
    world.lab.write("db1", "/etc/hosts", "127.0.0.1 localhost\n10.17.3.16 vault.lab.example\n", 0o644);
    let words = ["python3", "/etc/s3.py", "443", "/srv", "/etc/s3.pem", "/etc/s3.key", "backup"];
    let mut bucket = world.lab.daemon("vault", &words);
    bucket.says("ready", PATIENCE).unwrap();

    world.up("db1");
    world.root("db1", "/usr/local/sbin/fmc-postgresql-databases");
    let shop = world.secret(&world.postgresql().password("shop"));
    let ask = |query: &str| world.query("web", PRIMARY, "shop", &shop, query);
    ask("CREATE TABLE things AS SELECT generate_series(1, 1000) AS number").unwrap();
    world.root("db1", "/usr/local/sbin/fmc-postgresql-backup first");
    world.root(
        "db1",
        "pg_ctlcluster --skip-systemctl-redirect 15 main stop -m fast && rm -rf /var/lib/postgresql/*",
    );
    // What is in the bucket says nothing to whoever has not the key.
    assert_eq!(world.root("vault", "grep -rl generate_series /srv || :"), "");
    world.up("db1");
    assert_eq!(ask("SELECT count(*), sum(number) FROM things").as_deref(), Ok("1000|500500\n"));
}

/// A role of a person's own connects by the handle alone.
#[test]
fn the_address_of_a_database_is_what_a_client_takes() {
    let world = World::start(&on_a_disk());
    world.up("db1");
    world.root("db1", "/usr/local/sbin/fmc-postgresql-databases");
    let web = world.checked.machine("web").unwrap();
    let parts = world.postgresql().address_from(&world.checked, web, "shop", "/etc/ssl/main.pem").unwrap();
    let address: String = parts
        .iter()
        .map(|part| match part {
            fmc::guest::TextPart::Text(text) => text.to_string(),
            fmc::guest::TextPart::Component(secret) => world.secret(secret),
            other => panic!("{other:?}"),
        })
        .collect();
    let authority = world.secret(&world.postgresql().authority().certificate());
    world.lab.write("web", "/etc/ssl/main.pem", &authority, 0o644);
    assert_eq!(world.root("web", &format!("psql '{address}' -Atc 'SELECT current_user'")), "shop\n");
    assert!(world.postgresql().address_from(&world.checked, web, "shopp", "/etc/ssl/main.pem").is_none());
}

#[test]
fn scripts_and_units_are_right() {
    let rocky = EXAMPLE
        .replace("os: debian, version: \"12\"", "os: rocky, version: \"9.4\"")
        .replace("machine: vault, at", "at");
    for (text, machines) in [
        (EXAMPLE.to_owned(), &["db1", "db2", "vault"][..]),
        (on_a_disk(), &["db1"]),
        (in_a_bucket(), &["db1"]),
        (rocky, &["db1", "db2"]),
    ] {
        let checked = checked(&text);
        for machine in machines {
            let mut programs = vec![
                "/usr/bin/pgbackrest".to_owned(),
                "/usr/bin/postgres".to_owned(),
                "/bin/bash".to_owned(),
            ];
            for (path, text, mode) in files(&checked, machine) {
                if path.starts_with("/usr/local/sbin/") {
                    assert_eq!(mode, 0o755, "{path}");
                    shell::syntax(&text).unwrap();
                    shell::lint(&text).unwrap_or_else(|refused| panic!("{refused}\n{text}"));
                    programs.push(path);
                }
            }
            let folder = fmc_testkit::tree::scratch();
            for unit in &checked.machine(machine).unwrap().guest.units {
                let name = unit.name.as_str();
                if let Some(contents) = unit
                    .contents
                    .as_ref()
                    .filter(|_| name.contains("postgresql") || name.contains("pgbackrest"))
                {
                    fmc_testkit::tree::write(&folder.path().join(name), contents.text().as_bytes());
                }
            }
            // The server's unit, which the package brings.
            for name in ["postgresql@15-main.service", "postgresql.service"] {
                let unit = b"[Service]\nExecStart=/usr/bin/postgres\n";
                fmc_testkit::tree::write(&folder.path().join(name), unit);
            }
            let programs: Vec<&str> = programs.iter().map(String::as_str).collect();
            systemd::verify(folder.path(), &programs).unwrap();
        }
    }
}

/// The program that reads PGDG's list of packages in production takes it, and the key in it.
#[test]
fn apt_reads_the_list_of_pgdg() {
    let text = EXAMPLE.replace("version: 15\n", "version: 17\n      packages: pgdg\n");
    let text = text.replace(BACKUP, "backup: {}");
    let files = files(&checked(&text), "db1");
    let (_, list, _) = files.iter().find(|(path, ..)| path.ends_with("pgdg.sources")).unwrap();
    let lab = Lab::start();
    lab.host("db1", &[]);
    lab.write("db1", "/etc/fmc/lists/pgdg.sources", list, 0o644);
    let read = "apt-get update --print-uris -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts=/etc/fmc/lists";
    let said = lab.run("db1", &["sh", "-c", &format!("{read} 2>&1")]).unwrap();
    let is_right =
        |line: &str| line.starts_with("'https://apt.postgresql.org/pub/repos/apt/dists/bookworm-pgdg/");
    assert!(said.contains("/InRelease'") && said.lines().all(is_right), "{said}");
    // It is the key that PostgreSQL publishes.
    let key = list.split_once("Signed-By:\n").unwrap().1.lines();
    let key: String = key.map(|line| format!("{}\n", line.trim_start().trim_start_matches('.'))).collect();
    lab.write("db1", "/etc/fmc/key.asc", &key, 0o644);
    let shown =
        lab.run("db1", &["sh", "-c", "GNUPGHOME=$(mktemp -d) gpg --show-keys /etc/fmc/key.asc"]).unwrap();
    assert!(shown.contains("B97B0AFCAA1A47F044F244A07FCC7D46ACCC4CF8"), "{shown}");
}
