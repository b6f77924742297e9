//! The image lock beside a cloud's file, and the registries that `images pin` asks.

mod registries;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use fmc_testkit::registry::Registry;
use serde_json::Value;
use tempfile::TempDir;

use crate::files::{fmc, folder};
use crate::json::Page;
use crate::stage::{Ran, Stage, cloud as without_platform};

/// A cloud with these images in a deployment each, and a Redis.
fn cloud(images: &[String]) -> String {
    let deployments: String = images
        .iter()
        .enumerate()
        .map(|(index, image)| {
            format!(
                "            - {{ name: web{index}, containers: [{{ name: web, image: \"{image}\", cpu: 10m, memory: 16 MiB, user: 1000 }}] }}\n"
            )
        })
        .collect();
    format!(
        r#"name: shop
hosts: {{ local: {{}} }}
networks: {{ lab: {{ mode: nat, subnet: 10.17.3.0/24 }} }}
machines:
  node:
    image: {{ os: debian, version: "12", source: {{ path: /images/debian-12.qcow2 }} }}
    cpus: 2
    memory: 4 GiB
    root_disk: 20 GiB
    disks: {{ k3s: {{ size: 20 GiB, mount: /var/lib/rancher/k3s }} }}
    interfaces: [{{ network: lab, address: 10.17.3.10 }}]
clusters:
  prod: {{ version: v1.36.2+k3s1, servers: [node] }}
roles:
  - platform:
      cluster: prod
      namespaces:
        - name: shop
          deployments:
{deployments}"#
    )
}

/// A folder with a cloud of these images.
fn with(images: &[String]) -> TempDir {
    folder(&[("cloud.yaml", &cloud(images))])
}

/// Runs the program, with the folder as the user's home, and more variables.
fn run_with(folder: &Path, arguments: &str, variables: &[(&str, &str)]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fmc"));
    command.args(arguments.split_whitespace()).current_dir(folder).env("HOME", folder).stdin(Stdio::null());
    for name in ["REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "DOCKER_CONFIG", "NO_COLOR"] {
        command.env_remove(name);
    }
    let ended = command.envs(variables.iter().copied()).output().unwrap();
    Ran {
        code: u8::try_from(ended.status.code().unwrap()).unwrap(),
        out: String::from_utf8(ended.stdout).unwrap(),
        err: String::from_utf8(ended.stderr).unwrap(),
    }
}

fn run(folder: &Path, arguments: &str) -> Ran {
    run_with(folder, arguments, &[])
}

fn lock(folder: &Path) -> String {
    fs::read_to_string(folder.join("cloud.images.lock")).unwrap()
}

/// The kinds and places of a check's findings that are about images.
fn findings(folder: &Path) -> Vec<(String, String)> {
    let found: Value = serde_json::from_str(&run(folder, "check --json").out).unwrap();
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap().to_owned();
    let found = found.as_array().unwrap().iter().map(|one| (text(one, "kind"), text(one, "message")));
    found.filter(|(kind, _)| kind.starts_with("platform-lock") || kind == "platform-unpinned").collect()
}

fn zeros() -> String {
    format!("sha256:{}", "0".repeat(64))
}

