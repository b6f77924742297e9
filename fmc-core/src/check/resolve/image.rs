//! The images of a checked cloud.

use std::sync::Arc;

use super::optional;
use crate::checked::{self, Checked, Idx};
use crate::given::Given;
use crate::image::{Image, Source};
use crate::path::AbsPath;

/// Equal images are made once: a thousand machines share a handful. One in a pool has a path of its host.
#[derive(Default)]
pub(super) struct Images<'a> {
    by_draft: Vec<(&'a Image, Idx<checked::Host>, Arc<checked::Image>)>,
}

impl<'a> Images<'a> {
    pub(super) fn resolve(
        &mut self,
        draft: &'a Image,
        host: Idx<checked::Host>,
        checked: &Checked,
    ) -> Option<Arc<checked::Image>> {
        // Machines of one loop have equal images one after another, so the search is short from the end.
        let is_of_host = matches!(draft.source, Source::Volume { .. });
        let known = self
            .by_draft
            .iter()
            .rev()
            .find(|(other, on, _)| (*on == host || !is_of_host) && **other == *draft);
        if let Some((_, _, image)) = known {
            return Some(Arc::clone(image));
        }
        let image = Arc::new(image(draft, checked.at(host)?)?);
        if self.by_draft.len() < 64 {
            self.by_draft.push((draft, host, Arc::clone(&image)));
        }
        Some(image)
    }
}

fn image(draft: &Image, host: &checked::Host) -> Option<checked::Image> {
    let Image { os, version, architecture, source, digest, unpacked_digest, format, minimum, kernel } = draft;
    let mut known = optional(digest.as_ref())?;
    let source = match source {
        Source::Path(path) => checked::Source::Path(path.ok()?.clone()),
        Source::File { path, digest } => {
            known = Some(*digest.ok()?);
            checked::Source::File(path.ok()?.clone())
        }
        Source::Url { url, digest } => {
            known = Some(*digest.ok()?);
            checked::Source::Url(url.ok()?.clone())
        }
        Source::Volume { pool, name } => {
            let (pool, name) = (pool.ok()?.clone(), name.ok()?.clone());
            let path = Given::<AbsPath>::text(&format!("{}/{name}", host.pool(&pool)?.path)).ok()?.clone();
            checked::Source::Volume { pool, name, path }
        }
        Source::Blank => checked::Source::Blank,
    };
    Some(checked::Image {
        os: *os,
        version: version.as_str().into(),
        arch: *architecture,
        source,
        digest: known,
        unpacked_digest: optional(unpacked_digest.as_ref())?,
        format: *format,
        minimum: optional(minimum.as_ref())?,
        kernel: match kernel {
            Some(kernel) => Some(checked::DirectKernel {
                kernel: kernel.kernel.ok()?.clone(),
                initrd: optional(kernel.initrd.as_ref())?,
                command_line: kernel.command_line.as_str().into(),
            }),
            None => None,
        },
    })
}
