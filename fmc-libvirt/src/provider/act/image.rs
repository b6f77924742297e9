//! An image on the host, before a root is made of it: its bytes are read once, and a volume records that.

use fmc_core::graph::{Acting, StepError};

use super::Job;
use crate::document::HostImage;
use crate::link::Link;
use crate::provider::promise;
use crate::volume::{Ours, Seal, VolumeName, upload_xml};

impl<L: Link, A: Acting + Clone + 'static> Job<L, A> {
    /// Checks the digest of an image, unless its file is known to be the one that was checked.
    pub(super) fn keep_promise(&self, pool: &str, image: &HostImage) -> Result<(), StepError> {
        let path = image.path.as_str();
        let refused = |cause| StepError::Input { what: path.to_owned(), cause };
        // Roots of one image are made at once: one of them reads it.
        let mut read = self.promises.read();
        let Some(facts) = self.made(promise::seen(self.link.file(path)))? else {
            return if image.digest.is_none() { Ok(()) } else { Err(refused(promise::UNSEEN.to_owned())) };
        };
        let seal = Seal::of(path, image.digest.as_ref(), &facts);
        let name = Ours::Image(seal.clone()).to_string();
        if self.made(self.link.volume(pool, &name))?.is_some() {
            return Ok(());
        }
        if let Some(wanted) = &image.digest
            && !read.contains(&(self.address.place().clone(), seal.clone()))
        {
            self.say(format!("reads {path} on the host, to check its digest"));
            let found = self.made(self.link.file_digest(path, wanted))?;
            match found {
                Some(found) if found == *wanted => {}
                Some(found) => return Err(refused(promise::not_the_image(wanted, &found))),
                None => return Err(refused(promise::UNSEEN.to_owned())),
            }
            read.insert((self.address.place().clone(), seal.clone()));
        }
        // An older record would accept the earlier file if somebody put it back under the new roots.
        self.delete_seals_if(pool, |older| older.path == seal.path && older.file != seal.file)?;
        self.patiently(|| self.link.create_volume(pool, &upload_xml(&name, 0)))
    }

    /// Deletes the records of all images, which go with their pool.
    pub(super) fn delete_seals(&self, pool: &str) -> Result<(), StepError> {
        self.delete_seals_if(pool, |_| true)
    }

    fn delete_seals_if(&self, pool: &str, goes: impl Fn(&Seal) -> bool) -> Result<(), StepError> {
        for record in self.made(self.link.volumes(pool))? {
            let ours = VolumeName::parse(&record.name).map(|name| name.ours);
            if matches!(&ours, Some(Ours::Image(seal)) if goes(seal)) && self.is_empty(pool, &record.name)? {
                self.patiently(|| self.link.delete_volume(pool, &record.name))?;
            }
        }
        Ok(())
    }
}