#[test]
fn tags_are_pinned_by_the_digests_that_skopeo_tells() {
    let registry = Registry::start();
    registry.push("shop/web:1", "one", &["amd64"]);
    registry.push("shop/web:2", "two", &["amd64", "arm64"]);
    let name = registry.name();
    let folder =
        with(&[format!("{name}/shop/web:1"), format!("{name}/shop/web:2"), format!("{name}/shop/web:1")]);
    let folder = folder.path();
    // An image that two containers have is told of once.
    let told: Vec<String> = findings(folder).into_iter().map(|(_, message)| message).collect();
    let tagged = "the image of web has a tag and no digest";
    assert_eq!(told, [format!("{tagged}, and 1 more container has it"), tagged.to_owned()]);
    let help = run(folder, "check").out;
    assert!(help.contains("`images pin` asks its registry for the digest"), "{help}");

    let pinned = run(folder, "images pin");
    let (one, two) = (registry.digest("shop/web:1"), registry.digest("shop/web:2"));
    let told = format!(
        "+ {name}/shop/web:1 {one}\n+ {name}/shop/web:2 {two}\ncloud.images.lock is written: 2 images\n"
    );
    assert!(pinned.code == 0 && pinned.out == told && pinned.err == format!("asking {name}\n"), "{pinned:?}");
    let first = lock(folder);
    assert!(first.ends_with(&format!("\n{name}/shop/web:1 {one}\n{name}/shop/web:2 {two}\n")), "{first}");
    assert_eq!(findings(folder), []);
    let compiled = run(folder, "compile --out out");
    assert_eq!(compiled.code, 0, "{compiled:?}");
    let manifest = |name: &str| {
        fs::read_to_string(folder.join(format!("out/kubernetes/prod/shop/{name}.deployment.yaml"))).unwrap()
    };
    assert!(manifest("web0").contains(&format!(" {name}/shop/web:1@{one}\n")), "{}", manifest("web0"));
    assert!(manifest("web1").contains(&format!(" {name}/shop/web:2@{two}\n")), "{}", manifest("web1"));

    // What has a digest is not asked for again, and the file keeps its bytes.
    let again = run(folder, "images pin");
    assert!(
        again.code == 0 && again.err.is_empty() && again.out.contains("stays as it is: 2 images"),
        "{again:?}"
    );
    assert_eq!(lock(folder), first);

    // Another image behind a tag is told, and the plan changes.
    assert_eq!(run(folder, "apply --yes").code, 0);
    assert_eq!(run(folder, "plan --out saved.plan").code, 0);
    registry.push("shop/web:1", "three", &["amd64"]);
    let three = registry.digest("shop/web:1");
    assert_ne!(one, three);
    assert_eq!(run(folder, "images pin").out, again.out);
    let updated = run(folder, &format!("images pin --update {name}/shop/web"));
    let told = format!(
        "~ {name}/shop/web:1 {one} -> {three}\n= {name}/shop/web:2 {two}\ncloud.images.lock is written: 2 images\n"
    );
    assert!(updated.code == 0 && updated.out == told, "{updated:?}");
    let plan = run(folder, "plan --detailed-exitcode");
    assert!(plan.code == 2 && plan.out.contains(three.get(..30).unwrap()), "{plan:?}");
    let stale = run(folder, "apply saved.plan");
    assert!(stale.code == 1 && stale.err.contains("nothing was done"), "{stale:?}");
    let nothing = run(folder, "images pin --update all");
    assert!(nothing.code == 0 && nothing.out.contains("stays as it is"), "{nothing:?}");

    // What nothing uses goes.
    let less = cloud(&[format!("{name}/shop/web:1")]);
    fs::write(folder.join("cloud.yaml"), less).unwrap();
    let unused = findings(folder);
    assert!(
        unused.len() == 1 && unused[0].0 == "platform-lock-unused" && unused[0].1.contains("shop/web:2"),
        "{unused:?}"
    );
    let removed = run(folder, "images pin");
    assert!(
        removed.code == 0 && removed.out.starts_with(&format!("- {name}/shop/web:2: no container")),
        "{removed:?}"
    );
    assert_eq!(findings(folder), []);
}

