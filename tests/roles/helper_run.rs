//! The credentials of a helper, taken by the programs that they are for: psql, kubectl and ssh, in namespaces.

use std::time::Duration;

use fmc_testkit::netns::Port;

use super::bastion_run::World;

/// PostgreSQL is made on its first start.
const PATIENCE: Duration = Duration::from_secs(180);

/// A script on a machine, as root.
fn root(world: &World, name: &str, script: &str) -> String {
    let ran = world.lab.run_for(name, PATIENCE, &["bash", "-c", script]);
    ran.unwrap_or_else(|refused| panic!("{name}: {script}: {refused}"))
}

/// A script of a user of the helper, with the exit code.
fn user(world: &World, name: &str, script: &str) -> (bool, String) {
    let script = format!("cd /srv/{name} && su {name} -c '{script}' 2>&1");
    match world.lab.run_for("helper", PATIENCE, &["bash", "-c", &script]) {
        Ok(said) => (true, said),
        Err(refused) => (false, refused.words().to_owned()),
    }
}

#[test]
fn named_people_come_to_database_cluster_and_machines() {
    let world = World::start();
    // What packages make, and the database of the computer that runs the test.
    root(
        &world,
        "db",
        "rm -rf /var/lib/postgresql/* /var/lib/pgbackrest/* /run/postgresql && install -d -o postgres -g postgres -m 2775 /run/postgresql",
    );
    root(&world, "db", "/usr/local/sbin/fmc-postgresql");
    root(
        &world,
        "db",
        "pg_ctlcluster --skip-systemctl-redirect 15 main start -- -t 120 || { cat /var/log/postgresql/*.log; false; }",
    );
    root(&world, "db", "/usr/local/sbin/fmc-postgresql-databases");

    // psql, with the server's certificate verified.
    let query = "psql --no-psqlrc -tA service=shop -c \"SELECT current_user || chr(32) || ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()\"";
    for name in ["ops", "ana"] {
        assert_eq!(user(&world, name, query), (true, "shop true\n".to_owned()), "{name}");
    }
    let (is_in, said) = user(&world, "guest", query);
    assert!(!is_in && said.contains("definition of service \"shop\" not found"), "{said}");
    for file in [".pgpass", ".kube/config", ".ssh/config", ".ssh/fmc_known_hosts", ".postgresql/main.crt"] {
        let (is_read, said) = user(&world, "guest", &format!("cat /srv/ops/{file}"));
        assert!(!is_read && said.contains("Permission denied"), "{said}");
        let (is_read, said) = user(&world, "ana", &format!("cat /srv/ops/{file}"));
        assert!(!is_read && said.contains("Permission denied"), "{said}");
    }

    // kubectl reads the file, and the certificate is the user's until the day.
    let asked = "kubectl config view --minify --raw -o \"jsonpath={.clusters[0].cluster.server}\"";
    assert_eq!(user(&world, "ana", asked), (true, "https://10.17.3.24:6443".to_owned()));
    let read = "kubectl config view --minify --raw -o \"jsonpath={.users[0].user.client-certificate-data}\" | base64 -d | \
                openssl x509 -noout -subject -enddate -nameopt RFC2253";
    let (_, said) = user(&world, "ana", read);
    assert_eq!(said, "subject=CN=ana,O=system:masters\nnotAfter=Jun 30 23:59:59 2027 GMT\n");
    let (_, said) = user(&world, "ops", read);
    assert!(said.starts_with("subject=CN=ops,"), "{said}");
    // The authority of clients that the server has is the one that signed it, and the key is the certificate's.
    let authority =
        world.files("node").into_iter().find(|(path, ..)| path.ends_with("/tls/client-ca.crt")).unwrap().1;
    world.lab.write("helper", "/srv/ana/client-ca.crt", &authority, 0o644);
    let raw = |field: &str| {
        format!("kubectl config view --raw -o \"jsonpath={{.users[0].user.{field}}}\" | base64 -d")
    };
    let verify = format!(
        "{} >ana.crt && {} >ana.key && openssl verify -purpose sslclient -CAfile client-ca.crt ana.crt && openssl x509 -in ana.crt -pubkey -noout >one && openssl pkey -in ana.key -pubout >two && cmp one two",
        raw("client-certificate-data"),
        raw("client-key-data")
    );
    assert_eq!(user(&world, "ana", &verify), (true, "ana.crt: OK\n".to_owned()));

    // ssh goes by the bastion, and to nothing else directly.
    let _sshd = ["bastion", "db", "web"].map(|name| world.sshd(name));
    assert!(!world.lab.reaches("helper", "10.17.3.22", Port::tcp(22)));
    let key = world.lab.path().join("id").display().to_string();
    for name in ["ops", "ana"] {
        root(&world, "helper", &format!("install -o {name} -m 600 {key} /srv/{name}/.ssh/id_ed25519"));
    }
    assert_eq!(user(&world, "ops", "ssh -o BatchMode=yes db hostname"), (true, "db\n".to_owned()));
    assert_eq!(user(&world, "ana", "ssh -o BatchMode=yes web hostname"), (true, "web\n".to_owned()));
    let (is_in, said) = user(
        &world,
        "ana",
        "ssh -o BatchMode=yes -o HostName=10.17.3.22 -o HostKeyAlias=db.shop web hostname",
    );
    assert!(!is_in && said.contains("administratively prohibited"), "{said}");
    let (_, told) = user(&world, "ana", "ssh -G web");
    for line in ["hostname 10.17.3.21", "proxyjump bastion", "stricthostkeychecking true", "user ana"] {
        assert!(told.lines().any(|told| told == line), "no {line:?} in:\n{told}");
    }
}
