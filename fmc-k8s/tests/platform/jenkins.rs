//! Jenkins as a value: a controller with its home, and agents in pods.

use fmc::graph::NoteKind;
use fmc::prelude::*;
use fmc_k8s::ingress::IngressHost;
use fmc_k8s::jenkins::{Jenkins, JenkinsAgent};
use fmc_k8s::platform::{Namespace, Platform};
use fmc_k8s::quantity::CpuExt as _;
use fmc_k8s::redis::Redis;
use fmc_k8s::sim::Sim;
use serde_json::{Value, json};

use crate::check::{every_kind, kinds, one};
use crate::cloud::{World, notes};
use crate::monitoring::IMAGE;
use crate::room;

pub(crate) fn agent() -> JenkinsAgent {
    JenkinsAgent::new(IMAGE, 512.mib()).cpu(500.millicores())
}

fn jenkins(agent: JenkinsAgent) -> Jenkins {
    Jenkins::new("jenkins", IMAGE, 1.gib(), 5.gib(), agent).ready_within(0)
}

/// A namespace with a Jenkins that people call, and that calls Git outside.
pub(crate) fn builds() -> Platform {
    let jenkins = jenkins(agent())
        .url("https://jenkins.example.org/")
        .outside(443)
        .configuration("message", "jenkins: {systemMessage: Hello}\n");
    ci(jenkins)
}

fn ci(jenkins: Jenkins) -> Platform {
    let host = IngressHost::new("jenkins.example.org").route("/", "jenkins", 8080);
    Platform::on("single").namespace(Namespace::new("ci").jenkins(jenkins).ingress(host))
}

fn text(world: &World<Sim>, name: &str) -> String {
    let config = world.cluster.object("config-map", "ci", "jenkins-config").unwrap();
    config.pointer(&format!("/data/{name}")).unwrap().as_str().unwrap().to_owned()
}

/// The pod of an agent, as the plugin starts it, without what the plugin adds.
pub(crate) fn agent_pod(text: &str) -> Value {
    let config: Value = serde_saphyr::from_str(text).unwrap();
    let of = |at: &str| {
        let value = config.pointer(&format!("/jenkins/clouds/0/kubernetes/{at}")).unwrap();
        value.as_str().unwrap().to_owned()
    };
    let mut pod: Value = serde_saphyr::from_str(&of("templates/0/yaml")).unwrap();
    let labels = json!({ of("podLabels/0/key"): of("podLabels/0/value") });
    let metadata = json!({ "name": "agent", "labels": labels });
    pod.as_object_mut().unwrap().insert("metadata".to_owned(), metadata);
    pod
}

#[test]
fn its_controller_is_configured_as_code_and_its_password_is_a_variable() {
    let world = World::new();
    world.apply(&builds());
    let own = text(&world, "fmc.yaml");
    expect_test::expect_file!["golden/jenkins.yaml"].assert_eq(&own);
    assert_eq!(text(&world, "message.yaml"), "jenkins: {systemMessage: Hello}\n");
    let set = world.cluster.object("stateful-set", "ci", "jenkins").unwrap();
    let pod = &set["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    let variable = |name: &str| {
        let all = container["env"].as_array().unwrap();
        all.iter().find(|one| one["name"] == name).unwrap_or_else(|| panic!("{name}")).clone()
    };
    let files = "/etc/jenkins/fmc.yaml,/etc/jenkins/message.yaml";
    assert_eq!(variable("CASC_JENKINS_CONFIG")["value"], files);
    let java = "-Djenkins.install.runSetupWizard=false -XX:MaxRAMPercentage=50";
    assert_eq!(variable("JAVA_OPTS")["value"], java);
    let password = variable("JENKINS_ADMIN_PASSWORD");
    assert_eq!(password["valueFrom"]["secretKeyRef"]["name"], "jenkins-password");
    assert_eq!(container["resources"]["limits"]["memory"], "1Gi");
    assert_eq!(pod["securityContext"]["fsGroup"], 1000);
    assert_eq!(set["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"], "5Gi");
    let service = world.cluster.object("service", "ci", "jenkins").unwrap();
    let ports: Vec<&Value> =
        service["spec"]["ports"].as_array().unwrap().iter().map(|port| &port["port"]).collect();
    assert_eq!(ports, [8080, 50000]);

    // Its home outlives it.
    let plan = world.apply(
        &Platform::on("single")
            .namespace(Namespace::new("ci").redis(Redis::new("cache", IMAGE, 64.mib()).ready_within(0))),
    );
    let kept = notes(&plan, NoteKind::Kept);
    assert!(kept.iter().any(|text| text.contains("--delete-data stateful-set/ci/jenkins")), "{kept:?}");
}

#[test]
fn its_agents_are_pods_as_restricted_as_others_and_its_account_starts_them() {
    let world = World::new();
    world.apply(&builds());
    let pod = agent_pod(&text(&world, "fmc.yaml"));
    let container = &pod["spec"]["containers"][0];
    let sized = json!({ "cpu": "500m", "memory": "512Mi" });
    assert_eq!(container["resources"], json!({ "requests": sized, "limits": sized }));
    assert_eq!((&container["name"], &container["image"]), (&json!("jnlp"), &json!(IMAGE)));
    assert_eq!(pod["spec"]["automountServiceAccountToken"], false);
    let role = world.cluster.object("role", "ci", "jenkins").unwrap();
    let rights = role["rules"].as_array().unwrap();
    let resources: Vec<&str> = rights
        .iter()
        .flat_map(|one| one["resources"].as_array().unwrap())
        .filter_map(Value::as_str)
        .collect();
    assert_eq!(resources, ["pods", "pods/exec", "pods/log", "events"]);
    assert!(world.cluster.object("cluster-role", "", "ci:jenkins").is_none());
}

