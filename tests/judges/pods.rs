//! The services of the examples, started from their compiled pods by `crun` with Debian's programs.

#[cfg(feature = "full")]
use std::os::unix::fs::MetadataExt as _;

use fmc_testkit::netns::Lab;
use fmc_testkit::pod::{Image, Pod};
use serde_json::{Value, json};

use crate::objects;

const REDIS: [&str; 3] = ["StatefulSet", "shop", "sessions"];

/// Changes the workload of a kind and name.
fn change(objects: &mut [Value], [kind, namespace, name]: [&str; 3], change: impl FnOnce(&mut Value)) {
    let is = |object: &Value| {
        object["kind"] == kind
            && object["metadata"]["namespace"] == namespace
            && object["metadata"]["name"] == name
    };
    change(objects.iter_mut().find(|object| is(object)).unwrap());
}

/// A change of a pod: the volume at a path is not mounted.
fn without_mount(path: &str) -> impl FnOnce(&mut Value) {
    move |workload| {
        let mounts = workload.pointer_mut("/spec/template/spec/containers/0/volumeMounts").unwrap();
        let mounts = mounts.as_array_mut().unwrap();
        let before = mounts.len();
        mounts.retain(|mount| mount["mountPath"] != path);
        assert_eq!(mounts.len() + 1, before, "a mount at {path}");
    }
}

#[test]
fn redis_keeps_its_data_where_its_user_may_write() {
    let objects = objects(include_str!("../../examples/platform/redis.yaml"));
    let lab = Lab::start();
    let pod = Pod::start(&lab, &objects, REDIS, "redis", &Image::REDIS).unwrap();
    let cli = |words: &str| pod.run(&["sh", "-c", &format!("redis-cli {words}")]).unwrap();
    let with_password = r#"--no-auth-warning -a "$REDIS_PASSWORD""#;
    assert_eq!(cli("PING").trim(), "NOAUTH Authentication required.");
    assert_eq!(cli(&format!("{with_password} SET greeting hello")).trim(), "OK");
    assert_eq!(cli(&format!("{with_password} GET greeting")).trim(), "hello");
    assert_eq!(cli(&format!("{with_password} CONFIG GET maxmemory")).trim(), "maxmemory\n134217728");
    assert!(pod.volume("data").join("appendonlydir").is_dir(), "{}", pod.log());
    let status = pod.run(&["cat", "/proc/1/status"]).unwrap();
    let line =
        |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
    assert_eq!(line("Uid:").split_whitespace().next(), Some("999"));
    assert_eq!((line("CapBnd:").as_str(), line("NoNewPrivs:").as_str()), ("0000000000000000", "1"));
    assert_eq!(line("Seccomp:"), "2", "a filter");
    let written = pod.run(&["sh", "-c", "touch /etc/x || touch /tmp/x || touch /run/x"]).unwrap_err();
    assert_eq!(written.words().matches("Read-only file system").count(), 3, "{written}");
}

/// So the judge can say no.
#[test]
fn a_redis_without_its_volume_or_its_group_is_refused() {
    let objects = objects(include_str!("../../examples/platform/redis.yaml"));
    let refused = |spoil: &dyn Fn(&mut Value)| {
        let mut objects = objects.clone();
        change(&mut objects, REDIS, spoil);
        Pod::start(&Lab::start(), &objects, REDIS, "redis", &Image::REDIS).err().unwrap().words().to_owned()
    };
    let said = refused(&|workload| without_mount("/data")(workload));
    assert!(said.contains("/data") && said.contains("No such file or directory"), "{said}");
    let said = refused(&|workload| {
        workload["spec"]["template"]["spec"]["securityContext"]["fsGroup"] = Value::Null;
    });
    assert!(said.contains("Permission denied"), "{said}");
    let said = refused(&|workload| {
        workload["spec"]["template"]["spec"]["containers"][0]["securityContext"]["runAsUser"] = json!(0);
    });
    assert!(said.contains("runAsNonRoot"), "{said}");
    let said = refused(&|workload| {
        workload["spec"]["template"]["spec"]["containers"][0]["env"][0]["valueFrom"]["secretKeyRef"]["name"] =
            json!("other");
    });
    assert!(said.contains("no Secret other"), "{said}");
}

#[cfg(feature = "full")]
#[test]
fn prometheus_loads_its_configuration_and_writes_to_its_volume() {
    let mut objects = objects(include_str!("../../examples/platform/monitoring.yaml"));
    let workload = ["StatefulSet", "monitoring", "prometheus"];
    let lab = Lab::start();
    let pod = Pod::start(&lab, &objects, workload, "prometheus", &Image::PROMETHEUS).unwrap();
    // The lab has no name server.
    let wrong = |line: &&str| line.contains("level=error") && !line.contains("Error refreshing DNS targets");
    assert_eq!(pod.log().lines().find(wrong), None);
    let wal = std::fs::metadata(pod.volume("data").join("wal")).unwrap();
    assert_eq!(wal.uid(), 65534);
    let rules = pod.run(&["curl", "--silent", "http://127.0.0.1:9090/api/v1/rules"]).unwrap();
    assert!(rules.contains(r#""status":"success""#) && rules.contains(r#""type":"alerting""#), "{rules}");
    drop(pod);

    change(&mut objects, workload, without_mount("/prometheus"));
    let refused =
        Pod::start(&Lab::start(), &objects, workload, "prometheus", &Image::PROMETHEUS).err().unwrap();
    assert!(refused.words().contains("/prometheus/queries.active"), "{refused}");
}

#[cfg(feature = "full")]
#[test]
fn the_database_of_the_example_is_made_and_asks_for_its_password() {
    let mut objects = objects(include_str!("../../examples/platform/database.yaml"));
    let workload = ["StatefulSet", "shop", "db"];
    let lab = Lab::start();
    let pod = Pod::start(&lab, &objects, workload, "db", &Image::POSTGRES).unwrap();
    assert_eq!(std::fs::metadata(pod.volume("data").join("18")).unwrap().mode() & 0o7777, 0o700);
    let ask = |password: &str| {
        let script = format!("PGPASSWORD={password} psql -h 10.42.0.7 -U postgres -tAc 'SELECT 6 * 7'");
        pod.run(&["sh", "-c", &script])
    };
    assert_eq!(ask("$(cat /run/secrets/db/password)").unwrap().trim(), "42", "{}", pod.log());
    let refused = ask("wrong").unwrap_err();
    assert!(refused.words().contains("password authentication failed"), "{refused}");
    drop(pod);

    change(&mut objects, workload, without_mount("/var/run/postgresql"));
    let refused = Pod::start(&Lab::start(), &objects, workload, "db", &Image::POSTGRES).err().unwrap();
    assert!(refused.words().contains("lock file"), "{refused}");
}
