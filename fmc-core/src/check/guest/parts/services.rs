//! systemd units: what systemd cannot read, and what it refuses to start.

use std::borrow::Cow;

use super::PartProblem;
use crate::finding::{At, Finding};
use crate::guest::checked::Unit;
use crate::guest::{Parts, State, UnitContents, UnitFile, mount};
use crate::image::Os;
use crate::path::AbsPath;

/// Looks at every unit and drop-in.
pub(super) fn check(parts: &Parts, os: Os, at: &At<'_>, findings: &mut Vec<Finding>) {
    let all = at.key("units");
    for unit in &parts.units {
        let here = all.name(&unit.name);
        let dropins = here.key("dropins");
        let mut more = Vec::with_capacity(unit.dropins.len());
        for dropin in &unit.dropins {
            let here = dropins.name(&dropin.name);
            more.push(read(&dropin.contents, dropin.name.as_str(), "Service", &here, findings));
        }
        if let Some(contents) = &unit.contents {
            let here = here.key("contents");
            let file = read(contents, unit.name.as_str(), "Unit", &here, findings);
            contents_of(unit, &file, &more, os, &here, findings);
        } else if unit.state == State::Enabled && lacks_install(unit.name.as_str(), parts) {
            findings.push(PartProblem::NoInstall { unit: unit.name.to_string() }.at(here));
        }
    }
}

fn contents_of(
    unit: &Unit,
    file: &UnitFile,
    dropins: &[Cow<'_, UnitFile>],
    os: Os,
    at: &At<'_>,
    findings: &mut Vec<Finding>,
) {
    let name = unit.name.as_str();
    let mut wrong = |problem: PartProblem| findings.push(problem.at(at));
    let named = || name.to_owned();
    let lacks = |section: &str| !file.has_section(section);
    if unit.state == State::Enabled && lacks("Install") {
        wrong(PartProblem::NoInstall { unit: named() });
    }
    let is_template = name.rsplit_once('.').is_some_and(|(stem, _)| stem.ends_with('@'));
    let has_instance =
        settings(file, "Install").any(|(key, value)| key == "DefaultInstance" && !value.is_empty());
    if unit.state == State::Enabled && is_template && !has_instance && !lacks("Install") {
        let instance = name.replacen("@.", "@main.", 1);
        wrong(PartProblem::NoInstance { unit: named(), instance });
    }
    if unit.state == State::Masked {
        wrong(PartProblem::Masked { unit: named() });
    }
    match own_section(name) {
        Some(section) if lacks(section) => wrong(PartProblem::NoSection { unit: named(), section }),
        Some(section @ ("Mount" | "Automount")) => {
            if let Some(problem) = mounts(name, section, file, os) {
                wrong(problem);
            }
        }
        Some("Service") => {
            let all = || std::iter::once(file).chain(dropins.iter().map(|file| &**file));
            if !all().flat_map(|file| settings(file, "Service")).any(|(key, _)| STARTS.contains(&key)) {
                wrong(PartProblem::NoCommand { unit: named() });
            }
        }
        _ => {}
    }
    for (key, command) in file.sections().iter().flat_map(|section| section.settings()) {
        if let Some(program) = relative(key, command) {
            wrong(PartProblem::Relative { unit: named(), key: key.to_owned(), program: program.to_owned() });
        }
    }
}

/// The settings of all sections of a name.
fn settings<'a>(file: &'a UnitFile, section: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    file.sections().iter().filter(move |other| other.name() == section).flat_map(|section| section.settings())
}

/// The settings of which a service needs one (systemd.service(5)).
const STARTS: [&str; 4] = ["ExecStart", "ExecStop", "SuccessAction", "FailureAction"];

/// The program of a command, if systemd refuses it: with a slash it must be an absolute path (systemd.service(5), *Command
/// Lines*).
fn relative<'a>(key: &str, command: &'a str) -> Option<&'a str> {
    const COMMANDS: [&str; 7] = [
        "ExecCondition",
        "ExecStartPre",
        "ExecStart",
        "ExecStartPost",
        "ExecReload",
        "ExecStop",
        "ExecStopPost",
    ];
    if !COMMANDS.contains(&key) {
        return None;
    }
    let command = command.trim_start_matches(['@', '-', ':', '+', '!', '|']).trim_start_matches(['"', '\'']);
    let program = command.split([' ', '\t', '"', '\'']).next()?;
    (program.contains('/') && !program.starts_with(['/', '%', '$'])).then_some(program)
}

/// A mount whose name is not its path's, or whose path goes through a link of the image.
fn mounts(unit: &str, section: &str, file: &UnitFile, os: Os) -> Option<PartProblem> {
    let (_, place) = settings(file, section).filter(|(key, _)| *key == "Where").last()?;
    let path: AbsPath = place.parse().ok()?;
    let suffix = if section == "Mount" { "mount" } else { "automount" };
    let name_at = |path: &AbsPath| format!("{}.{suffix}", mount::stem(path));
    let wanted = name_at(&path);
    if wanted != unit {
        return Some(PartProblem::MountName { unit: unit.to_owned(), path, wanted });
    }
    let real = mount::without_links(&path, os);
    (*real != path).then(|| PartProblem::MountLink {
        unit: unit.to_owned(),
        wanted: name_at(&real),
        real: real.clone().into_owned(),
        path: path.clone(),
    })
}

/// Whether an enabled instance is one of a template in the guest that has no `[Install]`.
fn lacks_install(unit: &str, parts: &Parts) -> bool {
    let Some((stem, rest)) = unit.split_once('@') else { return false };
    let Some((_, suffix)) = rest.rsplit_once('.') else { return false };
    let template = format!("{stem}@.{suffix}");
    let found = parts.units.iter().find(|other| other.name.as_str() == template && template != unit);
    let contents = found.and_then(|template| template.contents.as_ref());
    contents.is_some_and(|contents| !UnitFile::readable(&contents.text()).0.has_section("Install"))
}

/// The contents as a value. A text is read; a value is one, unless a part of it would be read as something else.
fn read<'a>(
    contents: &'a UnitContents,
    name: &str,
    section: &'static str,
    at: &At<'_>,
    findings: &mut Vec<Finding>,
) -> Cow<'a, UnitFile> {
    let (file, line) = match contents {
        UnitContents::File(file) => (Cow::Borrowed(&**file), file.unwritable()),
        UnitContents::Text(text) => {
            let (file, wrong) = UnitFile::readable(text);
            (Cow::Owned(file), wrong.map(|error| error.line))
        }
    };
    if let Some(line) = line {
        let (name, section) = (name.to_owned(), section);
        findings.push(PartProblem::Line { line, name, section }.at(at));
    }
    file
}

/// The section without which a unit of its kind does nothing.
fn own_section(unit: &str) -> Option<&'static str> {
    match unit.rsplit_once('.')?.1 {
        "service" => Some("Service"),
        "timer" => Some("Timer"),
        "socket" => Some("Socket"),
        "mount" => Some("Mount"),
        "automount" => Some("Automount"),
        "swap" => Some("Swap"),
        "path" => Some("Path"),
        _ => None,
    }
}
