//! The configuration of a person's device, in the form of wg-quick(8), which the apps of phones and laptops read too.

use super::Wireguard;
use super::address::Who;
use super::config::{KEEPALIVE, public, with_port};
use super::text::Text;
use crate::checked::Checked;
use crate::given::Given;
use crate::guest::TextPart;

impl Wireguard {
    /// The configuration of a person's device, with the keys in it; `None` if the tunnel has no such person, no gateway, or no endpoint.
    ///
    /// ```
    /// use fmc_core::cloud::Cloud;
    /// use fmc_core::wireguard::{TunnelPerson, Wireguard};
    ///
    /// let office = Wireguard::new("office").person(TunnelPerson::new("ana"));
    /// let checked = Cloud::new("first").check()?;
    /// assert!(office.client(&checked, "ben").is_none());
    /// # Ok::<(), fmc_core::finding::Report>(())
    /// ```
    pub fn client(&self, cloud: &Checked, login: &str) -> Option<Vec<TextPart>> {
        let who = Who::Person(self.people.get(login)?);
        let gateway = Who::Gateway(self.gateway_name()?);
        let endpoint = with_port(&self.outside(gateway, who, cloud)?, self.udp_port());
        let mut text = Text::new();
        text.line(format_args!(
            "# {login} comes into {} by this. Who has this file is {login}: keep it as a password.\n[Interface]",
            self.instance_name()
        ));
        text.secret("PrivateKey = ", self.key(who), "\n");
        text.line(format_args!("Address = {}", joined(self.singles(who))));
        if !self.dns.is_empty() {
            text.line(format_args!("DNS = {}", joined(self.dns.iter().filter_map(Given::ok))));
        }
        text.line(format_args!("MTU = {}\n\n[Peer]", self.tunnel_mtu(who, cloud)));
        text.secret("PublicKey = ", public(self, gateway), "\n");
        text.secret("PresharedKey = ", self.pair_key(gateway, who), "\n");
        let reached = self.singles(gateway).into_iter().chain(self.reached(who, cloud));
        text.line(format_args!("AllowedIPs = {}", joined(super::address::outermost(reached.collect()))));
        text.line(format_args!("Endpoint = {endpoint}\nPersistentKeepalive = {KEEPALIVE}"));
        Some(text.parts())
    }
}

fn joined<T: ToString>(values: impl IntoIterator<Item = T>) -> String {
    values.into_iter().map(|value| value.to_string()).collect::<Vec<_>>().join(", ")
}
