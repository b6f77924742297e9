//! `init`: a first cloud in a file, with comments that explain the settings. A program that has a cloud of its own writes that one.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use fmc_core::cloud::Cloud;

use super::DONE;
use super::args::Template;
use super::failure::Failure;
use super::io::Io;
use crate::file::{RoleKinds, Source, Syntax, to_json, to_toml, to_yaml};

const YAML: &str = include_str!("init/cloud.yaml");
const TOML: &str = include_str!("init/cloud.toml");
const JSON: &str = include_str!("init/cloud.json");
const LAB: &str = include_str!("init/lab.yaml");
const K3S: &str = include_str!("init/k3s.yaml");
const SEED: &str = include_str!("../../examples/flatcar_micro_cloud/cloud.yaml");

/// Writes a first cloud into a new file, in the format of its name's suffix.
pub(super) fn run(
    path: &Path,
    template: Template,
    roles: &RoleKinds,
    program: &str,
    io: &mut Io<'_>,
) -> Result<u8, Failure> {
    let name = path.display();
    write(path, program, io, |format| text(template, format, roles))?;
    let what = match template {
        Template::Single => "one machine on one network, on this host",
        Template::Lab => "machines on a network that reaches the world, and one on a network that does not",
        Template::K3s => "a K3s cluster of three servers behind a balancer, and two agents",
        Template::Seed => {
            "a cluster, its balancer, FreeIPA with the cloud's DNS, time, a database and a bastion. Its networks, images and keys are those \
             of one host: replace them by your own"
        }
    };
    let file = if path == Path::new("cloud.yaml") { String::new() } else { format!(" -f {name}") };
    io.out(format_args!(
        "{name} is a first cloud: {what}.\n\
         `{program} check{file}` says what is wrong with it, `{program} plan{file}` what an apply would do.\n\
         It names the schema cloud.schema.json, by which an editor completes and checks it: `{program} schema > \
         cloud.schema.json` writes that.\n"
    ))?;
    Ok(DONE)
}

/// The text of a template. The comments of all but the smallest are in YAML alone.
fn text(template: Template, format: Syntax, roles: &RoleKinds) -> Result<String, Failure> {
    let yaml = match (template, format) {
        (Template::Single, Syntax::Yaml) => YAML,
        (Template::Single, Syntax::Toml) => return Ok(TOML.to_owned()),
        (Template::Single, Syntax::Json) => return Ok(JSON.to_owned()),
        (Template::Lab, _) => LAB,
        (Template::K3s, _) => K3S,
        (Template::Seed, _) => SEED,
    };
    if format == Syntax::Yaml {
        return Ok(yaml.to_owned());
    }
    let cloud = Source::new(yaml.as_bytes(), Syntax::Yaml).and_then(|source| source.roles(roles).cloud());
    let cloud = cloud.map_err(Failure::to)?;
    let text = if format == Syntax::Toml { to_toml(&cloud) } else { to_json(&cloud) };
    text.map_err(Failure::to)
}

/// Writes the cloud of a program into a new file, in the format of its name's suffix. The program itself reads no file.
pub(super) fn of_program(
    cloud: &Cloud,
    path: &Path,
    template: Option<Template>,
    program: &str,
    io: &mut Io<'_>,
) -> Result<u8, Failure> {
    if template.is_some() {
        return Err(Failure::usage(format!("{program} has a cloud of its own, and no templates"))
            .help(format!("`{program} init` without `--template` writes that cloud")));
    }
    let name = path.display();
    write(path, program, io, |format| {
        let text = match format {
            Syntax::Yaml => to_yaml(cloud),
            Syntax::Toml => to_toml(cloud),
            Syntax::Json => to_json(cloud),
        };
        text.map_err(Failure::to)
    })?;
    io.out(format_args!(
        "{name} is the cloud of {program}, for a program that reads one from a file: `Program::of_file()` with the same roles and \
         providers.\n{program} has its cloud in itself and reads no file: `{program} check` says what is wrong with it, `{program} \
         plan` what an apply would do.\n"
    ))?;
    Ok(DONE)
}

/// Writes a text into a new file, in the format of its name's suffix.
fn write(
    path: &Path,
    program: &str,
    io: &Io<'_>,
    text: impl FnOnce(Syntax) -> Result<String, Failure>,
) -> Result<(), Failure> {
    let name = path.display();
    let Some(format) = Syntax::of(path) else {
        return Err(Failure::usage(format!("the name {name} does not tell the format"))
            .help("call it .yaml, .toml or .json"));
    };
    let text = text(format)?;
    let whole = io.folder.join(path);
    // An empty file holds nothing that could be lost.
    let is_empty = fs::metadata(&whole).is_ok_and(|found| found.is_file() && found.len() == 0);
    let created = File::options().write(true).create_new(!is_empty).open(&whole);
    created.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => Failure::new(format!("{name} already exists, and was not changed"))
            .help(format!("name another file: `{program} init FILE`")),
        _ => Failure::new(format!("failed to write {name}: {error}")),
    })
}
