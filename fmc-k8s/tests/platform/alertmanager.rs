//! Alertmanager takes the alerts of every Prometheus, and tells the people whom it has to.

use fmc::finding::Severity;
use fmc::graph::Action;
use fmc::prelude::*;
use fmc_k8s::alertmanager::{Alertmanager, Email, Receiver, Slack, Webhook};
use fmc_k8s::container::Probe;
use fmc_k8s::platform::{Namespace, Platform};
use fmc_k8s::prometheus::Prometheus;
use fmc_k8s::sim::Sim;
use fmc_k8s::workload::Deployment;
use serde_json::{Value, json};

use crate::check::{container, every_kind, kinds, one};
use crate::cloud::{World, cloud, steps};
use crate::monitoring::{IMAGE, measured_cloud, prometheus, watched};

fn token() -> Secret {
    Secret::file("hook-token", "secrets/hook.token")
}

fn team() -> Receiver {
    Receiver::new("team").webhook(Webhook::new("https://chat.example.org/hooks/alerts").token(token()))
}

fn mail() -> Email {
    Email::new("smtp.example.org:587", "alerts@example.org", "ops@example.org")
        .login("alerts", Secret::file("smtp-password", "secrets/smtp.password"))
}

fn pager() -> Receiver {
    let slack = Slack::new(Secret::file("slack-url", "secrets/slack.url")).channel("#ops");
    let secret = Webhook::secret(Secret::file("pager-url", "secrets/pager.url"));
    Receiver::new("pager").webhook(secret).email(mail().to("boss@example.org")).slack(slack)
}

/// One that tells a team by a webhook, and a pager by mail and Slack of what is critical.
pub(crate) fn alertmanager() -> Alertmanager {
    Alertmanager::new("alertmanager", IMAGE, 128.mib(), team())
        .receiver(pager())
        .route("critical", "pager")
        .url("https://alerts.example.org/")
}

/// A namespace with an Alertmanager, and a Prometheus that calls it.
fn with(alertmanager: Alertmanager) -> Platform {
    let small = Prometheus::new("prometheus", IMAGE, 1.gib(), 1.gib());
    let namespace = Namespace::new("monitoring").prometheus(small).alertmanager(alertmanager);
    Platform::on("single").namespace(namespace)
}

fn applied(cloud: Cloud) -> World<Sim> {
    let world = World::new();
    let wanted = world.compile(cloud);
    world.run(&world.plan_of(&wanted)).converged().unwrap();
    assert!(world.plan_of(&wanted).is_empty());
    world
}

fn text(world: &World<Sim>, namespace: &str) -> String {
    let config = world.cluster.object("config-map", namespace, "alertmanager-config").unwrap();
    config.pointer("/data/alertmanager.yml").unwrap().as_str().unwrap().to_owned()
}

fn policy(world: &World<Sim>, namespace: &str, name: &str) -> Value {
    let policy = world.cluster.object("network-policy", namespace, name).unwrap();
    policy.get("spec").unwrap().clone()
}

#[test]
fn it_tells_its_receivers_and_reads_its_secrets_from_files() {
    let world = applied(measured_cloud().role(watched()));
    let text = text(&world, "monitoring");
    expect_test::expect_file!["golden/alertmanager.yml"].assert_eq(&text);
    let deployment = world.cluster.object("deployment", "monitoring", "alertmanager").unwrap();
    let pod = &deployment["spec"]["template"]["spec"];
    let mounts = pod["containers"][0]["volumeMounts"].as_array().unwrap();
    let secrets = mounts.iter().find(|one| one["mountPath"] == "/etc/alertmanager-secrets").unwrap();
    assert_eq!(secrets["readOnly"], true);
    let volumes = pod["volumes"].as_array().unwrap();
    let volume = volumes.iter().find(|one| one["name"] == secrets["name"]).unwrap();
    let sources = volume["projected"]["sources"].as_array().unwrap();
    let files: Vec<&str> =
        sources.iter().filter_map(|one| one["secret"]["items"][0]["path"].as_str()).collect();
    assert_eq!(files, ["pager.email.0", "pager.slack.0", "pager.webhook-url.0", "team.webhook.0"]);
    for file in files {
        assert!(text.contains(&format!("/etc/alertmanager-secrets/{file}\n")), "{text}");
    }
    for name in ["hook-token", "pager-url", "smtp-password", "slack-url"] {
        assert!(world.cluster.object("secret", "monitoring", name).is_some(), "{name}");
    }
}

