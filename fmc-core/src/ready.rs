//! When a machine counts as up: the signal, and the timeout.

use std::fmt;
use std::num::NonZeroU16;

use serde::{Deserialize, Serialize};

use crate::draft::{Look, Setting, draft};
use crate::finding::At;
use crate::given::{Given, Leaf, LeafError, leaf_traits};
use crate::rust::{Expr, Names, Unsaid};
use crate::unit::Seconds;

/// The default timeout: 5 minutes.
const WITHIN: Seconds = Seconds::new(300);

draft! {
    /// The signal that a machine is up, and the timeout. An apply waits for it after it has created, started,
    /// restarted or replaced the machine; it does not wait for a machine without a signal. At its end it also
    /// asks the running machines that it has not started, so that a machine that did not come up in one apply
    /// does not pass for up in the next one.
    ///
    /// ```
    /// use fmc_core::image::Image;
    /// use fmc_core::machine::{Interface, Machine};
    /// use fmc_core::ready::Ready;
    /// use fmc_core::unit::SecondsExt as _;
    ///
    /// let web = Machine::new("web", Image::debian("12").path("/images/debian-12.qcow2"))
    ///     .interface(Interface::on("lab"))
    ///     .ready(Ready::lease().within(5.minutes()));
    /// # let _ = web;
    /// ```
    ///
    /// In a file:
    ///
    /// ```yaml
    /// ready: {signal: lease, within: 5min}
    /// ```
    ///
    /// ```yaml
    /// ready: {signal: {tcp: 22}}
    /// ```
    pub struct Ready {
        /// The signal: `lease`, `arp`, `agent` or a TCP port.
        #[needed]
        pub(crate) signal: Signal,
        /// The timeout, from the machine's start or from the first question, as `5min`; 5 minutes by default.
        pub(crate) within: Option<Given<Seconds>>,
    }

    fn new(..);
    said Ready::said;
}

/// The signal that a machine is up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Signal {
    /// One of its interfaces got a DHCP lease from a libvirt network.
    Lease,
    /// The host's neighbour table lists one of its interfaces.
    Arp,
    /// The QEMU guest agent inside answers.
    Agent,
    /// A TCP port answers.
    Tcp(Given<TcpPort>),
}

impl Setting for Signal {
    fn look(&self, at: &At<'_>, look: &mut Look<'_>) {
        if let Self::Tcp(port) = self {
            port.look(&at.key("tcp"), look);
        }
    }

    /// No setter takes one: a constructor of [`Ready`] says it.
    fn rust(&self, _: &Names) -> Result<Expr, Unsaid> {
        Err("a signal by itself".to_owned())
    }
}

impl Ready {
    /// Up once one of its interfaces got a DHCP lease from a libvirt network. A lease from before its start
    /// does not count in the apply that starts it. A later apply cannot tell such a lease from a new one until
    /// it ends, because libvirt does not record when a machine was started.
    pub fn lease() -> Self {
        Self::new(Signal::Lease)
    }

    /// Up once the host's neighbour table (ARP, and its IPv6 equivalent) lists one of its interfaces, because
    /// the host has heard from it. Use it for machines on a bridge of the host, whose leases libvirt does not
    /// know. The table keeps an entry long after its machine has gone, so it says little about a machine that
    /// restarts. libvirt 9.0 cannot read the table of newer kernels ("wrong nlmsg len", seen on Linux 6.18);
    /// the failure then shows that message.
    pub fn arp() -> Self {
        Self::new(Signal::Arp)
    }

    /// Up once the QEMU guest agent (the package `qemu-guest-agent`) answers inside the machine.
    pub fn agent() -> Self {
        Self::new(Signal::Agent)
    }

