//! A cloud that sets everything that can be set.

use fmc::prelude::*;

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5tT/1J5YuJpRIomh3Z7S0OcLJr8MYUNro5tlrzsVXM ops@first";

fn digest() -> String {
    format!("sha256:{}", "0".repeat(64))
}

pub(crate) fn cloud() -> Cloud {
    Cloud::new("full")
        .owner("somebody")
        .domain("example.com")
        .time_zone("Europe/Vienna")
        .resolvers(["9.9.9.9", "2620:fe::fe"])
        .public_address("192.0.2.1")
        .prefixed(true)
        .ssh_host_keys(true)
        .dns(dns())
        .people(people())
        .secrets(SecretSettings::new().derivation(Derivation::V1))
        .ssh_from([
            Peer::Anywhere,
            Peer::network("lan"),
            Peer::subnet("10.0.0.0/8"),
            Peer::machine("web"),
            Peer::subnet_of_role("k3s-server").of("prod"),
            Peer::role("no kind"),
        ])
        .host(Host::local())
        .host(
            Host::new("proliant")
                .uri("qemu+ssh://hv1/system")
                .topology(2, 6, 2)
                .memory(36.gib())
                .reserve(2.gib())
                .emulated()
                .machine_type("pc")
                .cpu(CpuModel::Named("Westmere".to_owned()))
                .base("/pools")
                .capacity(100.gib())
                .pool(Pool::new("a.b", "/pools/a").capacity(3.gib()))
                .bridge("br0")
                .manager(NetworkDaemon::NetworkManager)
                .uplink(
                    Uplink::new("br1", "eno2", "192.168.1.10/24")
                        .gateway("192.168.1.1")
                        .resolvers(["192.168.1.1"]),
                )
                .console_log(false),
        )
        .host(Host::new("other").cpu(CpuModel::HostModel))
        .networks(networks())
        .machine(web())
        .machine(db())
        .machine(
            Machine::new("on", Image::new(Os::None, "no"))
                .memory("51200 MB")
                .cpus("many")
                .host("no such_host"),
        )
        .machine(
            Machine::new("url", Image::flatcar("4593.2.0").url("https://example.com/a.img", digest()))
                .shutdown(Shutdown::force_now()),
        )
        .machine(Machine::new("volume", Image::almalinux("9").volume("a.b", "alma.qcow2")))
        .cluster(prod())
        .cluster(
            k3s::Cluster::new("second one", "stable")
                .endpoint(k3s::Endpoint::address("10.17.5.10"))
                .datastore(
                    k3s::Datastore::endpoint(Secret::environment("dsn", "DSN"))
                        .ca(Secret::file("db-ca", "db/ca.pem"))
                        .certificate(Secret::file("db", "db/k3s.pem"), Secret::file("db-key", "db/k3s.key")),
                )
                .snapshots(k3s::Snapshots::off())
                .updates(k3s::Updates::off()),
        )
        .cluster(
            k3s::Cluster::new("third", "v1.36.3+k3s1")
                .endpoint(k3s::Endpoint::name("api.example.com"))
                .datastore(
                    k3s::Datastore::postgres("url", Secret::environment("db", "DB"))
                        .port(6432)
                        .database("prod")
                        .user("app")
                        .sslmode(k3s::SslMode::VerifyFull),
                )
                .bootstrap(
                    Mirror::on("web")
                        .server("https://example.com/server", digest())
                        .file("https://example.com/more", digest()),
                )
                .snapshots(k3s::Snapshots::new().keep(3)),
        )
        .cluster(
            k3s::Cluster::new("fourth", "v1.36.3+k3s1")
                .datastore(k3s::Datastore::of("main").database("prod")),
        )
        .accept("pool-thin", "yes: it's a \"lab\"\n# really\n")
}

fn networks() -> [Network; 5] {
    [
        Network::nat("lab-1", "10.17.3.0/24")
            .host("local")
            .dhcp("10.17.3.100-10.17.3.199")
            .gateway("10.17.3.254")
            .ipv6("fd00:17::/64")
            .gateway6("fd00:17::fe")
            .dhcp6("fd00:17::100-fd00:17::1ff")
            .reservation(Reservation::new("52:54:00:00:00:01", "10.17.3.9").hostname("printer"))
            .domain("no")
            .mtu("1400")
            .resolvers(["10.17.3.1"])
            .autostart(false)
            .formerly("old-lab")
            .bridge_name("br-lab"),
        Network::bridge("lan", "br0").subnet("192.168.0.0/24").gateway("192.168.0.1"),
        Network::vlan("office", "br0", 30).subnet("10.30.0.0/24"),
        Network::new("bare", NetworkMode::Open),
        Network::isolated("wrong_name", "10.17.5.0/24"),
    ]
}

