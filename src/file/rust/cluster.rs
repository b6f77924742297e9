//! K3s clusters as the Rust that says them.

use super::print::{Expr, quoted};
use super::{
    Member, Members, Unsaid, Value, array, list, literal, map, needed, only, place, rest, secret, text,
    variant_of,
};
use crate::file::tree::Node;

pub(super) fn cluster(name: &str, members: &Members<'_>) -> Result<Expr, Unsaid> {
    let version = literal(needed(members, "version")?)?;
    let mut cluster = Expr::new(format!("k3s::Cluster::new({}, {version})", quoted(name)));
    for Member { key, node, .. } in rest(members, &["version"]) {
        match key.as_ref() {
            "endpoint" => cluster.nest("endpoint", endpoint(node)?),
            "pods" | "services" | "cluster_dns" | "disable" => cluster.each(key, node)?,
            "datastore" => cluster.nest("datastore", datastore(map(node)?)?),
            "snapshots" => cluster.nest("snapshots", snapshots(map(node)?)?),
            "registries" => cluster.nest("registries", registries(map(node)?)?),
            "kubelet" => cluster.named("kubelet", node, dropin)?,
            "tuning" => tuning(map(node)?, &mut cluster)?,
            "config" | "server_config" | "agent_config" => cluster.nest(key, config(map(node)?)?),
            "install" | "agent_install" => cluster.nest(key, install(map(node)?)?),
            "credentials" => cluster.nest("credentials", credentials(map(node)?)?),
            "updates" => cluster.nest("updates", updates(node)?),
            "bootstrap" if matches!(node.value, Value::Map(_)) => {
                cluster.nest("bootstrap", bootstrap(map(node)?)?);
            }
            _ => cluster.plain(key, node)?,
        }
    }
    Ok(cluster)
}

fn endpoint(node: &Node<'_>) -> Result<Expr, Unsaid> {
    Ok(match only(node)? {
        ("balancer", Some(node)) => Expr::with_one("k3s::Endpoint::balancer", balancer(map(node)?)?),
        (kind @ ("address" | "name"), Some(node)) => {
            Expr::new(format!("k3s::Endpoint::{kind}({})", literal(node)?))
        }
        (kind, _) => Expr::new(format!("k3s::Endpoint::{kind}()")),
    })
}

fn balancer(members: &Members<'_>) -> Result<Expr, Unsaid> {
    let mut balancer = Expr::new(match list(needed(members, "machines")?)? {
        [one] => format!("Balancer::on({})", literal(one)?),
        several => format!("Balancer::on_all({})", array(several)?),
    });
    for Member { key, node, .. } in rest(members, &["machines"]) {
        match key.as_ref() {
            "software" => {
                let (kind, node) = only(node)?;
                let Some(traefik) = node else { return Err(format!("the balancer {kind}")) };
                let (url, digest) = place(map(traefik)?)?;
                balancer.call(
                    "software",
                    format!("Software::Traefik {{ url: {url}.into(), digest: {digest}.into() }}"),
                );
            }
            "ingress" => ingress(map(node)?, &mut balancer)?,
            _ => balancer.plain(key, node)?,
        }
    }
    Ok(balancer)
}

fn ingress(members: &Members<'_>, balancer: &mut Expr) -> Result<(), Unsaid> {
    for (setter, first, second) in
        [("ingress_ports", "http", "https"), ("ingress_node_ports", "node_http", "node_https")]
    {
        if let Some(ports) = pair(members, first, second)? {
            balancer.call(setter, ports);
        }
    }
    for Member { key, node, .. } in rest(members, &["http", "https", "node_http", "node_https"]) {
        match key.as_ref() {
            "on" => balancer.call("without_ingress", String::new()),
            "nodes" => balancer.plain("ingress_nodes", node)?,
            other => return Err(format!("`{other}` of a balancer")),
        }
    }
    Ok(())
}

/// Two values that one setter takes.
fn pair(members: &Members<'_>, first: &str, second: &str) -> Result<Option<String>, Unsaid> {
    match (members.get(first), members.get(second)) {
        (None, None) => Ok(None),
        (Some(one), Some(other)) => Ok(Some(format!("{}, {}", literal(&one.node)?, literal(&other.node)?))),
        _ => Err(format!("one of `{first}` and `{second}`, which one setter takes")),
    }
}

fn datastore(members: &Members<'_>) -> Result<Expr, Unsaid> {
    let mut datastore = Expr::with_one("k3s::Datastore::postgres", secret(needed(members, "endpoint")?)?);
    if let Some(ca) = members.get("ca") {
        datastore.nest("ca", secret(&ca.node)?);
    }
    match (members.get("certificate"), members.get("key")) {
        (None, None) => {}
        (Some(certificate), Some(key)) => {
            let arguments = format!("{}, {}", secret(&certificate.node)?.line(), secret(&key.node)?.line());
            datastore.call("certificate", arguments);
        }
        _ => return Err("a certificate without its key, or a key without its certificate".to_owned()),
    }
    Ok(datastore)
}

