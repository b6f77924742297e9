//! Images that lie on a host: roots over one that was swapped, and roots that would be made of one that is not the image
//! that the cloud says.

use fmc_core::graph::{self, Address, Wanted};
use fmc_core::unit::Size;

use super::{Document, Object, Owner, Settling};
use crate::document::{DomainDocument, HostImage};
use crate::provider::object::DomainObject;
use crate::provider::promise::{self, ImageBytes, ImageObject};

impl Settling<'_, '_> {
    pub(super) fn images(&mut self, wanted: &Wanted<Document>) {
        let mut refused: Vec<(String, String)> = Vec::new();
        for (address, node) in &wanted.nodes {
            let Document::Domain(domain) = &*node.document else { continue };
            let Some((root, image)) = root_of(wanted, address, domain) else { continue };
            let Some(Object::Image(image)) = self.object(&ImageObject::address(address.place(), image))
            else {
                continue;
            };
            let said = if let Some(living) = self.living(address) {
                image.swapped(living).map(|what| {
                    let name = &domain.name;
                    format!("{}: {what}; or `--replace {name}` makes the machine anew", image.image.path)
                })
            } else if self.nodes.contains_key(&root) || self.anew.contains_key(address) {
                unfit(image, self.nodes.get(&root))
            } else {
                None
            };
            refused.extend(said.map(|text| (domain.name.to_string(), text)));
        }
        for (machine, text) in refused {
            self.refuse(&machine, text);
        }
    }

    /// The domain of a machine of ours that is there and stays on the root that it has.
    fn living(&self, address: &Address) -> Option<&DomainObject> {
        match self.object(address)? {
            Object::Domain(domain) if domain.owner == Owner::Us && !self.anew.contains_key(address) => {
                Some(domain)
            }
            _ => None,
        }
    }
}

/// A machine's root, and the image on the host that it lies over.
pub(in crate::provider) fn root_of<'w>(
    wanted: &'w Wanted<Document>,
    address: &Address,
    domain: &DomainDocument,
) -> Option<(Address, &'w HostImage)> {
    let (pool, name) = domain.root.as_ref()?;
    let root = super::volume_address(address, pool, name);
    match &*wanted.nodes.get(&root)?.document {
        Document::Volume(volume) => Some((root, volume.over.as_deref()?)),
        _ => None,
    }
}

/// Why no root is made of an image.
fn unfit(image: &ImageObject, root: Option<&graph::Node<Document>>) -> Option<String> {
    let path = &image.image.path;
    match (&image.bytes, &image.image.digest) {
        (ImageBytes::Wrong(found), Some(wanted)) => {
            return Some(format!("{path}: {}", promise::not_the_image(wanted, found)));
        }
        (ImageBytes::Unseen, Some(_)) => return Some(format!("{path}: {}", promise::UNSEEN)),
        _ => {}
    }
    let Some(Document::Volume(root)) = root.map(|node| &*node.document) else { return None };
    let needs = image.capacity.filter(|needs| *needs > root.capacity)?;
    Some(format!(
        "its root disk of {} is smaller than the image {path}, which is {}: make it at least that large",
        Size::bytes(root.capacity),
        Size::bytes(needs)
    ))
}