fn web() -> Machine {
    Machine::new("web", Image::rocky("9.4").path("/images/rocky: 9.qcow2").digest(digest()).minimum(10.gib()))
        .host("proliant")
        .firewall(true)
        .accept(tcp(5432), Peer::subnet_of_role("k3s-agent").of("prod"))
        .accept(udp(30_000).to(32_767), Peer::Anywhere)
        .accept("vrrp", Peer::network("lan"))
        .accept("5432/tcp", Peer::role("k3s-server"))
        .accept(tcp(1).to(65_535), Peer::inside(["docker0", "no interface: 1"], "172.17.0.0/16"))
        .cpus(2)
        .memory(2.gib())
        .root_disk(20.gib())
        .cloud_config(CloudConfig::json(
            r#"{"package_upgrade": true, "runcmd": [["true"], "0644"], "growpart": {"mode": "off"}}"#,
        ))
        .role(Role::said(NodeExporter::new().on_port(9200).from(Peer::machine("db"))))
        .label("example.com/disk=ssd")
        .taint("example.com/only=db:NoSchedule")
        .formerly("old-first")
        .external_address("203.0.113.7")
        .disk(
            Disk::new("data", 5.gib())
                .formerly("old-data")
                .serial("DATA1")
                .pool("a.b")
                .fully_allocated()
                .mount("/srv")
                .filesystem(Filesystem::Xfs)
                .luks_key(Secret::password("data1")),
        )
        .interface(
            Interface::on("lab-1")
                .address("10.17.3.10")
                .address("fd00:17::10")
                .mac("52:54:00:12:34:56")
                .default_route(true),
        )
        .interface(Interface::on("lan").reserved("192.168.0.9").reserved("fd00::9"))
        .interface(Interface::on("wrong_name"))
        .hostname("www")
        .fqdn("www.example.com")
        .time_zone("UTC")
        .resolvers(["10.17.3.1"])
        .power(Power::Unmanaged)
        .autostart(false)
        .shutdown(Shutdown::never_force(90))
        .ready(Ready::lease().within("5min"))
        .user(
            User::admin("ops")
                .key(KEY)
                .group("app")
                .uid(1500)
                .home("/srv/ops")
                .shell("/bin/sh")
                .password_hash(Secret::file("ops-password", "secrets/ops.hash").generation(2)),
        )
        .user(User::new("guest"))
        .group(Group::new("app").gid(2000))
        .group(Group::new("plain"))
        .file(GuestFile::text("/etc/motd", "one\ntwo \"#\n").mode("0640").owner("ops").group("app"))
        .file(GuestFile::secret("/etc/token", Secret::environment("token", "TOKEN")))
        .file(
            GuestFile::parts(
                "/etc/app.env",
                [
                    TextPart::from("# {two}\nTOKEN="),
                    Secret::password("app-token").into(),
                    TextPart::from("\nKEY="),
                    TextPart::Quoted(Secret::generated("app-key", Generated::PrivateKey).generation(3)),
                    TextPart::from("\nDSN=postgres://app:"),
                    TextPart::Component(Secret::password("app-database")),
                    TextPart::from("@db"),
                ],
            )
            .owner("ops"),
        )
        .file(GuestFile::remote("/opt/tool", "https://example.com/tool", digest()).mode("0755"))
        .directory(Directory::new("/srv/app").mode("0750").owner("ops").group("app"))
        .link(Symlink::new("/etc/app", "../srv/app"))
        .unit(Unit::service("app").enabled().contents("[Service]\nExecStart=/usr/bin/app \\\n  --quiet\n"))
        .unit(Unit::timer("old").masked())
        .unit(Unit::socket("other").disabled().dropin("10-more", "[Socket]\nListenStream=80\n"))
        .package("nginx")
}

fn db() -> Machine {
    let kernel = DirectKernel::new("/k").initrd("/i").command_line("console=ttyS0 # no: comment");
    let image = Image::fedora_coreos("40")
        .file("/a.xz", digest())
        .unpacked_digest(digest())
        .format(Format::Raw)
        .architecture(Arch::Aarch64)
        .direct_kernel(kernel);
    Machine::new("db", image)
        .apart_from(["web", "on"])
        .root(Root::new(20.gib()).fully_allocated())
        .power(Power::Stopped)
        .ready(Ready::tcp(22))
        .kernel_arguments(KernelArguments::new().should_exist("console=ttyS0").should_not_exist("quiet"))
        .ignition(Fragment::json(
            r#"{"variant": "fcos", "version": "1.5.0", "storage": {"files": [{"path": "/etc/a", "mode": "0640", "overwrite": true}]}}"#,
        ))
}

