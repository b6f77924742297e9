//! Tunnels from their compiled files, in namespaces, without a kernel that has `WireGuard`: wireguard-go is the tunnel, and `wg` reads
//! what the machines' own files say.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use fmc::guest::checked::{Contents, TextPart as Part};
use fmc::keys::{Keyring, RootKey};
use fmc::secret::{NoSecrets, SecretRef, Secrets as _};
use fmc_testkit::netns::{Daemon, Lab, Nic, Port};
use fmc_testkit::{keyfile, networkd, systemd};

use super::wireguard::{EXAMPLE, with};
use super::*;

const PATIENCE: Duration = Duration::from_secs(60);

fn checked(text: &str) -> Checked {
    from_yaml(text).unwrap().check().unwrap_or_else(|report| panic!("{report}"))
}

/// The example, whose people come to a public address of this lab.
fn reachable(changes: &[(&str, &str)]) -> Checked {
    let mut all = vec![
        ("endpoint: vpn.example.com", "endpoint: 10.17.5.20"),
        ("wireguard-endpoint-name", "wireguard-endpoint"),
    ];
    all.extend(changes);
    checked(&with(&all))
}

fn bytes(checked: &Checked, secret: &SecretRef) -> String {
    let keyring = Keyring::new(RootKey::from_bytes([7; 32]), &checked.secret_scope(), Arc::new(NoSecrets));
    String::from_utf8(keyring.bytes(secret).unwrap().expose().to_vec()).unwrap()
}

/// The files of a machine, each with its path and text.
fn files(checked: &Checked, machine: &str) -> Vec<(String, String)> {
    let files = checked.machine(machine).unwrap().guest.files.iter();
    let texts = files.map(|file| {
        let text = match &file.contents {
            Contents::Text(text) => text.to_string(),
            Contents::Secret(secret) => bytes(checked, secret),
            Contents::Parts(parts) => parts
                .iter()
                .map(|part| match part {
                    Part::Text(text) => text.to_string(),
                    Part::Secret(of) => bytes(checked, of),
                    other => panic!("{other:?}"),
                })
                .collect(),
            other => panic!("{other:?}"),
        };
        (file.path.to_string(), text)
    });
    texts.collect()
}

/// The configuration of a person's device, with its keys.
fn client(checked: &Checked, login: &str) -> String {
    let office = checked.spanning_roles::<Wireguard>().next().unwrap();
    let parts = office.client(checked, login).unwrap();
    let text = parts.iter().map(|part| match part {
        TextPart::Text(text) => text.to_string(),
        TextPart::Secret(secret) => bytes(checked, &secret.reference().unwrap()),
        other => panic!("{other:?}"),
    });
    text.collect()
}

/// A section of a file in the form of INI, and its lines.
type Section = (String, Vec<(String, String)>);

fn sections(text: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            Some(name) => sections.push((name.to_owned(), Vec::new())),
            None => {
                let (key, value) = line.split_once('=').unwrap();
                sections.last_mut().unwrap().1.push((key.trim().to_owned(), value.trim().to_owned()));
            }
        }
    }
    sections
}

/// What a system's network program makes of its files: the input of `wg setconf`, addresses, routes, and the MTU.
#[derive(Default)]
struct Tunnel {
    wg: String,
    addresses: Vec<String>,
    routes: Vec<String>,
    mtu: String,
}

impl Tunnel {
    /// As systemd-networkd and `NetworkManager` read them.
    fn of_machine(files: &[(String, String)], interface: &str) -> Self {
        let mut tunnel = Self::default();
        let text = |path: String| files.iter().find(|(own, _)| *own == path).map(|(_, text)| text);
        let stem = format!("/etc/systemd/network/50-{interface}");
        if let Some(netdev) = text(format!("{stem}.netdev")) {
            for (name, lines) in sections(netdev) {
                tunnel.section(if name == "WireGuardPeer" { "Peer" } else { "Interface" }, None);
                for (key, value) in lines {
                    match key.as_str() {
                        "Name" => assert_eq!(value, interface),
                        "Kind" => assert_eq!(value, "wireguard"),
                        "MTUBytes" => tunnel.mtu = value,
                        "PrivateKeyFile" => tunnel.set("PrivateKey", text(value).unwrap()),
                        other => tunnel.set(other, &value),
                    }
                }
            }
            for (_, lines) in sections(text(format!("{stem}.network")).unwrap()) {
                for (key, value) in lines {
                    match key.as_str() {
                        "Address" => tunnel.addresses.push(value),
                        "Destination" => tunnel.routes.push(value),
                        _ => {}
                    }
                }
            }
            return tunnel;
        }
        let path = format!("/etc/NetworkManager/system-connections/{interface}.nmconnection");
        for (name, lines) in sections(text(path).unwrap()) {
            match name.strip_prefix("wireguard-peer.") {
                Some(key) => tunnel.section("Peer", Some(key)),
                None if name == "wireguard" => tunnel.section("Interface", None),
                None => {}
            }
            for (key, value) in lines {
                match key.as_str() {
                    "mtu" => tunnel.mtu = value,
                    "listen-port" => tunnel.set("ListenPort", &value),
                    "private-key" => tunnel.set("PrivateKey", &value),
                    "preshared-key" => tunnel.set("PresharedKey", &value),
                    "allowed-ips" => {
                        tunnel.set("AllowedIPs", value.trim_end_matches(';').replace(';', ",").as_str())
                    }
                    "endpoint" => tunnel.set("Endpoint", &value),
                    "persistent-keepalive" => tunnel.set("PersistentKeepalive", &value),
                    "address1" => tunnel.addresses.push(value),
                    route if route.starts_with("route") => tunnel.routes.push(value),
                    _ => {}
                }
            }
        }
        tunnel
    }