#[test]
fn every_prometheus_of_the_platform_sends_its_alerts_to_every_alertmanager() {
    let alertmanager = || alertmanager().ready_within(0);
    let platform = Platform::on("single")
        .namespace(Namespace::new("alerts").alertmanager(alertmanager()))
        .namespace(Namespace::new("shop").alertmanager(alertmanager()))
        .namespace(Namespace::new("one").prometheus(prometheus().ready_within(0)))
        .namespace(Namespace::new("two").prometheus(prometheus().ready_within(0)));
    let world = applied(measured_cloud().role(platform));
    let pods = |namespace: &str, workload: &str| {
        json!({
            "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": namespace } },
            "podSelector": { "matchLabels": { "app.kubernetes.io/name": workload } },
        })
    };
    for namespace in ["one", "two"] {
        let config = world.cluster.object("config-map", namespace, "prometheus-config").unwrap();
        let config = config.pointer("/data/prometheus.yml").unwrap().as_str().unwrap().to_owned();
        let told = "alerting:\n  alertmanagers:\n  - static_configs:\n    - targets:\n      \
                    - alertmanager.alerts.svc:9093\n      - alertmanager.shop.svc:9093\n";
        assert!(config.contains(told), "{config}");
        assert!(config.contains("job_name: shop/alertmanager/http"), "{config}");
        let leaves = policy(&world, namespace, "prometheus-asks");
        for to in ["alerts", "shop"] {
            let ports = json!([{ "port": "http", "protocol": "TCP" }]);
            let rule = json!({ "to": [pods(to, "alertmanager")], "ports": ports });
            assert!(leaves["egress"].as_array().unwrap().contains(&rule), "{leaves}");
        }
    }
    for namespace in ["alerts", "shop"] {
        let service = world.cluster.object("service", namespace, "alertmanager").unwrap();
        assert_eq!(service["spec"]["ports"][0]["port"], 9093);
        let enters = policy(&world, namespace, "alertmanager-answers");
        assert_eq!(
            enters["ingress"],
            json!([{
                "from": [pods("one", "prometheus"), pods("two", "prometheus")],
                "ports": [{ "port": "http", "protocol": "TCP" }],
            }])
        );
    }
    // Without one, no Prometheus has anybody to tell.
    let alone = Namespace::new("one").prometheus(prometheus().ready_within(0));
    let world = applied(cloud().role(Platform::on("single").namespace(alone)));
    let config = world.cluster.object("config-map", "one", "prometheus-config").unwrap();
    assert!(!config.to_string().contains("alerting"), "{config}");
}

#[test]
fn its_way_out_is_open_at_the_ports_of_its_receivers_and_not_to_pods_and_services() {
    let outside = |cloud: Cloud, receiver: Receiver| {
        let alertmanager = Alertmanager::new("alertmanager", IMAGE, 128.mib(), receiver).ready_within(0);
        let namespace = Namespace::new("monitoring").alertmanager(alertmanager);
        applied(cloud.role(Platform::on("single").namespace(namespace)))
    };
    let ports = |numbers: &[u16]| {
        let each = numbers.iter().map(|number| json!({ "port": number, "protocol": "TCP" }));
        Value::from_iter(each)
    };
    let world = applied(measured_cloud().role(watched()));
    let leaves = policy(&world, "monitoring", "alertmanager-to-outside");
    assert_eq!(leaves["policyTypes"], json!(["Egress"]));
    let four = json!({ "ipBlock": { "cidr": "0.0.0.0/0", "except": ["10.42.0.0/16", "10.43.0.0/16"] } });
    assert_eq!(leaves["egress"], json!([{ "to": [four], "ports": ports(&[443, 587]) }]));

    // An address is open alone, at its port.
    let addressed = Receiver::new("team")
        .webhook(Webhook::new("http://10.17.3.20:8080/alerts"))
        .webhook(Webhook::new("http://hooks.example.org"));
    let leaves =
        policy(&outside(cloud(), addressed), "monitoring", "alertmanager-to-outside")["egress"].clone();
    let address = json!({ "ipBlock": { "cidr": "10.17.3.20/32" } });
    assert_eq!(
        leaves,
        json!([{ "to": [four], "ports": ports(&[80]) }, { "to": [address], "ports": ports(&[8080]) }])
    );

    // Pods with addresses of both families reach both.
    let cluster = k3s::Cluster::new("single", "v1.36.2+k3s1")
        .servers(["node"])
        .pods("10.42.0.0/16")
        .pods("fd42::/56")
        .services("10.43.0.0/16")
        .services("fd43::/112");
    let node = Machine::new("node", Image::debian("12").path("/images/debian-12.qcow2"))
        .cpus(2)
        .memory(4.gib())
        .root_disk(20.gib())
        .disk(Disk::new("k3s", 20.gib()).mount("/var/lib/rancher/k3s"))
        .interface(Interface::on("lab").address("10.17.3.10").address("fd00:17::10"));
    let both = Cloud::new("first")
        .host(Host::local())
        .network(Network::nat("lab", "10.17.3.0/24").ipv6("fd00:17::/64"))
        .machine(node)
        .cluster(cluster);
    let leaves = policy(&applied(both.role(watched())), "monitoring", "alertmanager-to-outside");
    let six = json!({ "ipBlock": { "cidr": "::/0", "except": ["fd42::/56", "fd43::/112"] } });
    assert_eq!(leaves["egress"][0]["to"], json!([four, six]));

    // What is outside is known from the cloud alone.
    assert!(watched().manifests().iter().all(|one| one.name() != "alertmanager-to-outside"));
}