fn prod() -> k3s::Cluster {
    let balancer = Balancer::on_all(["lb1", "lb2"])
        .virtual_address("10.17.5.10")
        .virtual_router(17)
        .software(Software::Traefik { url: "https://example.com/traefik".into(), digest: digest().into() })
        .ingress_ports(8080, 8443)
        .ingress_node_ports(30080, 30443)
        .ingress_nodes(["on"])
        .without_ingress()
        .preempt(false);
    k3s::Cluster::new("prod", "v1.36.3+k3s1")
        .tls_san("kube.example.org")
        .tls_san("203.0.113.7")
        .endpoint(k3s::Endpoint::balancer(balancer))
        .servers(["web", "db"])
        .agents(["url", "volume"])
        .initial("db")
        .pods("10.60.0.0/16")
        .pods("fd00:60::/56")
        .services("10.61.0.0/16")
        .cluster_dns("10.61.0.10")
        .cluster_domain("prod.internal")
        .flannel(k3s::FlannelBackend::WireguardNative)
        .secrets_encryption(k3s::EncryptionProvider::Secretbox)
        .disable(k3s::Component::Traefik)
        .disable("treafik")
        .egress(k3s::EgressMode::Disabled)
        .snapshots(
            k3s::Snapshots::every("0 */6 * * *").keep(10).compressed().s3(k3s::S3::bucket("etcd")
                .endpoint("s3.example")
                .region("eu-south-2")
                .folder("prod")
                .keys("etcd", Secret::environment("s3-secret", "S3_SECRET"))
                .ca(Secret::file("s3-ca", "pki/s3.pem"))
                .lookup(k3s::BucketLookup::Path)
                .timeout("10m")
                .insecure()),
        )
        .cis(true)
        .registries(registries())
        .kubelet(
            k3s::kubelet::Dropin::new("50-own.conf")
                .max_pods(200)
                .eviction_hard([("memory.available", "200Mi")]),
        )
        .auto_deploy(
            k3s::Addon::new("own")
                .manifest("{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"own\"}}"),
        )
        .sysctl("fs.inotify.max_user_instances", "8192")
        .module("rbd")
        .config(
            k3s::Config::new()
                .set(k3s::key::DEBUG, true)
                .set(k3s::key::KUBELET_ARG, ["serialize-image-pulls=false"]),
        )
        .server_config(k3s::Config::new().set(k3s::key::V, 3).set(k3s::key::WRITE_KUBECONFIG_MODE, "0640"))
        .agent_config(k3s::Config::new().set(k3s::key::VPN_AUTH, Secret::environment("vpn", "VPN")))
        .install(
            k3s::Install::binary("https://example.com/k3s", digest())
                .binary_for(Arch::Aarch64, "https://example.com/k3s-arm64", digest())
                .sysext_for(Arch::X86_64, "https://example.com/k3s.raw", digest())
                .sysext_for(Arch::Aarch64, "https://example.com/k3s-arm64.raw", digest())
                .images("https://example.com/images.tar.zst", digest())
                .images_for(Arch::Aarch64, "https://example.com/images-arm64.tar.zst", digest())
                .selinux_policy("https://example.com/k3s-selinux.rpm", digest()),
        )
        .bootstrap(
            Mirror::on("url")
                .file("https://example.com/helm.tar.gz", digest())
                .file("https://example.com/cosign", digest())
                .server("https://example.com/caddy.tar.gz", digest()),
        )
        .ingress(["volume"])
        .credentials(
            k3s::pki::Credentials::new()
                .server_token(Secret::environment("token", "K3S_TOKEN").generation(2))
                .agent_token(Secret::environment("agents", "K3S_AGENT_TOKEN"))
                .service_key(Secret::file("service", "pki/service.key"))
                .authority(
                    k3s::pki::Ca::EtcdPeer,
                    Secret::file("peer", "pki/peer.pem"),
                    Secret::file("peer-key", "pki/peer.key"),
                )
                .generation(k3s::pki::Part::ServerCa, 2),
        )
        .upgraded_from("v1.35.1+k3s1")
        .agent_version("v1.35.1+k3s1")
        .agent_install(k3s::Install::binary("https://example.com/v1.35.1/k3s", digest()))
        .updates(k3s::Updates::weekly("03:30"))
}

