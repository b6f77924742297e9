//! Jenkins: a controller that keeps its home on a volume, and agents in pods that live as long as a build.

pub(crate) mod config;

use std::collections::BTreeMap;

use fmc_core::given::Given;
use fmc_core::secret::Secret;
use fmc_core::unit::Size;
use serde::{Deserialize, Serialize};

use crate::account::{Account, AccountRule};
use crate::config_map::ConfigMap;
use crate::container::{Container, Probe};
use crate::name::{ImageName, ObjectName};
use crate::quantity::{Cpu, CpuExt as _};
use crate::secret::password_of;
use crate::setters::setters;
use crate::stateful::{Stateful, VolumeClaim};
use crate::workload::patience;

/// The port of its pages, by name and number.
pub(crate) const PORT: (&str, u16) = ("http", 8080);

/// The port at which agents call it, by name and number.
pub(crate) const AGENT_PORT: (&str, u16) = ("agent", 50000);

/// The label of the pods of its agents.
pub(crate) const AGENT_OF: &str = "fmc/agent-of";

/// The user `jenkins` of its image and of the images of agents.
pub(crate) const USER: u32 = 1000;

/// Its home.
const HOME: &str = "/var/jenkins_home";

/// The folder with its configuration.
const FOLDER: &str = "/etc/jenkins";

/// The variable with the administrator's password, which its configuration names.
pub(crate) const PASSWORD: &str = "JENKINS_ADMIN_PASSWORD";

/// The name of the text that fmc writes, without its end.
pub(crate) const OWN: &str = "fmc";

/// The seconds that it may take to load its plugins and jobs.
const STARTS_WITHIN: u32 = 900;

/// A Jenkins, whose administrator is `admin`. The controller builds nothing; each build has a pod of its own in the same namespace. Its
/// account may start pods there, and may read no secret. The network policies between both follow.
///
/// Its image has the plugins `configuration-as-code` and `kubernetes`.
///
/// ```
/// use fmc_core::unit::SizeExt as _;
/// use fmc_k8s::ingress::IngressHost;
/// use fmc_k8s::jenkins::{Jenkins, JenkinsAgent};
/// use fmc_k8s::platform::{Namespace, Platform};
///
/// let agent = JenkinsAgent::new("registry.example.org/ci/agent:1.2.0", 1.gib()).at_most(3);
/// let jenkins = Jenkins::new("jenkins", "registry.example.org/ci/jenkins:2.568", 2.gib(), 20.gib(), agent)
///     .url("https://jenkins.example.org/")
///     .outside(443);
/// let ci = Namespace::new("ci").jenkins(jenkins).ingress(IngressHost::new("jenkins.example.org").route("/", "jenkins", 8080));
/// # drop(Platform::on("prod").namespace(ci));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Jenkins {
    pub(crate) name: Given<ObjectName>,
    /// The image of the controller, with its plugins: `configuration-as-code` and `kubernetes`, and those that builds need.
    pub(crate) image: Given<ImageName>,
    /// The memory of the controller's container. Java's heap gets half of it.
    pub(crate) memory: Given<Size>,
    /// The size of the volume with its home: jobs, their logs and results.
    pub(crate) keep: Given<Size>,
    /// The pods that build.
    pub(crate) agent: JenkinsAgent,
    /// The share of CPUs that the controller is sure of; 500m if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cpu: Option<Given<Cpu>>,
    /// The storage class of the volume; the cluster's default if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) class: Option<Given<ObjectName>>,
    /// The administrator's password; one from the root key, `NAME-password`, if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) password: Option<Secret>,
    /// The address that people call, as `https://jenkins.example.org/`: its links begin with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
    /// The ports at which the controller and its agents may call any address outside of the cluster, as 443 for Git and packages.
    /// None if not said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) outside: Vec<u16>,
    /// Further configuration, by the name of its text, in the form of the plugin `configuration-as-code`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) configuration: BTreeMap<String, String>,
    /// How long an apply waits until its pod is ready, in seconds: 300 if not said, 0 for not at all.
    #[serde(default = "patience")]
    pub(crate) ready_within: u32,
}

/// The pods that build for a Jenkins. Each lives as long as its build.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct JenkinsAgent {
    /// An image whose program is that of `jenkins/inbound-agent`, with the tools that builds need.
    pub(crate) image: Given<ImageName>,
    /// The memory that one build is sure of and limited to.
    pub(crate) memory: Given<Size>,
    /// The share of CPUs that one build is sure of and limited to; 500m if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cpu: Option<Given<Cpu>>,
    /// The most pods at a time: 2 if not said. Further builds wait.
    #[serde(default = "at_most")]
    pub(crate) at_most: u16,
}

const fn at_most() -> u16 {
    2
}