#[test]
fn a_workload_of_its_namespace_is_called_over_a_connection_of_its_own() {
    let relay = container("relay").port("web", 8080).ready(Probe::tcp("web"));
    let relay = Deployment::new("relay", relay).expose(80, "web").ready_within(0);
    let receiver = Receiver::new("team").webhook(Webhook::to_workload("relay", 80, "/alerts"));
    let alertmanager = Alertmanager::new("alertmanager", IMAGE, 128.mib(), receiver).ready_within(0);
    let namespace = Namespace::new("monitoring")
        .deployment(relay)
        .prometheus(Prometheus::new("prometheus", IMAGE, 1.gib(), 1.gib()).ready_within(0))
        .alertmanager(alertmanager);
    let platform = Platform::on("single").namespace(namespace);
    assert_eq!(kinds(platform.clone()), []);
    let world = applied(cloud().role(platform));
    assert!(text(&world, "monitoring").contains("url: http://relay:80/alerts\n"));
    assert_eq!(
        policy(&world, "monitoring", "alertmanager-to-relay-web")["egress"][0]["ports"][0]["port"],
        "web"
    );
    assert!(world.cluster.object("network-policy", "monitoring", "relay-from-alertmanager-web").is_some());
    assert!(world.cluster.object("network-policy", "monitoring", "alertmanager-to-outside").is_none());
}

#[test]
fn what_it_keeps_is_on_a_volume_and_other_secrets_start_it_anew() {
    let world = World::new();
    world.apply(&with(alertmanager().ready_within(0)));
    let set = || world.cluster.object("stateful-set", "monitoring", "alertmanager");
    assert!(set().is_none());
    let plan = world.apply(&with(alertmanager().ready_within(0).keep(1.gib()).class("local-path")));
    assert!(
        steps(&plan).contains(&(Action::Create, "stateful-set/monitoring/alertmanager".to_owned())),
        "{plan}"
    );
    let claim = &set().unwrap()["spec"]["volumeClaimTemplates"][0]["spec"];
    assert_eq!(claim["storageClassName"], "local-path");
    assert_eq!(claim["resources"]["requests"]["storage"], "1Gi");
    let annotations = || set().unwrap()["spec"]["template"]["metadata"]["annotations"].to_string();
    let before = annotations();
    let renewed = Receiver::new("team")
        .webhook(Webhook::new("https://chat.example.org/hooks/alerts").token(token().generation(2)));
    world.apply(&with(
        Alertmanager::new("alertmanager", IMAGE, 128.mib(), renewed).ready_within(0).keep(1.gib()),
    ));
    assert_ne!(annotations(), before);
}