#[test]
fn what_was_found_is_written_also_if_another_image_is_not_there() {
    let registry = Registry::start();
    registry.push("shop/web:1", "one", &["amd64"]);
    let name = registry.name();
    let folder =
        with(&[format!("{name}/shop/none:1"), format!("{name}/shop/web:1"), format!("{name}/shop/web:9")]);
    let ran = run(folder.path(), "images pin");
    assert!(ran.code == 1 && ran.out.contains("is written: 1 image\n"), "{ran:?}");
    assert!(
        ran.err.contains(&format!("error: {name}/shop/web:9: the registry has no tag 9 in shop/web")),
        "{ran:?}"
    );
    assert!(
        ran.err.contains("no tag 1 in shop/none") && ran.err.contains("2 images could not be pinned"),
        "{ran:?}"
    );
    assert!(lock(folder.path()).contains(&registry.digest("shop/web:1")));
    assert_eq!(findings(folder.path()).len(), 2);

    let page = Page::read();
    let json = run(folder.path(), "images pin --json --update all");
    let report: Value = serde_json::from_str(&json.out).unwrap();
    page.object("`images-pinned`", &report);
    assert!(
        report["failed"].as_array().unwrap().len() == 2 && report["asked"][0]["was"].is_string(),
        "{report}"
    );
    let listed = run(folder.path(), "images list --json");
    page.object("`images-listed`", &serde_json::from_str(&listed.out).unwrap());
    let listed = run(folder.path(), "images list");
    assert!(listed.code == 0 && listed.err.is_empty(), "{listed:?}");
    assert!(
        listed.out.contains("lock       prod shop/web1 web")
            && listed.out.contains("3 images, 2 without a digest"),
        "{listed:?}"
    );
    // One that does not answer keeps what it has.
    drop(registry);
    let before = lock(folder.path());
    let ran = run(folder.path(), "images pin --update all");
    assert!(ran.code == 1 && ran.err.contains("cannot be reached"), "{ran:?}");
    assert_eq!(lock(folder.path()), before);
}

#[test]
fn a_lock_is_read_by_the_commands_that_compile() {
    let (image, zeros) = ("registry.example.org/shop/web:1".to_owned(), zeros());
    let folder = with(&[image.clone(), format!("{image}@sha256:{}", "1".repeat(64))]);
    let folder = folder.path();
    let file = folder.join("cloud.images.lock");
    fs::write(&file, format!("{image} {zeros}\n")).unwrap();
    let found = findings(folder);
    assert!(found.len() == 1 && found[0].0 == "platform-lock-differs", "{found:?}");
    assert!(found[0].1.contains(&zeros) && found[0].1.contains("sha256:1111"), "{found:?}");
    assert_eq!(run(folder, "compile --out out").code, 0);
    let manifest = fs::read_to_string(folder.join("out/kubernetes/prod/shop/web0.deployment.yaml")).unwrap();
    assert!(manifest.contains(&format!(" {image}@{zeros}\n")), "{manifest}");
    // A file that a person wrote stays what it is.
    assert!(!run(folder, "convert yaml").out.contains(&zeros));
    assert!(run(folder, "plan --set clusters.prod.version=v1.36.3+k3s1").out.contains("+ machine node"));

    for (text, words) in [
        (
            format!("# a\n{image} {zeros}\n{image} {zeros}\n"),
            "cloud.images.lock:3: registry.example.org/shop/web:1 is there a second time",
        ),
        ("<<<<<<< ours\n".to_owned(), "cloud.images.lock:1: a merge left its mark here"),
        (format!("{image} sha256:12\n"), "cloud.images.lock:1: \"sha256:12\" is no digest"),
    ] {
        fs::write(&file, text).unwrap();
        for command in ["check", "plan", "images list", "images pin"] {
            let ran = run(folder, command);
            assert!(ran.code == 1 && ran.err.contains(words), "{command}: {ran:?}");
        }
        assert_eq!(run(folder, "graph").code, 0, "a picture needs no digest");
    }
    fs::write(&file, format!("{image} {zeros}\n")).unwrap();
    fs::write(folder.join("cloud.yaml"), cloud(&[]).split("roles:").next().unwrap()).unwrap();
    let bare = run(folder, "check");
    assert!(
        bare.code == 0 && bare.err.contains("cloud.images.lock has 1 image, and the cloud has no containers"),
        "{bare:?}"
    );
    let page = run(folder, "explain platform-lock-differs");
    assert!(page.code == 0 && page.out.contains("another one for the same tag"), "{page:?}");
}

