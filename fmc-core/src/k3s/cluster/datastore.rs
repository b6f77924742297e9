//! Where a cluster's state is, and what is kept of it.

use crate::draft::{Setting, draft};
use crate::finding::{At, Finding, ValueProblem};
use crate::given::Given;
use crate::k3s::value::{Count, Duration, Line, Schedule};
use crate::k3s::word::BucketLookup;
use crate::rust::{Expr, Names, Unsaid};
use crate::secret::Secret;

draft! {
    /// A database that holds the cluster in place of etcd on the servers (docs.k3s.io, *High Availability External DB*).
    ///
    /// ```
    /// use fmc_core::k3s::Datastore;
    /// use fmc_core::secret::Secret;
    ///
    /// let datastore = Datastore::postgres(Secret::environment("k3s-datastore", "K3S_DATASTORE"))
    ///     .ca(Secret::file("postgres-ca", "pki/postgres-ca.pem"));
    /// # let _ = datastore;
    /// ```
    pub struct Datastore {
        /// `postgres://USER:PASSWORD@HOST:5432/DATABASE`.
        #[needed]
        pub(crate) endpoint: Secret,
        /// The authority of the database's certificate, in PEM.
        pub(crate) ca: Option<Secret>,
        /// The certificate by which K3s is known to the database, in PEM.
        #[by_hand]
        pub(crate) certificate: Option<Secret>,
        /// The key of that certificate, in PEM.
        #[by_hand]
        pub(crate) key: Option<Secret>,
    }

    /// A PostgreSQL database; the secret is the whole `postgres://USER:PASSWORD@HOST:5432/DATABASE`. K3s makes the
    /// database if it is not there, and needs prepared statements.
    pub fn postgres(..);
    said Datastore::said;
    rule Datastore::has_pair;
}

impl Datastore {
    /// The certificate by which K3s is known to the database, and its key, in PEM.
    #[must_use]
    pub fn certificate(mut self, certificate: Secret, key: Secret) -> Self {
        self.certificate = Some(certificate);
        self.key = Some(key);
        self
    }

    fn said(&self, names: &Names) -> Result<Expr, Unsaid> {
        let mut on = Expr::of("k3s::Datastore::postgres", vec![self.endpoint.rust(names)?]);
        self.say_settings(&mut on, &["certificate", "key"], names)?;
        match (&self.certificate, &self.key) {
            (None, None) => {}
            (Some(certificate), Some(key)) => on.call(
                "certificate",
                format!("{}, {}", certificate.rust(names)?.line(), key.rust(names)?.line()),
            ),
            _ => return Err("a certificate without its key, or a key without its certificate".to_owned()),
        }
        Ok(on)
    }

    fn has_pair(&self, at: &At<'_>, findings: &mut Vec<Finding>) {
        if self.certificate.is_some() != self.key.is_some() {
            let missing = if self.certificate.is_some() { "key" } else { "certificate" };
            let what = "the certificate by which the database knows K3s";
            let both = "both, `certificate` and `key`";
            findings.push(ValueProblem::Unpaired { what, missing, both }.at(at));
        }
    }
}

draft! {
    /// Snapshots of etcd, which each server makes of its own (docs.k3s.io, *etcd-snapshot*).
    ///
    /// ```
    /// use fmc_core::k3s::{S3, Snapshots};
    /// use fmc_core::secret::Secret;
    ///
    /// let snapshots = Snapshots::every("0 */6 * * *").keep(10).s3(
    ///     S3::bucket("etcd").endpoint("s3.example").keys("etcd", Secret::environment("s3-secret", "S3_SECRET")),
    /// );
    /// # let _ = snapshots;
    /// ```
    pub struct Snapshots {
        /// Whether they are made; they are if not said.
        #[by_hand]
        pub(crate) enabled: bool = true,
        /// When, as cron(8) says it; every twelve hours if not said.
        #[by_hand]
        pub(crate) schedule: Option<Given<Schedule>>,
        /// How many are kept; 5 if not said.
        pub(crate) keep: Option<Given<Count>>,
        /// Whether they are compressed.
        #[switch(compressed)]
        pub(crate) compress: bool,
        /// Where they go beside the server's own disk.
        pub(crate) s3: Option<S3>,
    }

    /// Every twelve hours, five kept.
    pub fn new(..);
    said Snapshots::said;
}

