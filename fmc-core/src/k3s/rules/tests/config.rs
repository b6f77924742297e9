//! The settings of a cluster: derived keys, keys in the wrong place, and keys without effect.

use super::{DIGEST, cloud, cluster, finds, install, one, says, three};
use crate::check::tests::found;
use crate::finding::Kind;
use crate::guest::GuestFile;
use crate::image::{Arch, Image};
use crate::k3s::registries::{Access, Mirror, Registries};
use crate::k3s::tuning::Tuning;
use crate::k3s::{self, Component, Datastore, S3, Snapshots, key};
use crate::machine::Machine;
use crate::secret::Secret;

#[test]
fn what_is_derived_is_not_said_again() {
    let config = k3s::Config::new()
        .set(key::SERVER, "https://10.17.4.21:6443")
        .set(key::NODE_NAME, "x")
        .set(key::TOKEN, Secret::environment("t", "T"));
    finds(
        three().config(config),
        &[
            "k3s-config-owned clusters.prod.config.node-name",
            "k3s-config-owned clusters.prod.config.server",
            "k3s-config-owned clusters.prod.config.token",
        ],
    );
    one(
        three().server_config(k3s::Config::new().set(key::CLUSTER_DOMAIN, "x.y")),
        Kind::K3sConfigOwned,
        "the cluster already decides cluster-domain: it would be in the file twice",
        "leave it out: it follows from `cluster_domain` of the cluster",
    );
}

#[test]
fn names_of_the_api_are_a_setting() {
    finds(three().tls_san("api.example.com").tls_san("203.0.113.7").tls_san("*.kube.example.com"), &[]);
    finds(three().tls_san("https://api.example.com"), &["value-invalid clusters.prod.tls_san[0]"]);
    finds(three().server_config(k3s::Config::new().set(key::TLS_SAN, ["api.example.com"])), &[]);
    finds(
        three().config(k3s::Config::new().set(key::TLS_SAN, ["api.example.com:6443"])),
        &["value-invalid clusters.prod.config.tls-san[0]"],
    );
    finds(three().config(k3s::Config::new().set(key::NODE_EXTERNAL_IP, ["203.0.113.7"])), &[]);
    finds(
        three().agents(["a1"]).agent_config(k3s::Config::new().set(key::TLS_SAN, ["api.example.com"])),
        &["k3s-config-servers clusters.prod.agent_config.tls-san"],
    );
}

#[test]
fn labels_and_taints_of_a_configuration_have_one_value_with_those_of_machines() {
    let labelled = |config: k3s::Config| {
        let mut cloud = cloud(three().server_config(config));
        let s1 = cloud.machines.iter_mut().find(|machine| machine.name.to_string() == "s1").unwrap();
        *s1 = s1.clone().label("example.com/disk=ssd").taint("example.com/only=db:NoSchedule");
        found(&cloud)
    };
    let labels = |label: &str| k3s::Config::new().set(key::NODE_LABEL, [label]);
    let taints = |taint: &str| k3s::Config::new().set(key::NODE_TAINT, [taint]);
    for config in [
        labels("example.com/disk=ssd"),
        labels("example.com/zone=b"),
        taints("example.com/only=db:NoSchedule"),
        taints("example.com/only=web:NoExecute"),
    ] {
        assert_eq!(labelled(config), Vec::<String>::new());
    }
    assert_eq!(
        labelled(labels("example.com/disk=hdd")),
        ["k3s-label-duplicate clusters.prod.server_config.node-label[0]"]
    );
    assert_eq!(
        labelled(taints("example.com/only=web:NoSchedule")),
        ["k3s-label-duplicate clusters.prod.server_config.node-taint[0]"]
    );
    one(
        three().config(labels("example.com/disk=hdd")).server_config(labels("example.com/disk=ssd")),
        Kind::K3sLabelDuplicate,
        "s1 has the label example.com/disk twice",
        "keep one of them: a node has one value for a key",
    );
}

#[test]
fn parts_left_out_by_a_configuration_are_left_out() {
    let config = || k3s::Config::new().set(key::DISABLE_HELM_CONTROLLER, true);
    finds(
        three().server_config(config()),
        &["k3s-config-clash clusters.prod.server_config.disable-helm-controller"],
    );
    finds(three().server_config(config().set(key::DISABLE, [Component::Traefik])), &[]);
}

