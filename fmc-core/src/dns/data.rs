//! The data of records: a variant for each type.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::name::DnsName;
use crate::digest::hex;
use crate::given::LeafError;

/// The data of a record. Its names are absolute, or as the author of a zone wrote them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordData<N = DnsName> {
    /// An IPv4 address (RFC 1035).
    A(Ipv4Addr),
    /// An IPv6 address (RFC 3596).
    Aaaa(Ipv6Addr),
    /// The rules by which authorities issue certificates (RFC 8659).
    Caa {
        /// 128 if an authority that does not know the tag must not issue, or else 0.
        flags: u8,
        /// The property: `issue`, `issuewild`, `iodef`.
        tag: String,
        /// Its value.
        value: String,
    },
    /// Another name that this one stands for (RFC 1035).
    Cname(N),
    /// Another name below which the names below this one are (RFC 6672).
    Dname(N),
    /// A host that takes the mail (RFC 1035).
    Mx {
        /// The lowest is tried first.
        preference: u16,
        /// The host.
        exchange: N,
    },
    /// A rewriting rule (RFC 3403).
    Naptr {
        /// The lowest is applied first.
        order: u16,
        /// Among rules of one order, the lowest is applied first.
        preference: u16,
        /// The flags, as `u`.
        flags: String,
        /// The services, as `E2U+sip`.
        services: String,
        /// The regular expression with its replacement.
        regexp: String,
        /// The next name, or the root.
        replacement: N,
    },
    /// A server of a zone (RFC 1035).
    Ns(N),
    /// The name of an address (RFC 1035).
    Ptr(N),
    /// A service (RFC 2782).
    Srv {
        /// The lowest is tried first.
        priority: u16,
        /// The share among servers of one priority.
        weight: u16,
        /// The port.
        port: u16,
        /// The host.
        target: N,
    },
    /// The hash of a host's SSH key (RFC 4255).
    Sshfp {
        /// The algorithm of the key: 4 is Ed25519.
        algorithm: u8,
        /// The hash: 2 is SHA-256.
        hash: u8,
        /// Its bytes.
        fingerprint: Vec<u8>,
    },
    /// The certificate of a service (RFC 6698).
    Tlsa {
        /// Which certificate it is: 3 is the server's own.
        usage: u8,
        /// Its part: 1 is the public key.
        selector: u8,
        /// The hash: 1 is SHA-256.
        matching: u8,
        /// Its bytes.
        data: Vec<u8>,
    },
    /// Texts of at most 255 bytes each (RFC 1035).
    Txt(Vec<String>),
    /// Where a service is (RFC 7553).
    Uri {
        /// The lowest is tried first.
        priority: u16,
        /// The share among targets of one priority.
        weight: u16,
        /// The target.
        target: String,
    },
}

/// The types of records, with their numbers (IANA, *DNS Parameters*).
pub(super) const TYPES: [(&str, u16); 14] = [
    ("A", 1),
    ("AAAA", 28),
    ("CAA", 257),
    ("CNAME", 5),
    ("DNAME", 39),
    ("MX", 15),
    ("NAPTR", 35),
    ("NS", 2),
    ("PTR", 12),
    ("SRV", 33),
    ("SSHFP", 44),
    ("TLSA", 52),
    ("TXT", 16),
    ("URI", 256),
];

impl<N> RecordData<N> {
    /// The name of its type, as `AAAA`.
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::A(_) => "A",
            Self::Aaaa(_) => "AAAA",
            Self::Caa { .. } => "CAA",
            Self::Cname(_) => "CNAME",
            Self::Dname(_) => "DNAME",
            Self::Mx { .. } => "MX",
            Self::Naptr { .. } => "NAPTR",
            Self::Ns(_) => "NS",
            Self::Ptr(_) => "PTR",
            Self::Srv { .. } => "SRV",
            Self::Sshfp { .. } => "SSHFP",
            Self::Tlsa { .. } => "TLSA",
            Self::Txt(_) => "TXT",
            Self::Uri { .. } => "URI",
        }
    }

    /// The number of its type (IANA, *DNS Parameters*).
    pub fn type_number(&self) -> u16 {
        let name = self.type_name();
        TYPES.iter().find(|(known, _)| *known == name).map_or(0, |(_, number)| *number)
    }

    /// The name that it leads to, if it has one.
    pub fn target(&self) -> Option<&N> {
        match self {
            Self::Cname(name) | Self::Dname(name) | Self::Ns(name) | Self::Ptr(name) => Some(name),
            Self::Mx { exchange: name, .. }
            | Self::Srv { target: name, .. }
            | Self::Naptr { replacement: name, .. } => Some(name),
            _ => None,
        }
    }

    /// The same data with other names.
    ///
    /// # Errors
    ///
    /// The other name cannot be made.
    pub fn try_map<M>(
        &self,
        mut name: impl FnMut(&N) -> Result<M, LeafError>,
    ) -> Result<RecordData<M>, LeafError> {
        Ok(match self {
            Self::A(address) => RecordData::A(*address),
            Self::Aaaa(address) => RecordData::Aaaa(*address),
            Self::Caa { flags, tag, value } => {
                RecordData::Caa { flags: *flags, tag: tag.clone(), value: value.clone() }
            }
            Self::Cname(target) => RecordData::Cname(name(target)?),
            Self::Dname(target) => RecordData::Dname(name(target)?),
            Self::Mx { preference, exchange } => {
                RecordData::Mx { preference: *preference, exchange: name(exchange)? }
            }
            Self::Naptr { order, preference, flags, services, regexp, replacement } => RecordData::Naptr {
                order: *order,
                preference: *preference,
                flags: flags.clone(),
                services: services.clone(),
                regexp: regexp.clone(),
                replacement: name(replacement)?,
            },
            Self::Ns(target) => RecordData::Ns(name(target)?),
            Self::Ptr(target) => RecordData::Ptr(name(target)?),
            Self::Srv { priority, weight, port, target } => {
                RecordData::Srv { priority: *priority, weight: *weight, port: *port, target: name(target)? }
            }
            Self::Sshfp { algorithm, hash, fingerprint } => {
                RecordData::Sshfp { algorithm: *algorithm, hash: *hash, fingerprint: fingerprint.clone() }
            }
            Self::Tlsa { usage, selector, matching, data } => RecordData::Tlsa {
                usage: *usage,
                selector: *selector,
                matching: *matching,
                data: data.clone(),
            },
            Self::Txt(texts) => RecordData::Txt(texts.clone()),
            Self::Uri { priority, weight, target } => {
                RecordData::Uri { priority: *priority, weight: *weight, target: target.clone() }
            }
        })
    }
}