#[test]
fn wrong_usage_is_told_before_anyone_is_asked() {
    let digest = zeros();
    let folder = with(&[
        format!("registry.example.org/shop/web:1@{digest}"),
        "registry.example.org/shop/db:1".to_owned(),
    ]);
    let folder = folder.path();
    for (command, code, words) in [
        ("images pin --update web", 64, "name one of registry.example.org/shop/db:1"),
        ("images pin --update registry.example.org/shop/web:1", 64, "no container takes the digest"),
        ("images pin --lock other.lock", 64, "is beside it"),
        ("images pin --lab", 64, "`images pin` does not use --lab"),
        ("images resolve debian 12 -f cloud.yaml", 64, "`images resolve` does not use --file"),
    ] {
        let ran = run(folder, command);
        assert!(
            ran.code == code && ran.err.contains(words) && !ran.err.contains("asking"),
            "{command}: {ran:?}"
        );
    }
    let piped =
        fmc(folder, "images pin -f - --format yaml", &cloud(&["registry.example.org/shop/db:1".to_owned()]));
    assert!(piped.code == 64 && piped.err.contains("standard input has no place"), "{piped:?}");
    fs::write(folder.join("cloud.yaml"), cloud(&["nginx".to_owned()])).unwrap();
    let ran = run(folder, "images pin");
    assert!(ran.code == 1 && ran.err.contains("containers[0].image is not an image: \"nginx\""), "{ran:?}");
}

#[test]
fn a_program_gives_its_lock_to_the_cloud() {
    use fmc::k8s::container::Container;
    use fmc::k8s::platform::{Namespace, Platform};
    use fmc::k8s::quantity::CpuExt as _;
    use fmc::k8s::redis::Redis;
    use fmc::k8s::workload::Deployment;
    use fmc::prelude::*;

    let registry = Registry::start();
    registry.push("shop/web:1", "one", &["amd64"]);
    let (name, digest, stage) = (registry.name(), registry.digest("shop/web:1"), Stage::new());
    let image = format!("{name}/shop/web:1");
    let cloud = |lock: &str| {
        let web = Container::new("web", &image, 10.millicores(), 16.mib()).user(1000);
        let shop = Namespace::new("shop").deployment(Deployment::new("web", web)).redis(Redis::new(
            "store",
            &image,
            64.mib(),
        ));
        without_platform().role(Platform::on("prod").namespace(shop).image_lock(lock))
    };
    let pinned = stage.run(cloud(""), "images pin");
    assert!(pinned.code == 64 && pinned.err.contains("--lock FILE"), "{pinned:?}");
    stage.done(cloud(""), "images pin --lock images.lock");
    let lock = fs::read_to_string(stage.path().join("images.lock")).unwrap();
    assert!(lock.ends_with(&format!("\n{image} {digest}\n")), "{lock}");
    let listed = stage.done(cloud(&lock), "images list");
    assert!(
        listed.contains("lock       prod shop/store redis") && listed.contains("1 image, each with a digest"),
        "{listed}"
    );
    let found = |lock: &str| {
        cloud(lock).check().unwrap_err().findings().iter().map(|one| one.to_string()).collect::<String>()
    };
    let wrong = found("docker.io/nginx:1");
    assert!(
        wrong.contains("roles[0].platform.image_lock")
            && wrong.contains("line 1: a line is IMAGE:TAG sha256:"),
        "{wrong}"
    );
    assert!(
        found("").contains("no digest, and 1 more container has it")
            && !found(&lock).contains("has a tag and no digest"),
        "{}",
        found(&lock)
    );
    // A lock that the cloud states stays where it is.
    assert_eq!(fmc::file::to_json(&cloud(&lock)).unwrap().matches(&digest).count(), 1);
}

#[test]
fn the_page_shows_a_lock_as_it_is_written() {
    let page = include_str!("../../docs/images.md");
    let shown = page.split("```text\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    assert_eq!(fmc::k8s::image_lock::ImageLock::read(shown).unwrap().to_string(), shown);
}
