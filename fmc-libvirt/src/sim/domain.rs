//! Domains of the simulated hypervisor.

use std::time::Duration;

use roxmltree::Node;
use uuid::Uuid;

use super::network::bridge_of;
use super::state::{Domain, Live, State};
use super::trouble::Trouble;
use super::xml;
use crate::link::{DomainRecord, SnapshotRecord, Suspended};

impl State {
    pub(super) fn domain_record(&self, name: &str) -> Option<DomainRecord> {
        let domain = self.domains.get(name)?;
        Some(DomainRecord {
            name: name.to_owned(),
            xml: domain.xml.clone(),
            live_xml: domain.live.as_ref().map(|live| live.xml.clone()),
            active: domain.live.is_some(),
            autostart: domain.autostart,
            persistent: !domain.transient,
            suspended: match &domain.live {
                Some(live) => live.paused.clone().map(Suspended::Paused),
                None => domain.saved.as_ref().map(|_| Suspended::Saved),
            },
            snapshots: domain
                .snapshots
                .iter()
                .map(|name| SnapshotRecord { name: name.clone(), internal: true })
                .collect(),
        })
    }

    pub(super) fn define_domain(&mut self, text: &str) -> Result<(), Trouble> {
        let document = xml::parse(text, "domain")?;
        let root = document.root_element();
        let name = xml::required(root, &["name"])?;
        let uuid = uuid_of(root, name)?;
        match (self.domains.get(name), self.domain_uuids.get(&uuid)) {
            (Some(there), _) if there.uuid != uuid => {
                let there = there.uuid;
                return Err(Trouble::failed(format!(
                    "operation failed: domain '{name}' already exists with uuid {there}"
                )));
            }
            (None, Some(other)) => {
                return Err(Trouble::failed(format!(
                    "operation failed: domain '{other}' is already defined with uuid {uuid}"
                )));
            }
            _ => {}
        }
        let hypervisor = root.attribute("type").unwrap_or_default();
        if !self.host.domain_types.iter().any(|known| known == hypervisor) {
            return Err(Trouble::failed(format!(
                "invalid argument: could not find capabilities for domaintype={hypervisor} "
            )));
        }
        if xml::at(root, &["memory"]).and_then(|memory| memory.text()).is_none_or(|text| text.trim() == "0") {
            return Err(Trouble::failed(
                "XML error: Memory size must be specified via <memory> or in the <numa> configuration",
            ));
        }
        for interface in interfaces(root) {
            if let Some(mac) = xml::child(interface, "mac").and_then(|mac| mac.attribute("address"))
                && is_multicast(mac)
            {
                return Err(Trouble::failed(format!(
                    "XML error: expected unicast mac address, found multicast '{mac}'"
                )));
            }
        }
        let written = with_defaults(text, root);
        let name = name.to_owned();
        let files = files(root).map(str::to_owned).collect::<Vec<_>>();
        self.domain_uuids.insert(uuid, name.clone());
        let domain = self.domains.entry(name).or_insert(Domain {
            uuid,
            xml: String::new(),
            live: None,
            autostart: false,
            transient: false,
            snapshots: Vec::new(),
            saved: None,
            files: Vec::new(),
        });
        (domain.xml, domain.files, domain.transient) = (written, files, false);
        Ok(())
    }

    pub(super) fn start_domain(&mut self, name: &str) -> Result<(), Trouble> {
        let domain = self.known_domain(name)?;
        if domain.live.is_some() {
            return Err(Trouble::failed("Requested operation is not valid: domain is already running"));
        }
        // libvirt goes on with a saved guest as it was, whatever the definition says now.
        let saved = domain.saved.clone();
        let text = saved.as_ref().map_or_else(|| domain.xml.clone(), Live::unplugged);
        let document = xml::parse(&text, "domain")?;
        let root = document.root_element();
        for interface in interfaces(root) {
            self.plug(interface)?;
        }
        for path in files(root) {
            self.open_chain(path)?;
            self.use_volume(path);
        }
        let answers = saved.as_ref().map_or_else(|| self.has_system(root), |saved| saved.answers);
        if let Some(path) = log_of(root).filter(|_| saved.is_none()) {
            let said = self.host.says.get(name).map_or_else(
                || if answers { "Booting from Hard Disk...\n" } else { "No bootable device.\n" }.to_owned(),
                String::clone,
            );
            self.write_console(path, &said);
        }
        let id = self.host.next_id;
        self.host.next_id = self.host.next_id.saturating_add(1);
        let mut xml = text.replacen("<domain ", &format!("<domain id='{id}' "), 1);
        let ports = self.connect(root, id, &mut xml);
        let boots = self.host.boots.get(name).copied().unwrap_or(Some(0)).filter(|_| answers);
        let off_at = self
            .host
            .dies
            .get(name)
            .map(|seconds| self.host.now.saturating_add(seconds.saturating_mul(1000)));
        let up_at = boots.map(|seconds| self.host.now.saturating_add(seconds.saturating_mul(1000)));
        if let Some(domain) = self.domains.get_mut(name) {
            domain.live = Some(match domain.saved.take() {
                Some(saved) => Live { xml, id, ports, ..saved },
                None => Live { xml, answers, up_at, id, paused: None, off_at, ports },
            });
        }
        Ok(())
    }