impl JenkinsAgent {
    /// Pods of an image with so much memory.
    pub fn new(image: impl Into<Given<ImageName>>, memory: impl Into<Given<Size>>) -> Self {
        Self { image: image.into(), memory: memory.into(), cpu: None, at_most: at_most() }
    }

    /// The share of CPUs that one build is sure of and limited to.
    #[must_use]
    pub fn cpu(self, cpu: impl Into<Given<Cpu>>) -> Self {
        Self { cpu: Some(cpu.into()), ..self }
    }

    /// The most pods at a time. Further builds wait.
    #[must_use]
    pub fn at_most(self, pods: u16) -> Self {
        Self { at_most: pods, ..self }
    }

    /// The share of CPUs, said or not.
    pub(crate) fn cpus(&self) -> Given<Cpu> {
        self.cpu.clone().unwrap_or_else(|| 500.millicores().into())
    }
}

setters! { Jenkins: cpu, class, ready_within }

impl Jenkins {
    /// One whose controller has so much memory and a home of a size, with the pods that build.
    pub fn new(
        name: impl Into<Given<ObjectName>>,
        image: impl Into<Given<ImageName>>,
        memory: impl Into<Given<Size>>,
        keep: impl Into<Given<Size>>,
        agent: JenkinsAgent,
    ) -> Self {
        Self {
            name: name.into(),
            image: image.into(),
            memory: memory.into(),
            keep: keep.into(),
            agent,
            cpu: None,
            class: None,
            password: None,
            url: None,
            outside: Vec::new(),
            configuration: BTreeMap::new(),
            ready_within: patience(),
        }
    }

    /// The administrator's password.
    #[must_use]
    pub fn password(self, password: Secret) -> Self {
        Self { password: Some(password), ..self }
    }

    /// The address that people call, with which its links begin.
    #[must_use]
    pub fn url(self, url: impl Into<String>) -> Self {
        Self { url: Some(url.into()), ..self }
    }

    /// A port at which the controller and its agents may call any address outside of the cluster.
    #[must_use]
    pub fn outside(mut self, port: u16) -> Self {
        self.outside.push(port);
        self
    }

    /// Further configuration under a name, in the form of the plugin `configuration-as-code`.
    #[must_use]
    pub fn configuration(mut self, name: impl Into<String>, yaml: impl Into<String>) -> Self {
        self.configuration.insert(name.into(), yaml.into());
        self
    }

    /// The administrator's password.
    pub fn secret(&self) -> Secret {
        self.password.clone().unwrap_or_else(|| password_of(&self.name))
    }

    /// The workload that its controller is, in a namespace.
    pub(crate) fn lowered(&self, namespace: &Given<ObjectName>) -> Stateful {
        let mut claim = VolumeClaim::new("home", self.keep.clone());
        claim.class.clone_from(&self.class);
        let set = Stateful::new(self.name.clone(), self.container(namespace)).claim_of(claim);
        let set = set.expose(PORT.1, PORT.0).expose(AGENT_PORT.1, AGENT_PORT.0);
        set.account(account()).ready_within(self.ready_within)
    }

    fn container(&self, namespace: &Given<ObjectName>) -> Container {
        let cpu = self.cpu.clone().unwrap_or_else(|| 500.millicores().into());
        let config = ConfigMap::new(Given::text(&format!("{}-config", self.name)))
            .file(format!("{OWN}.yaml"), config::text(self, namespace));
        let config = self
            .configuration
            .iter()
            .fold(config, |config, (name, text)| config.file(format!("{name}.yaml"), text.clone()));
        // Files by name: a folder that Kubernetes mounts has links beside them.
        let files: Vec<String> = config.files.keys().map(|name| format!("{FOLDER}/{name}")).collect();
        Container::new("jenkins", self.image.clone(), cpu, self.memory.clone())
            .port(PORT.0, PORT.1)
            .port(AGENT_PORT.0, AGENT_PORT.1)
            .ready(Probe::http(PORT.0, "/login"))
            .alive(Probe::http(PORT.0, "/login"))
            .starts_within(STARTS_WITHIN)
            .user(USER)
            .variable("CASC_JENKINS_CONFIG", files.join(","))
            .variable("JAVA_OPTS", "-Djenkins.install.runSetupWizard=false -XX:MaxRAMPercentage=50")
            .secret_variable(PASSWORD, self.secret())
            .config(FOLDER, config)
            .volume(HOME, "home")
            .scratch("/tmp", Size::mib(512))
    }
}

/// The rights that the plugin `kubernetes` needs in the namespace (its `service-account.yml`), without those on secrets.
fn account() -> Account {
    Account::new()
        .may(AccountRule::of(["create", "delete", "get", "list", "patch", "update", "watch"], ["pods"]))
        .may(AccountRule::of(["create", "get"], ["pods/exec"]))
        .may(AccountRule::of(["get", "list", "watch"], ["pods/log", "events"]))
}
