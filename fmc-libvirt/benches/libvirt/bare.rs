//! The floor: only the calls that do the work, in sequence over one connection, as a plain script makes them.

use std::collections::BTreeMap;
use std::fs;

use fmc_core::graph::Wanted;
use fmc_core::machine::Power;
use fmc_libvirt::document::{Content, Document, ImageSource, VolumeDocument};
use fmc_libvirt::volume::upload_xml;
use virt::connect::Connect;
use virt::error::Error;
use virt::storage_pool::StoragePool;
use virt::storage_vol::StorageVol;
use virt::stream::Stream;
use virt::sys;

/// Makes everything in the documents, and starts what should run.
pub(crate) fn create(uri: &str, wanted: &Wanted<Document>) -> Result<(), Error> {
    let connection = Connect::open(Some(uri))?;
    // A script keeps its handles, so look-ups that the work does not need are not counted.
    let mut pools = BTreeMap::new();
    for document in documents(wanted) {
        match document {
            Document::Pool(document) => {
                let pool = connection.define_storage_pool_xml(&document.xml, 0)?;
                if uri.starts_with("test:") {
                    // The test driver cannot build a pool when it starts it.
                    pool.build(0)?;
                    pool.create(0)?;
                } else {
                    pool.create(sys::VIR_STORAGE_POOL_CREATE_WITH_BUILD)?;
                }
                pool.set_autostart(true)?;
                pools.insert(&*document.name, pool);
            }
            Document::Network(document) => {
                let network = connection.define_network_xml(&document.xml)?;
                network.create()?;
                network.set_autostart(document.autostart)?;
            }
            Document::Volume(volume) => make(&connection, &pools[&*volume.pool], volume)?,
            Document::Domain(document) => {
                let flags = sys::VIR_DOMAIN_DEFINE_VALIDATE;
                let domain = connection.define_domain_xml_flags(&document.xml, flags)?;
                if document.power == Power::Running {
                    domain.create()?;
                }
            }
        }
    }
    Ok(())
}

fn make(connection: &Connect, pool: &StoragePool, document: &VolumeDocument) -> Result<(), Error> {
    let path = match &document.content {
        Content::Image(image) => match &image.source {
            ImageSource::File(path) => path,
            ImageSource::Url(_) => unreachable!("the clouds of this bench have their images in files"),
        },
        _ => return StorageVol::create_xml(pool, &document.xml, 0).map(drop),
    };
    let bytes = fs::read(path.as_str()).expect("the image is there");
    let volume = StorageVol::create_xml(pool, &upload_xml(&document.name, bytes.len() as u64), 0)?;
    let stream = Stream::new(connection, 0)?;
    volume.upload(&stream, 0, bytes.len() as u64, 0)?;
    let mut left = bytes.as_slice();
    while !left.is_empty() {
        let sent = stream.send(&left[..left.len().min(1 << 20)])?;
        left = &left[usize::try_from(sent).expect("a count of bytes")..];
    }
    stream.finish()
}

/// Lists everything and reads every document. Gives the number of bytes.
pub(crate) fn read(uri: &str) -> Result<usize, Error> {
    let connection = Connect::open(Some(uri))?;
    let mut bytes = 0;
    for domain in connection.list_all_domains(0)? {
        bytes += domain.xml_desc(sys::VIR_DOMAIN_XML_INACTIVE)?.len();
    }
    for network in connection.list_all_networks(0)? {
        bytes += network.xml_desc(0)?.len();
    }
    for pool in connection.list_all_storage_pools(0)? {
        bytes += pool.xml_desc(0)?.len();
        for volume in pool.list_all_volumes(0)? {
            bytes += volume.xml_desc(0)?.len();
        }
    }
    Ok(bytes)
}

/// Deletes everything that [`create`] made.
pub(crate) fn destroy(uri: &str, wanted: &Wanted<Document>) -> Result<(), Error> {
    let connection = Connect::open(Some(uri))?;
    let mut all: Vec<&Document> = documents(wanted).collect();
    all.reverse();
    for document in all {
        match document {
            Document::Domain(document) => {
                let domain = connection.lookup_domain_by_name(&document.on_host)?;
                if document.power == Power::Running {
                    domain.destroy()?;
                }
                domain.undefine()?;
            }
            Document::Volume(document) => {
                let pool = connection.lookup_storage_pool_by_name(&document.pool)?;
                pool.lookup_storage_vol_by_name(&document.name)?.delete(0)?;
            }
            Document::Network(document) => {
                let network = connection.lookup_network_by_name(&document.on_host)?;
                network.destroy()?;
                network.undefine()?;
            }
            Document::Pool(document) => {
                let pool = connection.lookup_storage_pool_by_name(&document.name)?;
                // libvirt deletes only an empty folder, and lists the consoles' files only after a refresh.
                pool.refresh(0)?;
                for console in pool.list_all_volumes(0)? {
                    console.delete(0)?;
                }
                pool.destroy()?;
                pool.delete(0)?;
                pool.undefine()?;
            }
        }
    }
    Ok(())
}

/// Every document, after those that it needs.
fn documents(wanted: &Wanted<Document>) -> impl Iterator<Item = &Document> {
    let mut all: Vec<&Document> = wanted.nodes.values().map(|node| &*node.document).collect();
    all.sort_by_key(|document| match document {
        Document::Pool(_) | Document::Network(_) => 0,
        Document::Volume(volume) if !matches!(volume.content, Content::Empty) => 1,
        Document::Volume(_) => 2,
        Document::Domain(_) => 3,
    });
    all.into_iter()
}
