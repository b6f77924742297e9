//! Asks servers for the records of a cloud, as any client does: without a key, by UDP and by TCP.

use std::collections::BTreeMap;
use std::io::{Error, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use domain::base::iana::{Class, Rcode, Rtype};
use domain::base::message::Message;
use domain::base::message_builder::MessageBuilder;
use domain::base::name::{Name, ToName as _};
use domain::base::rdata::ComposeRecordData as _;
use domain::base::zonefile_fmt::{DisplayKind, ZonefileFmt as _};
use domain::rdata::AllRecordData;
use fmc_core::checked::Checked;
use fmc_core::dns::{DnsName, RecordSet, ZoneServer, servers_of, zones_of};
use serde::Serialize;

use crate::records::NS;

/// How long one answer may take.
const ANSWER: Duration = Duration::from_secs(5);

/// The most bytes of an answer by UDP (RFC 1035 §4.2.1).
const MOST_BY_UDP: usize = 512;

/// A record set that a server does not answer as the cloud says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Wrong {
    /// The server's name in the cloud.
    pub server: String,
    /// The name that was asked for.
    pub name: String,
    /// The type, as `AAAA`.
    pub kind: String,
    /// How it was asked: `udp` or `tcp`.
    pub by: &'static str,
    /// The records of the cloud.
    pub wanted: Vec<String>,
    /// The records of the server, or why it has none.
    pub found: Vec<String>,
    /// Whether the server gave no answer, and `found` says why.
    pub unanswered: bool,
}

/// The result of asking for all records of a cloud.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Verified {
    /// The number of record sets that were asked for, by UDP and by TCP.
    pub asked: usize,
    /// Those that are not as the cloud says.
    pub wrong: Vec<Wrong>,
    /// Zones that no server of the cloud has.
    pub unasked: Vec<String>,
}

/// Asks the servers of a cloud for every record of its zones. What is below the servers of others is theirs to answer.
pub fn verify(checked: &Checked) -> Verified {
    let servers: BTreeMap<String, ZoneServer> =
        servers_of(checked).into_iter().map(|server| (server.name.clone(), server)).collect();
    let mut all = Verified::default();
    let mut silent = Silent::default();
    for zone in zones_of(checked) {
        let Some(server) = zone.server.as_ref().and_then(|name| servers.get(name)) else {
            all.unasked.push(zone.name.bare().to_owned());
            continue;
        };
        let cuts: Vec<&DnsName> = zone.cuts().collect();
        let own = zone.sets.iter().filter(|(owner, _)| !cuts.iter().any(|cut| owner.is_within(cut)));
        for (owner, sets) in own {
            for (kind, set) in sets {
                // The name servers of a zone that is kept up to date are the server's own.
                if server.is_kept() && *owner == zone.name && *kind == NS {
                    continue;
                }
                all.asked += 1;
                all.wrong.extend(differences(server, owner, *kind, set, &mut silent));
            }
        }
    }
    all
}

/// The questions in a row after which a server is not asked by a way any more: one answer by UDP may be lost.
const PATIENCE: u32 = 2;

