//! The client: messages over TCP, signed by a key (RFC 7766, RFC 8945).

mod ask;

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::base::Ttl;
use domain::base::iana::{Class, Opcode, Rcode, Rtype, TsigRcode};
use domain::base::message::Message;
use domain::base::message_builder::{AdditionalBuilder, AnswerBuilder, MessageBuilder};
use domain::base::name::{Name, ToName as _};
use domain::base::rdata::{ComposeRecordData as _, UnknownRecordData};
use domain::base::record::Record;
use domain::rdata::tsig::Time48;
use domain::rdata::{AllRecordData, Tsig};
use domain::tsig::{Algorithm, ClientSequence, ClientTransaction, Key, ValidationError};
use fmc_core::dns::{DnsName, ServerKey, TsigAlgorithm};
use fmc_core::secret::{NoSecrets, Secrets};

use super::document::Access;
use super::error::DnsError;
use super::link::DnsLink;
use super::rr::Rr;
use super::update::{Change, Condition, Update};
use crate::records::{SOA, Set};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);

/// How long each message may take.
const MESSAGE: Duration = Duration::from_secs(20);

/// A server with its keys.
pub(super) struct Client {
    address: SocketAddr,
    key: Arc<Key>,
    transfer_key: Arc<Key>,
    /// Connections that wait for the next message.
    idle: Mutex<Vec<TcpStream>>,
}

impl Client {
    pub(super) fn new(
        access: &Access,
        secrets: Option<&(dyn Secrets + Send + Sync)>,
    ) -> Result<Self, DnsError> {
        let key = key(&access.key, secrets)?;
        let transfer_key = if access.transfer_key == access.key {
            Arc::clone(&key)
        } else {
            self::key(&access.transfer_key, secrets)?
        };
        let address = SocketAddr::new(access.address, access.port);
        Ok(Self { address, key, transfer_key, idle: Mutex::default() })
    }

    fn connect(&self) -> Result<TcpStream, DnsError> {
        let stream = TcpStream::connect_timeout(&self.address, CONNECT).map_err(|error| {
            // A machine that boots has no address yet, or nothing that listens.
            let is_absent = matches!(
                error.kind(),
                ErrorKind::ConnectionRefused
                    | ErrorKind::TimedOut
                    | ErrorKind::HostUnreachable
                    | ErrorKind::NetworkUnreachable
            );
            DnsError::NoAnswer { cause: format!("connect to {} (TCP): {error}", self.address), is_absent }
        })?;
        let set =
            stream.set_read_timeout(Some(MESSAGE)).and_then(|()| stream.set_write_timeout(Some(MESSAGE)));
        set.and_then(|()| stream.set_nodelay(true)).map_err(|error| self.broken(&error))?;
        Ok(stream)
    }

    fn broken(&self, error: &std::io::Error) -> DnsError {
        let cause = match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => {
                format!("{} gave no answer within {} s", self.address, MESSAGE.as_secs())
            }
            ErrorKind::UnexpectedEof => format!("{} closed the connection", self.address),
            _ => format!("{}: {error}", self.address),
        };
        DnsError::NoAnswer { cause, is_absent: false }
    }

    fn send(&self, stream: &mut TcpStream, message: &[u8]) -> Result<(), DnsError> {
        let length = u16::try_from(message.len())
            .map_err(|_| DnsError::Broken("a message of more than 65,535 bytes cannot be sent".to_owned()))?;
        let framed = [&length.to_be_bytes()[..], message].concat();
        stream.write_all(&framed).map_err(|error| self.broken(&error))
    }

    fn receive(&self, stream: &mut TcpStream) -> Result<Message<Vec<u8>>, DnsError> {
        let mut length = [0; 2];
        stream.read_exact(&mut length).map_err(|error| self.broken(&error))?;
        let mut bytes = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut bytes).map_err(|error| self.broken(&error))?;
        Message::from_octets(bytes)
            .map_err(|_| DnsError::Broken("a message is shorter than its header".to_owned()))
    }

    /// A message and its answer, on a connection that may have been used before.
    fn exchange(&self, message: &[u8]) -> Result<(TcpStream, Message<Vec<u8>>), DnsError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(mut stream) = idle {
            // A server closes connections that are idle. The conditions of an update make a second one harmless.
            let answer = self.send(&mut stream, message).and_then(|()| self.receive(&mut stream));
            if let Ok(answer) = answer {
                return Ok((stream, answer));
            }
        }
        let mut stream = self.connect()?;
        self.send(&mut stream, message)?;
        let answer = self.receive(&mut stream)?;
        Ok((stream, answer))
    }

    fn keep(&self, stream: TcpStream) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(stream);
    }
}

