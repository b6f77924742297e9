//! Defines every document of a cloud on libvirt's own simulation, which has the real parsers and validators.
#![expect(clippy::unwrap_used, reason = "helpers of tests: a failure here is the test's")]

use fmc_core::graph::Wanted;
use fmc_libvirt::document::Document;
use fmc_libvirt::link::Link as _;
use fmc_libvirt::virt::VirtLink;

/// Defines all documents, starts what can start, and deletes networks and domains again, because all tests of
/// a process share one host.
pub(crate) fn all(wanted: &Wanted<Document>) {
    let link = VirtLink::connect("test:///default").unwrap();
    let all = || wanted.nodes.values().map(|node| &*node.document);
    for document in all() {
        if let Document::Pool(pool) = document {
            link.create_pool(&pool.xml, true).unwrap();
        }
    }
    for document in all() {
        match document {
            Document::Pool(_) => {}
            Document::Volume(volume) => link.create_volume(&volume.pool, &volume.xml).unwrap(),
            Document::Network(network) => {
                link.define_network(&network.xml).unwrap();
                link.start_network(&network.on_host).unwrap();
                link.stop_network(&network.on_host).unwrap();
                link.undefine_network(&network.on_host).unwrap();
            }
            Document::Domain(domain) => {
                // The driver runs only guests of its own type.
                let xml = domain.xml.replacen("type='kvm'", "type='test'", 1);
                link.define_domain(&xml.replacen("type='qemu'", "type='test'", 1)).unwrap();
                link.start_domain(&domain.on_host).unwrap();
                link.destroy_domain(&domain.on_host).unwrap();
                link.undefine_domain(&domain.on_host).unwrap();
            }
        }
    }
}