#[test]
fn keys_are_where_they_are_read() {
    let agents = || three().agents(["a1"]);
    finds(
        agents().agent_config(k3s::Config::new().set(key::EMBEDDED_REGISTRY, true)),
        &["k3s-config-servers clusters.prod.agent_config.embedded-registry"],
    );
    finds(agents().config(k3s::Config::new().set(key::ETCD_EXPOSE_METRICS, true)), &[]);
    finds(
        agents().config(k3s::Config::new().set(key::KINE_TLS, true)),
        &["k3s-config-outdated clusters.prod.config.kine-tls"],
    );
    finds(
        agents()
            .config(k3s::Config::new().set(key::DOCKER, true).set(key::CONTAINER_RUNTIME_ENDPOINT, "/run/x")),
        &["k3s-config-clash clusters.prod.config.container-runtime-endpoint"],
    );
    finds(
        agents().server_config(k3s::Config::new().set(key::ETCD_SNAPSHOT_RECONCILE_INTERVAL, "0s")),
        &["value-invalid clusters.prod.server_config.etcd-snapshot-reconcile-interval"],
    );
    finds(
        agents().snapshots(Snapshots::every("0 0 * * *").s3(S3::bucket("b").timeout("0s"))),
        &["k3s-config-clash clusters.prod.snapshots.s3.timeout"],
    );
    finds(
        agents().cis(true).config(k3s::Config::new().set(key::PROTECT_KERNEL_DEFAULTS, false)),
        &["k3s-config-clash clusters.prod.config.protect-kernel-defaults"],
    );
    finds(
        agents().config(k3s::Config::new().set(key::WRITE_KUBECONFIG_MODE, "0644")),
        &["k3s-kubeconfig-open clusters.prod.config.write-kubeconfig-mode"],
    );
    // The servers' own configuration comes after that for all.
    let tight = k3s::Config::new().set(key::WRITE_KUBECONFIG_MODE, "0600");
    finds(
        agents().config(k3s::Config::new().set(key::WRITE_KUBECONFIG_MODE, "0644")).server_config(tight),
        &[],
    );
}

#[test]
fn keys_of_agents_are_not_for_servers() {
    let direct = || k3s::Config::new().set(key::DISABLE_APISERVER_LB, true);
    let agents = || three().agents(["a1"]);
    finds(agents().agent_config(direct()), &[]);
    finds(agents().config(direct()), &[]);
    finds(
        agents().server_config(direct()),
        &["k3s-config-servers clusters.prod.server_config.disable-apiserver-lb"],
    );
    finds(three().config(direct()), &["k3s-config-servers clusters.prod.config.disable-apiserver-lb"]);
}

#[test]
fn a_release_has_the_keys_that_are_set() {
    let at = |version: &str| k3s::Cluster::new("prod", version).servers(["s1"]).install(install());
    let named = || k3s::Config::new().set(key::WRITE_KUBECONFIG_NAME, "prod");
    for old in ["v1.33.9+k3s1", "v1.36.2+k3s1"] {
        finds(at(old).config(named()), &["k3s-version-feature clusters.prod.config.write-kubeconfig-name"]);
    }
    finds(at("v1.36.3+k3s1").config(named()), &[]);
    // The servers' release counts for keys of servers.
    let agents_behind =
        at("v1.36.3+k3s1").agents(["a1"]).agent_version("v1.35.4+k3s1").agent_install(install());
    finds(agents_behind.config(named()), &[]);
    let arguments = k3s::Config::new().set(key::HELM_CONTROLLER_ARG, ["debug=true"]);
    finds(
        at("v1.36.2+k3s1").server_config(arguments),
        &["k3s-version-feature clusters.prod.server_config.helm-controller-arg"],
    );
    // The successor of a key is advised only where the release has it.
    let image = || k3s::Config::new().set(key::HELM_JOB_IMAGE, "mirror.example/klipper-helm:v1");
    finds(at("v1.36.2+k3s1").config(image()), &[]);
    finds(at("v1.36.3+k3s1").config(image()), &["k3s-config-outdated clusters.prod.config.helm-job-image"]);
    one(
        at("v1.36.2+k3s1").config(named()),
        Kind::K3sVersionFeature,
        "v1.36.2+k3s1 is not known to have the key write-kubeconfig-name, and would skip it: it came with v1.36.3+k3s1",
        "leave it out, or write v1.36.3+k3s1 or a later release; accept the finding if this release has the key",
    );
}

#[test]
fn traefik_is_installed_by_the_helm_controller() {
    let without = || k3s::Config::new().set(key::DISABLE_HELM_CONTROLLER, true);
    finds(three().config(without()), &["k3s-config-clash clusters.prod.config.disable-helm-controller"]);
    finds(three().config(without()).disable(Component::Traefik), &[]);
    finds(three().config(k3s::Config::new().set(key::DISABLE_HELM_CONTROLLER, false)), &[]);
}