impl DnsLink for Client {
    fn transfer(&self, zone: &str) -> Result<Vec<Rr>, DnsError> {
        let name = name(zone)?;
        let mut builder = MessageBuilder::new_vec();
        builder.header_mut().set_random_id();
        let id = builder.header().id();
        let mut question = builder.question();
        question.push((&name, Rtype::AXFR, Class::IN)).map_err(|_| too_large())?;
        let mut additional = question.additional();
        let mut sequence =
            ClientSequence::request(Arc::clone(&self.transfer_key), &mut additional, Time48::now())
                .map_err(|_| too_large())?;
        let mut stream = self.connect()?;
        self.send(&mut stream, &additional.finish())?;
        let mut records = Vec::new();
        let mut transfer = Transfer { zone, begun: None, ended: false };
        while !transfer.ended {
            let mut message = self.receive(&mut stream).map_err(|error| match error {
                DnsError::NoAnswer { cause, .. } if transfer.begun.is_some() => {
                    DnsError::Broken(format!("the transfer ends before its last SOA record: {cause}"))
                }
                other => other,
            })?;
            if message.header().id() != id {
                return Err(DnsError::Broken("a message of another question".to_owned()));
            }
            refused(&message)?;
            sequence.answer(&mut message, Time48::now()).map_err(|error| untrusted(&error))?;
            transfer.read(&message, &mut records)?;
        }
        sequence
            .done()
            .map_err(|_| DnsError::Signature("the last message of the transfer is not signed".to_owned()))?;
        Ok(records)
    }

    fn ask(&self, zone: &str, questions: &[(String, u16)]) -> Result<Vec<Rr>, DnsError> {
        self.ask_all(zone, questions)
    }

    fn update(&self, update: &Update) -> Result<(), DnsError> {
        let mut builder = MessageBuilder::new_vec();
        builder.header_mut().set_random_id();
        builder.header_mut().set_opcode(Opcode::UPDATE);
        let id = builder.header().id();
        let mut question = builder.question();
        question.push((name(&update.zone)?, Rtype::SOA, Class::IN)).map_err(|_| too_large())?;
        let mut prerequisites = question.answer();
        for condition in &update.conditions {
            push_condition(&mut prerequisites, condition)?;
        }
        let mut changes = prerequisites.authority();
        for change in &update.changes {
            match change {
                Change::Delete(owner, kind) => {
                    let record = record(owner, Class::ANY, 0, *kind, &[])?;
                    changes.push(record).map_err(|_| too_large())?;
                }
                Change::Remove(owner, kind, data) => {
                    let record = record(owner, Class::NONE, 0, *kind, data)?;
                    changes.push(record).map_err(|_| too_large())?;
                }
                Change::Add(owner, kind, set) => {
                    for data in set.data.keys() {
                        let record = record(owner, Class::IN, set.ttl, *kind, data)?;
                        changes.push(record).map_err(|_| too_large())?;
                    }
                }
            }
        }
        let mut additional: AdditionalBuilder<Vec<u8>> = changes.additional();
        let transaction = ClientTransaction::request(Arc::clone(&self.key), &mut additional, Time48::now())
            .map_err(|_| too_large())?;
        let (stream, mut answer) = self.exchange(&additional.finish())?;
        if answer.header().id() != id {
            return Err(DnsError::Broken("an answer to another message".to_owned()));
        }
        // An answer about the key itself is not signed by it.
        if answer.header().rcode() == Rcode::NOTAUTH {
            refused(&answer)?;
        }
        let code = answer.header().rcode();
        transaction.answer(&mut answer, Time48::now()).map_err(|error| match error {
            // A server that cannot read a message may not know its key.
            ValidationError::ServerUnsigned if code != Rcode::NOERROR => {
                DnsError::Signature(format!("it is {code}, and not signed"))
            }
            error => untrusted(&error),
        })?;
        match answer.header().rcode() {
            Rcode::NXDOMAIN | Rcode::YXDOMAIN | Rcode::NXRRSET | Rcode::YXRRSET => {
                return Err(DnsError::Changed(answer.header().rcode().to_string()));
            }
            _ => refused(&answer)?,
        }
        self.keep(stream);
        Ok(())
    }

