use std::time::Duration;

use super::*;
use crate::link::{Edit, Link, Section};

const LAB: &str =
    "<network><name>lab</name><bridge name='br-lab'/><ip address='10.17.3.1' prefix='24'/></network>";
const POOL: &str = "<pool type='dir'><name>p</name><target><path>/p</path></target></pool>";

fn web(disk: &str) -> String {
    format!(
        "<domain type='qemu'><name>web</name><memory>1024</memory><devices>{disk}<interface type='network'><source network='lab'/></interface></devices></domain>"
    )
}

fn volume(name: &str) -> String {
    format!("<volume><name>{name}</name><capacity>1000</capacity></volume>")
}

fn words(outcome: Result<(), CallError>) -> String {
    outcome.unwrap_err().to_string()
}

#[test]
fn names_uuids_bridges_and_paths_are_taken_once() {
    let sim = Sim::new();
    sim.define_network(LAB).unwrap();
    assert!(
        words(sim.define_network(&LAB.replace("<name>lab", "<name>b")))
            .contains("bridge name 'br-lab' already in use")
    );
    let clash =
        LAB.replace("<name>lab</name>", "<name>lab</name><uuid>6a7c9c2e-0000-4000-8000-000000000001</uuid>");
    assert!(words(sim.define_network(&clash)).contains("already exists with uuid"));
    sim.create_pool(POOL, true).unwrap();
    assert!(
        words(sim.create_pool(&POOL.replace("<name>p", "<name>q"), true)).contains("Storage source conflict")
    );
    sim.define_domain(&web("")).unwrap();
    let other = web("")
        .replace("<name>web</name>", "<name>web</name><uuid>6a7c9c2e-0000-4000-8000-000000000001</uuid>");
    assert!(words(sim.define_domain(&other)).contains("domain 'web' already exists with uuid"));
}

#[test]
fn what_the_real_driver_finds_late_is_found_late() {
    let sim = Sim::new();
    let host = "<dhcp><host mac='52:54:00:00:00:01' ip='10.17.3.999'/></dhcp></ip>";
    let wrong = LAB.replace("prefix='24'/>", &format!("prefix='24'>{host}"));
    assert!(words(sim.define_network(&wrong)).contains("10.17.3.999"));
    sim.define_network(&LAB.replace("br-lab", "br-longer-than-15c")).unwrap();
    assert!(words(sim.start_network("lab")).contains("Numerical result out of range"));
}

#[test]
fn a_start_needs_its_network_and_its_files() {
    let sim = Sim::new();
    sim.create_pool(POOL, true).unwrap();
    sim.define_domain(&web("<disk type='file' device='disk'><source file='/p/root'/></disk>")).unwrap();
    assert!(words(sim.start_domain("web")).contains("no network with matching name 'lab'"));
    sim.define_network(LAB).unwrap();
    assert!(words(sim.start_domain("web")).contains("network 'lab' is not active"));
    sim.start_network("lab").unwrap();
    assert!(words(sim.start_domain("web")).contains("Cannot access storage file '/p/root'"));
    sim.create_volume("p", &volume("root")).unwrap();
    sim.start_domain("web").unwrap();
    assert!(words(sim.start_domain("web")).contains("already running"));
    assert!(words(sim.undefine_domain("web")).contains("still running"));
    sim.delete_volume("p", "root").unwrap();
}

#[test]
fn only_a_guest_with_a_system_shuts_down() {
    let sim = Sim::new();
    sim.plant_network(LAB).unwrap();
    sim.create_pool(POOL, true).unwrap();
    sim.create_volume("p", &volume("blank")).unwrap();
    for (disk, off) in [("/p/blank", false), ("/images/debian.qcow2", true)] {
        sim.define_domain(&web(&format!("<disk type='file'><source file='{disk}'/></disk>"))).unwrap();
        sim.start_domain("web").unwrap();
        sim.shutdown_domain("web").unwrap();
        assert!(sim.domain_is_active("web").unwrap());
        sim.wait(Duration::from_secs(10));
        assert_eq!(!sim.domain_is_active("web").unwrap(), off, "{disk}");
        sim.destroy_domain("web").unwrap();
    }
}

#[test]
fn redefining_leaves_what_runs_as_it_was() {
    let sim = Sim::new();
    sim.plant_network(LAB).unwrap();
    sim.define_domain(&web("")).unwrap();
    sim.start_domain("web").unwrap();
    sim.define_domain(&web("").replace("1024", "2048")).unwrap();
    let record = sim.domain("web").unwrap().unwrap();
    assert!(record.xml.contains("2048"));
    assert!(record.live_xml.unwrap().contains("1024"));
}

#[test]
fn dhcp_hosts_come_and_go_while_the_network_runs() {
    let sim = Sim::new();
    sim.plant_network(LAB).unwrap();
    let host = "<host mac='52:54:00:00:00:01' ip='10.17.3.9' name='web'/>";
    sim.update_network("lab", Section::DhcpHost, Edit::Add, host, true).unwrap();
    let record = sim.network("lab").unwrap().unwrap();
    assert_eq!(record.xml.matches(host).count(), 1);
    assert_eq!(record.live_xml.unwrap().matches(host).count(), 1);
    let same_address = host.replace("00:01", "00:02");
    assert!(
        words(sim.update_network("lab", Section::DhcpHost, Edit::Add, &same_address, true))
            .contains("existing dhcp host")
    );
    sim.update_network("lab", Section::DhcpHost, Edit::Delete, host, true).unwrap();
    assert!(
        words(sim.update_network("lab", Section::DhcpHost, Edit::Delete, host, true))
            .contains("couldn't locate")
    );
    sim.update_network("lab", Section::DhcpHost, Edit::Add, &same_address, true).unwrap();
}