    /// Plugs a guest into its networks, and writes the ports into its document.
    fn connect(&mut self, root: Node<'_, '_>, id: u64, xml: &mut String) -> Vec<(String, Uuid)> {
        let mut ports = Vec::new();
        for interface in interfaces(root) {
            let source = xml::child(interface, "source").and_then(|source| source.attribute("network"));
            if let Some((name, network)) = source.and_then(|name| Some((name, self.networks.get_mut(name)?)))
            {
                let port = Uuid::new_v5(&network.uuid, format!("{id}/{}", ports.len()).as_bytes());
                network.ports.insert(port);
                *xml = xml.replacen(
                    &format!("<source network='{name}'/>"),
                    &format!("<source network='{name}' portid='{port}'/>"),
                    1,
                );
                ports.push((name.to_owned(), port));
            }
        }
        ports
    }

    /// Unplugs a guest that went off from its networks.
    pub(super) fn disconnect(&mut self, ports: &[(String, Uuid)]) {
        for (name, port) in ports {
            if let Some(network) = self.networks.get_mut(name) {
                network.ports.remove(port);
            }
        }
    }

    pub(super) fn shutdown_domain(&mut self, name: &str) -> Result<(), Trouble> {
        let at = self.host.now.saturating_add(self.host.shutdown_seconds.saturating_mul(1000));
        let live = self.running(name)?;
        if live.answers && live.paused.is_none() {
            live.off_at.get_or_insert(at);
        }
        Ok(())
    }

    pub(super) fn domain_is_active(&self, name: &str) -> Result<bool, Trouble> {
        Ok(self.known_domain(name)?.live.is_some())
    }

    pub(super) fn destroy_domain(&mut self, name: &str) -> Result<(), Trouble> {
        self.known_domain(name)?;
        if let Some(live) = self.domains.get_mut(name).and_then(|domain| domain.live.take()) {
            self.disconnect(&live.ports);
        }
        self.forget_transient();
        Ok(())
    }

    /// Domains that were undefined while they ran are gone once they are off.
    pub(super) fn forget_transient(&mut self) {
        let Self { domains, domain_uuids, .. } = self;
        domains.retain(|_, domain| {
            let stays = !domain.transient || domain.live.is_some();
            if !stays {
                domain_uuids.remove(&domain.uuid);
            }
            stays
        });
    }

    pub(super) fn undefine_domain(&mut self, name: &str) -> Result<(), Trouble> {
        if self.known_domain(name)?.live.is_some() {
            return Err(Trouble::failed("Requested operation is not valid: domain is still running"));
        }
        if let Some(domain) = self.domains.remove(name) {
            self.domain_uuids.remove(&domain.uuid);
        }
        Ok(())
    }

    pub(super) fn forget_snapshots(&mut self, name: &str) -> Result<(), Trouble> {
        self.known_domain(name)?;
        if let Some(domain) = self.domains.get_mut(name) {
            domain.snapshots.clear();
        }
        Ok(())
    }

    /// `qemuDomainRename`: only a defined domain that is off, to a name that is free.
    pub(super) fn rename_domain(&mut self, name: &str, to: &str) -> Result<(), Trouble> {
        let domain = self.known_domain(name)?;
        if domain.live.is_some() {
            return Err(Trouble::failed("Requested operation is not valid: cannot rename active domain"));
        }
        if !domain.snapshots.is_empty() {
            return Err(Trouble::failed("operation failed: cannot rename domain with snapshots"));
        }
        if self.domains.contains_key(to) {
            return Err(Trouble::failed(format!("operation failed: domain with name '{to}' already exists")));
        }
        if let Some(mut domain) = self.domains.remove(name) {
            let (old, new) = (format!("<name>{name}</name>"), format!("<name>{to}</name>"));
            domain.xml = domain.xml.replacen(&old, &new, 1);
            self.domain_uuids.insert(domain.uuid, to.to_owned());
            self.domains.insert(to.to_owned(), domain);
        }
        Ok(())
    }

