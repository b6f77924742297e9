//! The cloud's file: reads it, reports its mistakes, and finds the place of a finding in it.

use std::fs::File;
use std::io::{Read as _, stdin};
use std::ops::Range;
use std::path::{Path, PathBuf};

use fmc_core::cloud::Cloud;

use super::args::{Args, Command};
use super::check::count;
use super::draw::Excerpt;
use super::failure::Failure;
use super::io::Io;
use super::plain::{plain, plain_lines};
use super::style::{BAD, GOOD, Paint, STRONG};
use crate::file::{FileError, Lines, MOST_BYTES, Mistake, Places, RoleKinds, Source, Syntax, Unread};
use crate::json::FindingView;

/// The file names to look for when the user names no file.
const USUAL: [&str; 4] = ["cloud.yaml", "cloud.yml", "cloud.toml", "cloud.json"];

/// A file that a cloud was read from.
#[derive(Clone, Debug)]
pub(super) struct CloudFile {
    name: String,
    folder: PathBuf,
    /// The file; `None` for standard input.
    #[cfg(feature = "k8s")]
    path: Option<PathBuf>,
    source: Source,
}

/// The places of values in a file.
#[derive(Debug)]
pub(super) struct Map<'a> {
    name: &'a str,
    shown: String,
    lines: Lines<'a>,
    places: Places<'a>,
}

/// Reads the file and keeps it in the arguments, for findings about it.
pub(super) fn read(
    file: Option<&Path>,
    format: Option<Syntax>,
    roles: &RoleKinds,
    args: &mut Args,
    io: &mut Io<'_>,
) -> Result<Cloud, Failure> {
    let path = match file {
        Some(path) => path.to_owned(),
        None => usual(io)?,
    };
    let piped = path.as_os_str() == "-";
    let name = if piped { "standard input".to_owned() } else { path.display().to_string() };
    let format = match format.or_else(|| if piped { None } else { Syntax::of(&path) }) {
        Some(format) => format,
        None if piped => return Err(Failure::usage("--file - needs --format yaml, toml or json")),
        None => {
            return Err(Failure::usage(format!("the name {name} does not tell its format"))
                .help("call it .yaml, .toml or .json, or say --format"));
        }
    };
    let unread = |error: std::io::Error| Failure::new(format!("failed to read {name}: {error}"));
    let mut bytes = Vec::new();
    // One byte beyond the limit is enough to know that the file is too long.
    let most = MOST_BYTES as u64 + 1;
    if piped {
        stdin().lock().take(most).read_to_end(&mut bytes).map_err(unread)?;
    } else {
        let opened =
            File::open(io.folder.join(&path)).and_then(|file| file.take(most).read_to_end(&mut bytes));
        opened.map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => unread(error).help("`fmc init` writes a first cloud"),
            _ => unread(error),
        })?;
    }
    let folder = io.folder.join(&path).parent().map(Path::to_owned).unwrap_or_default();
    let folder = if piped { io.folder.clone() } else { folder };
    let absolute = std::path::absolute(&folder).unwrap_or_else(|_| folder.clone());
    match Source::new(&bytes, format).map(|source| source.below(absolute).roles(roles)) {
        Ok(source) => match source.cloud() {
            Ok(cloud) => {
                args.file = Some(CloudFile {
                    name,
                    folder,
                    #[cfg(feature = "k8s")]
                    path: (!piped).then_some(path),
                    source,
                });
                Ok(cloud)
            }
            Err(error) => Err(refused(&error, &name, Some(&source), args, io)),
        },
        Err(error) => Err(refused(&error, &name, None, args, io)),
    }
}

/// The cloud of the file, if the file exists and is valid; an invalid file is not reported.
pub(super) fn quietly(
    file: Option<&Path>,
    format: Option<Syntax>,
    roles: &RoleKinds,
    io: &Io<'_>,
) -> Option<Cloud> {
    let path = file.map_or_else(|| usual(io), |path| Ok(path.to_owned())).ok()?;
    let format = format.or_else(|| Syntax::of(&path))?;
    let mut bytes = Vec::new();
    File::open(io.folder.join(&path)).ok()?.take(MOST_BYTES as u64 + 1).read_to_end(&mut bytes).ok()?;
    Source::new(&bytes, format).ok()?.roles(roles).cloud().ok()
}

