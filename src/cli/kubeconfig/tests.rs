use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use fmc_core::finding::At;
use fmc_core::k3s::pki::Credentials;
use fmc_core::name::OwnerId;

use super::*;

fn ran(clusters: &[&str], name: Option<&str>, out: Option<&Path>) -> (Result<u8, u8>, String, String) {
    let pki = Credentials::new().checked("prod", &At::ROOT, &mut Vec::new()).unwrap();
    let server = "https://10.17.3.5:6443".parse().unwrap();
    let clusters: Vec<Cluster<'_>> =
        clusters.iter().map(|name| Cluster { name, server: &server, pki: &pki }).collect();
    let scope = SecretScope::of(OwnerId::literal("shop"));
    let args = Args::of(["program", "check"]).unwrap();
    let (mut written, mut err) = (Vec::new(), Vec::new());
    let mut io = Io::new(&mut written, &mut err);
    let code =
        run(&clusters, &scope, name, out, HOURS, &args, &mut io).map_err(|failure| failure.say(&mut io));
    (code, String::from_utf8(written).unwrap(), String::from_utf8(err).unwrap())
}

#[test]
fn the_only_cluster_needs_no_name() {
    let (code, out, err) = ran(&["prod"], None, None);
    assert_eq!(code, Ok(DONE));
    assert!(out.contains("server: \"https://10.17.3.5:6443\"") && out.contains("client-key-data: "));
    assert!(err.contains("The keys of this kubeconfig are made from the public sample key"), "{err}");
    assert!(ran(&["one", "two"], Some("two"), None).1.contains("current-context: \"two\"\n"));
}

#[test]
fn a_cluster_that_is_not_there_is_said_with_those_that_are() {
    for (clusters, name, words) in [
        (&[][..], None, "no cluster"),
        (&["one", "two"], None, "name one of one, two"),
        (&["one"], Some("two"), "it has one"),
    ] {
        let (code, out, err) = ran(clusters, name, None);
        assert!(code.is_err() && out.is_empty() && err.contains(words), "{err}");
    }
}

#[test]
fn its_file_is_for_one_pair_of_eyes_and_never_overwritten() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("prod.kubeconfig");
    let (code, out, _) = ran(&["prod"], None, Some(&path));
    assert_eq!(code, Ok(DONE));
    assert!(out.ends_with("lets in the administrator of prod for 24 h.\n"), "{out}");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let before = fs::read(&path).unwrap();
    let (code, _, err) = ran(&["prod"], None, Some(&path));
    assert!(code.is_err() && err.contains("already exists"), "{err}");
    assert_eq!(fs::read(&path).unwrap(), before);
}
