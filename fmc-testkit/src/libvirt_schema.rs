//! libvirt's own RELAX NG schemas, as `virt-xml-validate` applies them.

use std::path::PathBuf;

use crate::Refused;
use crate::program::{command, run};
use crate::tree::scratch;

/// A kind of libvirt document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `<domain>`
    Domain,
    /// `<network>`
    Network,
    /// `<pool>`
    Pool,
    /// `<volume>`
    Volume,
}

impl Kind {
    fn schema(self) -> PathBuf {
        let file = match self {
            Self::Domain => "domain.rng",
            Self::Network => "network.rng",
            Self::Pool => "storagepool.rng",
            Self::Volume => "storagevol.rng",
        };
        ["/usr/share/libvirt/schemas", file].iter().collect()
    }
}

/// Validates one document against its schema.
///
/// # Errors
///
/// The validator's complaint.
pub fn validate(kind: Kind, xml: &str) -> Result<(), Refused> {
    validate_all(kind, [("document", xml)])
}

/// Validates many documents of one kind in one process, because reading the domain's schema takes longer than
/// validating a document.
///
/// # Errors
///
/// The validator's complaints, by name.
#[expect(clippy::panic, reason = "a missing schema must fail the test, also one that expects a refusal")]
pub fn validate_all<'a>(
    kind: Kind,
    documents: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<(), Refused> {
    let schema = kind.schema();
    if !schema.is_file() {
        panic!("{} is not installed: run `cargo xtask setup`", schema.display());
    }
    let folder = scratch();
    let mut xmllint = command("xmllint");
    xmllint.current_dir(folder.path()).args(["--noout", "--relaxng"]).arg(schema);
    let mut any = false;
    for (number, (name, xml)) in documents.into_iter().enumerate() {
        let file = format!("{number}-{}.xml", name.replace('/', "_"));
        crate::tree::write(&folder.path().join(&file), xml.as_bytes());
        xmllint.arg(format!("./{file}"));
        any = true;
    }
    if !any {
        return Err(Refused::new("xmllint", "no document was given"));
    }
    let verdict = run(&mut xmllint);
    // It prints "FILE validates" on standard error; anything else there is a complaint.
    if verdict.stderr.lines().all(|line| line.ends_with(" validates")) {
        verdict.success().map(drop)
    } else {
        Err(verdict.refused())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NETWORK: &str = "<network><name>lan</name><ip address='10.0.0.1' prefix='24'/></network>";

    #[test]
    fn a_valid_document_is_accepted() {
        validate(Kind::Network, NETWORK).unwrap();
        validate(Kind::Pool, "<pool type='dir'><name>p</name><target><path>/srv/p</path></target></pool>")
            .unwrap();
        validate(Kind::Volume, "<volume><name>v</name><capacity>0</capacity><target/></volume>").unwrap();
    }

    #[test]
    fn a_wrong_one_among_many_is_refused_by_name() {
        let wrong = "<network><nome>lan</nome></network>";
        let refused = validate_all(Kind::Network, [("good", NETWORK), ("bad", wrong)]).unwrap_err();
        assert!(refused.words().contains("1-bad.xml fails to validate"), "{refused}");
    }

    #[test]
    fn a_document_of_another_kind_is_refused() {
        validate(Kind::Domain, NETWORK).unwrap_err();
    }

    #[test]
    fn nothing_is_no_proof() {
        validate_all(Kind::Domain, []).unwrap_err();
    }
}