fn snapshots(members: &Members<'_>) -> Result<Expr, Unsaid> {
    let mut snapshots = Expr::new(match (members.get("enabled"), members.get("schedule")) {
        (Some(_), None) => "k3s::Snapshots::off()".to_owned(),
        (None, Some(schedule)) => format!("k3s::Snapshots::every({})", literal(&schedule.node)?),
        (None, None) => "k3s::Snapshots::new()".to_owned(),
        (Some(_), Some(_)) => return Err("a schedule of snapshots that are not made".to_owned()),
    });
    for Member { key, node, .. } in rest(members, &["enabled", "schedule"]) {
        match key.as_ref() {
            "compress" => snapshots.call("compressed", String::new()),
            "s3" => snapshots.nest("s3", s3(map(node)?)?),
            _ => snapshots.plain(key, node)?,
        }
    }
    Ok(snapshots)
}

fn s3(members: &Members<'_>) -> Result<Expr, Unsaid> {
    let mut s3 = Expr::new(format!("k3s::S3::bucket({})", literal(needed(members, "bucket")?)?));
    match (members.get("access_key"), members.get("secret_key")) {
        (None, None) => {}
        (Some(access), Some(key)) => {
            s3.call("keys", format!("{}, {}", literal(&access.node)?, secret(&key.node)?.line()));
        }
        _ => return Err("one of `access_key` and `secret_key`, which one setter takes".to_owned()),
    }
    for Member { key, node, .. } in rest(members, &["bucket", "access_key", "secret_key"]) {
        match key.as_ref() {
            "ca" => s3.nest("ca", secret(node)?),
            "insecure" => s3.call("insecure", String::new()),
            _ => s3.plain(key, node)?,
        }
    }
    Ok(s3)
}

fn registries(members: &Members<'_>) -> Result<Expr, Unsaid> {
    let mut registries = Expr::new("k3s::registries::Registries::new()".to_owned());
    for Member { key, node, .. } in members.iter() {
        match key.as_ref() {
            "mirrors" => registries.named("mirror", node, mirror)?,
            "access" => registries.named("access", node, access)?,
            other => return Err(format!("`{other}` of registries")),
        }
    }
    Ok(registries)
}

fn mirror(name: &str, members: &Members<'_>) -> Result<Expr, Unsaid> {
    let mut mirror = Expr::new(format!("k3s::registries::Mirror::of({})", quoted(name)));
    for Member { key, node, .. } in members.iter() {
        match key.as_ref() {
            "endpoints" => mirror.each("endpoint", node)?,
            "rewrites" => {
                for Member { key, node, .. } in map(node)?.iter() {
                    mirror.call("rewrite", format!("{}, {}", quoted(key), quoted(text(node)?)));
                }
            }
            other => return Err(format!("`{other}` of a mirror")),
        }
    }
    Ok(mirror)
}

fn access(name: &str, members: &Members<'_>) -> Result<Expr, Unsaid> {
    let mut access = Expr::new(format!("k3s::registries::Access::to({})", quoted(name)));
    if let Some(files) = pair(members, "cert_file", "key_file")? {
        access.call("certificate", files);
    }
    for Member { key, node, .. } in rest(members, &["cert_file", "key_file"]) {
        match key.as_ref() {
            "auth" => match only(node)? {
                ("user", Some(user)) => {
                    let user = map(user)?;
                    let password = secret(needed(user, "password")?)?.line();
                    access.call("password", format!("{}, {password}", literal(needed(user, "name")?)?));
                }
                ("token", Some(token)) => access.nest("token", secret(token)?),
                (other, _) => return Err(format!("`{other}` as what is shown to a registry")),
            },
            "insecure_skip_verify" => access.call("insecure_skip_verify", String::new()),
            _ => access.plain(key, node)?,
        }
    }
    Ok(access)
}

/// A setter of each field is its name in small letters.
fn dropin(name: &str, members: &Members<'_>) -> Result<Expr, Unsaid> {
    let mut dropin = Expr::new(format!("k3s::kubelet::Dropin::new({})", quoted(name)));
    for Member { key, node, .. } in members.iter() {
        let setter = snake(key);
        match &node.value {
            Value::Map(values) => {
                let values: Result<Vec<String>, Unsaid> = values
                    .iter()
                    .map(|member| Ok(format!("({}, {})", quoted(&member.key), literal(&member.node)?)))
                    .collect();
                let values = values?;
                // An empty array says of what it is.
                let none = if key == "featureGates" { "[(\"\", true); 0]" } else { "[(\"\", \"\"); 0]" };
                let pairs =
                    if values.is_empty() { none.to_owned() } else { format!("[{}]", values.join(", ")) };
                dropin.call(&setter, pairs);
            }
            _ => dropin.plain(&setter, node)?,
        }
    }
    Ok(dropin)
}

