//! The leaves of K3s clusters.

use super::Leaves;
use crate::finding::{At, ValueProblem};
use crate::k3s::{ByArch, Cluster, Datastore, Download, Endpoint, Install, S3, Snapshots, Updates};
use crate::named::Keyed as _;
use crate::secret::Secret;

impl Leaves<'_> {
    pub(super) fn cluster(&mut self, cluster: &Cluster, at: &At<'_>) {
        let Cluster {
            name,
            version,
            endpoint,
            servers,
            agents,
            initial,
            pods,
            services,
            cluster_dns,
            cluster_domain,
            flannel,
            secrets_encryption,
            disable,
            egress,
            datastore,
            snapshots,
            cis: _,
            registries,
            kubelet,
            tuning,
            config,
            server_config,
            agent_config,
            install,
            bootstrap,
            ingress,
            credentials,
            upgraded_from,
            agent_version,
            agent_install,
            updates,
        } = cluster;
        self.one(name, at);
        self.one(version, &at.key("version"));
        self.endpoint(endpoint, &at.key("endpoint"));
        self.each(servers, &at.key("servers"));
        self.each(agents, &at.key("agents"));
        self.maybe(initial.as_ref(), &at.key("initial"));
        self.each(pods, &at.key("pods"));
        self.each(services, &at.key("services"));
        self.each(cluster_dns, &at.key("cluster_dns"));
        self.maybe(cluster_domain.as_ref(), &at.key("cluster_domain"));
        self.maybe(flannel.as_ref(), &at.key("flannel"));
        self.maybe(secrets_encryption.as_ref(), &at.key("secrets_encryption"));
        self.each(disable, &at.key("disable"));
        self.maybe(egress.as_ref(), &at.key("egress"));
        if let Some(datastore) = datastore {
            self.datastore(datastore, &at.key("datastore"));
        }
        if let Some(snapshots) = snapshots {
            self.snapshots(snapshots, &at.key("snapshots"));
        }
        registries.check(&at.key("registries"), self.findings);
        for dropin in kubelet {
            dropin.check(&at.key("kubelet").name(dropin.name()), self.findings);
        }
        tuning.check(&at.key("tuning"), self.findings);
        config.check(&at.key("config"), self.findings);
        server_config.check(&at.key("server_config"), self.findings);
        agent_config.check(&at.key("agent_config"), self.findings);
        self.install(install, &at.key("install"));
        if let Some(mirror) = bootstrap {
            mirror.check_leaves(&at.key("bootstrap"), self.findings);
        }
        self.each(ingress, &at.key("ingress"));
        // A wrong name is told of above.
        let named = name.ok().map_or("unnamed", |name| name.as_str());
        credentials.checked(named, &at.key("credentials"), self.findings);
        self.maybe(upgraded_from.as_ref(), &at.key("upgraded_from"));
        self.maybe(agent_version.as_ref(), &at.key("agent_version"));
        if let Some(install) = agent_install {
            self.install(install, &at.key("agent_install"));
        }
        match updates {
            Updates::Weekly(from) => self.one(from, &at.key("updates").key("weekly")),
            Updates::Off => {}
        }
    }

    fn endpoint(&mut self, endpoint: &Endpoint, at: &At<'_>) {
        match endpoint {
            Endpoint::Server => {}
            Endpoint::Balancer(balancer) => balancer.check_leaves(&at.key("balancer"), self.findings),
            Endpoint::Address(address) => self.one(address, &at.key("address")),
            Endpoint::Name(name) => self.one(name, &at.key("name")),
        }
    }

    fn secret(&mut self, secret: Option<&Secret>, at: &At<'_>) {
        if let Some(secret) = secret {
            secret.checked(at, self.findings);
        }
    }

    fn datastore(&mut self, datastore: &Datastore, at: &At<'_>) {
        let Datastore { endpoint, ca, certificate, key } = datastore;
        self.secret(Some(endpoint), &at.key("endpoint"));
        self.secret(ca.as_ref(), &at.key("ca"));
        self.secret(certificate.as_ref(), &at.key("certificate"));
        self.secret(key.as_ref(), &at.key("key"));
        if certificate.is_some() != key.is_some() {
            let missing = if certificate.is_some() { "key" } else { "certificate" };
            let what = "the certificate by which the database knows K3s";
            self.wrong(at, ValueProblem::Unpaired { what, missing, both: "both, `certificate` and `key`" });
        }
    }

    fn snapshots(&mut self, snapshots: &Snapshots, at: &At<'_>) {
        let Snapshots { enabled: _, schedule, keep, compress: _, s3 } = snapshots;
        self.maybe(schedule.as_ref(), &at.key("schedule"));
        self.maybe(keep.as_ref(), &at.key("keep"));
        let Some(s3) = s3 else { return };
        let at = at.key("s3");
        let S3 { bucket, endpoint, region, folder, access_key, secret_key, ca, lookup, timeout, insecure: _ } =
            s3;
        self.one(bucket, &at.key("bucket"));
        self.maybe(endpoint.as_ref(), &at.key("endpoint"));
        self.maybe(region.as_ref(), &at.key("region"));
        self.maybe(folder.as_ref(), &at.key("folder"));
        self.maybe(access_key.as_ref(), &at.key("access_key"));
        self.secret(secret_key.as_ref(), &at.key("secret_key"));
        self.secret(ca.as_ref(), &at.key("ca"));
        self.maybe(lookup.as_ref(), &at.key("lookup"));
        self.maybe(timeout.as_ref(), &at.key("timeout"));
        if access_key.is_some() != secret_key.is_some() {
            let missing = if access_key.is_some() { "secret_key" } else { "access_key" };
            let (what, both) = ("the key of the S3 service", "both, `access_key` and `secret_key`");
            self.wrong(&at, ValueProblem::Unpaired { what, missing, both });
        }
    }

    fn install(&mut self, install: &Install, at: &At<'_>) {
        let Install { binary, sysext, images, selinux_policy } = install;
        for (key, files) in [("binary", binary), ("sysext", sysext), ("images", images)] {
            let at = at.key(key);
            let ByArch { x86_64, aarch64 } = files;
            self.download(x86_64.as_ref(), &at.key("x86_64"));
            self.download(aarch64.as_ref(), &at.key("aarch64"));
        }
        self.download(selinux_policy.as_ref(), &at.key("selinux_policy"));
    }

    fn download(&mut self, download: Option<&Download>, at: &At<'_>) {
        if let Some(Download { url, digest }) = download {
            self.one(url, &at.key("url"));
            self.one(digest, &at.key("digest"));
        }
    }
}