#[test]
fn each_mistake_is_found_in_its_settings() {
    assert_eq!(kinds(with(alertmanager())), []);
    let at = |path: &str| format!("namespaces[0].alertmanager[0]{path}");
    let first = |receiver: Receiver| with(Alertmanager::new("alertmanager", IMAGE, 128.mib(), receiver));
    let hook = |webhook: Webhook| first(Receiver::new("team").webhook(webhook));
    let post = |email: Email| first(Receiver::new("team").email(email));
    let value = |platform: Platform, path: &str| one(platform, "platform-value", &at(path));
    let long = Alertmanager::new("a".repeat(51), IMAGE, 128.mib(), team());
    value(with(long), ".name");
    one(with(alertmanager().class("block")), "platform-no-claim", &at(".class"));
    let tagged = Alertmanager::new("alertmanager", "quay.io/x:1", 128.mib(), team());
    one(with(tagged), "platform-unpinned", &at(".image"));

    // Receivers and routes.
    one(with(alertmanager().route("info", "nobody")), "platform-no-receiver", &at(".routes[1].to"));
    one(with(alertmanager().route("critical", "team")), "platform-twice", &at(".routes[1].severity"));
    value(with(alertmanager().route("", "team")), ".routes[1].severity");
    one(with(alertmanager().receiver(team())), "platform-twice", &at(".receivers[2].name"));
    let third = Receiver::new("third").webhook(Webhook::new("https://x.example.org/"));
    one(with(alertmanager().receiver(third)), "platform-untold", &at(".receivers[2]"));
    one(first(Receiver::new("team")), "platform-empty", &at(".receivers[0]"));
    value(with(alertmanager().group_by(["a", "", "b"])), ".group_by[1]");
    value(with(alertmanager().group_by(["a", "..."])), ".group_by[1]");
    one(with(alertmanager().group_by(["a", "a"])), "platform-twice", &at(".group_by[1]"));
    value(with(alertmanager().group_interval(0)), ".group_interval");
    value(with(alertmanager().repeat_interval(0)), ".repeat_interval");
    value(with(alertmanager().repeat_interval(299)), ".repeat_interval");
    value(with(alertmanager().repeat_interval(432_001)), ".repeat_interval");
    for url in ["alerts.example.org", "https://alerts.example.org/a/", "https://alerts.example.org/?a"] {
        value(with(alertmanager().url(url)), ".url");
    }

    // Webhooks.
    for url in [
        "chat.example.org",
        "ftp://chat.example.org/",
        "https:///",
        "https://user:word@chat.example.org/",
        "https://chat.example.org:x/",
        "https://chat.example.org:0/",
        "https://chat example.org/",
        "http://relay/",
        "http://relay.shop.svc/",
        "http://relay.shop.svc.cluster.local:8080/",
        "http://127.0.0.1:8080/",
        "https://chat.example.org/{{ .GroupKey }}",
    ] {
        let found = kinds(hook(Webhook::new(url)));
        let (kind, path) = found.first().unwrap_or_else(|| panic!("{url}"));
        assert_eq!(
            (kind.as_str(), path.ends_with(".receivers[0].webhooks[0].url")),
            ("platform-value", true),
            "{url}"
        );
    }
    for url in [
        "http://chat.example.org:8080",
        "https://[fd00::1]:8443/x",
        "https://10.17.3.20",
        "https://x.example.org/a?b=c",
    ] {
        assert_eq!(kinds(hook(Webhook::new(url))), [], "{url}");
    }
    let clear = Webhook::new("http://chat.example.org/").token(token());
    value(hook(clear), ".receivers[0].webhooks[0].url");
    let at_hook = |path: &str| at(&format!(".receivers[0].webhooks[0]{path}"));
    one(hook(Webhook::to_workload("relay", 80, "/")), "platform-no-workload", &at_hook(".workload.name"));
    one(hook(Webhook::to_workload("prometheus", 80, "/")), "platform-no-port", &at_hook(".workload.port"));
    one(hook(Webhook::to_workload("prometheus", 9090, "x")), "platform-value", &at_hook(".workload.path"));

    // Mail.
    for smarthost in
        ["smtp.example.org", "smtp.example.org:0", ":587", "smtp.example.org:x", "relay:25", "a b.org:25"]
    {
        let email = Email::new(smarthost, "a@example.org", "b@example.org");
        value(post(email), ".receivers[0].emails[0].smarthost");
    }
    value(post(Email::new("smtp.example.org:587", "a", "b@example.org")), ".receivers[0].emails[0].from");
    value(post(mail().to("a@b.org, c@d.org")), ".receivers[0].emails[0].to[1]");
    value(post(mail().without_tls()), ".receivers[0].emails[0].without_tls");

    // Secrets stand at their own paths.
    let of_cluster = Secret::password("k3s-token");
    let webhook = Webhook::new("https://x.example.org/").token(of_cluster.clone());
    value(hook(webhook), ".receivers[0].webhooks[0].token");
    value(post(mail().login("a", of_cluster)), ".receivers[0].emails[0].login.password");
    let unnamed = first(Receiver::new("team").slack(Slack::new(Secret::file("a b", "x"))));
    one(unnamed, "name-invalid", &at(".receivers[0].slack[0].url.name"));
    // One name is one secret.
    let other = Receiver::new("team")
        .webhook(Webhook::new("https://x.example.org/").token(token()))
        .webhook(Webhook::new("https://x.example.org/").token(token().generation(2)));
    one(first(other), "platform-twice", &at(""));

    let wrong = kinds(with(
        Alertmanager::new(
            "A",
            "x",
            Size::bytes(0),
            Receiver::new("T").webhook(Webhook::new("https://x.org")),
        )
        .route("a", "B")
        .cpu("1x")
        .class("C")
        .keep("1"),
    ));
    let paths: Vec<&str> = wrong.iter().map(|(_, path)| path.as_str()).collect();
    let all = ["class", "cpu", "image", "keep", "memory", "name", "receivers[0].name", "routes[0].to"];
    assert_eq!(paths, all.map(|key| format!("roles[0].platform.{}", at(&format!(".{key}")))));
}

