//! Services, as a person writes them: `tcp 5432`, `udp 30000-32767`, `vrrp`.

use std::fmt;

use crate::given::{Leaf, LeafError, leaf_traits};
use crate::ready::TcpPort;

/// The protocol of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// VRRP, IP protocol 112 (RFC 5798), which has no ports.
    Vrrp,
    /// Any protocol.
    Any,
}

impl Protocol {
    /// The protocol's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Vrrp => "vrrp",
            Self::Any => "anything",
        }
    }
}

/// `tcp`.
impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A service: a protocol and its ports. In a file `tcp 6443`, `udp 30000-32767` or `vrrp`.
///
/// ```
/// use fmc_core::flow::{Service, tcp};
///
/// assert_eq!("tcp 5432".parse::<Service>()?, tcp(5432));
/// assert_eq!(tcp(30000).to(32767).to_string(), "tcp 30000-32767");
/// assert_eq!("5432/tcp".parse::<Service>().unwrap_err().why(), "write tcp 5432");
/// # Ok::<(), fmc_core::given::LeafError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Service {
    /// The protocol.
    pub protocol: Protocol,
    /// The first port; 0 for a protocol without ports.
    pub first: u16,
    /// The last port; the same as the first for a single port.
    pub last: u16,
}

/// A service on a TCP port.
pub const fn tcp(port: u16) -> Service {
    Service { protocol: Protocol::Tcp, first: port, last: port }
}

/// A service on a UDP port.
pub const fn udp(port: u16) -> Service {
    Service { protocol: Protocol::Udp, first: port, last: port }
}

/// The routers' protocol by which two machines share an address.
pub const fn vrrp() -> Service {
    Service { protocol: Protocol::Vrrp, first: 0, last: 0 }
}

/// Every service: for traffic from inside the machine itself, as from its pods. Only a role can declare it;
/// for other peers it would open ports by accident.
pub const fn anything() -> Service {
    Service { protocol: Protocol::Any, first: 0, last: 0 }
}

impl Service {
    /// The service on all ports up to this one.
    #[must_use]
    pub const fn to(self, last: u16) -> Self {
        Self { last, ..self }
    }

    /// Whether the two have a port in common.
    pub fn overlaps(self, other: Self) -> bool {
        self.protocol == other.protocol && self.first <= other.last && other.first <= self.last
    }

    /// Whether the other service is part of this one.
    pub fn contains(self, other: Self) -> bool {
        self.protocol == Protocol::Any
            || (self.protocol == other.protocol && self.first <= other.first && other.last <= self.last)
    }
}

/// `tcp 6443`, `udp 30000-32767`, `vrrp`.
impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.protocol.as_str())?;
        match (self.protocol, self.first == self.last) {
            (Protocol::Vrrp | Protocol::Any, _) => Ok(()),
            (_, true) => write!(f, " {}", self.first),
            (_, false) => write!(f, " {}-{}", self.first, self.last),
        }
    }
}

impl Leaf for Service {
    const WHAT: &'static str = "service";
    const EXAMPLE: &'static str = "tcp 5432";

    fn to_rust(&self) -> Option<String> {
        let Self { protocol, first, last } = self;
        let is_ported = matches!(protocol, Protocol::Tcp | Protocol::Udp);
        let to = || if first == last { String::new() } else { format!(".to({last})") };
        is_ported.then(|| format!("{protocol}({first}){}", to()))
    }

    fn parse(text: &str) -> Result<Self, LeafError> {
        let (protocol, ports) = text.split_once(' ').unwrap_or((text, ""));
        let ported = match protocol {
            "tcp" => tcp,
            "udp" => udp,
            "vrrp" if ports.is_empty() => return Ok(vrrp()),
            _ => return Err(otherwise(text)),
        };
        let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
        let port = |text| TcpPort::parse(text).map(TcpPort::get);
        let (Ok(first), Ok(last)) = (port(first), port(last)) else {
            return Err(LeafError::mending(format!(
                "write {protocol} and a port from 1 to 65535, or the first and the last of several, as {protocol} 5432 or {protocol} 30000-32767"
            )));
        };
        let service = ported(first).to(last);
        service.check().map(|()| service)
    }

    fn check(&self) -> Result<(), LeafError> {
        let Self { protocol, first, last } = *self;
        match protocol {
            Protocol::Tcp | Protocol::Udp if first == 0 => {
                Err(LeafError::mending(format!("a port is 1 to 65535, for example {protocol} 5432")))
            }
            Protocol::Tcp | Protocol::Udp if last < first => Err(LeafError::mending(format!(
                "the lower port comes first: write {protocol} {last}-{first}"
            ))),
            Protocol::Vrrp if (first, last) != (0, 0) => Err(otherwise("vrrp 0")),
            Protocol::Tcp | Protocol::Udp | Protocol::Vrrp => Ok(()),
            Protocol::Any => Err(otherwise("anything")),
        }
    }