fn usual(io: &Io<'_>) -> Result<PathBuf, Failure> {
    let there: Vec<&str> = USUAL.into_iter().filter(|name| io.folder.join(name).exists()).collect();
    match there.as_slice() {
        [only] => Ok(PathBuf::from(only)),
        [] => Err(Failure::usage("there is no cloud.yaml here")
            .help("name the cloud's file with -f FILE")
            .help("`fmc init` writes a first one")),
        several => Err(Failure::usage(format!("there are {}: which one?", several.join(" and ")))
            .help("name the cloud's file with -f FILE")),
    }
}

/// Prints each mistake.
fn refused(error: &FileError, name: &str, source: Option<&Source>, args: &Args, io: &mut Io<'_>) -> Failure {
    let FileError::Read(mistakes) = error else { return Failure::to(error) };
    if args.json && matches!(args.command, Command::Check) {
        let told: Vec<FindingView> =
            mistakes.iter().map(|mistake| FindingView::of_mistake(mistake, name)).collect();
        if let Err(failure) = io.json(&told) {
            return failure;
        }
        return Failure::silent();
    }
    let colour = io.colour_err;
    let name = &*plain(name);
    let shown = source.filter(|_| io.draw_err).map(|source| (source.covered(true), source.lines()));
    for mistake in mistakes.iter() {
        if let Some((text, lines)) = &shown {
            let excerpt = Excerpt { name, text, lines, width: io.width_err };
            let mut labels = vec![(mistake.span(), String::new())];
            labels.extend(mistake.also_at().map(|first| (first, "first here".to_owned())));
            labels.extend(mistake.alias_at().map(|alias| (alias, "repeated here".to_owned())));
            if let Some(drawn) = excerpt.draw(
                None,
                true,
                &plain(mistake.message()),
                &plain_lines(mistake.help_text()),
                &labels,
                colour,
            ) {
                io.err_whole(drawn);
                continue;
            }
        }
        let head = Paint("error", BAD, colour);
        let place =
            if mistake.path().is_empty() { String::new() } else { format!(" {}", plain(mistake.path())) };
        let (line, column) = (mistake.line(), mistake.column());
        let message = Paint(plain(mistake.message()), STRONG, colour);
        io.err(format_args!("{head}: {message}\n  at {name}:{line}:{column}{place}\n"));
        if !mistake.help_text().is_empty() {
            let help = plain_lines(mistake.help_text());
            io.err(format_args!("  {}: {help}\n", Paint("help", GOOD, colour)));
        }
        io.err("\n");
    }
    let many = count(mistakes.iter().len(), "mistake");
    let refused = format!("{name} is not a valid cloud: {many}");
    match mistakes.unread() {
        Unread::Behind => {
            let line = mistakes.iter().last().map_or(1, Mistake::line);
            Failure::new(format!("{refused}, and fmc cannot read on after line {line}"))
                .help("there may be more mistakes after it, which are shown once it is mended")
        }
        Unread::More => Failure::new(format!("{refused}, and there may be more")),
        _ => Failure::new(refused),
    }
}

impl CloudFile {
    /// The folder it is in.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The file, as it was named; `None` for standard input.
    #[cfg(feature = "k8s")]
    pub(super) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Where its values are: once for all findings.
    pub(super) fn map(&self) -> Map<'_> {
        Map {
            name: &self.name,
            shown: self.source.covered(false),
            lines: self.source.lines(),
            places: self.source.places(),
        }
    }
}

impl Map<'_> {
    /// The file's name.
    pub(super) fn name(&self) -> &str {
        self.name
    }

    /// The bytes of the value of a path.
    pub(super) fn range(&self, path: &str) -> Range<usize> {
        self.places.place(path)
    }

    /// The line and the column of the value of a path.
    pub(super) fn place(&self, path: &str) -> (usize, usize) {
        self.lines.place(self.range(path).start)
    }

    /// The bytes of the alias by which the value is at its path, if it stands at an anchor.
    pub(super) fn alias(&self, path: &str) -> Option<Range<usize>> {
        self.places.alias(path)
    }

    /// The line of that alias.
    pub(super) fn alias_line(&self, path: &str) -> Option<usize> {
        Some(self.lines.place(self.alias(path)?.start).0)
    }

    /// The file as it may be shown.
    pub(super) fn excerpt(&self, width: Option<usize>) -> Excerpt<'_> {
        Excerpt { name: self.name, text: &self.shown, lines: &self.lines, width }
    }
}