#[test]
fn a_file_without_a_receiver_is_refused_and_one_that_no_prometheus_calls_is_told() {
    let nobody: Alertmanager = serde_json::from_value(json!({
        "name": "alertmanager", "image": IMAGE, "memory": "128 MiB", "receivers": [],
    }))
    .unwrap();
    one(with(nobody), "platform-value", "namespaces[0].alertmanager[0].receivers");
    let neither: Alertmanager = serde_json::from_value(json!({
        "name": "alertmanager", "image": IMAGE, "memory": "128 MiB",
        "receivers": [{ "name": "team", "webhooks": [{}] }],
    }))
    .unwrap();
    one(with(neither), "platform-value", "namespaces[0].alertmanager[0].receivers[0].webhooks[0].url");
    let two: Alertmanager = serde_json::from_value(json!({
        "name": "alertmanager", "image": IMAGE, "memory": "128 MiB",
        "receivers": [{ "name": "team", "webhooks": [{
            "url": "https://a.example.org/", "secret_url": { "name": "a", "source": { "file": "a" } },
        }] }],
    }))
    .unwrap();
    one(with(two), "platform-value", "namespaces[0].alertmanager[0].receivers[0].webhooks[0].secret_url");
    let alone = Platform::on("single").namespace(Namespace::new("monitoring").alertmanager(alertmanager()));
    let told = ("platform-closed".to_owned(), "roles[0].platform.namespaces[0].alertmanager[0]".to_owned());
    assert_eq!(every_kind(alone.clone()), [told]);
    let checked = cloud().role(alone).check().unwrap();
    assert!(checked.findings().iter().all(|one| one.severity() != Severity::Error));
}

/// The package of Alertmanager loads what is compiled.
#[cfg(feature = "full")]
#[test]
fn alertmanager_itself_takes_its_configuration() {
    let world = applied(measured_cloud().role(watched()));
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path().display().to_string();
    let text = text(&world, "monitoring").replace("/etc/alertmanager-secrets", &here);
    let file = folder.path().join("alertmanager.yml");
    std::fs::write(&file, &text).unwrap();
    let severities = ["critical", "warning"];
    let missing = fmc_testkit::prometheus::alertmanager_loaded(&file, &severities).unwrap_err();
    assert!(missing.contains("no such file"), "{missing}");
    for name in ["pager.email.0", "pager.slack.0", "pager.webhook-url.0", "team.webhook.0"] {
        std::fs::write(folder.path().join(name), "word").unwrap();
    }
    let loaded = fmc_testkit::prometheus::alertmanager_loaded(&file, &severities).unwrap();
    assert_eq!(
        loaded,
        ["receiver team 1 0 0", "receiver pager 1 1 1", "severity critical pager", "severity warning team"]
    );
    // It refuses what is wrong.
    std::fs::write(&file, text.replace("receiver: pager", "receiver: nobody")).unwrap();
    let refused = fmc_testkit::prometheus::alertmanager_loaded(&file, &severities).unwrap_err();
    assert!(refused.contains("undefined receiver"), "{refused}");
}