#[test]
fn agents_call_their_controller_and_both_what_is_said_outside() {
    let world = World::new();
    world.apply(&builds());
    let policy = |name: &str| world.cluster.object("network-policy", "ci", name).unwrap()["spec"].clone();
    let agents = json!({ "matchLabels": { "fmc/agent-of": "jenkins" } });
    let controller = json!({ "matchLabels": { "app.kubernetes.io/name": "jenkins" } });
    let ports = json!([{ "port": "http", "protocol": "TCP" }, { "port": "agent", "protocol": "TCP" }]);
    assert_eq!(
        policy("jenkins-agents-to-controller"),
        json!({
            "podSelector": agents, "policyTypes": ["Egress"],
            "egress": [{ "to": [{ "podSelector": controller }], "ports": ports }],
        })
    );
    assert_eq!(
        policy("jenkins-from-agents"),
        json!({
            "podSelector": controller, "policyTypes": ["Ingress"],
            "ingress": [{ "from": [{ "podSelector": agents }], "ports": ports }],
        })
    );
    let out = json!([{
        "to": [{ "ipBlock": { "cidr": "0.0.0.0/0", "except": ["10.42.0.0/16", "10.43.0.0/16"] } }],
        "ports": [{ "port": 443, "protocol": "TCP" }],
    }]);
    assert_eq!(policy("jenkins-to-outside")["egress"], out);
    assert_eq!(policy("jenkins-agents-outside")["egress"], out);
    assert_eq!(policy("jenkins-agents-outside")["podSelector"], agents);
    // The controller has its way to the API, and agents have none.
    assert_eq!(policy("jenkins-to-api")["podSelector"], controller);
    let world = World::new();
    world.apply(&ci(jenkins(agent())));
    for name in ["jenkins-to-outside", "jenkins-agents-outside"] {
        assert!(world.cluster.object("network-policy", "ci", name).is_none(), "{name}");
    }
}

#[test]
fn each_mistake_is_found_in_its_settings() {
    assert_eq!(every_kind(builds()), []);
    let at = |path: &str| format!("namespaces[0].jenkins[0]{path}");
    let value = |jenkins: Jenkins, path: &str| one(ci(jenkins), "platform-value", &at(path));
    value(jenkins(agent().at_most(0)), ".agent.at_most");
    for url in
        ["jenkins.example.org", "https://jenkins.example.org/ci/", "https://user:word@jenkins.example.org/"]
    {
        value(jenkins(agent()).url(url), ".url");
    }
    value(jenkins(agent()).outside(0), ".outside[0]");
    one(ci(jenkins(agent()).outside(443).outside(443)), "platform-twice", &at(".outside[1]"));
    value(jenkins(agent()).configuration("fmc", "a: {}"), ".configuration.fmc");
    value(jenkins(agent()).configuration("a", "- b"), ".configuration.a");
    value(jenkins(agent()).configuration("a", ": ["), ".configuration.a");
    value(jenkins(agent()).configuration("a,b", "a: {}"), ".configuration");
    value(jenkins(agent()).configuration("a", format!("b: {}", "x".repeat(1 << 20))), "");
    value(jenkins(agent()).password(Secret::password("k3s-token")), ".password");
    let tagged = JenkinsAgent::new("registry.example.org/agent:1", 512.mib());
    one(ci(jenkins(tagged)), "platform-unpinned", &at(".agent.image"));

    // It starts pods, and these may mount what others have there.
    let beside = Namespace::new("ci").jenkins(jenkins(agent())).redis(Redis::new("cache", IMAGE, 64.mib()));
    one(Platform::on("single").namespace(beside), "platform-rights", &at(""));
    // Without an ingress its agents alone call it.
    let alone = Platform::on("single").namespace(Namespace::new("ci").jenkins(jenkins(agent())));
    assert_eq!(every_kind(alone), [("platform-closed".to_owned(), format!("roles[0].platform.{}", at("")))]);

    let wrong = Jenkins::new("jenkins", "x", Size::bytes(0), "1", JenkinsAgent::new("y", "2").cpu("1x"));
    let wrong = kinds(ci(wrong.cpu("1x").class("B")));
    let paths: Vec<&str> = wrong.iter().map(|(_, path)| path.as_str()).collect();
    let all = ["agent.cpu", "agent.image", "agent.memory", "class", "cpu", "image", "keep", "memory"];
    assert_eq!(paths, all.map(|key| format!("roles[0].platform.{}", at(&format!(".{key}")))));
}

#[test]
fn agents_that_fit_on_no_node_are_found() {
    let found = |agent: JenkinsAgent| -> Vec<String> {
        let found = room::found(room::cloud_of(&[("node", 2, 3584)], &[]), ci(jenkins(agent)));
        found.iter().map(|one| format!("{} {} {}", one.kind(), one.at(), one.message())).collect()
    };
    assert_eq!(found(agent()), Vec::<String>::new());
    for (large, asks) in [
        (JenkinsAgent::new(IMAGE, 4.gib()), "4 GiB of memory and 500m of CPU"),
        (agent().cpu(3000.millicores()), "512 MiB of memory and 3 of CPU"),
    ] {
        let found = found(large);
        let [told] = &*found else { panic!("{found:?}") };
        let at = "platform-too-large roles[0].platform.namespaces[0].jenkins[0].agent";
        let message = format!("{at} an agent of ci/jenkins asks for {asks}; the largest node, node, gives ");
        assert!(told.starts_with(&message), "{told}");
    }
}
