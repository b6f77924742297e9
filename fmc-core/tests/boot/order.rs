//! A machine's boot configuration does not depend on the order in which its parts were written.

use fmc_core::guest::{Directory, Group, Guest, GuestFile, Symlink, Unit, User};
use fmc_core::machine::Interface;

use crate::guests;

#[test]
fn the_order_of_declaration_changes_no_byte() {
    let parts: [fn(Guest) -> Guest; 7] = [
        |guest| guest.file(GuestFile::text("/etc/app/b", "b")).file(GuestFile::text("/etc/app/a", "a")),
        |guest| guest.directory(Directory::new("/srv/b")).directory(Directory::new("/srv/a")),
        |guest| guest.link(Symlink::new("/etc/app/d", "b")).link(Symlink::new("/etc/app/c", "a")),
        |guest| guest.user(User::new("zoe").group("b").group("a")).user(User::admin("ops").key(guests::KEY)),
        |guest| guest.group(Group::new("b")).group(Group::new("a")),
        |guest| guest.unit(Unit::service("b").enabled()).unit(Unit::service("a").masked()),
        |guest| {
            guest.unit(Unit::service("c").dropin("2.conf", "[Service]\n").dropin("1.conf", "[Service]\n"))
        },
    ];
    let others: [fn(Guest) -> Guest; 7] = [
        |guest| {
            guest.unit(Unit::service("c").dropin("1.conf", "[Service]\n").dropin("2.conf", "[Service]\n"))
        },
        |guest| guest.unit(Unit::service("a").masked()).unit(Unit::service("b").enabled()),
        |guest| guest.group(Group::new("a")).group(Group::new("b")),
        |guest| guest.user(User::admin("ops").key(guests::KEY)).user(User::new("zoe").group("a").group("b")),
        |guest| guest.link(Symlink::new("/etc/app/c", "a")).link(Symlink::new("/etc/app/d", "b")),
        |guest| guest.directory(Directory::new("/srv/a")).directory(Directory::new("/srv/b")),
        |guest| guest.file(GuestFile::text("/etc/app/a", "a")).file(GuestFile::text("/etc/app/b", "b")),
    ];
    for (system, os) in guests::SYSTEMS {
        let boot = |parts: &[fn(Guest) -> Guest]| {
            let guest = parts.iter().fold(Guest::new(), |guest, add| add(guest));
            guests::boot(os, vec![Interface::on("lab").address("10.17.3.10")], guest)
        };
        assert_eq!(boot(&parts), boot(&others), "{system}");
        assert_eq!(boot(&parts).digest(), boot(&others).digest(), "{system}");
    }
}
