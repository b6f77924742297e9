//! Where the backups of a PostgreSQL go, when they are made, and how many are kept.

use serde::{Deserialize, Serialize};

use super::leaf::TimeOfDay;
use crate::draft::{choice, draft};
use crate::given::Given;
use crate::k3s::S3;
use crate::name::MachineName;
use crate::role::{Facts, RoleFindings};
use crate::rust::{Expr, Names, Unsaid};
use crate::unit::Size;

/// A day of the week.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Weekday {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    #[default]
    Sun,
}

choice!(in "postgresql::"; Weekday);

impl Weekday {
    /// Its number as `date +%u` prints it: 1 is Monday, 7 is Sunday.
    pub(super) const fn number(self) -> u8 {
        self as u8 + 1
    }
}

draft! {
    /// The backups of a PostgreSQL, by pgBackRest: every change as it is archived, a full copy once a week, and what changed since then on
    /// all other days.
    ///
    /// ```
    /// use fmc_core::postgresql::{Backup, Weekday};
    ///
    /// // A disk of the same machine, which is kept when the machine is replaced.
    /// let here = Backup::new().at("03:15").full_on(Weekday::Sat).keep(3);
    /// let there = Backup::on("vault");
    /// # let _ = (here, there);
    /// ```
    #[derive(Default)]
    pub struct Backup {
        /// The machine that keeps them, which runs Debian; without it and without `s3` they are on a data disk of the same machine.
        #[by_hand]
        pub(crate) machine: Option<Given<MachineName>>,
        /// The bucket that they are in. pgBackRest needs its endpoint, its region and its keys.
        #[by_hand]
        pub(crate) s3: Option<S3>,
        /// The time of the daily backup, in the machine's time zone; `02:30` by default.
        pub(crate) at: Option<Given<TimeOfDay>>,
        /// The day of the full backup; Sunday by default.
        pub(crate) full_on: Option<Weekday>,
        /// How many full backups are kept, with what belongs to them; 2 by default.
        pub(crate) keep: Option<u32>,
        /// The size of the data disk `postgresql-backup`; 40 GiB by default.
        pub(crate) size: Option<Given<Size>>,
        /// The backups are encrypted by a key that is made from the root key: without that key nothing restores them.
        #[switch(encrypted)]
        pub(crate) encrypted: bool,
    }

    /// On a data disk of the same machine.
    pub fn new(..);
    said Backup::said;
}

impl Backup {
    /// The number of full backups that are kept by default.
    pub(super) const KEPT: u32 = 2;

    /// On another machine, by TLS in both directions.
    pub fn on(machine: impl Into<Given<MachineName>>) -> Self {
        Self { machine: Some(machine.into()), ..Self::new() }
    }

    /// In a bucket, which needs an endpoint, a region and keys.
    pub fn s3(bucket: S3) -> Self {
        Self { s3: Some(bucket), ..Self::new() }
    }

    pub(super) fn kept(&self) -> u32 {
        self.keep.unwrap_or(Self::KEPT)
    }

    /// Whether they are on a data disk of the primary itself.
    pub(super) const fn is_here(&self) -> bool {
        self.machine.is_none() && self.s3.is_none()
    }

    fn said(&self, names: &Names) -> Result<Expr, Unsaid> {
        use crate::draft::Setting as _;
        let mut on = match (&self.machine, &self.s3) {
            (None, None) => Expr::new("postgresql::Backup::new()"),
            (Some(machine), None) => Expr::of("postgresql::Backup::on", vec![machine.rust(names)?]),
            (None, Some(s3)) => Expr::of("postgresql::Backup::s3", vec![s3.rust(names)?]),
            (Some(_), Some(_)) => return Err("backups on a machine and in a bucket".to_owned()),
        };
        self.say_settings(&mut on, &["machine", "s3"], names)?;
        Ok(on)
    }

    /// What is wrong with its settings by themselves.
    /// What the repository was made with, besides these facts.
    pub(super) fn facts(&self, facts: Facts) -> Facts {
        let encrypted = if self.encrypted { "yes" } else { "no" };
        facts.fixed(
            "backup-encrypted",
            encrypted,
            "pgBackRest reads and writes a repository only as it was made, encrypted or not: write what it is, or name another place for the backups",
        )
    }

    pub(super) fn settings(&self, findings: &mut RoleFindings<'_>) {
        if let Some(machine) = &self.machine {
            findings.leaf("machine", machine);
        }
        if let Some(at) = &self.at {
            findings.leaf("at", at);
        }
        if let Some(size) = &self.size {
            findings.leaf("size", size);
        }
        if self.machine.is_some() && self.s3.is_some() {
            findings.refuse("the backups are on a machine and in a bucket", "keep one of `machine` and `s3`");
        }
        if !self.is_here() && self.machine.is_none() && self.size.is_some() {
            findings.refuse("a bucket has no disk, so `size` has no effect", "leave `size` out");
        }
        if let Some(bucket) = &self.s3 {
            findings.part("s3", |findings| bucket_settings(bucket, findings));
        }
    }
}

/// pgBackRest asks for more than K3s, and has no words for the rest.
fn bucket_settings(bucket: &S3, findings: &mut RoleFindings<'_>) {
    findings.leaf("bucket", &bucket.bucket);
    if bucket.endpoint.as_ref().is_some_and(|endpoint| endpoint.to_string().contains('/')) {
        findings.refuse(
            "pgBackRest takes an endpoint by its name alone, and always speaks HTTPS with it",
            "write it without the scheme and a path, as `endpoint: s3.example.org`",
        );
    }
    let named = [
        ("endpoint", bucket.endpoint.as_ref(), "s3.eu-west-1.amazonaws.com"),
        ("region", bucket.region.as_ref(), "eu-west-1"),
        ("access_key", bucket.access_key.as_ref(), "backup"),
    ];
    for (key, value, example) in named {
        match value {
            Some(value) => {
                findings.leaf(key, value);
            }
            None => findings.refuse(
                format!("pgBackRest needs the {key} of the bucket"),
                format!("add it: `{key}: {example}`"),
            ),
        }
    }
    if let Some(folder) = &bucket.folder {
        findings.leaf("folder", folder);
    }
    match &bucket.secret_key {
        Some(secret) => {
            findings.secret("secret_key", secret);
        }
        None => findings
            .refuse("pgBackRest needs the secret_key of the bucket", "add it as a secret: `secret_key`"),
    }
    if let Some(lookup) = &bucket.lookup {
        findings.leaf("lookup", lookup);
    }
    if let Some(ca) = &bucket.ca {
        findings.secret("ca", ca);
    }
    let without = [("timeout", bucket.timeout.is_some()), ("insecure", bucket.insecure)];
    for (key, _) in without.into_iter().filter(|(_, is_said)| *is_said) {
        findings
            .refuse(format!("`{key}` of a bucket has no effect on pgBackRest"), format!("leave `{key}` out"));
    }
}
