//! Workloads that run to an end: once, and by the clock.

use fmc::graph::{Action, NoteKind};
use fmc::prelude::*;
use fmc_k8s::account::{Account, AccountRule};
use fmc_k8s::config_map::ConfigMap;
use fmc_k8s::job::{ConcurrencyPolicy, CronJob, Job, RestartPolicy};
use fmc_k8s::platform::{Namespace, Platform};
use fmc_k8s::raw::RawObject;
use serde_json::{Value, json};

use crate::check::{container, kinds, one};
use crate::cloud::{World, notes, steps, web};

const JOB: &str = "namespaces[0].jobs[0]";
const CRON: &str = "namespaces[0].cron_jobs[0]";

pub(crate) fn migrate(workers: u16) -> Job {
    let config = ConfigMap::new("migrate").file("migrate.conf", format!("workers = {workers}\n"));
    let container = container("migrate").user(1000).scratch("/tmp", 16.mib()).config("/etc/migrate", config);
    Job::new("migrate", container).backoff_limit(1)
}

pub(crate) fn backup() -> CronJob {
    let reads = AccountRule::of(["get", "list"], ["pods"]);
    CronJob::new("backup", "10 3 * * *", container("backup").user(1000))
        .time_zone("Europe/Madrid")
        .active_deadline(3600)
        .account(Account::new().may(reads))
}

pub(crate) fn jobs(jobs: impl IntoIterator<Item = Job>) -> Platform {
    Platform::on("single").namespace(jobs.into_iter().fold(Namespace::new("shop"), Namespace::job))
}

fn replaced(name: &str) -> [(Action, String); 1] {
    [(Action::Replace, format!("job/shop/{name}"))]
}

#[test]
fn a_job_is_secure_and_is_made_once() {
    let world = World::new();
    let platform = || jobs([migrate(1)]);
    assert_eq!(kinds(platform()), []);
    let plan = world.apply(&platform());
    assert!(steps(&plan).contains(&(Action::Create, "job/shop/migrate".to_owned())), "{plan}");
    let job = world.cluster.object("job", "shop", "migrate").unwrap();
    assert_eq!(job["spec"]["backoffLimit"], 1);
    assert!(job["spec"].get("ttlSecondsAfterFinished").is_none(), "{job}");
    let pod = &job["spec"]["template"]["spec"];
    assert_eq!(
        (&pod["restartPolicy"], &pod["automountServiceAccountToken"]),
        (&json!("Never"), &json!(false))
    );
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"], true);
    // It is finished, and each further plan is empty.
    assert!(world.plan(platform()).is_empty());
}

#[test]
fn a_job_runs_again_when_its_pods_change_and_not_when_its_limits_do() {
    let world = World::new();
    world.apply(&jobs([migrate(1)]));
    let uid = || world.cluster.object("job", "shop", "migrate").unwrap()["metadata"]["uid"].clone();
    let before = uid();
    let plan = world.apply(&jobs([migrate(1).active_deadline(60)]));
    assert_eq!(steps(&plan), [(Action::Update, "job/shop/migrate".to_owned())], "{plan}");
    assert_eq!(uid(), before);
    // Another text, which its pods read.
    let plan = world.apply(&jobs([migrate(2).active_deadline(60)]));
    let told = plan.to_string();
    assert!(steps(&plan).contains(&replaced("migrate")[0]), "{plan}");
    assert!(
        told.contains(
            "spec.template cannot be changed in an object that exists: it is made again, and runs again"
        ),
        "{told}"
    );
    assert_ne!(uid(), before);
}

#[test]
fn a_job_that_failed_tells_its_last_lines_and_the_next_apply_runs_it_again() {
    let world = World::new();
    world.cluster.breaks("shop/migrate", "Job has reached the specified backoff limit");
    world.cluster.put(json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": "migrate-x", "namespace": "shop", "labels": { "batch.kubernetes.io/controller-uid": "migrate" } },
        "status": { "phase": "Failed", "containerStatuses": [{ "name": "migrate", "state": { "terminated": { "exitCode": 3 } } }] },
    }));
    world.cluster.writes("shop/migrate-x", "a\nb\nc\nd\n\u{1b}[31mno table orders\n\nbye\n");
    let said = world.run(&world.plan(jobs([migrate(1)]))).converged().unwrap_err().to_string();
    let why = "Job has reached the specified backoff limit: container migrate of migrate-x ended with 3: b | c | d | [31mno table orders | bye";
    assert!(said.ends_with(why), "{said}");
    let plan = world.plan(jobs([migrate(1)]));
    assert_eq!(steps(&plan), replaced("migrate"), "{plan}");
    assert!(
        plan.to_string().contains("status failed -> complete (it failed, and runs again: Job has reached"),
        "{plan}"
    );
    world.cluster.mends("shop/migrate");
    world.apply(&jobs([migrate(1)]));
}

