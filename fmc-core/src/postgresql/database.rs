//! The databases of a PostgreSQL and the users that log in.

use crate::draft::draft;
use crate::flow::Peer;
use crate::given::Given;
use crate::k3s::SqlName;

draft! {
    /// A database: who owns it, and who may connect to it from where.
    ///
    /// ```
    /// use fmc_core::flow::Peer;
    /// use fmc_core::postgresql::Database;
    ///
    /// let shop = Database::new("shop", "shop").users(["reports"]).from(Peer::machine("web"));
    /// # let _ = shop;
    /// ```
    pub struct Database {
        /// Its name.
        #[key]
        pub(crate) name: Given<SqlName>,
        /// The user who owns it.
        #[needed]
        pub(crate) owner: Given<SqlName>,
        /// Other users who may connect to it. What they may do in it is granted by its owner.
        #[list]
        pub(crate) users: Vec<Given<SqlName>>,
        /// The peers that may connect to it: firewall, listen addresses and `pg_hba.conf` follow. The servers of a K3s cluster that has the
        /// database as its datastore are among them by themselves.
        #[each(from)]
        pub(crate) from: Vec<Peer>,
    }

    /// A database and its owner.
    pub fn new(..);
    in "postgresql::";
}

impl Database {
    /// The users who may connect, the owner first.
    pub(super) fn all_users(&self) -> impl Iterator<Item = &SqlName> {
        std::iter::once(&self.owner).chain(&self.users).filter_map(Given::ok)
    }
}

draft! {
    /// A user who logs in by a password that is made from the root key. The server has only its SCRAM verifier.
    #[derive(Eq)]
    pub struct DatabaseUser {
        /// The name.
        #[key]
        pub(crate) name: Given<SqlName>,
        /// Raise it to give the user another password; 1 by default.
        pub(crate) generation: Option<u32>,
    }

    /// A user.
    pub fn new(..);
    in "postgresql::";
}