    fn pause(&self, milliseconds: u64) {
        thread::sleep(Duration::from_millis(milliseconds));
    }
}

/// A transfer while it is read: it begins and ends with the zone's SOA (RFC 5936 §2.2).
struct Transfer<'a> {
    zone: &'a str,
    /// The SOA record that it began with.
    begun: Option<Vec<u8>>,
    ended: bool,
}

impl Transfer<'_> {
    fn read(&mut self, message: &Message<Vec<u8>>, records: &mut Vec<Rr>) -> Result<(), DnsError> {
        let broken = |what: &str| DnsError::Broken(what.to_owned());
        let section = message.answer().map_err(|_| broken("a message of the transfer cannot be read"))?;
        for parsed in section {
            let parsed = parsed.map_err(|_| broken("a record of the transfer cannot be read"))?;
            if self.ended {
                return Err(broken("the transfer goes on behind its last SOA record"));
            }
            let owner = parsed.owner().to_vec().fmt_with_dot().to_string().to_ascii_lowercase();
            let kind = parsed.rtype().to_int();
            if kind == SOA {
                if owner != self.zone {
                    return Err(broken("the transfer has the SOA record of another zone"));
                }
                let record = parsed
                    .into_any_record::<AllRecordData<_, _>>()
                    .map_err(|_| broken("the SOA record of the transfer cannot be read"))?;
                let mut data = Vec::new();
                record.data().compose_canonical_rdata(&mut data).map_err(|_| too_large())?;
                match &self.begun {
                    None => self.begun = Some(data),
                    Some(first) if *first == data => self.ended = true,
                    Some(_) => {
                        return Err(broken(
                            "it begins and ends with different SOA records, so the zone changed meanwhile: plan again",
                        ));
                    }
                }
                continue;
            }
            if self.begun.is_none() {
                return Err(broken("the transfer does not begin with the zone's SOA record"));
            }
            let ttl = parsed.ttl().as_secs();
            let record = parsed
                .into_any_record::<AllRecordData<_, _>>()
                .map_err(|_| broken("the data of a record cannot be read"))?;
            let mut data = Vec::new();
            record.data().compose_canonical_rdata(&mut data).map_err(|_| too_large())?;
            records.push(Rr { owner, kind, ttl, data });
        }
        if self.begun.is_none() {
            return Err(broken("the transfer begins with a message without records"));
        }
        Ok(())
    }
}

/// Adds a condition (RFC 2136 §2.4).
fn push_condition(section: &mut AnswerBuilder<Vec<u8>>, condition: &Condition) -> Result<(), DnsError> {
    let mut push = |owner: &str, class, kind, data: &[u8]| {
        section.push(record(owner, class, 0, kind, data)?).map_err(|_| too_large())
    };
    match condition {
        Condition::Unused(owner) => push(owner, Class::NONE, Rtype::ANY.to_int(), &[]),
        Condition::Used(owner) => push(owner, Class::ANY, Rtype::ANY.to_int(), &[]),
        Condition::Without(owner, kind) => push(owner, Class::NONE, *kind, &[]),
        Condition::Exactly(owner, kind, Set { data, .. }) => {
            data.keys().try_for_each(|data| push(owner, Class::IN, *kind, data))
        }
    }
}

type Raw = Record<Name<Vec<u8>>, UnknownRecordData<Vec<u8>>>;