/// Every twelve hours, five kept.
impl Default for Snapshots {
    fn default() -> Self {
        Self::new()
    }
}

impl Snapshots {
    /// At the times of a schedule: `0 */6 * * *`.
    pub fn every(schedule: impl Into<Given<Schedule>>) -> Self {
        Self { schedule: Some(schedule.into()), ..Self::new() }
    }

    /// None.
    pub fn off() -> Self {
        Self { enabled: false, ..Self::new() }
    }

    fn said(&self, names: &Names) -> Result<Expr, Unsaid> {
        let mut on = match (self.enabled, &self.schedule) {
            (true, None) => Expr::new("k3s::Snapshots::new()"),
            (true, Some(schedule)) => Expr::of("k3s::Snapshots::every", vec![schedule.rust(names)?]),
            (false, None) => Expr::new("k3s::Snapshots::off()"),
            (false, Some(_)) => return Err("a schedule of snapshots that are not made".to_owned()),
        };
        self.say_settings(&mut on, &["enabled", "schedule"], names)?;
        Ok(on)
    }
}

draft! {
    /// A bucket of an S3 service.
    pub struct S3 {
        /// The bucket.
        #[needed]
        pub(crate) bucket: Given<Line>,
        /// The host of the service, without a scheme; Amazon's if not said.
        pub(crate) endpoint: Option<Given<Line>>,
        /// The region.
        pub(crate) region: Option<Given<Line>>,
        /// A folder in the bucket.
        pub(crate) folder: Option<Given<Line>>,
        /// The id of the key.
        #[by_hand]
        pub(crate) access_key: Option<Given<Line>>,
        /// The key.
        #[by_hand]
        pub(crate) secret_key: Option<Secret>,
        /// The authority of the service's certificate, in PEM.
        pub(crate) ca: Option<Secret>,
        /// How the bucket's address is made; as the client chooses if not said.
        pub(crate) lookup: Option<Given<BucketLookup>>,
        /// How long one transfer may take; 5 minutes if not said.
        pub(crate) timeout: Option<Given<Duration>>,
        /// Whether the service speaks HTTP without TLS.
        #[switch(insecure)]
        pub(crate) insecure: bool,
    }

    /// A bucket.
    pub fn bucket(..);
    said S3::said;
    rule S3::has_pair;
}

impl S3 {
    /// The id of the key, and the key, one line of text.
    #[must_use]
    pub fn keys(mut self, access: impl Into<Given<Line>>, secret: Secret) -> Self {
        self.access_key = Some(access.into());
        self.secret_key = Some(secret);
        self
    }

    fn said(&self, names: &Names) -> Result<Expr, Unsaid> {
        let mut on = Expr::of("k3s::S3::bucket", vec![self.bucket.rust(names)?]);
        match (&self.access_key, &self.secret_key) {
            (None, None) => {}
            (Some(access), Some(secret)) => {
                on.call("keys", format!("{}, {}", access.rust(names)?.line(), secret.rust(names)?.line()));
            }
            _ => return Err("one of `access_key` and `secret_key`, which one setter takes".to_owned()),
        }
        self.say_settings(&mut on, &["access_key", "secret_key"], names)?;
        Ok(on)
    }

    fn has_pair(&self, at: &At<'_>, findings: &mut Vec<Finding>) {
        if self.access_key.is_some() != self.secret_key.is_some() {
            let missing = if self.access_key.is_some() { "secret_key" } else { "access_key" };
            let (what, both) = ("the key of the S3 service", "both, `access_key` and `secret_key`");
            findings.push(ValueProblem::Unpaired { what, missing, both }.at(at));
        }
    }
}
