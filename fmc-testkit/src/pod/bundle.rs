//! The bundle of a container (*OCI Runtime Specification*): its root and its `config.json`, from a compiled workload.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};

use super::volumes::{self, Objects, TOKEN};
use super::{ADDRESS, HOST, Image, as_owner, seccomp};
use crate::Refused;
use crate::tree::{make_folder, write as write_bytes};

/// The folders of a root beside the mounts. Debian's `/usr` has the programs and their libraries.
const FOLDERS: [&str; 9] = ["dev", "etc", "home", "proc", "run", "sys", "tmp", "usr", "var"];

/// The capabilities of a container that drops none (containerd's default).
const CAPABILITIES: [&str; 14] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "NET_RAW",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// Fields of a pod that change how a container runs, and that this judge does not know.
const UNKNOWN: [&str; 7] = [
    "hostNetwork",
    "hostPID",
    "hostIPC",
    "hostUsers",
    "initContainers",
    "securityContext/sysctls",
    "hostAliases",
];

/// What the judge asks of a container that runs.
pub(super) struct Written {
    pub(super) ready: Option<Value>,
    pub(super) alive: Option<Value>,
    ports: BTreeMap<String, u16>,
}

impl Written {
    /// The number of a port, which is given by its name or its number.
    pub(super) fn port(&self, port: &Value) -> Option<u16> {
        match port.as_str() {
            Some(name) => self.ports.get(name).copied(),
            None => port.as_u64().and_then(|number| u16::try_from(number).ok()),
        }
    }
}

/// A workload's pod, and the one of its containers that is run.
struct Given<'a> {
    objects: Objects<'a>,
    workload: &'a str,
    pod: &'a Value,
    container: &'a Value,
    claims: Vec<&'a str>,
}

/// Writes the bundle of a container into a folder.
pub(super) fn write(
    folder: &Path,
    objects: &[Value],
    [kind, namespace, name]: [&str; 3],
    container: &str,
    image: &Image,
) -> Result<Written, Refused> {
    let objects = Objects { all: objects, namespace };
    let given = given(objects, objects.find(kind, name)?, name, container);
    make_root(folder, image);
    let (user, group) = given.user(image)?;
    let mounts = given.mounts(folder)?;
    let process = given.process(image, (user, group))?;
    let capabilities = given.capabilities();
    let seccomp = given.security("seccompProfile").map(|profile| match text(profile, "type") {
        "RuntimeDefault" => seccomp::filter(&capabilities),
        other => unknown("a seccomp profile", other),
    });
    let is_read_only = given.security("readOnlyRootFilesystem").and_then(Value::as_bool).unwrap_or(false);
    let namespaces: Vec<Value> =
        ["pid", "ipc", "uts", "mount"].iter().map(|kind| json!({ "type": kind })).collect();
    let mut linux = json!({
        "namespaces": namespaces,
        "maskedPaths": ["/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
            "/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/sys/firmware"],
        "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
    });
    if let (Some(seccomp), Some(linux)) = (seccomp, linux.as_object_mut()) {
        linux.insert("seccomp".to_owned(), seccomp);
    }
    let config = json!({
        "ociVersion": "1.0.0", "hostname": HOST, "process": process, "mounts": mounts, "linux": linux,
        "root": { "path": "rootfs", "readonly": is_read_only },
    });
    write_bytes(&folder.join("config.json"), config.to_string().as_bytes());
    let probe = |key: &str| given.container.get(key).cloned();
    Ok(Written { ready: probe("readinessProbe"), alive: probe("livenessProbe"), ports: given.ports() })
}

#[expect(clippy::panic, reason = "a mistake of the test")]
fn given<'a>(objects: Objects<'a>, workload: &'a Value, name: &'a str, container: &str) -> Given<'a> {
    let Some(pod) = workload.pointer("/spec/template/spec") else { panic!("{name} has no pods") };
    for field in UNKNOWN {
        if pod.pointer(&format!("/{field}")).is_some() {
            unknown("a field of a pod", field)
        }
    }
    let named = list(pod, "containers").find(|one| text(one, "name") == container);
    let Some(container) = named else { panic!("{name} has no container {container}") };
    let templates = workload.pointer("/spec/volumeClaimTemplates").and_then(Value::as_array);
    let claims =
        templates.into_iter().flatten().filter_map(|claim| claim.pointer("/metadata/name")?.as_str());
    Given { objects, workload: name, pod, container, claims: claims.collect() }
}