#[test]
fn a_kubelet_that_protects_the_kernel_finds_it_tuned() {
    let protect = || k3s::Config::new().set(key::PROTECT_KERNEL_DEFAULTS, true);
    let tuned = |tuning| k3s::Cluster { tuning, ..three() };
    let at = "k3s-kernel-defaults clusters.prod";
    finds(three().config(protect()), &[&format!("{at}.config.protect-kernel-defaults")]);
    finds(
        three().agents(["a1"]).agent_config(protect()),
        &[&format!("{at}.agent_config.protect-kernel-defaults")],
    );
    finds(three().cis(true).config(protect()), &[]);
    finds(tuned(Tuning::kubelet()).config(protect()), &[]);
    one(
        tuned(Tuning::kubelet().sysctl("kernel.panic", "0")).config(protect()),
        Kind::K3sKernelDefaults,
        "the kubelet of s1 and 2 other machines refuses to start: nothing sets kernel.panic",
        "say `.cis(true)`, which sets them, or set each, as `.sysctl(\"vm.overcommit_memory\", \"1\")`",
    );
    finds(
        three().cis(true).sysctl("kernel.panic", "0"),
        &["k3s-config-clash clusters.prod.tuning.sysctls.kernel.panic"],
    );
    let tuned = "vm.panic_on_oom=0\nvm/overcommit_memory = 1\n-kernel.panic=10\nkernel.panic_on_oops=1\n";
    let mut cloud = cloud(three().config(protect()));
    for machine in cloud.machines.iter_mut() {
        let file = GuestFile::text("/etc/sysctl.d/90-kubelet.conf", tuned);
        machine.guest = machine.guest.clone().file(file);
    }
    assert_eq!(found(&cloud), [""; 0]);
}

#[test]
fn arguments_of_components() {
    let with = |argument: &str| {
        three().agents(["a1"]).config(k3s::Config::new().set(key::KUBELET_ARG, ["max-pods=200", argument]))
    };
    for wrong in ["node-ip=10.0.0.1", "cluster-dns+=10.0.0.1", "tls-min-version=1.2", "tls-cipher-suites=A,B"]
    {
        finds(with(wrong), &["k3s-argument clusters.prod.config.kubelet-arg[1]"]);
    }
    one(
        with("tls-cipher-suites=TLS_AES_128_GCM_SHA256,TLS_AES_256_GCM_SHA38"),
        Kind::K3sArgument,
        "Kubernetes does not know the cipher suite \"TLS_AES_256_GCM_SHA38\"",
        "write, for example, TLS_AES_256_GCM_SHA384",
    );
    finds(with("v=2"), &["k3s-argument clusters.prod.config.kubelet-arg[1]"]);
    one(
        with("vmodule=kubelet=4"),
        Kind::K3sArgument,
        "the argument vmodule ends the kubelet, and with it the node: K3s has set up the log before",
        "leave it out, and write the key vmodule of K3s itself, \
         `.config(Config::new().set(key::VMODULE, \"kubelet=4\"))`",
    );
    finds(three().config(k3s::Config::new().set(key::V, 2).set(key::VMODULE, "kubelet=4")), &[]);
    one(
        with("tls-min-version=TLS12"),
        Kind::K3sArgument,
        "Kubernetes does not know the version of TLS \"TLS12\"",
        "write, for example, VersionTLS12",
    );
}

