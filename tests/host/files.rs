//! The files of a host against the programs that read them.

use expect_test::expect_file;
use fmc::file::from_yaml;
use fmc::host_side::{self, HostSide};
use fmc_testkit::{nft, systemd, tree};

const EXAMPLE: &str = include_str!("../../examples/host/cloud.yaml");

fn side(cloud: &str) -> HostSide {
    let checked = from_yaml(cloud).unwrap().check().unwrap_or_else(|report| panic!("{report}"));
    host_side::of(&checked).into_iter().next().unwrap()
}

fn listed(side: &HostSide) -> String {
    side.files.iter().map(|file| format!("==> {} ({:04o})\n{}\n", file.path, file.mode, file.text)).collect()
}

#[test]
fn the_example_is_files_of_networkd() {
    expect_file!["golden/networkd.txt"].assert_eq(&listed(&side(EXAMPLE)));
}

#[test]
fn the_example_is_keyfiles_of_network_manager() {
    let cloud = EXAMPLE.replace("manager: networkd", "manager: network-manager");
    expect_file!["golden/network_manager.txt"].assert_eq(&listed(&side(&cloud)));
}

#[test]
fn systemd_reads_the_unit_and_nft_the_table() {
    let side = side(EXAMPLE);
    let units = tree::scratch();
    let text = |ending: &str| &side.files.iter().find(|file| file.path.ends_with(ending)).unwrap().text;
    let unit = side.unit.as_deref().unwrap();
    tree::write(&units.path().join(unit), text(unit).as_bytes());
    tree::write(&units.path().join("nftables.service"), b"[Service]\nExecStart=/usr/sbin/nft list tables\n");
    systemd::verify(units.path(), &["/usr/sbin/nft"]).unwrap();
    nft::load_twice_is_stable(text("host.nft")).unwrap();
}
