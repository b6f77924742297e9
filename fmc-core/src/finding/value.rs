//! Values that are valid by themselves and wrong in their place, in any room.

use super::problems;

problems! {
    /// Problems with a value that no type of its own refuses.
    pub enum ValueProblem {
        ControlCharacter { what: String } is ValueInvalid:
            "the {what} has a control character in it",
            "write it on one line";
        NotWhole { size: String, granule: &'static str, rounded: String } is SizeInvalid:
            "{size} is not a whole number of {granule}",
            "write {rounded}";
        NoReason is ValueInvalid:
            "the reason is empty",
            "say why the cloud may have such findings";
        NoThreads { topology: String } is ValueInvalid:
            "a processor of {topology} has no threads to run anything",
            "write at least 1 for each: two sockets of six cores with two threads are 2, 6 and 2";
        CpuModel { model: String } is ValueInvalid:
            "{model:?} is not a name of a CPU model",
            "write a model by libvirt's name, for example Westmere (`virsh cpu-models x86_64` lists them)";
        Unpaired { what: &'static str, missing: &'static str, both: &'static str } is ValueInvalid:
            "{what} has no {missing}",
            "give {both}, or neither of them";
        Interface { name: String } is ValueInvalid:
            "a firewall cannot name the interface {name:?}",
            "write the interface's name without quotation marks, stars and backslashes";
        NoInterface is ValueInvalid:
            "the peer names no interface",
            "name the machine's own interfaces that lead inside, for example docker0";
        SecretFile is ValueInvalid:
            "the path of a secret's file is empty or has a NUL in it",
            "name a file that the program that applies can read";
        SecretVariable is ValueInvalid:
            "the name of a secret's environment variable is empty, or has '=' or a NUL in it",
            "name a variable that the program that applies can read";
        LinkTarget is ValueInvalid:
            "the target of a link is empty or has a control character in it",
            "write a path, absolute or relative to the link's directory";
        AccountPath { what: &'static str } is ValueInvalid:
            "the {what} of a user has a ':' in it, which separates the fields of /etc/passwd",
            "use a path without ':'";
        PasswordHash is ValueInvalid:
            "the hash of a password cannot be made from the root key: it would match no password",
            "give the hash that `openssl passwd -6` prints, from a file or the environment";
    }
}
