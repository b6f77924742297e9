//! `images list`: the images of containers, and what states the digest of each.

use std::collections::BTreeSet;

use fmc_core::cloud::Cloud;
use serde::Serialize;

use super::super::DONE;
use super::super::args::Args;
use super::super::check::count;
use super::super::failure::Failure;
use super::super::io::Io;
use super::super::plain::plain;
use super::super::table::Table;
use crate::container_images::{self, Pinned, Used};
use crate::json::Versioned;

/// The output with `--json`: see `docs/json.md`.
#[derive(Serialize)]
struct Listed {
    images: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    image: String,
    digest: Option<String>,
    stated_by: Option<&'static str>,
    at: String,
    cluster: String,
    namespace: String,
    workload: String,
    container: String,
}

pub(super) fn run(cloud: &Cloud, args: &Args, io: &mut Io<'_>) -> Result<u8, Failure> {
    let used = container_images::used(cloud);
    if args.json {
        io.json(&Versioned::new(&Listed { images: used.iter().map(row).collect() }))?;
        return Ok(DONE);
    }
    if used.is_empty() {
        io.tell("the cloud has no containers\n")?;
        return Ok(DONE);
    }
    let mut table = Table::new(["image", "digest", "stated by", "container"]);
    for one in &used {
        let Row { image, digest, stated_by, .. } = row(one);
        // The first digits tell digests apart; --json has them all.
        let digest = digest
            .map_or_else(|| "none".to_owned(), |digest| format!("{}…", digest.get(..19).unwrap_or(&digest)));
        let cells = [image, digest, stated_by.unwrap_or_default().to_owned(), one.place()];
        table.row(cells.map(|cell| plain(&cell).into_owned()));
    }
    io.show(format_args!("{table}\n"))?;
    let images: BTreeSet<String> = used.iter().map(|one| row(one).image).collect();
    let unpinned: BTreeSet<String> =
        used.iter().filter(|one| one.image.pinned.is_none()).map(|one| row(one).image).collect();
    let rest = match unpinned.len() {
        0 => "each with a digest\n".to_owned(),
        number => format!("{number} without a digest: `{} images pin` asks for it\n", args.program),
    };
    io.tell(format_args!("{}, {rest}", count(images.len(), "image")))?;
    Ok(DONE)
}

fn row(one: &Used) -> Row {
    let used = &one.image;
    let pinned = used.pinned.as_ref();
    // The digest has its own column.
    let image = used.image.to_string();
    let image =
        pinned.and_then(|(digest, _)| image.strip_suffix(&format!("@{digest}"))).unwrap_or(&image).to_owned();
    Row {
        image,
        digest: pinned.map(|(digest, _)| digest.to_string()),
        stated_by: pinned.map(|(_, by)| match by {
            Pinned::Lock => "lock",
            _ => "cloud",
        }),
        at: one.at.clone(),
        cluster: one.cluster.clone(),
        namespace: used.namespace.clone(),
        workload: used.workload.clone(),
        container: used.container.clone(),
    }
}
