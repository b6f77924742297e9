//! The files of the mirror on a bootstrap machine, and the machines that fetch them.

use super::{DIGEST, cloud, findings, three};
use crate::checked::Checked;
use crate::guest::GuestFile;
use crate::guest::checked::Contents;
use crate::k3s::Install;
use crate::mirror::Mirror;

const MODEL: &str = "https://models.example/large.bin";

#[test]
fn a_mirror_without_a_file_is_told_of_with_the_reason() {
    let idle = three().install(Install::release()).bootstrap("a1");
    let found = findings(&cloud(idle.clone())).remove(0);
    assert!(found.message().ends_with("; the mirror has nothing to serve"), "{found}");
    assert_eq!(found.also_at(), ["clusters.prod.bootstrap"]);
    let found = findings(&cloud(idle.bootstrap(Mirror::on("a1").file(MODEL, DIGEST)))).remove(0);
    assert!(
        found.message().ends_with("by the sums published beside it") && found.also_at().is_empty(),
        "{found}"
    );
}

#[test]
fn only_nodes_fetch_the_files_of_the_mirror_from_it() {
    let mut cloud = cloud(three().agents(["a2"]).bootstrap(Mirror::on("a1").file(MODEL, DIGEST)));
    for machine in cloud.machines.iter_mut() {
        *machine = machine.clone().file(GuestFile::remote("/srv/model", MODEL, DIGEST));
        *machine =
            machine.clone().file(GuestFile::remote("/srv/other", "https://models.example/other", DIGEST));
    }
    let checked = cloud.check().unwrap();
    let there = format!("http://10.17.4.31:8080/{}/large.bin", DIGEST.replace(':', "-"));
    for (name, from) in [("s2", &*there), ("a2", &there), ("a1", MODEL), ("a3", MODEL)] {
        assert_eq!(url(&checked, name, "/srv/model"), from, "{name}");
        assert_eq!(url(&checked, name, "/srv/other"), "https://models.example/other", "{name}");
    }
}

#[test]
fn a_release_for_agents_is_served_beside_that_of_the_servers() {
    let older =
        Install::binary("https://mirror.example/v1.35.1/k3s", crate::digest::Digest::sha256(b"older"));
    let cluster = three().agents(["a2"]).agent_version("v1.35.1+k3s1").agent_install(older).bootstrap("a1");
    let checked = cloud(cluster).check().unwrap();
    let of = |machine| url(&checked, machine, "/opt/bin/k3s");
    assert_ne!(of("s1"), of("a2"));
    assert_eq!(of("s1"), of("s3"));
    let served = &checked.machine("a1").unwrap().guest.files;
    for machine in ["s1", "a2"] {
        let path = of(machine).replace("http://10.17.4.31:8080", "/var/www/fmc-mirror");
        assert!(served.iter().any(|file| file.path.as_str() == path), "{path}");
    }
}

fn url(checked: &Checked, machine: &str, path: &str) -> String {
    let guest = &checked.machine(machine).unwrap().guest;
    let file = guest.files.iter().find(|file| file.path.as_str() == path).unwrap();
    match &file.contents {
        Contents::Remote { url, .. } => url.to_string(),
        other => panic!("{other:?}"),
    }
}
