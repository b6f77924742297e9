use fmc::prelude::*;

const BARE: NetworkName = NetworkName::literal("bare");
const LAB_1: NetworkName = NetworkName::literal("lab-1");
const LAN: NetworkName = NetworkName::literal("lan");

fn cloud() -> Cloud {
    Cloud::new("full")
        .owner("somebody")
        .domain("example.com")
        .time_zone("Europe/Vienna")
        .resolvers(["9.9.9.9", "2620:fe::fe"])
        .public_address("192.0.2.1")
        .ssh_from([Peer::Anywhere, Peer::network(LAN), Peer::subnet("10.0.0.0/8"), Peer::machine("web"), Peer::role("k3s-server").of("prod"), Peer::members("no kind")])
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
                .console_log(false),
        )
        .host(Host::new("other").cpu(CpuModel::HostModel))
        .network(
            Network::nat(LAB_1, "10.17.3.0/24")
                .host("local")
                .bridge_name("br-lab")
                .gateway("10.17.3.254")
                .dhcp("10.17.3.100-10.17.3.199")
                .ipv6("fd00:17::/64")
                .gateway6("fd00:17::fe")
                .dhcp6("fd00:17::100-fd00:17::1ff")
                .reservation(Reservation::new("52:54:00:00:00:01", "10.17.3.9").hostname("printer"))
                .domain("no")
                .mtu(1400)
                .resolvers(["10.17.3.1"])
                .autostart(false),
        )
        .network(Network::bridge(LAN, "br0").subnet("192.168.0.0/24").gateway("192.168.0.1"))
        .network(Network::new(BARE, Mode::Open))
        .network(Network::isolated("wrong_name", "10.17.5.0/24"))
        .machine(
            Machine::new(
                "web",
                Image::rocky("9.4")
                    .path("/images/rocky: 9.qcow2")
                    .digest("sha256:0000000000000000000000000000000000000000000000000000000000000000")
                    .minimum(10.gib()),
            )
            .host("proliant")
            .cpus(2)
            .memory(2.gib())
            .root_disk(20.gib())
            .disk(
                Disk::new("data", 5.gib())
                    .serial("DATA1")
                    .pool("a.b")
                    .mount("/srv")
                    .filesystem(Filesystem::Xfs)
                    .fully_allocated(),
            )
            .interface(
                Interface::on(LAB_1)
                    .address("10.17.3.10")
                    .address("fd00:17::10")
                    .mac("52:54:00:12:34:56")
                    .default_route(true),
            )
            .interface(Interface::on(LAN).reserved("192.168.0.9").reserved("fd00::9"))
            .interface(Interface::on("wrong_name"))
            .hostname("www")
            .fqdn("www.example.com")
            .time_zone("UTC")
            .resolvers(["10.17.3.1"])
            .power(Power::Unmanaged)
            .autostart(false)
            .shutdown(Shutdown::never_force(90))
            .ready(Ready::lease().within("300s"))
            .firewall(true)
            .file(
                File::text("/etc/motd", r##"one
two "#
"##)
                    .mode("0640")
                    .owner("ops")
                    .group("app"),
            )
            .file(File::secret("/etc/token", Secret::environment("token", "TOKEN")))
            .directory(Directory::new("/srv/app").mode("0750").owner("ops").group("app"))
            .link(Link::new("/etc/app", "../srv/app"))
            .user(
                User::admin("ops")
                    .key("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5tT/1J5YuJpRIomh3Z7S0OcLJr8MYUNro5tlrzsVXM ops@first")
                    .group("app")
                    .uid(1500)
                    .home("/srv/ops")
                    .shell("/bin/sh")
                    .password_hash(Secret::file("ops-password", "secrets/ops.hash").generation(2)),
            )
            .user(User::new("guest"))
            .group(Group::new("app").gid(2000))
            .group(Group::new("plain"))
            .unit(
                Unit::new("app.service")
                    .enabled()
                    .contents(r#"[Service]
ExecStart=/usr/bin/app \
  --quiet
"#),
            )
            .unit(Unit::new("old.timer").masked())
            .unit(
                Unit::new("other.socket")
                    .disabled()
                    .dropin("10-more", r#"[Socket]
ListenStream=80
"#),
            )
            .package("nginx"),
        )
        .machine(
            Machine::new(
                "db",
                Image::fedora_coreos("40")
                    .architecture(Arch::Aarch64)
                    .file("/a.xz", "sha256:0000000000000000000000000000000000000000000000000000000000000000")
                    .unpacked_digest("sha256:0000000000000000000000000000000000000000000000000000000000000000")
                    .format(Format::Raw)
                    .direct_kernel(
                        DirectKernel::new("/k")
                            .initrd("/i")
                            .command_line("console=ttyS0 # no: comment"),
                    ),
            )
            .root(Root::new(20.gib()).fully_allocated())
            .power(Power::Stopped)
            .ready(Ready::tcp(22)),
        )
        .machine(
            Machine::new("on", Image::new(Os::None, "no"))
                .host("no such_host")
                .cpus("many")
                .memory("51200 MB"),
        )
        .machine(
            Machine::new(
                "url",
                Image::flatcar("4593.2.0")
                    .url("https://example.com/a.img", "sha256:0000000000000000000000000000000000000000000000000000000000000000"),
            )
            .shutdown(Shutdown::grace(0)),
        )
        .machine(Machine::new("volume", Image::almalinux("9").volume("a.b", "alma.qcow2")))
        .accept("pool-thin", r#"yes: it's a "lab"
# really
"#)
}

fn main() -> ExitCode {
    fmc::cli::main(cloud())
}