    /// Up once a TCP port answers at one of its addresses. The computer that applies asks it. An address that
    /// the cloud does not give is taken from the machine's lease, or from the host's neighbour table.
    ///
    /// The machine's firewall accepts the port only from the hypervisor's own address on the machine's
    /// networks. If the apply runs on another computer, or the machine is only on a bridge of the host,
    /// accept the port from that computer: [`Machine::accept`](crate::machine::Machine::accept).
    ///
    /// ```
    /// use fmc_core::ready::Ready;
    ///
    /// let ssh = Ready::tcp(22);
    /// # let _ = ssh;
    /// ```
    pub fn tcp(port: impl Into<Given<TcpPort>>) -> Self {
        Self::new(Signal::Tcp(port.into()))
    }

    fn said(&self, names: &Names) -> Result<Expr, Unsaid> {
        let mut on = match &self.signal {
            Signal::Lease => Expr::new("Ready::lease()"),
            Signal::Arp => Expr::new("Ready::arp()"),
            Signal::Agent => Expr::new("Ready::agent()"),
            Signal::Tcp(port) => Expr::of("Ready::tcp", vec![port.rust(names)?]),
        };
        self.say_settings(&mut on, &[], names)?;
        Ok(on)
    }

    /// The timeout; `None` if it is invalid.
    pub(crate) fn seconds(&self) -> Option<Seconds> {
        match &self.within {
            Some(within) => within.ok().copied(),
            None => Some(WITHIN),
        }
    }
}

/// A TCP port: 1 to 65535.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TcpPort(NonZeroU16);

impl TcpPort {
    /// A port, if it is 1 to 65535.
    pub const fn new(port: u32) -> Option<Self> {
        if port > u16::MAX as u32 {
            return None;
        }
        match NonZeroU16::new(port as u16) {
            Some(port) => Some(Self(port)),
            None => None,
        }
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0.get()
    }
}

impl fmt::Display for TcpPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Leaf for TcpPort {
    const WHAT: &'static str = "TCP port";
    const EXAMPLE: &'static str = "22";

    fn parse(text: &str) -> Result<Self, LeafError> {
        let digits = text.bytes().all(|digit| digit.is_ascii_digit());
        let port = digits.then(|| text.parse().ok()).flatten().and_then(Self::new);
        port.ok_or_else(|| LeafError::new("it must be a whole number from 1 to 65535"))
    }

    fn is_number() -> bool {
        true
    }

    #[cfg(feature = "schema")]
    fn schema() -> schemars::Schema {
        crate::given::number_schema::<Self>(1, 65535)
    }
}

leaf_traits!(TcpPort);

impl From<u32> for Given<TcpPort> {
    fn from(port: u32) -> Self {
        Self::text(&port.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unit::SecondsExt as _;

    #[test]
    fn it_is_read_and_written_as_a_person_would() {
        for (ready, text) in [
            (Ready::lease(), r#"{"signal":"lease"}"#),
            (Ready::arp().within(90.seconds()), r#"{"signal":"arp","within":"90s"}"#),
            (Ready::agent().within("10min"), r#"{"signal":"agent","within":"600s"}"#),
            (Ready::tcp(22), r#"{"signal":{"tcp":22}}"#),
        ] {
            assert_eq!(serde_json::to_string(&ready).unwrap(), text);
            assert_eq!(serde_json::from_str::<Ready>(text).unwrap(), ready);
        }
        for wrong in [r#"{"signal":"ping"}"#, r#"{"within":"5min"}"#, r#"{"signal":"arp","port":1}"#] {
            serde_json::from_str::<Ready>(wrong).unwrap_err();
        }
    }

    #[test]
    fn a_port_is_one() {
        for wrong in [0, 65_536, u32::MAX] {
            assert!(Given::<TcpPort>::from(wrong).ok().is_none(), "{wrong}");
        }
        assert_eq!(Given::<TcpPort>::text("22").ok().map(|port| port.get()), Some(22));
        assert!(Given::<TcpPort>::text("+22").ok().is_none());
        assert_eq!(Ready::lease().seconds(), Some(5.minutes()));
        assert_eq!(Ready::lease().within("soon").seconds(), None);
    }
}