    fn section(&mut self, name: &str, public: Option<&str>) {
        let _ = writeln!(self.wg, "[{name}]");
        if let Some(public) = public {
            self.set("PublicKey", public);
        }
    }

    fn set(&mut self, key: &str, value: &str) {
        let _ = writeln!(self.wg, "{key} = {value}");
    }
}

/// A cloud in namespaces, with the devices of people on a network of their own.
struct World {
    checked: Checked,
    lab: Lab,
}

impl World {
    fn start(checked: Checked) -> Self {
        let lab = Lab::start();
        for network in checked.networks() {
            let family = network.ipv4.as_ref().unwrap();
            lab.network(network.name.as_str(), &format!("{}/24", family.gateway.unwrap()));
        }
        lab.network("home", "192.168.7.1/24");
        for machine in checked.machines() {
            let network = checked.at(machine.interfaces.first().unwrap().network).unwrap();
            let (name, address) = (machine.name.as_str(), machine.address().unwrap());
            lab.host(name, &[Nic::new(network.name.as_str(), format!("{address}/24"))]);
            for (path, text) in files(&checked, name) {
                if path.ends_with(".nft") {
                    lab.load_rules(name, &text).unwrap();
                    lab.load_rules(name, &text).unwrap();
                }
            }
            // The unit of the rules switches forwarding on.
            for unit in
                machine.guest.units.iter().filter(|unit| unit.name.as_str().starts_with("fmc-wireguard-"))
            {
                let text = unit.contents.as_ref().unwrap().text();
                for line in text.lines().filter_map(|line| line.strip_prefix("ExecStart=/usr/sbin/sysctl ")) {
                    let words: Vec<&str> = ["sysctl"].into_iter().chain(line.split(' ')).collect();
                    lab.run(name, &words).unwrap();
                }
            }
        }
        for (host, address) in [("laptop", "192.168.7.20/24"), ("phone", "192.168.7.30/24")] {
            lab.host(host, &[Nic::new("home", address)]);
        }
        Self { checked, lab }
    }

    /// Brings a tunnel of a machine up, as its files say it.
    fn up(&self, machine: &str, interface: &str) -> Daemon<'_> {
        let tunnel = Tunnel::of_machine(&files(&self.checked, machine), interface);
        self.bring(machine, interface, &tunnel)
    }

    /// Brings up the tunnel of a person, as wg-quick does: it is asked for what `wg` reads.
    fn come(&self, device: &str, login: &str) -> Daemon<'_> {
        let text = client(&self.checked, login);
        self.lab.write(device, "/etc/wireguard/office.conf", &text, 0o600);
        let wg = self.lab.run(device, &["wg-quick", "strip", "office"]).unwrap();
        let mut tunnel = Tunnel { wg, ..Tunnel::default() };
        for (_, lines) in sections(&text) {
            for (key, value) in lines {
                let mut values = value.split(", ").map(str::to_owned);
                match key.as_str() {
                    "Address" => tunnel.addresses.extend(values),
                    "AllowedIPs" => tunnel.routes.extend(values),
                    "MTU" => tunnel.mtu = values.next().unwrap(),
                    _ => {}
                }
            }
        }
        self.bring(device, "office", &tunnel)
    }

    fn bring(&self, host: &str, interface: &str, tunnel: &Tunnel) -> Daemon<'_> {
        let mut daemon =
            self.lab.daemon(host, &["env", "LOG_LEVEL=error", "wireguard-go", "--foreground", interface]);
        let is_there = || self.lab.run(host, &["wg", "show", interface]).is_ok();
        daemon.until(PATIENCE, |_| is_there()).unwrap();
        self.lab.write(host, "/etc/wg.conf", &tunnel.wg, 0o600);
        self.root(host, &format!("wg setconf {interface} /etc/wg.conf"));
        for address in &tunnel.addresses {
            self.root(host, &format!("ip address add {address} dev {interface}"));
        }
        self.root(host, &format!("ip link set {interface} mtu {} up", tunnel.mtu));
        for route in &tunnel.routes {
            self.root(host, &format!("ip route replace {route} dev {interface}"));
        }
        daemon
    }

    fn root(&self, host: &str, script: &str) -> String {
        let ran = self.lab.run_for(host, PATIENCE, &["sh", "-c", script]);
        ran.unwrap_or_else(|refused| panic!("{host}: {script}: {refused}"))
    }

    /// Whether an answer comes from an address, in one of some packets.
    fn pings(&self, host: &str, address: &str) -> bool {
        self.lab.run(host, &["ping", "-c", "1", "-w", "10", address]).is_ok()
    }

    /// The same, where none may come: a shorter wait.
    fn is_silent(&self, host: &str, address: &str) -> bool {
        // 1 is ping's own word for no answer.
        let script = format!("ping -c 1 -w 2 {address}; [ $? = 1 ]");
        self.lab.run(host, &["sh", "-c", &script]).is_ok()
    }
}