/// The servers that give no answer, by name and way, each with the number of questions in a row and the last cause.
#[derive(Default)]
struct Silent(BTreeMap<(String, &'static str), (u32, String)>);

impl Silent {
    /// The answer to a question. Of a server that gave none it is the last cause, without asking: a thousand records would take hours.
    fn ask<T>(
        &mut self,
        server: &str,
        by: &'static str,
        ask: impl FnOnce() -> Result<T, String>,
    ) -> Result<T, String> {
        let key = (server.to_owned(), by);
        if let Some((_, cause)) = self.0.get(&key).filter(|(times, _)| *times >= PATIENCE) {
            return Err(cause.clone());
        }
        let answer = ask();
        match &answer {
            Ok(_) => drop(self.0.remove(&key)),
            Err(cause) => {
                let last = self.0.entry(key).or_default();
                *last = (last.0 + 1, cause.clone());
            }
        }
        answer
    }
}

/// The differences of one record set, by each way.
fn differences(
    server: &ZoneServer,
    owner: &DnsName,
    kind: u16,
    set: &RecordSet,
    silent: &mut Silent,
) -> Vec<Wrong> {
    let at = SocketAddr::new(server.address, server.port);
    let mut wanted: Vec<Vec<u8>> = set.data.iter().map(fmc_core::dns::RecordData::wire).collect();
    wanted.sort();
    let ways: [(&'static str, Result<Option<Answer>, String>); 2] = [
        ("udp", silent.ask(&server.name, "udp", || by_udp(at, owner, kind))),
        ("tcp", silent.ask(&server.name, "tcp", || by_tcp(at, owner, kind)).map(Some)),
    ];
    let wrong = ways.into_iter().filter_map(|(by, answer)| {
        let unanswered = answer.is_err();
        let found = match answer {
            // It is longer than an answer by UDP may be, and says so.
            Ok(None) => return None,
            Ok(Some(answer)) if answer.data.keys().eq(&wanted) => return None,
            Ok(Some(answer)) if answer.data.is_empty() => vec![answer.code],
            Ok(Some(answer)) => answer.data.into_values().collect(),
            Err(cause) => vec![cause],
        };
        let kind = set.data.first().map(|data| data.type_name().to_owned()).unwrap_or_default();
        Some(Wrong {
            server: server.name.clone(),
            name: owner.bare().to_owned(),
            kind,
            by,
            wanted: set.data.iter().map(ToString::to_string).collect(),
            found,
            unanswered,
        })
    });
    wrong.collect()
}

/// An answer: the data of the records of the type, each with its text.
struct Answer {
    code: String,
    data: BTreeMap<Vec<u8>, String>,
}

fn question(owner: &DnsName, kind: u16) -> Result<(u16, Vec<u8>), String> {
    let name = Name::from_octets(owner.wire())
        .map_err(|_| format!("{owner} is not a name that a message can have"))?;
    let mut builder = MessageBuilder::new_vec();
    builder.header_mut().set_random_id();
    let id = builder.header().id();
    let mut question = builder.question();
    question
        .push((name, Rtype::from_int(kind), Class::IN))
        .map_err(|_| "the question is too long".to_owned())?;
    Ok((id, question.finish()))
}

/// The answer by UDP; `None` if the server says that it is longer.
fn by_udp(at: SocketAddr, owner: &DnsName, kind: u16) -> Result<Option<Answer>, String> {
    let (id, message) = question(owner, kind)?;
    let failed = |error: Error| unanswered(at, "UDP", &error);
    let here = if at.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(here).map_err(failed)?;
    socket.set_read_timeout(Some(ANSWER)).and_then(|()| socket.connect(at)).map_err(failed)?;
    socket.send(&message).map_err(failed)?;
    let mut bytes = vec![0; MOST_BY_UDP];
    let length = socket.recv(&mut bytes).map_err(failed)?;
    bytes.truncate(length);
    read(bytes, id, owner, kind)
}

/// Why a server gave no answer.
fn unanswered(at: SocketAddr, by: &str, error: &Error) -> String {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => {
            format!("{at} gives no answer by {by} within {} s", ANSWER.as_secs())
        }
        ErrorKind::UnexpectedEof => format!("{at} closes the connection without an answer"),
        _ => format!("failed to ask {at} by {by}: {error}"),
    }
}

fn by_tcp(at: SocketAddr, owner: &DnsName, kind: u16) -> Result<Answer, String> {
    let (id, message) = question(owner, kind)?;
    let failed = |error: Error| unanswered(at, "TCP", &error);
    let mut stream = TcpStream::connect_timeout(&at, ANSWER).map_err(failed)?;
    stream.set_read_timeout(Some(ANSWER)).map_err(failed)?;
    let length = u16::try_from(message.len()).unwrap_or(u16::MAX);
    stream.write_all(&[&length.to_be_bytes()[..], &message].concat()).map_err(failed)?;
    let mut length = [0; 2];
    stream.read_exact(&mut length).map_err(failed)?;
    let mut bytes = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut bytes).map_err(failed)?;
    read(bytes, id, owner, kind)?.ok_or_else(|| "it shortens its answer by TCP too".to_owned())
}

fn read(bytes: Vec<u8>, id: u16, owner: &DnsName, kind: u16) -> Result<Option<Answer>, String> {
    let broken = || "its answer is not one of DNS".to_owned();
    let message = Message::from_octets(bytes).map_err(|_| broken())?;
    if message.header().id() != id {
        return Err("it answers another question".to_owned());
    }
    if message.header().tc() {
        return Ok(None);
    }
    let code = message.header().rcode();
    let code = if code == Rcode::NOERROR { "no such record".to_owned() } else { code.to_string() };
    let mut data = BTreeMap::new();
    for record in message.answer().map_err(|_| broken())? {
        let record = record.map_err(|_| broken())?;
        let name = record.owner().to_vec().fmt_with_dot().to_string().to_ascii_lowercase();
        if record.rtype().to_int() != kind || name != owner.as_str() {
            continue;
        }
        let record = record.into_any_record::<AllRecordData<_, _>>().map_err(|_| broken())?;
        let mut bytes = Vec::new();
        record.data().compose_canonical_rdata(&mut bytes).map_err(|_| broken())?;
        let text = format!("{} {}", record.rtype(), record.data().display_zonefile(DisplayKind::Simple));
        data.insert(bytes, text);
    }
    Ok(Some(Answer { code, data }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_without_answers_is_not_asked_for_ever() {
        let (mut silent, mut asked) = (Silent::default(), 0);
        for _ in 0..100 {
            let answer = silent.ask("ns1", "udp", || -> Result<(), String> {
                asked += 1;
                Err("no answer".to_owned())
            });
            assert_eq!(answer, Err("no answer".to_owned()));
        }
        assert_eq!(asked, 2);
        assert_eq!(silent.ask("ns1", "tcp", || Ok(1)), Ok(1));
        // An answer between two failures starts the count again.
        for answers in [false, true, false, true, false] {
            let said = if answers { Ok(()) } else { Err(String::new()) };
            assert_eq!(silent.ask("ns2", "udp", || said.clone()), said);
        }
    }
}