fn record(owner: &str, class: Class, ttl: u32, kind: u16, data: &[u8]) -> Result<Raw, DnsError> {
    let data =
        UnknownRecordData::from_octets(Rtype::from_int(kind), data.to_vec()).map_err(|_| too_large())?;
    Ok(Record::new(name(owner)?, class, Ttl::from_secs(ttl), data))
}

fn name(text: &str) -> Result<Name<Vec<u8>>, DnsError> {
    let wrong = || DnsError::Broken(format!("{text} is not a name that a message can have"));
    let bytes = match DnsName::parse(text) {
        Ok(name) => name.wire(),
        // A stranger's name may have any characters.
        Err(_) => return Name::vec_from_str(text).map_err(|_| wrong()),
    };
    Name::from_octets(bytes).map_err(|_| wrong())
}

/// The error that an answer says, if it says one.
fn refused(message: &Message<Vec<u8>>) -> Result<(), DnsError> {
    let code = message.header().rcode();
    if code == Rcode::NOERROR {
        return Ok(());
    }
    let tsig = message.additional().ok().and_then(|section| {
        let records = section.limit_to::<Tsig<_, _>>().flatten();
        records.last().map(|record| (record.data().error(), record.data().other_time()))
    });
    if let Some((TsigRcode::BADTIME, server)) = tsig {
        let now = seconds(Time48::now());
        let server = server.map_or(now, seconds);
        return Err(DnsError::Clock { seconds: now.abs_diff(server) });
    }
    let tsig = tsig.map(|(error, _)| match error {
        TsigRcode::NOERROR => String::new(),
        TsigRcode::BADSIG => "BADSIG".to_owned(),
        TsigRcode::BADKEY => "BADKEY".to_owned(),
        other => other.to_string(),
    });
    Err(DnsError::Refused { code: code.to_string(), tsig: tsig.unwrap_or_default() })
}

fn seconds(time: Time48) -> u64 {
    time.into_octets().iter().fold(0, |seconds, byte| (seconds << 8) | u64::from(*byte))
}

/// The error of a signature.
fn untrusted(error: &ValidationError) -> DnsError {
    match error {
        ValidationError::ServerBadTime { client, server } => {
            DnsError::Clock { seconds: seconds(*client).abs_diff(seconds(*server)) }
        }
        ValidationError::BadTime => DnsError::Signature("it was signed at another time than now".to_owned()),
        ValidationError::TooManyUnsigned => DnsError::Signature(
            "more than 99 messages of the transfer follow each other without a signature".to_owned(),
        ),
        ValidationError::ServerUnsigned => DnsError::Signature("it is not signed".to_owned()),
        other => DnsError::Signature(other.to_string()),
    }
}

fn too_large() -> DnsError {
    DnsError::Broken("the records of one name have no place in a message of 65,535 bytes".to_owned())
}

/// The key with its bytes.
fn key(said: &ServerKey, secrets: Option<&(dyn Secrets + Send + Sync)>) -> Result<Arc<Key>, DnsError> {
    let wrong = |cause: String| DnsError::Key { name: said.name.to_string(), cause };
    let bytes = match secrets {
        Some(secrets) => secrets.bytes(&said.secret),
        None => NoSecrets.bytes(&said.secret),
    };
    let bytes = bytes.map_err(|error| wrong(format!("failed to {error}")))?;
    let text = bytes.expose().trim_ascii();
    let bytes = STANDARD.decode(text).map_err(|_| {
        wrong("its secret is not base64: give the text between the quotation marks that `tsig-keygen` prints behind `secret`".to_owned())
    })?;
    let algorithm = match said.algorithm {
        TsigAlgorithm::HmacSha384 => Algorithm::Sha384,
        TsigAlgorithm::HmacSha512 => Algorithm::Sha512,
        _ => Algorithm::Sha256,
    };
    let name = said.name.as_str().parse().map_err(|_| wrong("its name is not one of DNS".to_owned()))?;
    let key = Key::new(algorithm, &bytes, name, None, None);
    key.map(Arc::new).map_err(|_| wrong("it cannot be used".to_owned()))
}