const ANA: &str = "ana: {reach: [{network: core}]}";

#[test]
fn people_and_machines_get_where_they_may_and_nowhere_else() {
    let world = World::start(reachable(&[]));
    let _gateway = world.up("vpn", "wg-office");
    let _branch = world.up("branch", "wg-office");
    let _ana = world.come("laptop", "ana");
    let _ben = world.come("phone", "ben");
    let _listening = world.lab.listen("db", &[Port::tcp(5432), Port::tcp(22)]);

    // The gateway itself, in both families, and what is behind it.
    for device in ["laptop", "phone"] {
        assert!(world.pings(device, "10.8.0.1"), "{device}");
        assert!(world.pings(device, "fd00:8::1"), "{device}");
        assert!(world.pings(device, "10.17.3.14"), "{device}");
        // The database lets the gateway in at one port.
        assert!(world.lab.reaches(device, "10.17.3.14", Port::tcp(5432)), "{device}");
        assert!(!world.lab.reaches(device, "10.17.3.14", Port::tcp(22)), "{device}");
    }
    assert!(world.pings("branch", "10.17.3.14"));
    assert!(world.root("branch", "wg show wg-office latest-handshakes").contains('\t'));

    // Ben names more than he may reach: the gateway decides, and not his file.
    world.root("phone", "ip route replace 10.17.3.0/24 dev office; wg set office peer $(wg show office peers) allowed-ips 0.0.0.0/0,::/0");
    assert!(world.pings("phone", "10.17.3.14"));
    assert!(world.pings("laptop", "10.17.3.1"), "ana reaches the network's router");
    assert!(world.is_silent("phone", "10.17.3.1"), "ben reaches one machine alone");
    // Ana's address is bound to her key.
    world.root(
        "phone",
        "ip address add 10.8.0.120/32 dev office; ip route replace 10.17.3.1 dev office src 10.8.0.120",
    );
    assert!(world.is_silent("phone", "10.17.3.1"));
    // A stranger on the gateway's own network who claims an address of the tunnel is not heard.
    world.root("vault", "ip address add 10.8.0.120/32 dev lo");
    assert!(world.is_silent("vault", "-I 10.8.0.120 10.17.5.20"));
    assert!(world.pings("vault", "10.17.5.20"), "its own address is heard");
}

/// What is not in the gateway's files any more is silent, and nobody else notices.
#[test]
fn a_revoked_person_is_silent() {
    let world = World::start(reachable(&[]));
    let gateway = world.up("vpn", "wg-office");
    let (ana, ben) = (world.come("laptop", "ana"), world.come("phone", "ben"));
    assert!(world.pings("laptop", "10.17.3.14") && world.pings("phone", "10.17.3.14"));

    // The gateway of the cloud without her, with the files that it then has.
    let without = reachable(&[("        ana: {reach: [{network: core}]}\n", "")]);
    drop((gateway, ana, ben));
    let files = files(&without, "vpn");
    let rules = files.iter().find(|(path, _)| path == "/etc/fmc/wireguard-wg-office.nft").unwrap();
    world.lab.load_rules("vpn", &rules.1).unwrap();
    let _again = world.bring("vpn", "wg-office", &Tunnel::of_machine(&files, "wg-office"));
    // Both come anew with the files that they have.
    let (_ana, _ben) = (world.come("laptop", "ana"), world.come("phone", "ben"));
    assert!(world.pings("phone", "10.17.3.14"));
    assert!(world.is_silent("laptop", "10.17.3.14") && world.is_silent("laptop", "10.8.0.1"));
    // Another generation is another key: the lost laptop has the old one.
    let other = reachable(&[(ANA, "ana: {reach: [{network: core}], generation: 2}")]);
    assert_ne!(client(&other, "ana"), client(&world.checked, "ana"));
    assert_eq!(client(&other, "ben"), client(&world.checked, "ben"));
}

