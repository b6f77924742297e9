//! The files by which a system's network program sets up a tunnel.

use super::Wireguard;
use super::address::Who;
use super::leaf::TunnelEndpoint;
use super::text::Text;
use crate::checked::Checked;
use crate::guest::{Guest, GuestFile, Unit, UnitFile, UnitSection};
use crate::image::Os;
use crate::unit::FileMode;

/// How often a peer says that it is there, in seconds: shorter than any usual NAT forgets (wireguard.com, *Quick Start*).
pub(super) const KEEPALIVE: u8 = 25;

/// The group of systemd-networkd, which reads keys.
const NETWORKD: &str = "systemd-network";

/// A peer as a member's files have it.
struct Peered<'a> {
    who: Who<'a>,
    allowed: Vec<String>,
    endpoint: Option<String>,
    is_kept: bool,
}

/// A member of a tunnel, whose files are written.
pub(super) struct Member<'a> {
    pub(super) tunnel: &'a Wireguard,
    pub(super) who: Who<'a>,
    pub(super) cloud: &'a Checked,
}

/// An endpoint with its port, as every program of `WireGuard` reads it.
pub(super) fn with_port(endpoint: &TunnelEndpoint, port: u16) -> String {
    match endpoint {
        TunnelEndpoint::Address(address) if address.is_ipv6() => format!("[{address}]:{port}"),
        _ => format!("{endpoint}:{port}"),
    }
}