impl RecordData {
    /// The data as bytes of a message, names uncompressed (RFC 1035 §3.3, and the RFC of each type). Two records of one type
    /// are the same if these bytes are.
    pub fn wire(&self) -> Vec<u8> {
        let numbers =
            |numbers: &[u16]| numbers.iter().flat_map(|number| number.to_be_bytes()).collect::<Vec<u8>>();
        match self {
            Self::A(address) => address.octets().to_vec(),
            Self::Aaaa(address) => address.octets().to_vec(),
            Self::Caa { flags, tag, value } => [&[*flags][..], &string(tag), value.as_bytes()].concat(),
            Self::Cname(name) | Self::Dname(name) | Self::Ns(name) | Self::Ptr(name) => name.wire(),
            Self::Mx { preference, exchange } => [numbers(&[*preference]), exchange.wire()].concat(),
            Self::Naptr { order, preference, flags, services, regexp, replacement } => [
                numbers(&[*order, *preference]),
                string(flags),
                string(services),
                string(regexp),
                replacement.wire(),
            ]
            .concat(),
            Self::Srv { priority, weight, port, target } => {
                [numbers(&[*priority, *weight, *port]), target.wire()].concat()
            }
            Self::Sshfp { algorithm, hash, fingerprint } => [&[*algorithm, *hash][..], fingerprint].concat(),
            Self::Tlsa { usage, selector, matching, data } => {
                [&[*usage, *selector, *matching][..], data].concat()
            }
            Self::Txt(texts) => texts.iter().flat_map(|text| string(text)).collect(),
            Self::Uri { priority, weight, target } => {
                [numbers(&[*priority, *weight]), target.as_bytes().to_vec()].concat()
            }
        }
    }
}

/// A character string: its length and its bytes. A text is longer than 255 bytes nowhere.
fn string(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes().get(..text.len().min(usize::from(u8::MAX))).unwrap_or_default();
    [&[u8::try_from(bytes.len()).unwrap_or(u8::MAX)][..], bytes].concat()
}

/// A text in quotation marks, as zone files write it (RFC 1035 §5.1): anything but printable ASCII as `\DDD`.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for byte in self.0.bytes() {
            match byte {
                b'"' | b'\\' => write!(f, "\\{}", char::from(byte))?,
                b' '..=b'~' => write!(f, "{}", char::from(byte))?,
                _ => write!(f, "\\{byte:03}")?,
            }
        }
        f.write_str("\"")
    }
}

/// The type and the data, as zone files write them: `MX 10 mail.lab.example.`.
impl<N: fmt::Display> fmt::Display for RecordData<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.type_name())?;
        match self {
            Self::A(address) => write!(f, "{address}"),
            Self::Aaaa(address) => write!(f, "{address}"),
            Self::Caa { flags, tag, value } => write!(f, "{flags} {tag} {}", Quoted(value)),
            Self::Cname(name) | Self::Dname(name) | Self::Ns(name) | Self::Ptr(name) => write!(f, "{name}"),
            Self::Mx { preference, exchange } => write!(f, "{preference} {exchange}"),
            Self::Naptr { order, preference, flags, services, regexp, replacement } => write!(
                f,
                "{order} {preference} {} {} {} {replacement}",
                Quoted(flags),
                Quoted(services),
                Quoted(regexp)
            ),
            Self::Srv { priority, weight, port, target } => write!(f, "{priority} {weight} {port} {target}"),
            Self::Sshfp { algorithm, hash, fingerprint } => {
                write!(f, "{algorithm} {hash} {}", hex(fingerprint))
            }
            Self::Tlsa { usage, selector, matching, data } => {
                write!(f, "{usage} {selector} {matching} {}", hex(data))
            }
            Self::Txt(texts) => {
                for (place, text) in texts.iter().enumerate() {
                    let before = if place == 0 { "" } else { " " };
                    write!(f, "{before}{}", Quoted(text))?;
                }
                Ok(())
            }
            Self::Uri { priority, weight, target } => write!(f, "{priority} {weight} {}", Quoted(target)),
        }
    }
}