    pub(super) fn set_domain_autostart(&mut self, name: &str, on: bool) -> Result<(), Trouble> {
        if self.known_domain(name)?.transient {
            return Err(Trouble::failed(
                "Requested operation is not valid: cannot set autostart for transient domain",
            ));
        }
        if let Some(domain) = self.domains.get_mut(name) {
            domain.autostart = on;
        }
        Ok(())
    }

    pub(super) fn resize_block(&mut self, name: &str, path: &str, bytes: u64) -> Result<(), Trouble> {
        let live = self.running(name)?.xml.clone();
        let document = xml::parse(&live, "domain")?;
        if !files(document.root_element()).any(|file| file == path) {
            return Err(Trouble::failed(format!(
                "invalid argument: invalid path {path} not assigned to domain"
            )));
        }
        let (folder, volume) = path.rsplit_once('/').unwrap_or_default();
        let pool = self.pools.iter().find(|(_, pool)| pool.path == folder).map(|(name, _)| name.clone());
        self.resize_volume(&pool.unwrap_or_default(), volume, bytes)
    }

    /// Advances the time: guests that were asked to shut down go off.
    pub(super) fn wait(&mut self, time: Duration) {
        self.host.now = self.host.now.saturating_add(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        let now = self.host.now;
        let off = |live: &mut Live| live.off_at.is_some_and(|at| at <= now);
        let gone: Vec<Live> =
            self.domains.values_mut().filter_map(|domain| domain.live.take_if(off)).collect();
        if !gone.is_empty() {
            self.forget_transient();
        }
        for live in gone {
            self.disconnect(&live.ports);
        }
    }

    fn known_domain(&self, name: &str) -> Result<&Domain, Trouble> {
        self.domains.get(name).ok_or_else(|| {
            Trouble::absent(format!("Domain not found: no domain with matching name '{name}'"))
        })
    }

    pub(super) fn running(&mut self, name: &str) -> Result<&mut Live, Trouble> {
        self.known_domain(name)?;
        self.domains
            .get_mut(name)
            .and_then(|domain| domain.live.as_mut())
            .ok_or_else(|| Trouble::failed("Requested operation is not valid: domain is not running"))
    }

    fn plug(&self, interface: Node<'_, '_>) -> Result<(), Trouble> {
        let Some(source) = xml::child(interface, "source") else { return Ok(()) };
        if let Some(name) = source.attribute("network") {
            let network = self.networks.get(name).ok_or_else(|| {
                Trouble::failed(format!("Network not found: no network with matching name '{name}'"))
            })?;
            let Some(live) = &network.live else {
                return Err(Trouble::failed(format!(
                    "Requested operation is not valid: network '{name}' is not active"
                )));
            };
            let lost = Some(&self.host.lost_bridges).filter(|lost| !lost.is_empty());
            if let Some(bridge) = lost.and_then(|lost| lost.get(&bridge_of(live)?)) {
                return Err(no_bridge(bridge));
            }
            // A network has a line for each guest, so it is parsed only if that matters.
            if live.contains("<forward mode='bridge'") || live.contains("<forward mode=\"bridge\"") {
                let document = xml::parse(live, "network")?;
                let bridge = xml::child(document.root_element(), "bridge");
                if let Some(bridge) = bridge.and_then(|bridge| bridge.attribute("name")) {
                    self.has_bridge(bridge)?;
                }
            }
        }
        source.attribute("bridge").map_or(Ok(()), |bridge| self.has_bridge(bridge))
    }

    fn has_bridge(&self, bridge: &str) -> Result<(), Trouble> {
        match &self.host.bridges {
            Some(known) if !known.contains(bridge) => Err(no_bridge(bridge)),
            _ => Ok(()),
        }
    }

    /// Opens a file and its backing files.
    fn open_chain(&self, path: &str) -> Result<(), Trouble> {
        let mut path = path;
        loop {
            if !self.has_file(path) {
                return Err(Trouble::failed(format!(
                    "Cannot access storage file '{path}': No such file or directory"
                )));
            }
            match self.volume_at(path).flatten().and_then(|volume| volume.backing.as_deref()) {
                Some(under) => path = under,
                None => return Ok(()),
            }
        }
    }

    /// Whether a guest has an operating system: a kernel, or a disk that is not a blank volume.
    fn has_system(&self, root: Node<'_, '_>) -> bool {
        xml::at(root, &["os", "kernel"]).is_some()
            || disks(root).any(|disk| {
                let is_disk = disk.attribute("device").is_none_or(|device| device == "disk");
                let path = xml::child(disk, "source").and_then(|source| source.attribute("file"));
                is_disk
                    && path.is_some_and(|path| match self.volume_at(path) {
                        Some(volume) => volume.is_some_and(|it| it.backing.is_some() || it.sent.is_some()),
                        None => true,
                    })
            })
    }
}

fn no_bridge(bridge: &str) -> Trouble {
    Trouble::failed(format!("Cannot get interface MTU on '{bridge}': No such device"))
}

/// The files in a domain's document; empty if it cannot be read.
pub(super) fn files_of(xml: &str) -> Vec<String> {
    roxmltree::Document::parse(xml)
        .map(|document| files(document.root_element()).map(str::to_owned).collect())
        .unwrap_or_default()
}

/// The files of the disks that a guest writes to.
pub(super) fn written_disks<'a>(root: Node<'a, '_>) -> impl Iterator<Item = &'a str> {
    let is_disk = |disk: &Node<'_, '_>| disk.attribute("device").is_none_or(|device| device == "disk");
    let is_open = |disk: &Node<'_, '_>| xml::child(*disk, "readonly").is_none();
    let written = disks(root).filter(is_disk).filter(is_open);
    written.filter_map(|disk| xml::child(disk, "source")?.attribute("file"))
}

/// The files of a domain.
pub(super) fn files<'a>(root: Node<'a, '_>) -> impl Iterator<Item = &'a str> {
    let disks = disks(root)
        .filter_map(|disk| xml::child(disk, "source").and_then(|source| source.attribute("file")))
        .collect::<Vec<_>>();
    let firmware_configuration = root
        .children()
        .filter(|node| node.has_tag_name("sysinfo"))
        .flat_map(|sysinfo| sysinfo.children())
        .filter_map(|entry| entry.attribute("file"))
        .collect::<Vec<_>>();
    let boot = ["kernel", "initrd"].into_iter().filter_map(move |name| xml::text(root, &["os", name]));
    disks.into_iter().chain(firmware_configuration).chain(boot)
}

/// The file that records a domain's serial console.
pub(super) fn log_of<'a>(root: Node<'a, '_>) -> Option<&'a str> {
    devices(root, "serial").find_map(|serial| xml::child(serial, "log")?.attribute("file"))
}

/// A document's UUID; a document without one gets a new one, as in libvirt.
pub(super) fn uuid_of(root: Node<'_, '_>, name: &str) -> Result<Uuid, Trouble> {
    match xml::text(root, &["uuid"]) {
        Some(text) => {
            Uuid::parse_str(text).map_err(|_| Trouble::failed("XML error: malformed uuid element".to_owned()))
        }
        None => Ok(uuid_by_name(&format!("{}/{name}", root.tag_name().name()))),
    }
}

/// A UUID that is made for an object.
pub(super) fn uuid_by_name(name: &str) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes())
}