impl Member<'_> {
    /// The files of a system, and the unit by which one that runs already reads them.
    pub(super) fn guest(&self, os: Os) -> Guest {
        let name = self.tunnel.interface_name();
        let is_networkd = matches!(os, Os::Flatcar | Os::Debian);
        let guest = if is_networkd { self.networkd(&name) } else { self.keyfile(&name) };
        // Ignition writes files before anything starts; cloud-init writes them while the system does.
        let read = match os {
            Os::Debian => "/usr/bin/networkctl reload",
            Os::Rocky | Os::Almalinux => "/usr/bin/nmcli connection reload",
            _ => return guest,
        };
        guest.unit(read_again(&name, read))
    }

    fn peers(&self) -> impl Iterator<Item = Peered<'_>> {
        let Self { tunnel, who, cloud } = *self;
        let is_client = tunnel.gateway.is_some() && !matches!(who, Who::Gateway(_));
        let peers = tunnel.peers_of(who).into_iter();
        peers.map(move |peer| Peered {
            who: peer,
            allowed: if is_client { self.reached() } else { words(tunnel.singles(peer)) },
            endpoint: tunnel
                .outside(peer, who, cloud)
                .map(|endpoint| with_port(&endpoint, tunnel.udp_port())),
            is_kept: is_client,
        })
    }

    /// What a machine gets by the gateway: the tunnel, and what it reaches.
    fn reached(&self) -> Vec<String> {
        let all = self.tunnel.own_subnets().chain(self.tunnel.reached(self.who, self.cloud));
        words(super::address::outermost(all.collect()))
    }

    /// The routes that do not follow from the addresses of the interface.
    fn routes(&self) -> Vec<String> {
        let reached = self.tunnel.reached(self.who, self.cloud).into_iter();
        let is_inside = |subnet: &crate::addr::Subnet| {
            self.tunnel.own_subnets().any(|own| own.contains(subnet.network()))
        };
        words(reached.filter(|subnet| !is_inside(subnet)))
    }

    /// systemd.netdev(5) and systemd.network(5).
    fn networkd(&self, name: &str) -> Guest {
        let (tunnel, stem) = (self.tunnel, format!("/etc/systemd/network/50-{name}"));
        let key = format!("{stem}.key");
        let mut netdev = Text::new();
        netdev.line(format_args!(
            "[NetDev]\nName={name}\nKind=wireguard\nMTUBytes={mtu}\n\n[WireGuard]\nPrivateKeyFile={key}\nListenPort={port}",
            mtu = tunnel.tunnel_mtu(self.who, self.cloud),
            port = tunnel.udp_port(),
        ));
        for peer in self.peers() {
            let called = peer.who.name().unwrap_or_default();
            netdev.line(format_args!("\n# {} {called}\n[WireGuardPeer]", peer.who.word()));
            netdev.secret("PublicKey=", public(tunnel, peer.who), "\n");
            netdev.secret("PresharedKey=", tunnel.pair_key(self.who, peer.who), "\n");
            for allowed in peer.allowed {
                netdev.line(format_args!("AllowedIPs={allowed}"));
            }
            if let Some(endpoint) = peer.endpoint {
                netdev.line(format_args!("Endpoint={endpoint}"));
            }
            if peer.is_kept {
                netdev.line(format_args!("PersistentKeepalive={KEEPALIVE}"));
            }
        }
        let mut network = format!(
            "[Match]\nName={name}\n\n[Link]\nRequiredForOnline=no\n\n\
             [Network]\nDHCP=no\nIPv6AcceptRA=no\nLinkLocalAddressing=no\n"
        );
        for (address, subnet) in tunnel.addresses(self.who) {
            network += &format!("Address={address}/{}\n", subnet.prefix_len());
        }
        for route in self.routes() {
            network += &format!("\n[Route]\nDestination={route}\nScope=link\n");
        }
        let guarded = |file: GuestFile| file.owner("root").group(NETWORKD).mode(FileMode::new(0o640));
        Guest::new()
            .file(guarded(GuestFile::parts(format!("{stem}.netdev"), netdev.parts())))
            .file(guarded(GuestFile::secret(key, tunnel.key(self.who))))
            .file(GuestFile::text(format!("{stem}.network"), network))
    }

    /// nm-settings-keyfile(5). `NetworkManager` takes a pair's key from the file only if its flags are 0, and does not derive the MTU.
    fn keyfile(&self, name: &str) -> Guest {
        let tunnel = self.tunnel;
        let mut text = Text::new();
        text.line(format_args!(
            "[connection]\nid={name}\ntype=wireguard\ninterface-name={name}\n\n[wireguard]\nlisten-port={port}\nmtu={mtu}\npeer-routes=false",
            port = tunnel.udp_port(),
            mtu = tunnel.tunnel_mtu(self.who, self.cloud),
        ));
        text.secret("private-key=", tunnel.key(self.who), "\n");
        for peer in self.peers() {
            let called = peer.who.name().unwrap_or_default();
            text.line(format_args!("\n# {} {called}", peer.who.word()));
            text.secret("[wireguard-peer.", public(tunnel, peer.who), "]\n");
            text.secret("preshared-key=", tunnel.pair_key(self.who, peer.who), "\npreshared-key-flags=0\n");
            text.line(format_args!("allowed-ips={};", peer.allowed.join(";")));
            if let Some(endpoint) = peer.endpoint {
                text.line(format_args!("endpoint={endpoint}"));
            }
            if peer.is_kept {
                text.line(format_args!("persistent-keepalive={KEEPALIVE}"));
            }
        }
        for (family, is_ipv4) in [("ipv4", true), ("ipv6", false)] {
            let own =
                tunnel.addresses(self.who).into_iter().find(|(address, _)| address.is_ipv4() == is_ipv4);
            text.line(format_args!("\n[{family}]"));
            let Some((address, subnet)) = own else {
                text.line("method=disabled");
                continue;
            };
            text.line(format_args!("method=manual\naddress1={address}/{}", subnet.prefix_len()));
            let routes = self.routes().into_iter().filter(|route| route.contains(':') != is_ipv4);
            for (index, route) in routes.enumerate() {
                text.line(format_args!("route{}={route}", index + 1));
            }
        }
        let path = format!("/etc/NetworkManager/system-connections/{name}.nmconnection");
        Guest::new().file(GuestFile::parts(path, text.parts()))
    }
}

fn words(subnets: impl IntoIterator<Item = crate::addr::Subnet>) -> Vec<String> {
    subnets.into_iter().map(|subnet| subnet.to_string()).collect()
}

/// The public key of a peer.
pub(super) fn public(tunnel: &Wireguard, who: Who<'_>) -> crate::secret::Secret {
    tunnel.key(who).wireguard_public_key()
}

/// The unit that makes a running network program read the files: a first boot wrote them after it had started.
fn read_again(name: &str, command: &'static str) -> Unit {
    let unit = UnitSection::new("Unit")
        .set("Description", format!("Bring up the tunnel {name}"))
        .set("After", format!("network.target {}", super::table::unit(name)));
    let service = UnitSection::new("Service")
        .set("Type", "oneshot")
        .set("RemainAfterExit", "yes")
        .set("ExecStart", command);
    let install = UnitSection::new("Install").set("WantedBy", "multi-user.target");
    let contents = UnitFile::new().section(unit).section(service).section(install);
    Unit::service(&format!("fmc-tunnel-{name}")).enabled().contents(contents)
}
