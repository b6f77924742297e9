use std::fmt;

use crate::given::{Leaf, LeafError, leaf_traits};
use crate::text::Text;

/// The address of a file on the web: `http://` or `https://`, a host, optionally a port, and the rest as in
/// RFC 3986. An address with a user or password is refused, and not shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HttpUrl {
    text: Text,
    /// The end of the host and port in the text.
    authority_end: usize,
}

impl HttpUrl {
    /// The whole address as text.
    pub fn as_str(&self) -> &str {
        self.text.as_str()
    }

    /// Whether it uses TLS.
    pub fn is_https(&self) -> bool {
        self.as_str().starts_with("https:")
    }

    /// The host and, if given, its port: `mirror.example:8080`.
    pub fn authority(&self) -> &str {
        let start = if self.is_https() { "https://".len() } else { "http://".len() };
        self.as_str().get(start..self.authority_end).unwrap_or_default()
    }

    /// The host: a name or an address; an IPv6 address has brackets.
    pub fn host(&self) -> &str {
        split_port(self.authority()).0
    }

    /// The port; 80 or 443 if none is given.
    pub fn port(&self) -> u16 {
        let default = if self.is_https() { 443 } else { 80 };
        split_port(self.authority()).1.and_then(|port| port.parse().ok()).unwrap_or(default)
    }

    /// The part of the path after its last slash, which may be empty.
    pub fn file_name(&self) -> &str {
        let rest = self.as_str().get(self.authority_end..).unwrap_or_default();
        let path = rest.split(['?', '#']).next().unwrap_or_default();
        path.rsplit('/').next().unwrap_or_default()
    }

    fn read(text: &str) -> Result<Self, LeafError> {
        let rest =
            text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).ok_or_else(|| {
                LeafError::mending(format!(
                    "it does not begin with https:// or http://: write, for example, {}",
                    Self::EXAMPLE
                ))
            })?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (host, port) = split_port(authority);
        if !is_host(host) {
            return Err(LeafError::new(format!("its host {host:?} is neither a name nor an IP address")));
        }
        if port.is_some_and(|port| !is_port(port)) {
            return Err(LeafError::new("its port is not a number from 1 to 65535"));
        }
        if let Some(wrong) = rest.chars().find(|c| !c.is_ascii_graphic() || "\"<>\\^`{|}".contains(*c)) {
            return Err(LeafError::mending(format!(
                "{wrong:?} is not allowed: write it as % and two hexadecimal digits"
            )));
        }
        let escaped = rest
            .split('%')
            .skip(1)
            .all(|after| after.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2);
        if !escaped {
            return Err(LeafError::mending(
                "a % is not followed by two hexadecimal digits: write %25 for the sign itself",
            ));
        }
        let authority_end = text.len() - rest.len() + authority.len();
        Ok(Self { text: Text::shared(text), authority_end })
    }
}

impl fmt::Display for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl AsRef<str> for HttpUrl {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl Leaf for HttpUrl {
    const WHAT: &'static str = "web address";
    const EXAMPLE: &'static str = "https://mirror.example/debian-12.qcow2";

    fn parse(text: &str) -> Result<Self, LeafError> {
        Self::read(text).map_err(|error| {
            // The part before an '@' may be a password, whatever the reason for the refusal is.
            if !text.contains('@') {
                return error;
            }
            LeafError::new(
                "it holds a user or a password, which everyone who reads the plan would see: leave them out",
            )
            .hiding("(a web address with credentials)")
        })
    }

    #[cfg(feature = "schema")]
    fn schema() -> schemars::Schema {
        crate::given::text_schema::<Self>(Some("^https?://[^@/?#\\s]+([/?#]\\S*)?$"), None)
    }
}

leaf_traits!(HttpUrl);

fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        // A colon inside brackets belongs to an IPv6 address.
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        return address.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let label = |label: &str| {
        let inside = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        inside && (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-')
    };
    host.len() <= 253 && host.split('.').all(label)
}

fn is_port(port: &str) -> bool {
    port.bytes().all(|digit| digit.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::given::Given;
    use crate::given::tests::reads_back;

    #[test]
    fn web_addresses_know_their_parts() {
        let cases = [
            ("https://a.example", "a.example", 443, ""),
            ("http://a_b:8080/x/y.img?z=/w#q", "a_b", 8080, "y.img"),
            ("https://[fd00::1]:444/y", "[fd00::1]", 444, "y"),
            ("https://[fd00::1]/%20", "[fd00::1]", 443, "%20"),
            ("http://10.17.3.1?x", "10.17.3.1", 80, ""),
        ];
        for (text, host, port, file_name) in cases {
            let url = HttpUrl::parse(text).unwrap();
            assert_eq!(
                (url.host(), url.port(), url.file_name(), url.as_str()),
                (host, port, file_name, text)
            );
        }
    }

    #[test]
    fn web_addresses_that_are_refused_and_why() {
        let cases = [
            ("", "it does not begin with https://"),
            ("ftp://a/b", "it does not begin with https://"),
            ("https:///b", "its host \"\" is neither"),
            ("https://a..b/", "its host \"a..b\" is neither"),
            ("https://[::g]/", "its host \"[::g]\" is neither"),
            ("https://a b/", "its host \"a b\" is neither"),
            ("https://a:0/", "its port is not"),
            ("https://a:/", "its port is not"),
            ("https://a:65536/", "its port is not"),
            ("https://a:+1/", "its port is not"),
            ("https://a/b c", "' ' is not allowed"),
            ("https://a/ü", "'ü' is not allowed"),
            ("https://a/%2", "a % is not followed"),
            ("https://a/%zz", "a % is not followed"),
        ];
        for (text, why) in cases {
            let error = HttpUrl::parse(text).unwrap_err();
            assert!(error.why().starts_with(why), "{text:?}: {error}");
        }
    }

    #[test]
    fn a_password_in_a_web_address_is_not_shown() {
        for text in [
            "https://ops:hunter2@a.example/b",
            "https://ops:hunter2/3@a",
            "htps:/ops:hunter2@a",
            "http://hunter2:b:c/@a",
        ] {
            let given = Given::<HttpUrl>::from(text);
            assert!(given.wrong().is_some(), "{text}");
            let shown = format!("{given:?} {given} {}", serde_json::to_string(&given).unwrap());
            assert!(!shown.contains("hunter2"), "{shown}");
        }
    }

    proptest! {
        #[test]
        fn text_reads_back_and_nothing_panics(any in "\\PC*", url in "https?://[a-z:0-9\\[\\]@%/?#.]{0,20}") {
            for text in [&any, &url] {
                if let Ok(url) = HttpUrl::parse(text) {
                    reads_back(&url);
                    prop_assert!(!url.host().is_empty() && url.port() > 0);
                }
            }
        }
    }
}