impl Given<'_> {
    /// A field of the security context: the container's, or else the pod's.
    fn security(&self, field: &str) -> Option<&Value> {
        let path = format!("/securityContext/{field}");
        self.container.pointer(&path).or_else(|| self.pod.pointer(&path))
    }

    /// The user and its group, which is that of the image's own list of users, or root's.
    fn user(&self, image: &Image) -> Result<(u64, u64), Refused> {
        let number = |field: &str| self.security(field).and_then(Value::as_u64);
        let own = image.users.first().map_or(0, |(_, user, _)| u64::from(*user));
        let user = number("runAsUser").unwrap_or(own);
        let must_not_be_root = self.security("runAsNonRoot").and_then(Value::as_bool).unwrap_or(false);
        if must_not_be_root && user == 0 {
            return Err(Refused::new("pod", "container has runAsNonRoot and image will run as root"));
        }
        if self.security("privileged").and_then(Value::as_bool).unwrap_or(false) {
            unknown("a privileged container", self.workload)
        }
        let listed = image.users.iter().find(|(_, number, _)| u64::from(*number) == user);
        let group = listed.map_or(0, |(.., group)| u64::from(*group));
        Ok((user, number("runAsGroup").unwrap_or(group)))
    }

    /// The group of the volumes that the pod may write.
    fn volume_group(&self) -> Option<u64> {
        self.pod.pointer("/securityContext/fsGroup").and_then(Value::as_u64)
    }

    fn capabilities(&self) -> BTreeSet<String> {
        let listed = |side: &str| -> BTreeSet<&str> {
            let words = self.container.pointer(&format!("/securityContext/capabilities/{side}"));
            words.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
        };
        let (add, drop) = (listed("add"), listed("drop"));
        let kept = CAPABILITIES.into_iter().filter(|one| !drop.contains("ALL") && !drop.contains(one));
        kept.chain(add).map(|one| format!("CAP_{one}")).collect()
    }

    fn process(&self, image: &Image, (user, group): (u64, u64)) -> Result<Value, Refused> {
        let variables = self.variables()?;
        let given = |key: &str| -> Option<Vec<String>> {
            let words = self.container.get(key)?.as_array()?;
            Some(words.iter().filter_map(Value::as_str).map(|word| expanded(word, &variables)).collect())
        };
        let own = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let arguments = match (given("command"), given("args")) {
            (Some(command), arguments) => [command, arguments.unwrap_or_default()].concat(),
            (None, Some(arguments)) => [own(image.entry_point), arguments].concat(),
            (None, None) => [own(image.entry_point), own(image.command)].concat(),
        };
        let path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned();
        let environment: Vec<String> = [path, format!("HOSTNAME={HOST}")]
            .into_iter()
            .chain(variables.iter().map(|(name, value)| format!("{name}={value}")))
            .collect();
        let capabilities = self.capabilities();
        let sets = ["bounding", "effective", "permitted"].map(|set| (set.to_owned(), json!(capabilities)));
        let may_gain = self.security("allowPrivilegeEscalation").and_then(Value::as_bool).unwrap_or(true);
        Ok(json!({
            "terminal": false,
            "user": { "uid": user, "gid": group, "additionalGids": self.volume_group().into_iter().collect::<Vec<_>>() },
            "args": arguments,
            "env": environment,
            "cwd": self.container.get("workingDir").and_then(Value::as_str).unwrap_or("/"),
            "capabilities": sets.into_iter().collect::<Value>(),
            "noNewPrivileges": !may_gain,
        }))
    }

    /// The variables of the container, in their order: those of the services beside it, which a kubelet adds, come first.
    fn variables(&self) -> Result<Vec<(String, String)>, Refused> {
        let mut all = self.links();
        for variable in list(self.container, "env") {
            let from = |of: &str| variable.pointer(&format!("/valueFrom/{of}"));
            let object = |kind: &str, of: &Value| self.objects.bytes(kind, text(of, "name"), text(of, "key"));
            let value = if let Some(of) = from("secretKeyRef") {
                String::from_utf8_lossy(&object("Secret", of)?).into_owned()
            } else if let Some(of) = from("configMapKeyRef") {
                String::from_utf8_lossy(&object("ConfigMap", of)?).into_owned()
            } else if let Some(of) = from("fieldRef") {
                match text(of, "fieldPath") {
                    "metadata.name" => format!("{}-0", self.workload),
                    "metadata.namespace" => self.objects.namespace.to_owned(),
                    "status.podIP" => ADDRESS.to_owned(),
                    other => unknown("a field of a pod", other),
                }
            } else if variable.get("valueFrom").is_some() {
                unknown("a variable", &variable.to_string())
            } else {
                expanded(text(variable, "value"), &all)
            };
            let name = text(variable, "name").to_owned();
            all.retain(|(known, _)| *known != name);
            all.push((name, value));
        }
        Ok(all)
    }

    /// The variables of the namespace's services with an address: `SESSIONS_PORT=tcp://10.43.0.10:6379` and more.
    fn links(&self) -> Vec<(String, String)> {
        if self.pod.get("enableServiceLinks").and_then(Value::as_bool) == Some(false) {
            return Vec::new();
        }
        let is_here = |object: &&Value| {
            let has = |path: &str, is: &str| object.pointer(path).is_some_and(|text| text == is);
            has("/kind", "Service")
                && has("/metadata/namespace", self.objects.namespace)
                && !has("/spec/clusterIP", "None")
        };
        let services = self.objects.all.iter().filter(is_here).enumerate();
        let variables = services.flat_map(|(index, service)| {
            let name = service.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
            let name = name.to_ascii_uppercase().replace('-', "_");
            let address = format!("10.43.0.{}", 10 + index);
            let port = service.pointer("/spec/ports/0/port").and_then(Value::as_u64).unwrap_or_default();
            let url = format!("tcp://{address}:{port}");
            [
                (format!("{name}_SERVICE_HOST"), address.clone()),
                (format!("{name}_SERVICE_PORT"), port.to_string()),
                (format!("{name}_PORT"), url.clone()),
                (format!("{name}_PORT_{port}_TCP"), url),
                (format!("{name}_PORT_{port}_TCP_ADDR"), address),
            ]
        });
        variables.collect()
    }

    /// What every container has, and then the mounts of this one, the outer ones first.
    fn mounts(&self, folder: &Path) -> Result<Vec<Value>, Refused> {
        let group = self.volume_group();
        let with = |at: &str, kind: &str, options: &[&str]| json!({ "destination": at, "type": kind, "source": kind, "options": options });
        let bind = |at: &str, from: &Path, access: &str| json!({ "destination": at, "type": "bind", "source": from, "options": ["rbind", "rprivate", access] });
        let mut all = vec![
            with("/proc", "proc", &["nosuid", "noexec", "nodev"]),
            with("/dev", "tmpfs", &["nosuid", "strictatime", "mode=755", "size=65536k"]),
            with(
                "/dev/pts",
                "devpts",
                &["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
            ),
            with("/dev/shm", "tmpfs", &["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]),
            with("/dev/mqueue", "mqueue", &["nosuid", "noexec", "nodev"]),
            with("/sys", "sysfs", &["nosuid", "noexec", "nodev", "ro"]),
            bind("/usr", Path::new("/usr"), "ro"),
        ];
        let mut mounts: Vec<(&str, &str, bool)> = list(self.container, "volumeMounts")
            .map(|mount| {
                if let Some(field) =
                    ["subPath", "subPathExpr", "mountPropagation"].iter().find(|key| mount.get(key).is_some())
                {
                    unknown("a field of a mount", field)
                }
                let is_read_only = mount.get("readOnly").and_then(Value::as_bool).unwrap_or(false);
                (text(mount, "mountPath"), text(mount, "name"), is_read_only)
            })
            .collect();
        mounts.sort_unstable();
        for (path, name, is_read_only) in mounts {
            let named = list(self.pod, "volumes").find(|volume| text(volume, "name") == name);
            let claim = json!({ "claim": {} });
            let volume = match named {
                Some(volume) => volume,
                None if self.claims.contains(&name) => &claim,
                None => return Err(Refused::new("pod", format!("no volume {name} for {path}"))),
            };
            volumes::lay(folder, self.objects, name, volume, group)?;
            // Texts and secrets cannot be written, whatever the mount says.
            let is_text = ["configMap", "secret", "projected"].iter().any(|kind| volume.get(kind).is_some());
            let access = if is_read_only || is_text { "ro" } else { "rw" };
            all.push(bind(path, &volumes::folder(folder, name), access));
        }
        let account = self.pod.get("serviceAccountName").is_some();
        let has_token = self.pod.get("automountServiceAccountToken").and_then(Value::as_bool);
        if account && has_token != Some(false) {
            volumes::lay(folder, self.objects, TOKEN, &volumes::token(), group)?;
            let at = "/var/run/secrets/kubernetes.io/serviceaccount";
            all.push(bind(at, &volumes::folder(folder, TOKEN), "ro"));
        }
        Ok(all)
    }

    fn ports(&self) -> BTreeMap<String, u16> {
        let ports = list(self.container, "ports").filter_map(|port| {
            let number = port.get("containerPort").and_then(Value::as_u64)?;
            Some((text(port, "name").to_owned(), u16::try_from(number).ok()?))
        });
        ports.collect()
    }
}

/// Makes the root: empty but for what every image has, and what this one has.
fn make_root(folder: &Path, image: &Image) {
    let root = folder.join("rootfs");
    for name in FOLDERS {
        make_folder(&root.join(name));
    }
    write_text(&root, "etc/hosts", &format!("127.0.0.1 localhost\n{ADDRESS} {HOST}\n"));
    write_text(&root, "etc/resolv.conf", "");
    let lines = |line: fn(&(&str, u32, u32)) -> String| -> String {
        [("root", 0, 0)].iter().chain(image.users).map(line).collect()
    };
    write_text(
        &root,
        "etc/passwd",
        &lines(|(name, user, group)| format!("{name}:x:{user}:{group}::/:/bin/sh\n")),
    );
    write_text(&root, "etc/group", &lines(|(name, _, group)| format!("{name}:x:{group}:\n")));
    write_text(&root, "entrypoint.sh", image.script);
    let links = "cd \"$1\"; for name in bin sbin lib lib64; do [ ! -e \"/usr/$name\" ] || ln -s \"usr/$name\" .; done; \
                 ln -s ../run var/run; chown -Rh 0:0 .; chmod -R u=rwX,go=rX .; chmod 1777 tmp";
    as_owner(links, &root);
}

fn write_text(root: &Path, path: &str, text: &str) {
    write_bytes(&root.join(path), text.as_bytes());
}

/// The text of a field, or an empty one.
fn text<'a>(of: &'a Value, key: &str) -> &'a str {
    of.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The members of a list, which may be missing.
fn list<'a>(of: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    of.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// A word with the variables in it, as `$(NAME)`. `$$` is a dollar sign, and a name that is not known stays as it is.
fn expanded(word: &str, variables: &[(String, String)]) -> String {
    let mut done = String::new();
    let mut rest = word;
    while let Some((before, after)) = rest.split_once('$') {
        done += before;
        let named = after.strip_prefix('(').and_then(|after| after.split_once(')'));
        rest = match (named, after.strip_prefix('$')) {
            (_, Some(after)) => {
                done.push('$');
                after
            }
            (Some((name, after)), None) => {
                let value =
                    variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
                match value {
                    Some(value) => done += value,
                    None => done += &format!("$({name})"),
                }
                after
            }
            (None, None) => {
                done.push('$');
                after
            }
        };
    }
    done + rest
}

#[expect(clippy::panic, reason = "a judge must not pass over what it does not know")]
fn unknown(what: &str, which: &str) -> ! {
    panic!("{what} that this judge does not know: {which}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_in_words_are_filled_in_as_a_kubelet_does() {
        let variables = [("A".to_owned(), "one".to_owned())];
        for (word, filled) in [
            ("$(A)-$(A)", "one-one"),
            ("$(B)", "$(B)"),
            ("$$(A)", "$(A)"),
            ("100$", "100$"),
            ("$A", "$A"),
            ("$(A", "$(A"),
        ] {
            assert_eq!(expanded(word, &variables), filled);
        }
    }
}
