//! A cloud with its unit tests: `cargo test --example tested_cloud`; `cargo run --example tested_cloud -- plan`

use fmc::prelude::*;

const DB: MachineName = MachineName::literal("db");
const BACKEND: NetworkName = NetworkName::literal("backend");
const FRONTEND: NetworkName = NetworkName::literal("frontend");

fn cloud() -> Cloud {
    let image = || Image::debian("12").path("/var/lib/libvirt/images/debian-12.qcow2");
    let web = |n: u8| {
        Machine::new(format!("web{n}"), image())
            .memory(2.gib())
            .root_disk(20.gib())
            .interface(Interface::on(FRONTEND).address(Ipv4Addr::new(10, 17, 3, 10 + n)))
            .interface(Interface::on(BACKEND).address(Ipv4Addr::new(10, 17, 9, 10 + n)))
            .user(User::admin("ops").key(include_str!("ops.pub")))
            .unit(Unit::service("nginx").enabled())
            .package("nginx")
    };
    let db = Machine::new(DB, image())
        .memory(8.gib())
        .root_disk(20.gib())
        .disk(Disk::new("data", 100.gib()))
        .interface(Interface::on(BACKEND).address("10.17.9.5").default_route(false))
        .user(User::admin("ops").key(include_str!("ops.pub")))
        .file(GuestFile::secret("/etc/app/password", Secret::environment("db-password", "DB_PASSWORD")));
    Cloud::new("shop")
        .host(Host::local().memory(64.gib()))
        .network(Network::nat(FRONTEND, "10.17.3.0/24"))
        .network(Network::isolated(BACKEND, "10.17.9.0/24"))
        .machines((1..=2).map(web))
        .machine(db)
        .accept("image-unpinned", "the image lies on the host; nobody kept its checksum")
}

fn main() -> ExitCode {
    fmc::cli::main(cloud())
}

#[cfg(test)]
mod tests {
    use super::*;
    use fmc::testing::{
        Artifacts, NoteKind, Script, Sim, assert_empty, assert_finding, assert_impact, assert_impact_at_most,
        assert_keeps, assert_note, assert_touches_only, checked,
    };

    #[test]
    fn the_database_is_on_the_backend_alone() {
        let checked = checked(&cloud());
        let db = checked.machines().iter().find(|machine| machine.name == DB).unwrap();
        let networks: Vec<&str> = db
            .interfaces
            .iter()
            .map(|interface| checked.at(interface.network).unwrap().name.as_str())
            .collect();
        assert_eq!(networks, ["backend"]);
    }

    #[test]
    fn everyone_can_log_in_and_nobody_reads_the_password() {
        let artifacts = Artifacts::of(&cloud());
        for machine in artifacts.checked().machines() {
            artifacts.machine(&machine.name).user("ops").assert_admin().assert_key(include_str!("ops.pub"));
        }
        artifacts.machine(DB).file("/etc/app/password").assert_secret("db-password").assert_mode(0o600);
    }

    #[test]
    fn a_third_web_server_touches_nothing_else() {
        let world = Sim::new();
        world.apply(&cloud());
        let third = Machine::new("web3", Image::blank())
            .interface(Interface::on(FRONTEND).address("10.17.3.13"))
            .interface(Interface::on(BACKEND).address("10.17.9.13"));
        let plan = world.plan(&cloud().machine(third));
        assert_impact_at_most(&plan, Impact::Live);
        // The networks change too: they reserve the machine's addresses while they run.
        assert_touches_only(&plan, ["machine/web3", "network/frontend", "network/backend"]);
        assert_impact(&plan, "machine/db", Impact::None);
    }

    #[test]
    fn the_database_survives_a_rebuild_and_its_removal() {
        let world = Sim::new();
        world.apply(&cloud());
        let plan = world.plan(&cloud()).replace(DB);
        assert_impact(&plan, "machine/db", Impact::Replace);
        assert_keeps(&plan, "volume/db.disk.data");

        world.destroy(&cloud());
        assert_keeps(&world.plan(&cloud()), "volume/db.disk.data");
    }

    #[test]
    fn an_address_that_is_taken_stays_refused() {
        let clash = cloud().machine(
            Machine::new("guest", Image::blank()).interface(Interface::on(FRONTEND).address("10.17.3.11")),
        );
        assert_finding(&clash, Kind::AddressDuplicate, "machines.guest.interfaces[0].address");
    }

    #[test]
    fn a_new_image_waits_until_somebody_asks_for_it() {
        let newer = fmc::set::set(
            &cloud(),
            &["machines.db.image.source={path: /var/lib/libvirt/images/debian-13.qcow2}".parse().unwrap()],
        );
        let world = Sim::new();
        world.apply(&cloud());
        let plan = world.plan(&newer.unwrap());
        assert!(plan.steps.is_empty() && !plan.is_empty(), "{plan}");
        assert_note(&plan, NoteKind::Outdated, "machine/db");
    }

    #[test]
    fn an_apply_that_fails_goes_on_with_the_next() {
        let world = Sim::new();
        world.script(Script::call("start-domain").of(&DB).fails("cannot allocate memory"));
        world.try_apply(&cloud()).unwrap_err();
        world.assert_script_played();
        world.apply(&cloud());
        assert_empty(&world.plan(&cloud()));
    }
}
