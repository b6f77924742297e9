use super::*;
use crate::prelude::*;

fn cloud() -> Cloud {
    Cloud::new("first")
        .host(Host::local())
        .network(Network::routed("lab", "10.17.3.0/24"))
        .machine(
            Machine::new("web", Image::debian("12").path("/images/debian-12.qcow2").minimum(2.gib()))
                .root_disk(20.gib())
                .interface(Interface::on("lab").address("10.17.3.10")),
        )
        .machine(
            Machine::new("core", Image::flatcar("4593.2.0").path("/images/flatcar.qcow2"))
                .root_disk(20.gib())
                .interface(Interface::on("lab").address("10.17.3.11")),
        )
}

fn paths(cloud: &Cloud) -> Vec<String> {
    compile(&cloud.check().unwrap()).artifacts().map(|artifact| artifact.path).collect()
}

#[test]
fn artifacts_have_their_places() {
    let paths = paths(&cloud());
    for path in [
        "guests/core/config.ign",
        "guests/web/meta-data",
        "guests/web/network-config",
        "guests/web/seed.iso",
        "guests/web/user-data",
        "hosts/local.nft",
        "libvirt/local/domains/core.xml",
        "libvirt/local/domains/web.xml",
        "libvirt/local/networks/lab.xml",
        "libvirt/local/pools/fmc-first.xml",
    ] {
        assert!(paths.iter().any(|known| known == path), "{path} is not among {paths:?}");
    }
    assert!(paths.iter().any(|path| path.starts_with("libvirt/local/volumes/fmc-first/web.root.")));
    assert!(paths.is_sorted());
}

#[test]
fn guests_are_private_and_have_no_secret_here() {
    let wanted = compile(&cloud().check().unwrap());
    for artifact in wanted.artifacts() {
        assert_eq!(artifact.is_private(), artifact.path.starts_with("guests/"), "{}", artifact.path);
        assert!(!artifact.has_secrets());
        assert!(artifact.template_digest().is_none());
        assert!(!artifact.render(&fmc_core::secret::NoSecrets).unwrap().expose().is_empty());
    }
    assert!(wanted.secrets().is_empty());
}

#[test]
fn nothing_has_no_artifact() {
    let wanted = compile(&cloud().check().unwrap()).nothing();
    assert_eq!(wanted.artifacts().count(), 0);
    assert_eq!(wanted.owner().as_str(), "first");
}