#[test]
fn a_job_that_runs_is_waited_for_or_told() {
    let world = World::new();
    world.cluster.holds_back("shop/migrate");
    let said =
        world.run(&world.plan(jobs([migrate(1).ready_within(1)]))).converged().unwrap_err().to_string();
    assert!(said.ends_with("it did not run to its end within 1 s: 1 pods run, 0 failed"), "{said}");
    let plan = world.plan(jobs([migrate(1).ready_within(0)]));
    assert!(plan.is_empty(), "{plan}");
    assert_eq!(notes(&plan, NoteKind::Notice), ["it has not run to its end: 1 pods run, 0 failed"]);
}

#[test]
fn a_deployment_waits_for_the_job_that_it_needs() {
    let world = World::new();
    let shop = || Namespace::new("shop").job(migrate(1)).deployment(web(1).needs("job/migrate"));
    let platform = || Platform::on("single").namespace(shop());
    assert_eq!(kinds(platform()), []);
    let plan = world.plan(platform());
    let order: Vec<String> = steps(&plan).into_iter().map(|(_, name)| name).collect();
    let at = |name: &str| order.iter().position(|one| one == name).unwrap();
    assert!(at("job/shop/migrate") < at("deployment/shop/web"), "{plan}");
    world.cluster.breaks("shop/migrate", "no table orders");
    let _ = world.run(&plan);
    assert!(world.cluster.object("deployment", "shop", "web").is_none());
    world.cluster.mends("shop/migrate");
    world.apply(&platform());
}

#[test]
fn jobs_by_the_clock_have_their_time_zone_their_account_and_their_calls() {
    let world = World::new();
    let shop = Namespace::new("shop")
        .cron_job(backup())
        .deployment(crate::cloud::db())
        .connect("backup", "db", "sql");
    let platform = Platform::on("single").namespace(shop);
    assert_eq!(kinds(platform.clone()), []);
    let plan = world.apply(&platform);
    for made in
        ["cron-job/shop/backup", "service-account/shop/backup", "network-policy/shop/backup-to-db-sql"]
    {
        assert!(steps(&plan).contains(&(Action::Create, made.to_owned())), "{made}: {plan}");
    }
    let spec = world.cluster.object("cron-job", "shop", "backup").unwrap()["spec"].clone();
    let said = ["schedule", "timeZone", "concurrencyPolicy", "successfulJobsHistoryLimit", "suspend"]
        .map(|key| spec[key].clone());
    assert_eq!(Value::from(said.to_vec()), json!(["10 3 * * *", "Europe/Madrid", "Forbid", 3, false]));
    let pod = &spec["jobTemplate"]["spec"]["template"]["spec"];
    assert_eq!((&pod["serviceAccountName"], &pod["restartPolicy"]), (&json!("backup"), &json!("Never")));
    // A change of the schedule is a change in place.
    let later = backup()
        .concurrency_policy(ConcurrencyPolicy::Replace)
        .restart_policy(RestartPolicy::OnFailure)
        .suspend();
    let plan = world.apply(&Platform::on("single").namespace(Namespace::new("shop").cron_job(later)));
    assert!(steps(&plan).contains(&(Action::Update, "cron-job/shop/backup".to_owned())), "{plan}");
    assert!(plan.to_string().contains("spec.suspend false -> true"), "{plan}");
}