/// systemd-networkd on one end, and `NetworkManager` on the other.
#[test]
fn the_machines_of_a_mesh_reach_each_other() {
    let world = World::start(reachable(&[]));
    let _db = world.up("db", "wg-copies");
    let _vault = world.up("vault", "wg-copies");
    let address = |host: &str| {
        let all = world.root(host, "ip -4 -oneline address show wg-copies");
        all.split_whitespace()
            .find(|word| word.starts_with("10.9."))
            .unwrap()
            .split('/')
            .next()
            .unwrap()
            .to_owned()
    };
    assert!(world.pings("db", &address("vault")) && world.pings("vault", &address("db")));
    // A packet of the tunnel's whole size gets through below it in one piece, and one more byte does not.
    let sized = |size: u32| {
        world.lab.run(
            "db",
            &["ping", "-M", "do", "-c", "1", "-w", "5", "-s", &size.to_string(), &address("vault")],
        )
    };
    assert!(world.root("db", "cat /sys/class/net/wg-copies/mtu").trim() == "1440");
    sized(1440 - 28).unwrap();
    sized(1440 - 27).unwrap_err();
    let _listening = world.lab.listen("db", &[Port::tcp(873), Port::tcp(5432)]);
    let db = address("db");
    assert!(world.lab.reaches("vault", &db, Port::tcp(873)), "the machine accepts the tunnel's subnet");
    assert!(!world.lab.reaches("vault", &db, Port::tcp(5432)));
    // Nothing goes on from a machine of a mesh, even if it forwards.
    world.root("db", "sysctl -q -w net.ipv4.ip_forward=1");
    world.root("vault", &format!("wg set wg-copies peer $(wg show wg-copies peers) allowed-ips 0.0.0.0/0; ip route add 10.17.3.1 via {db}"));
    assert!(world.is_silent("vault", "10.17.3.1"));
}

/// The programs that read the files in production take all of their lines.
#[test]
fn every_file_is_accepted() {
    let checked = checked(EXAMPLE);
    let (mut judged, mut units) = ([0; 2], 0);
    for machine in checked.machines() {
        let files = files(&checked, machine.name.as_str());
        let of_networkd: Vec<(&str, &str)> = files
            .iter()
            .filter_map(|(path, text)| Some((path.strip_prefix("/etc/systemd/network/")?, text.as_str())))
            .collect();
        if !of_networkd.is_empty() {
            networkd::judge(&of_networkd).unwrap();
            judged[0] += 1;
        }
        for (path, text) in files.iter().filter(|(path, _)| path.ends_with(".nmconnection")) {
            keyfile::judge(text).unwrap_or_else(|refused| panic!("{path}: {refused}"));
            judged[1] += 1;
        }
        let folder = tempfile::tempdir().unwrap();
        for unit in machine.guest.units.iter().filter(|unit| unit.name.as_str().contains("wg-")) {
            let text = unit.contents.as_ref().unwrap().text().into_owned();
            fmc_testkit::tree::write(&folder.path().join(unit.name.as_str()), text.as_bytes());
            units += 1;
        }
        let programs = ["/usr/sbin/nft", "/usr/sbin/sysctl", "/usr/bin/networkctl", "/usr/bin/nmcli"];
        systemd::verify(folder.path(), &programs).unwrap();
    }
    // vpn and vault; branch and db. Each has rules, and those with cloud-init a unit that reads the files.
    assert_eq!((judged, units), ([2, 2], 6));
}

/// `wg` derives the same public key from each private one.
#[test]
fn public_keys_are_those_of_wg() {
    let checked = checked(EXAMPLE);
    let lab = Lab::start();
    lab.host("one", &[]);
    let vpn = files(&checked, "vpn");
    let (_, private) = vpn.iter().find(|(path, _)| path.ends_with("50-wg-office.key")).unwrap();
    let public = lab.run_with("one", &["wg", "pubkey"], private).unwrap();
    assert!(client(&checked, "ana").contains(&format!("PublicKey = {public}")), "{public}");
}
