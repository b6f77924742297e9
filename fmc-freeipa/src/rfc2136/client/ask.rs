//! Questions for single names, each signed, and many on their way at once (RFC 7766 §6.2.1.1).

use std::collections::BTreeMap;
use std::net::TcpStream;
use std::sync::Arc;

use domain::base::iana::{Class, Rcode, Rtype};
use domain::base::message::Message;
use domain::base::message_builder::MessageBuilder;
use domain::base::name::ToName as _;
use domain::base::rdata::ComposeRecordData as _;
use domain::base::record::ParsedRecord;
use domain::rdata::AllRecordData;
use domain::rdata::tsig::Time48;
use domain::tsig::{ClientTransaction, Key};

use super::{Client, name, refused, too_large, untrusted};
use crate::records::{A, AAAA, NS};
use crate::rfc2136::error::DnsError;
use crate::rfc2136::rr::Rr;

/// How many questions wait for their answers at once.
const WINDOW: usize = 64;

/// A question that is on its way, by which its answer is proven.
type Open<'a> = (ClientTransaction<Arc<Key>>, &'a (String, u16));

impl Client {
    /// The records of names, of one type for each question.
    pub(super) fn ask_all(&self, zone: &str, questions: &[(String, u16)]) -> Result<Vec<Rr>, DnsError> {
        let mut stream = self.connect()?;
        let mut records = Vec::new();
        for window in questions.chunks(WINDOW) {
            let answers = match self.ask_some(&mut stream, zone, window) {
                // A server may end a connection after so many questions.
                Err(DnsError::NoAnswer { .. }) => {
                    stream = self.connect()?;
                    self.ask_some(&mut stream, zone, window)
                }
                answers => answers,
            };
            records.extend(answers?);
        }
        Ok(records)
    }

    fn ask_some(
        &self,
        stream: &mut TcpStream,
        zone: &str,
        questions: &[(String, u16)],
    ) -> Result<Vec<Rr>, DnsError> {
        let mut open: BTreeMap<u16, Open<'_>> = BTreeMap::new();
        for (id, asked) in (0..).zip(questions) {
            let mut builder = MessageBuilder::new_vec();
            builder.header_mut().set_id(id);
            let mut question = builder.question();
            question.push((name(&asked.0)?, Rtype::from_int(asked.1), Class::IN)).map_err(|_| too_large())?;
            let mut additional = question.additional();
            let key = Arc::clone(&self.transfer_key);
            let transaction = ClientTransaction::request(key, &mut additional, Time48::now());
            open.insert(id, (transaction.map_err(|_| too_large())?, asked));
            self.send(stream, &additional.finish())?;
        }
        let mut records = Vec::new();
        while !open.is_empty() {
            let mut message = self.receive(stream)?;
            let Some((transaction, asked)) = open.remove(&message.header().id()) else {
                return Err(DnsError::Broken("an answer to another question".to_owned()));
            };
            let code = message.header().rcode();
            if code != Rcode::NXDOMAIN {
                refused(&message)?;
            }
            transaction.answer(&mut message, Time48::now()).map_err(|error| untrusted(&error))?;
            read(&message, zone, asked, &mut records)?;
        }
        Ok(records)
    }
}

/// The records of an answer that are of the name and type that were asked for.
fn read(
    message: &Message<Vec<u8>>,
    zone: &str,
    (owner, kind): &(String, u16),
    records: &mut Vec<Rr>,
) -> Result<(), DnsError> {
    let broken = || DnsError::Broken(format!("the one about {owner} cannot be read"));
    if message.header().tc() {
        return Err(DnsError::Broken(format!("the one about {owner} is shortened by TCP too")));
    }
    let (_, answer, authority, additional) = message.sections().map_err(|_| broken())?;
    let mut add = |record: ParsedRecord<'_, Vec<u8>>| {
        if record.rtype().to_int() == *kind && called(&record) == *owner {
            records.push(read_record(owner, record).ok_or_else(broken)?);
        }
        Ok(())
    };
    if message.header().aa() {
        return answer.into_iter().try_for_each(|record| add(record.map_err(|_| broken())?));
    }
    // A part of the zone that others have: its servers, and their addresses, are ours.
    let authority: Vec<_> = authority.into_iter().collect::<Result<_, _>>().map_err(|_| broken())?;
    let is_cut = |record: &ParsedRecord<'_, Vec<u8>>| {
        let cut = called(record);
        let is_below = |name: &str, above: &str| name == above || name.ends_with(&format!(".{above}"));
        record.rtype() == Rtype::NS && cut != zone && is_below(&cut, zone) && is_below(owner, &cut)
    };
    if !authority.iter().any(is_cut) {
        return Err(DnsError::NotItsZone(zone.strip_suffix('.').unwrap_or(zone).to_owned()));
    }
    match *kind {
        NS => authority.into_iter().try_for_each(add),
        A | AAAA => additional.into_iter().try_for_each(|record| add(record.map_err(|_| broken())?)),
        _ => Ok(()),
    }
}

/// The name of a record, absolute, in lower case.
fn called(record: &ParsedRecord<'_, Vec<u8>>) -> String {
    record.owner().to_vec().fmt_with_dot().to_string().to_ascii_lowercase()
}

fn read_record(owner: &str, record: ParsedRecord<'_, Vec<u8>>) -> Option<Rr> {
    let (kind, ttl) = (record.rtype().to_int(), record.ttl().as_secs());
    let record = record.into_any_record::<AllRecordData<_, _>>().ok()?;
    let mut data = Vec::new();
    record.data().compose_canonical_rdata(&mut data).ok()?;
    Some(Rr { owner: owner.to_owned(), kind, ttl, data })
}