/// `imageGCHighThresholdPercent` is `image_gc_high_threshold_percent`.
fn snake(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut snake = String::with_capacity(name.len() + 4);
    for (index, letter) in letters.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|before| letters.get(before));
        let after = letters.get(index + 1);
        let begins = letter.is_ascii_uppercase()
            && (before.is_some_and(char::is_ascii_lowercase)
                || (before.is_some() && after.is_some_and(char::is_ascii_lowercase)));
        if begins {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

fn tuning(members: &Members<'_>, cluster: &mut Expr) -> Result<(), Unsaid> {
    for Member { key, node, .. } in members.iter() {
        match key.as_ref() {
            "sysctls" => {
                for Member { key, node, .. } in map(node)?.iter() {
                    cluster.call("sysctl", format!("{}, {}", quoted(key), quoted(text(node)?)));
                }
            }
            "modules" => cluster.each("module", node)?,
            other => return Err(format!("`{other}` of what is set in the kernel")),
        }
    }
    Ok(())
}

/// Each key is a constant of its name in capitals.
fn config(members: &Members<'_>) -> Result<Expr, Unsaid> {
    let mut config = Expr::new("k3s::Config::new()".to_owned());
    for Member { key, node, .. } in members.iter() {
        let value = match &node.value {
            Value::Map(_) => secret(node)?.line(),
            Value::List(values) => array(values)?,
            _ => literal(node)?,
        };
        config.call("set", format!("k3s::key::{}, {value}", key.to_uppercase().replace('-', "_")));
    }
    Ok(config)
}

fn install(members: &Members<'_>) -> Result<Expr, Unsaid> {
    let mut install = Expr::new("k3s::Install::release()".to_owned());
    for Member { key, node, .. } in members.iter() {
        let files = map(node)?;
        if key == "selinux_policy" {
            let (url, digest) = place(files)?;
            install.call(key, format!("{url}, {digest}"));
            continue;
        }
        for Member { key: arch, node, .. } in files.iter() {
            let arch = match arch.as_ref() {
                "x86_64" => "Arch::X86_64",
                "aarch64" => "Arch::Aarch64",
                other => return Err(format!("the architecture `{other}`")),
            };
            let (url, digest) = place(map(node)?)?;
            install.call(&format!("{key}_for"), format!("{arch}, {url}, {digest}"));
        }
    }
    Ok(install)
}

fn bootstrap(members: &Members<'_>) -> Result<Expr, Unsaid> {
    let mut mirror = Expr::new(format!("Mirror::on({})", literal(needed(members, "machine")?)?));
    for Member { key, node, .. } in rest(members, &["machine"]) {
        let mut body = |setter: &str, node: &Node<'_>| {
            let (url, digest) = place(map(node)?)?;
            mirror.call(setter, format!("{url}, {digest}"));
            Ok::<(), Unsaid>(())
        };
        match key.as_ref() {
            "files" => list(node)?.iter().try_for_each(|node| body("file", node))?,
            "server" => body("server", node)?,
            other => return Err(format!("`{other}` of a mirror")),
        }
    }
    Ok(mirror)
}

fn credentials(members: &Members<'_>) -> Result<Expr, Unsaid> {
    let mut credentials = Expr::new("k3s::pki::Credentials::new()".to_owned());
    for Member { key, node, .. } in members.iter() {
        match key.as_ref() {
            "authorities" => {
                for Member { key, node, .. } in map(node)?.iter() {
                    let own = map(node)?;
                    let (certificates, key_of) = (needed(own, "certificates")?, needed(own, "key")?);
                    let arguments = format!(
                        "{}, {}, {}",
                        variant_of("k3s::pki::Ca", key),
                        secret(certificates)?.line(),
                        secret(key_of)?.line()
                    );
                    credentials.call("authority", arguments);
                }
            }
            "generations" => {
                for Member { key, node, .. } in map(node)?.iter() {
                    credentials.call(
                        "generation",
                        format!("{}, {}", variant_of("k3s::pki::Part", key), literal(node)?),
                    );
                }
            }
            _ => credentials.nest(key, secret(node)?),
        }
    }
    Ok(credentials)
}

fn updates(node: &Node<'_>) -> Result<Expr, Unsaid> {
    Ok(Expr::new(match only(node)? {
        ("weekly", Some(from)) => format!("k3s::Updates::weekly({})", literal(from)?),
        (kind, _) => format!("k3s::Updates::{kind}()"),
    }))
}

#[cfg(test)]
mod tests {
    use super::snake;

    #[test]
    fn fields_of_a_kubelet_are_setters() {
        assert_eq!(snake("maxPods"), "max_pods");
        assert_eq!(snake("imageGCHighThresholdPercent"), "image_gc_high_threshold_percent");
        assert_eq!(snake("podPidsLimit"), "pod_pids_limit");
        assert_eq!(snake("imageMinimumGCAge"), "image_minimum_gc_age");
    }
}