fn disks<'a, 'i>(root: Node<'a, 'i>) -> impl Iterator<Item = Node<'a, 'i>> {
    devices(root, "disk")
}

pub(super) fn interfaces<'a, 'i>(root: Node<'a, 'i>) -> impl Iterator<Item = Node<'a, 'i>> {
    devices(root, "interface")
}

fn devices<'a, 'i>(root: Node<'a, 'i>, name: &'static str) -> impl Iterator<Item = Node<'a, 'i>> {
    xml::child(root, "devices")
        .into_iter()
        .flat_map(|devices| devices.children())
        .filter(move |node| node.has_tag_name(name))
}

fn is_multicast(mac: &str) -> bool {
    mac.get(..2).and_then(|first| u8::from_str_radix(first, 16).ok()).is_some_and(|first| first & 1 == 1)
}

/// The document as libvirt stores it, with added defaults.
fn with_defaults(text: &str, root: Node<'_, '_>) -> String {
    let Some(devices) = xml::child(root, "devices") else { return text.to_owned() };
    let has_root_controller = self::devices(root, "controller").any(|controller| {
        controller.attribute("type") == Some("pci") && controller.attribute("index") == Some("0")
    });
    match xml::end_tag(text, devices) {
        Some(end) if !has_root_controller => xml::insert(
            text,
            end,
            "<controller type='pci' index='0' model='pcie-root'/>\n    <audio id='1' type='none'/>\n  ",
        ),
        _ => text.to_owned(),
    }
}
