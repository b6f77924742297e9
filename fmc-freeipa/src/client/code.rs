//! The codes of FreeIPA's errors (`ipalib/errors.py`): what they mean, and what a command that ends so may have changed.

/// What a command that failed may have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// Nothing.
    Nothing,
    /// A part: the server did the first steps of the command, and not all.
    Part,
    /// It is not known: everything, a part or nothing. Read again.
    Unknown,
}

macro_rules! codes {
    ($($number:literal $name:ident $effect:ident $meaning:literal $help:literal,)*) => {
        /// A kind of error of a command. The names are FreeIPA's.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = concat!($meaning, " (", stringify!($number), ").")] $name,)*
            /// A code that this client does not know.
            Other,
        }

        impl Code {
            /// The code with a number.
            pub fn of(number: i64) -> Self {
                match number {
                    $($number => Self::$name,)*
                    _ => Self::Other,
                }
            }

            /// What a command that ends so may have changed.
            pub fn effect(self) -> Effect {
                match self {
                    $(Self::$name => Effect::$effect,)*
                    Self::Other => Effect::Unknown,
                }
            }

            /// What a person should do, as the end of a sentence.
            pub(super) fn help(self) -> &'static str {
                match self {
                    $(Self::$name => $help,)*
                    Self::Other => "",
                }
            }
        }
    };
}

codes! {
    903 InternalError Unknown "The server failed, and says why in its log alone"
        "; /var/log/httpd/error_log of the server says more",
    905 CommandError Nothing "The server does not have the command" "; the server may be too old",
    909 JsonError Nothing "The request is not JSON of the right form" "",
    911 RefererError Nothing "The Referer is not the server's own" "; give the server's own FQDN",
    1100 KerberosError Nothing "Kerberos failed" "; compare the clocks, which may differ by 5 minutes at most",
    1101 CCacheError Nothing "The server has no credentials of its own" "; see `ipactl status`",
    1102 ServiceError Nothing "The service has no principal in Kerberos" "",
    1103 NoCCacheError Nothing "There are no credentials" "; log in again",
    1104 TicketExpired Nothing "The ticket has expired" "; log in again, and compare the clocks",
    1105 BadCCachePerms Nothing "The file of the credentials has the wrong permissions" "",
    1106 BadCCacheFormat Nothing "The file of the credentials is damaged" "",
    1107 CannotResolveKdc Nothing "The KDC of the realm has no address" "; the server's DNS or krb5.conf is wrong",
    1200 SessionError Nothing "The session cannot be used" "; log in again",
    1201 InvalidSessionPassword Nothing "The password is wrong" "",
    1202 PasswordExpired Nothing "The password has expired" "; change it by `ipa passwd`",
    1203 KrbPrincipalExpired Nothing "The account has expired" "",
    1204 UserLocked Nothing "The account is locked" "; wait, or run `ipa user-unlock`",
    2100 AciError Nothing "The user may not do this" "; give the user a role that allows it, as \"DNS Administrators\"",
    // A zone's later steps fail so too, when the zone is there.
    3000 InvocationError Unknown "The command cannot be run so, as for a zone that another server has" "",
    3005 OptionError Nothing "The command does not have the option" "; the server may be too old",
    3007 RequirementError Nothing "A required value is missing" "",
    3008 ConversionError Nothing "A value has the wrong type" "",
    3009 ValidationError Nothing "A value is not valid" "",
    4001 NotFound Nothing "The entry does not exist, or the user may not read it" "; a user without the right to read sees nothing",
    4002 DuplicateEntry Nothing "The entry exists" "",
    4007 AlreadyPosixGroup Nothing "It is a POSIX group already" "",
    4009 AlreadyActive Nothing "It is active already" "",
    4010 AlreadyInactive Nothing "It is inactive already" "",
    4019 DnsNotARecordError Nothing "The host has no address in DNS" "",
    4024 ManagedGroupExistsError Nothing "A group has the login of the new user" "; give one of them another name",
    4026 AttrValueNotFound Nothing "The value to be deleted is not there" "",
    4031 EmptyResult Nothing "Nothing was found" "",
    4201 MidairCollision Nothing "Another change came between" "; try again",
    4202 EmptyModlist Nothing "Everything is as wanted already" "",
    4203 DatabaseError Unknown "The directory refused the change" "",
    4204 LimitsExceeded Nothing "A limit of the directory was reached" "",
    4212 DnsDataMismatch Part "The record was written, and DNS does not show it yet" "",
    4303 MutuallyExclusiveError Nothing "Two options exclude each other" "",
    4304 NonFatalError Part "A part was done, and a later part was not" "; read again what is there",
    4307 DependentEntry Nothing "Another entry needs it" "",
    4308 LastMemberError Nothing "It is the last member of a group that must have one" "",
    4309 ProtectedEntryError Nothing "The entry is protected" "",
}

#[cfg(test)]
mod tests {
    use super::{Code, Effect};

    #[test]
    fn partial_results_are_not_failures_without_effect() {
        assert_eq!(Code::of(4304).effect(), Effect::Part);
        assert_eq!(Code::of(903).effect(), Effect::Unknown);
        assert_eq!(Code::of(4001).effect(), Effect::Nothing);
        assert_eq!(Code::of(4_711).effect(), Effect::Unknown);
    }
}