/// libvirt 9.0 does the same: `tests/real.rs` tests it.
#[test]
fn a_name_has_addresses_that_come_and_go_while_the_network_runs() {
    let sim = Sim::new();
    sim.plant_network(LAB).unwrap();
    let host = |ip: u8, name: &str| {
        format!("<host ip='10.17.3.{ip}'><hostname>{name}</hostname><hostname>all</hostname></host>")
    };
    let edit = |edit, xml: &str| sim.update_network("lab", Section::DnsHost, edit, xml, true);
    edit(Edit::Add, &host(9, "one")).unwrap();
    edit(Edit::Add, &host(10, "two")).unwrap();
    assert!(words(edit(Edit::Add, &host(10, "three"))).contains("already at least one DNS HOST record"));
    assert!(words(edit(Edit::Delete, &host(9, "one"))).contains("multiple matching DNS HOST records"));
    edit(Edit::Delete, "<host ip='10.17.3.9'/>").unwrap();
    assert!(
        words(edit(Edit::Delete, "<host ip='10.17.3.9'/>")).contains("couldn't locate a matching DNS HOST")
    );
    let record = sim.network("lab").unwrap().unwrap();
    for document in [record.xml, record.live_xml.unwrap()] {
        assert!(document.contains(&format!("<dns>{}</dns>", host(10, "two"))), "{document}");
    }
}

#[test]
fn a_pool_is_full_and_stays_while_it_holds_something() {
    let sim = Sim::new();
    sim.room("/p", 1500);
    sim.create_pool(POOL, true).unwrap();
    sim.create_volume("p", &volume("a")).unwrap();
    assert!(words(sim.create_volume("p", &volume("b"))).contains("No space left on device"));
    assert!(words(sim.delete_pool("p")).contains("Directory not empty"));
    sim.delete_volume("p", "a").unwrap();
    sim.delete_pool("p").unwrap();
}

#[test]
fn an_upload_is_kept_as_its_digest_and_can_be_cut() {
    let sim = Sim::new();
    sim.create_pool(POOL, true).unwrap();
    sim.create_volume("p", &volume("a")).unwrap();
    let bytes = vec![7_u8; 150 << 10];
    let length = u64::try_from(bytes.len()).unwrap();
    sim.on(When::call("upload"), Fault::CutAt(1));
    let error = sim.upload("p", "a", &mut bytes.as_slice(), Some(length), &mut |_| true).unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Unreachable);
    assert_eq!(sim.sent("p", "a").unwrap().0, 64 << 10);
    assert_eq!(sim.domains().unwrap_err().kind, CallErrorKind::Unreachable);
    sim.recover();
    let stopped = sim.upload("p", "a", &mut bytes.as_slice(), Some(length), &mut |_| false).unwrap_err();
    assert_eq!(stopped.kind, CallErrorKind::Cancelled);
    sim.upload("p", "a", &mut bytes.as_slice(), Some(length), &mut |_| true).unwrap();
    assert_eq!(sim.sent("p", "a").unwrap(), (length, hex(&sha2::Sha256::new_with_prefix(&bytes))));
}

#[test]
fn what_is_written_is_read_again() {
    let sim = Sim::new();
    sim.plant_network(LAB).unwrap();
    sim.define_domain(&web("")).unwrap();
    sim.start_domain("web").unwrap();
    let text = sim.to_json().unwrap();
    let again = Sim::from_json("sim:", &text).unwrap();
    assert_eq!(again.to_json().unwrap(), text);
    let same_uuid = web("").replace(
        "<name>web</name>",
        &format!("<name>other</name><uuid>{}</uuid>", again.lock().state().domains.get("web").unwrap().uuid),
    );
    assert!(words(again.define_domain(&same_uuid)).contains("already defined with uuid"));
}

#[test]
fn a_state_without_a_section_or_of_another_version_is_refused() {
    let text = Sim::new().to_json().unwrap();
    assert!(text.contains("\"version\": 1"), "{text}");
    let read = |text: &str| Sim::from_json("sim:", text).map(drop).map_err(|error| error.to_string());
    let without = |section: &str| {
        let mut state: serde_json::Value = serde_json::from_str(&text).unwrap();
        state.as_object_mut().unwrap().remove(section).unwrap();
        read(&state.to_string())
    };
    assert_eq!(without("version"), Ok(()), "one of before the first version has none");
    for section in ["domains", "networks", "pools", "host"] {
        assert_eq!(without(section), Err(format!("its section `{section}` is missing")));
    }
    assert_eq!(read("{}"), Err("its section `domains` is missing".to_owned()));
    for other in ["2", "0", "\"1\""] {
        let words = format!("its version is {other}, and this fmc reads version 1 only");
        assert_eq!(read(&text.replace("\"version\": 1", &format!("\"version\": {other}"))), Err(words));
    }
}

#[test]
fn every_call_is_in_the_list_of_calls() {
    let source = include_str!("calls.rs");
    let made = |pattern: &str| {
        let parts: Vec<&str> = source.split(pattern).skip(1).collect();
        parts.into_iter().map(|part| part.split_once('"').unwrap().0.to_owned())
    };
    let mut made: Vec<String> = made("call(\"").chain(made("begin(\"")).collect();
    made.sort();
    made.dedup();
    let mut listed = CALLS.to_vec();
    listed.sort_unstable();
    assert_eq!(made, listed);
}