    #[cfg(feature = "schema")]
    fn schema() -> schemars::Schema {
        crate::given::text_schema::<Self>(Some("^((tcp|udp) [0-9]{1,5}(-[0-9]{1,5})?|vrrp)$"), None)
    }
}

leaf_traits!(Service);

/// Why a text is not a service; it recognises the notations of other programs.
fn otherwise(text: &str) -> LeafError {
    let number = |part: &str| TcpPort::parse(part).is_ok();
    let lower = text.trim().to_ascii_lowercase();
    LeafError::mending(match lower.split_once(['/', ':', ' ', '-']) {
        _ if lower == "anything" || lower == "any" => {
            "it would open whatever listens there, now or later: write what is meant, for example tcp 5432, or \
             tcp 1-65535 for every port"
                .to_owned()
        }
        _ if lower.starts_with("icmp") || lower == "ping" => {
            "ICMP queries and errors are always accepted: leave it out".to_owned()
        }
        Some(("vrrp", _)) => "VRRP has no ports: write vrrp".to_owned(),
        // The notations of Docker, firewalld and ufw.
        Some((port, protocol @ ("tcp" | "udp")) | (protocol @ ("tcp" | "udp"), port)) if number(port) => {
            format!("write {protocol} {port}")
        }
        _ if number(&lower) => format!("write the protocol before the port, as tcp {lower} or udp {lower}"),
        _ => "write tcp or udp and a port, as tcp 5432 or udp 30000-32767, or vrrp".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::given::Given;
    use crate::given::tests::{reads_back, refused_or_reads_back};

    #[test]
    fn what_people_write_elsewhere_is_told_how_it_is_written_here() {
        for (text, why) in [
            ("5432", "write the protocol before the port, as tcp 5432 or udp 5432"),
            ("5432/tcp", "write tcp 5432"),
            ("udp:53", "write udp 53"),
            ("TCP 5432", "write tcp 5432"),
            ("tcp/0", "write tcp or udp and a port, as tcp 5432 or udp 30000-32767, or vrrp"),
            ("postgresql", "write tcp or udp and a port, as tcp 5432 or udp 30000-32767, or vrrp"),
            ("vrrp 112", "VRRP has no ports: write vrrp"),
            ("icmp", "ICMP queries and errors are always accepted: leave it out"),
            ("tcp 5440-5432", "the lower port comes first: write tcp 5432-5440"),
        ] {
            assert_eq!(Service::parse(text).unwrap_err().why(), why, "{text}");
        }
        for text in [
            "tcp",
            "tcp ",
            "tcp 0",
            "tcp 65536",
            "tcp 1-",
            "tcp -1",
            "tcp 1-2-3",
            "tcp  1",
            "tcp 1, 2",
            "udp dns",
        ] {
            let error = Service::parse(text).unwrap_err();
            assert!(
                error.why().contains("a port from 1 to 65535, or the first and the last"),
                "{text}: {error}"
            );
        }
    }

    #[test]
    fn everything_is_no_service() {
        assert!(Service::parse("anything").unwrap_err().why().contains("whatever listens there"));
        let (text, why) = {
            let given = Given::from(anything());
            let (text, why) = given.wrong().unwrap();
            (text.to_owned(), why.to_owned())
        };
        assert_eq!(text, "anything");
        assert!(why.contains("tcp 1-65535"), "{why}");
    }

    #[test]
    fn what_a_constructor_makes_may_be_wrong() {
        for wrong in [tcp(0), udp(0).to(9), tcp(9).to(8), vrrp().to(9), Service { first: 1, ..vrrp() }] {
            assert!(Given::from(wrong).ok().is_none(), "{wrong}");
        }
        for right in [tcp(1), udp(65_535), tcp(30_000).to(32_767), tcp(9).to(9), vrrp()] {
            reads_back(&right);
        }
    }

    proptest! {
        #[test]
        fn every_service_reads_back(first in 1..=u16::MAX, last in 1..=u16::MAX, udp in any::<bool>()) {
            let one = if udp { super::udp(first) } else { tcp(first) };
            reads_back(&one);
            if first <= last {
                reads_back(&one.to(last));
            }
        }

        #[test]
        fn any_text_is_refused_or_reads_back(text in "(tcp|udp|vrrp|any)?[ /:-]?[0-9-]{0,6}.?") {
            refused_or_reads_back::<Service>(&text);
        }
    }
}
