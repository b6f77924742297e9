//! xorriso reads back the image from which cloud-init reads its documents.

use fmc_core::image::Os;
use fmc_core::machine::Interface;
use fmc_testkit::iso as consumer;

use crate::guests;

fn boot() -> fmc_core::boot::Boot {
    guests::boot(Os::Rocky, vec![Interface::on("lab").address("10.17.3.10")], guests::everything())
}

#[test]
fn the_image_has_the_label_and_the_documents() {
    let boot = boot();
    let image = boot.render_volume(&guests::Planted).unwrap();
    let (label, files) = consumer::read_back(image.expose()).unwrap();
    assert_eq!(label, "cidata");
    assert_eq!(files.keys().collect::<Vec<_>>(), ["/meta-data", "/network-config", "/user-data"]);
    for (path, bytes) in &files {
        let document = guests::rendered(&boot, path.trim_start_matches('/'));
        assert_eq!(String::from_utf8_lossy(bytes), document, "{path}");
    }
}

#[test]
fn equal_documents_give_equal_bytes() {
    let image = || boot().render_volume(&guests::Planted).unwrap().expose().to_vec();
    assert_eq!(image(), image());
}