#[test]
fn a_setting_without_effect_is_reported() {
    let database = || three().datastore(Datastore::endpoint(Secret::environment("dsn", "DSN")));
    let config = k3s::Config::new().set(key::ETCD_EXPOSE_METRICS, true).set(key::ETCD_S3_TIMEOUT, "1m");
    finds(
        database().snapshots(Snapshots::every("0 0 * * *")).server_config(config.clone()),
        &[
            "k3s-unused clusters.prod.server_config.etcd-expose-metrics",
            "k3s-unused clusters.prod.server_config.etcd-s3-timeout",
            "k3s-unused clusters.prod.snapshots",
        ],
    );
    finds(three().server_config(config), &["k3s-unused clusters.prod.server_config.etcd-s3-timeout"]);
    finds(three().snapshots(Snapshots::off()), &[]);
    finds(three().snapshots(Snapshots::off().keep(3)), &["k3s-unused clusters.prod.snapshots"]);
    let bucket = S3::bucket("b").insecure().ca(Secret::file("ca", "ca.pem"));
    finds(
        three().snapshots(Snapshots::every("0 0 * * *").s3(bucket)),
        &["k3s-unused clusters.prod.snapshots.s3.ca"],
    );
    finds(
        three().agent_version("v1.36.3+k3s1").agent_config(k3s::Config::new().set(key::DEBUG, true)),
        &["k3s-unused clusters.prod.agent_config", "k3s-unused clusters.prod.agent_version"],
    );
    finds(
        three().disable(Component::Servicelb).disable(Component::Servicelb).config(
            k3s::Config::new()
                .set(key::SERVICELB_NAMESPACE, "lb")
                .set(key::DISABLE_SCHEDULER, true)
                .set(key::KUBE_SCHEDULER_ARG, ["v=2"])
                .set(key::ALSOLOGTOSTDERR, true),
        ),
        &[
            "k3s-unused clusters.prod.config.alsologtostderr",
            "k3s-unused clusters.prod.config.kube-scheduler-arg",
            "k3s-unused clusters.prod.config.servicelb-namespace",
            "k3s-unused clusters.prod.disable[1]",
        ],
    );
    finds(
        three().flannel("none").config(k3s::Config::new().set(key::FLANNEL_IFACE, "eth1")),
        &["k3s-unused clusters.prod.config.flannel-iface", "k3s-network-missing clusters.prod.flannel"],
    );
    let mut rocky = cloud(cluster().servers(["s1"]).install(install().sysext_for(
        Arch::X86_64,
        "https://m.example/k3s.raw",
        DIGEST,
    )));
    for machine in rocky.machines.iter_mut() {
        machine.image = Image::debian("12").path("/i/d12.qcow2").digest(DIGEST);
    }
    assert_eq!(found(&rocky), ["k3s-unused clusters.prod.install.sysext"]);
    finds(
        three().install(install().selinux_policy("https://m.example/p.rpm", DIGEST)),
        &["k3s-unused clusters.prod.install.selinux_policy"],
    );
}

#[test]
fn files_that_registries_name_are_there() {
    const CA: &str = "/etc/rancher/k3s/mirror-ca.pem";
    let with = |path: &str| {
        let access = Access::to("mirror.example:5000").ca_file(path);
        three().agents(["a1"]).registries(Registries::new().access(access))
    };
    let at = "k3s-registry-file clusters.prod.registries.access.mirror.example:5000.ca_file";
    finds(with(CA), &[at]);
    // The image brings the system's own authorities.
    finds(with("/etc/ssl/certs/ca-certificates.crt"), &[]);
    let writing = |nodes: &[&str], change: &dyn Fn(Machine) -> Machine| {
        let mut cloud = cloud(with(CA));
        for machine in cloud.machines.iter_mut().filter(|one| nodes.contains(&&*one.name.to_string())) {
            *machine = change(machine.clone());
        }
        cloud
    };
    let file =
        |machine: Machine| machine.file(GuestFile::secret(CA, Secret::file("mirror-ca", "pki/ca.pem")));
    assert_eq!(found(&writing(&["s1", "s2", "s3", "a1"], &file)), [""; 0]);
    let three_have_it = writing(&["s1", "s2", "s3"], &file);
    assert_eq!(found(&three_have_it), [at]);
    let [(message, help)] = says(&three_have_it, Kind::K3sRegistryFile).try_into().unwrap();
    assert_eq!(
        message,
        "a1 has no file /etc/rancher/k3s/mirror-ca.pem, which K3s reads to call mirror.example:5000"
    );
    assert!(help.starts_with("write it on every node, for example `.file(GuestFile::secret("), "{help}");
    // A data disk may have it.
    let disk = crate::disk::Disk::new("pki", "1 GiB").mount("/srv/pki");
    let mut on_disks = cloud(with("/srv/pki/mirror-ca.pem"));
    assert_eq!(found(&on_disks), [at]);
    for machine in on_disks.machines.iter_mut() {
        *machine = machine.clone().disk(disk.clone());
    }
    assert_eq!(found(&on_disks), [""; 0]);
}

#[test]
fn mirrors_that_are_the_registry_itself() {
    let mirrored = |url: &str| Registries::new().mirror(Mirror::of("registry.example:5000").endpoint(url));
    finds(three().registries(mirrored("https://mirror.example:5000")), &[]);
    finds(
        three().registries(mirrored("https://registry.example:5000")),
        &["k3s-unused clusters.prod.registries.mirrors.registry.example:5000.endpoints[0]"],
    );
    let embedded = k3s::Config::new().set(key::EMBEDDED_REGISTRY, true);
    finds(three().config(embedded.clone()), &["k3s-unused clusters.prod.config.embedded-registry"]);
    finds(three().registries(mirrored("https://mirror.example:5000")).config(embedded), &[]);
}