fn registries() -> k3s::registries::Registries {
    use k3s::registries::{Access, Mirror, Registries};

    Registries::new()
        .mirror(
            Mirror::of("docker.io")
                .endpoint("https://mirror.example:5000")
                .rewrite("^library/(.*)", "hub/$1"),
        )
        .access(
            Access::to("mirror.example:5000")
                .password("puller", Secret::file("puller", "secrets/puller"))
                .ca_file("/etc/rancher/k3s/mirror.pem")
                .certificate("/etc/rancher/k3s/own.pem", "/etc/rancher/k3s/own.key"),
        )
        .access(Access::to("*").token(Secret::environment("registry", "REGISTRY")).insecure_skip_verify())
}

fn people() -> People {
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5tT/1J5YuJpRIomh3Z7S0OcLJr8MYUNro5tlrzsVXM ana@lab";
    People::new()
        .server("ipa")
        .user(
            IpaUser::new("ana", "Ana", "Ruiz")
                .mail(["ana@lab.example"])
                .ssh_keys([key])
                .shell("/bin/zsh")
                .groups(["dbas"])
                .disabled(),
        )
        .group(IpaGroup::new("dbas").description("They run the databases").non_posix())
        .group(IpaGroup::new("operators").users(["ana", "admin"]).groups(["dbas"]))
        .host_group(HostGroup::new("webs").description("Those that serve").machines(["web"]))
        .host_group(HostGroup::new("all").roles(["node-exporter"]).host_groups(["webs"]))
        .sudo_rule(
            SudoRule::new("restart")
                .description("What operators do")
                .users(["ana"])
                .groups(["operators"])
                .machines(["web"])
                .host_groups(["webs"])
                .commands(["/usr/bin/systemctl restart nginx", "/usr/bin/less"])
                .run_as(["www-data"])
                .run_as_groups(["dbas"])
                .options(["!authenticate", "env_keep+=HTTP_PROXY"])
                .disabled(),
        )
        .sudo_rule(SudoRule::new("root").everyone().everywhere().every_command().as_anyone())
        .hbac_rule(
            HbacRule::new("ssh")
                .description("Who logs in")
                .users(["ana"])
                .groups(["operators"])
                .machines(["web"])
                .host_groups(["webs"])
                .services(["sshd", "sudo"])
                .disabled(),
        )
        .hbac_rule(HbacRule::new("all").everyone().everywhere().every_service())
        .others(PeopleOfOthers::new().users(["sam"]).groups(["staff"]).host_groups(["racks"]))
        .without_allow_all()
}

fn dns() -> Dns {
    let key = |name| TsigKey::new(name, Secret::file("dns-key", "secrets/dns-key"));
    Dns::new()
        .ttl(300)
        .reverse(["lan"])
        .without_reverse()
        .server(
            DnsServer::at("ns1", "192.168.0.53")
                .fqdn("ns1.example.com")
                .port(5353)
                .key(key("fmc-key"))
                .transfer_key(key("read-key").algorithm(TsigAlgorithm::HmacSha512))
                .read_by(ReadBy::Queries)
                .default(true),
        )
        .server(DnsServer::on("ns2", "web"))
        .server(
            DnsServer::at("ipa", "192.168.0.54")
                .fqdn("ipa.example.com")
                .ipa(
                    IpaLogin::new("admin", Secret::file("ipa-password", "secrets/ipa-password"))
                        .ca(Secret::file("ipa-ca", "ipa-ca.crt"))
                        .port(8443),
                )
                .forwarders(["192.168.0.1"])
                .forward_policy(ForwardPolicy::First),
        )
        .server(
            DnsServer::at("ipa2", "192.168.0.55")
                .fqdn("ipa2.example.com")
                .ipa(IpaLogin::kerberos().ca(Secret::file("ipa-ca", "ipa-ca.crt"))),
        )
        .forward_zone(
            ForwardZone::new("corp.example")
                .server("ipa")
                .forwarders(["192.168.0.2", "192.168.0.3"])
                .policy(ForwardPolicy::First),
        )
        .zone(
            Zone::new("example.com")
                .server("ns1")
                .ttl(600)
                .contact("ops.example.com")
                .name_servers(["ns1.example.com", "ns.example.org"])
                .records("www", ["60 CNAME web"])
                .records("@", ["MX 10 mail.example.org.", "TXT \"v=spf1 -all\""]),
        )
}