#[test]
fn each_mistake_in_a_job_is_found_where_it_stands() {
    let find = |job: Job, kind: &str, at: &str| one(jobs([job]), kind, &format!("{JOB}{at}"));
    find(migrate(1).completions(0), "platform-value", ".completions");
    find(migrate(1).parallelism(10_001), "platform-value", ".parallelism");
    find(migrate(1).active_deadline(0), "platform-value", ".active_deadline");
    find(migrate(1).needs("job/migrate"), "platform-value", ".needs[0]");
    let measured = Job::new("a", container("a").port("http", 80).metrics("http", "/metrics"));
    find(measured, "platform-value", ".containers[0].metrics");
    find(
        Job::new("a", container("a").volume("/a", "data")),
        "platform-no-claim",
        ".containers[0].mounts[0].from.claim",
    );
    find(Job::new("a", container("a").user(0)), "platform-root", ".containers[0].user");
    let cron = |job: CronJob, kind: &str, at: &str| {
        one(
            Platform::on("single").namespace(Namespace::new("shop").cron_job(job)),
            kind,
            &format!("{CRON}{at}"),
        );
    };
    let of = |schedule: &str| CronJob::new("a", schedule, container("a"));
    cron(of("61 3 * * *"), "value-invalid", ".schedule");
    cron(of("10 3 * * *").time_zone("Madrid"), "value-invalid", ".time_zone");
    cron(of("10 3 * * *").starting_deadline(9), "platform-value", ".starting_deadline");
    let long = "a".repeat(53);
    cron(CronJob::new(long.as_str(), "@daily", container("a")), "platform-value", ".name");
    let twice = Namespace::new("shop")
        .job(migrate(1))
        .deployment(fmc_k8s::workload::Deployment::new("migrate", container("a")));
    one(Platform::on("single").namespace(twice), "platform-twice", JOB);
}

/// The cluster deletes it, and nothing then says that it ran.
#[test]
fn a_job_that_goes_by_itself_is_told() {
    let mut job = json!({ "apiVersion": "batch/v1", "kind": "Job", "metadata": { "name": "a" } });
    job["spec"] = json!({ "ttlSecondsAfterFinished": 60 });
    let shop = Namespace::new("shop").object(RawObject::of(&job));
    one(
        Platform::on("single").namespace(shop),
        "platform-runs-again",
        "namespaces[0].objects[0].spec.ttlSecondsAfterFinished",
    );
}

/// A job that cannot reach the database that it needs fails until its deadline.
#[test]
fn a_part_of_a_plan_takes_the_ways_and_the_names_of_a_job() {
    let set = crate::stateful::set(fmc_k8s::stateful::VolumeClaim::new("data", 1.gib())).ready_within(0);
    let shop = Namespace::new("shop")
        .stateful(set)
        .job(migrate(1).needs("stateful-set/db"))
        .deployment(web(1))
        .connect("migrate", "db", "sql")
        .connect("web", "db", "sql");
    let world = World::new();
    let plan = world.plan(Platform::on("single").namespace(shop)).only("job/shop/migrate");
    let order: Vec<String> = steps(&plan).into_iter().map(|(_, name)| name).collect();
    let place =
        |name: &str| order.iter().position(|one| one == name).unwrap_or_else(|| panic!("{name}: {plan}"));
    for way in ["network-policy/shop/migrate-to-db-sql", "network-policy/shop/db-from-migrate-sql"] {
        assert!(place(way) < place("job/shop/migrate"), "{plan}");
    }
    for name in ["service/shop/db", "service/shop/db-pods"] {
        assert!(place(name) > place("namespace/shop"), "{plan}");
    }
    assert!(!order.contains(&"deployment/shop/web".to_owned()), "{plan}");
    world.run(&plan).converged().unwrap_or_else(|error| panic!("{error}\n{plan}"));
}

#[test]
fn a_job_that_somebody_suspended_is_told_and_goes_on() {
    let world = World::new();
    world.apply(&jobs([migrate(1)]));
    let mut job = world.cluster.object("job", "shop", "migrate").unwrap();
    job["spec"]["suspend"] = json!(true);
    job["status"] = json!({ "conditions": [{ "type": "Suspended", "status": "True" }] });
    world.cluster.put(job);
    let plan = world.plan(jobs([migrate(1)]));
    assert!(plan.to_string().contains("spec.suspend true removed"), "{plan}");
    world.run(&plan).converged().unwrap_or_else(|error| panic!("{error}\n{plan}"));
    assert_ne!(
        world.cluster.object("job", "shop", "migrate").unwrap()["spec"].get("suspend"),
        Some(&json!(true))
    );
}
