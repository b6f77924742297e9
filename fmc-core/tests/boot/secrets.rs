//! A secret appears only in the bytes of a boot configuration.

use fmc_core::boot::Boot;
use fmc_core::machine::Interface;
use fmc_core::secret::NoSecrets;
use sha2::{Digest as _, Sha256};

use crate::guests;

fn boots() -> impl Iterator<Item = (&'static str, Boot)> {
    let lab = || vec![Interface::on("lab").address("10.17.3.10")];
    guests::SYSTEMS
        .into_iter()
        .map(move |(system, os)| (system, guests::boot(os, lab(), guests::everything())))
}

#[test]
fn nothing_that_is_shown_or_compared_has_a_secret_or_its_hash() {
    let hash: String = Sha256::digest(guests::PLANTED).iter().map(|byte| format!("{byte:02x}")).collect();
    for (system, boot) in boots() {
        let volume = boot.render_volume(&guests::Planted).unwrap();
        let texts: String = boot.files().iter().map(|(_, template)| template.to_string()).collect();
        let refused = boot.render_volume(&NoSecrets).unwrap_err();
        let digest: String = boot.digest().iter().map(|byte| format!("{byte:02x}")).collect();
        let shown = format!("{boot:?}{volume:?}{texts}{refused}{refused:?}{digest}");
        for secret in [guests::PLANTED, "pl4nted", &hash] {
            assert!(!shown.contains(secret), "{system}: {secret}");
        }
        assert!(texts.contains("<secret app-token generation 3>"), "{system}: {texts}");
        // The test can find the secret in the place where it must be.
        let bytes = String::from_utf8_lossy(volume.expose()).into_owned();
        assert!(bytes.contains("pl4nted"), "{system}");
    }
}

#[test]
fn what_is_missing_is_named_with_how_to_provide_it() {
    for (system, boot) in boots() {
        let error = boot.render_volume(&NoSecrets).unwrap_err().to_string();
        assert!(error.contains("generation 3 from the environment variable PLANTED"), "{system}: {error}");
        assert_eq!(boot.secrets().count(), 2, "{system}");
    }
}
