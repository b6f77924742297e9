//! Each room as one without its types.

use super::*;

impl<R: Room> Erased for R {
    fn name(&self) -> &'static str {
        R::NAME
    }

    fn documents_any(&self, checked: &Checked) -> Wanted<AnyDocument> {
        let Wanted { owner, nodes, places, gone, is_destroyed, replace } = self.documents(checked);
        let erased = |nodes: BTreeMap<Address, Node<R::Document>>| {
            nodes.into_iter().map(|(at, node)| (at, erased_node(node))).collect()
        };
        Wanted { owner, nodes: erased(nodes), places, gone: erased(gone), is_destroyed, replace }
    }

    fn artifacts_any<'a>(
        &self,
        at: &'a Address,
        document: &'a AnyDocument,
        part_of: Option<&'a str>,
    ) -> Vec<Artifact<'a>> {
        document.downcast_ref().map(|document| self.artifacts(at, document, part_of)).unwrap_or_default()
    }

    fn by_hand_any(&self, checked: &Checked) -> Vec<ByHand> {
        self.by_hand(checked)
    }

    fn boot_any<'a>(&self, document: &'a AnyDocument) -> Option<&'a Arc<Boot>> {
        self.boot(document.downcast_ref()?)
    }

    fn secrets_any<'a>(&self, document: &'a AnyDocument) -> Vec<&'a SecretRef> {
        document.downcast_ref().map(|document| self.secrets(document)).unwrap_or_default()
    }

    fn is_lab_any(&self, object: &AnyObject) -> Option<bool> {
        self.is_lab(object.downcast_ref()?)
    }

    fn derivation_any(&self, object: &AnyObject) -> Option<Derivation> {
        self.derivation(object.downcast_ref()?)
    }

    fn former_any<'a>(&self, object: &'a AnyObject) -> Option<&'a str> {
        self.former(object.downcast_ref()?)
    }

    fn root_key_check_any(&self, object: &AnyObject) -> Option<RootKeyCheck> {
        self.root_key_check(object.downcast_ref()?)
    }

    fn kept_derivation_any(&self, object: &AnyObject) -> Option<Derivation> {
        self.kept_derivation(object.downcast_ref()?)
    }

    fn kept_root_key_check_any(&self, object: &AnyObject) -> Option<RootKeyCheck> {
        self.kept_root_key_check(object.downcast_ref()?)
    }

    fn beside_any(
        &self,
        wanted: &Wanted<AnyDocument>,
        seen: &Seen<AnyObject>,
        is_there: &dyn Fn(&Address) -> Option<bool>,
    ) -> Vec<Note> {
        self.beside(&typed_wanted(R::NAME, wanted), &typed_seen(R::NAME, seen), is_there)
    }

    fn nouns_any(&self) -> &'static [(&'static str, &'static str)] {
        self.nouns()
    }

    fn memberships_any<'a>(&self, object: &'a AnyObject) -> &'a [Membership] {
        object.downcast_ref().map(|object| self.memberships(object)).unwrap_or_default()
    }

    fn born_any<'a>(&self, object: &'a AnyObject) -> Option<&'a Born> {
        self.born(object.downcast_ref()?)
    }

    fn makes_any<'a>(&self, document: &'a AnyDocument) -> Option<&'a Born> {
        self.makes(document.downcast_ref()?)
    }

    fn machine_part_any<'a>(&self, document: &'a AnyDocument) -> Option<MachinePart<'a>> {
        self.machine_part(document.downcast_ref()?)
    }

    fn drift_any(&self, wanted: &Wanted<AnyDocument>, seen: &Seen<AnyObject>) -> Drift {
        self.drift(&typed_wanted(R::NAME, wanted), &typed_seen(R::NAME, seen))
    }

    fn status_any(&self, checked: &Checked, wanted: &Wanted<AnyDocument>, seen: &Seen<AnyObject>) -> Status {
        self.status(checked, &typed_wanted(R::NAME, wanted), &typed_seen(R::NAME, seen))
    }

    fn value_any(&self, document: &str, path: &str) -> Result<String, NoValue> {
        self.value(document, path)
    }

    fn addresses_any(&self, checked: &Checked, machine: &Machine) -> Vec<(IpAddr, Idx<Network>)> {
        self.addresses(checked, machine)
    }

    fn console_any(
        &self,
        checked: &Checked,
        machine: &Machine,
        lines: usize,
    ) -> Result<Option<Vec<String>>, String> {
        self.console(checked, machine, lines)
    }

    fn drawn_any(&self, checked: &Checked) -> Vec<Drawn> {
        self.drawn(checked)
    }

    fn preflight_any<'a>(&'a self, checked: &'a Checked) -> BoxFuture<'a, Vec<Note>> {
        Box::pin(self.preflight(checked))
    }

    fn with_secrets_any(&self, secrets: Arc<dyn Secrets + Send + Sync>) -> Option<AnyRoom> {
        self.with_secrets(secrets).map(AnyRoom::new)
    }

    fn with_kubeconfigs_any(&self, kubeconfigs: Arc<dyn Kubeconfigs + Send + Sync>) -> Option<AnyRoom> {
        self.with_kubeconfigs(kubeconfigs).map(AnyRoom::new)
    }

    fn simulation_any(&self, state: Option<&str>) -> Result<Option<AnyRoom>, SimulationError> {
        Ok(self.simulation(state)?.map(AnyRoom::new))
    }

    fn simulated_any(&self) -> Option<String> {
        self.simulated()
    }

    fn known_as_any(&self, place: &Place) -> String {
        self.known_as(place)
    }

    fn goes_along_any(&self, place: &Place) -> bool {
        self.goes_along(place)
    }

    fn along_any(&self, at: &Address, document: &AnyDocument) -> Vec<Address> {
        document.downcast_ref().map(|document| self.along(at, document)).unwrap_or_default()
    }

    fn settle_any(
        &self,
        wanted: &Wanted<AnyDocument>,
        seen: &Seen<AnyObject>,
        choices: &Choices,
    ) -> Settled<'static, AnyDocument> {
        let wanted = typed_wanted(R::NAME, wanted);
        let Settled { nodes, anew, added, moved, renamed, notes } =
            self.settle(&wanted, &typed_seen(R::NAME, seen), choices);
        let nodes = nodes.into_owned().into_iter().map(|(at, node)| (at, erased_node(node))).collect();
        Settled { nodes: Cow::Owned(nodes), anew, added, moved, renamed, notes }
    }

    fn fingerprint_any(&self, document: &AnyDocument) -> Option<Fingerprint> {
        Some(self.fingerprint(document.downcast_ref()?))
    }

    fn summary_any(&self, at: &Address, document: &AnyDocument) -> String {
        document.downcast_ref().map(|document| self.summary(at, document)).unwrap_or_default()
    }

    fn compare_any(&self, at: &Address, document: &AnyDocument, object: &AnyObject) -> Option<Verdict> {
        Some(self.compare(at, document.downcast_ref()?, object.downcast_ref()?))
    }

    fn suffers_any(
        &self,
        at: &Address,
        object: &AnyObject,
        from: &Address,
        impact: Impact,
    ) -> Option<Change> {
        self.suffers(at, object.downcast_ref()?, from, impact)
    }

    fn remove_any(
        &self,
        at: &Address,
        object: &AnyObject,
        is_wanted: &dyn Fn(&Address) -> bool,
        choices: &Choices,
    ) -> Removal {
        let object = object.downcast_ref();
        object.map_or(Removal::Ignore, |object| self.remove(at, object, is_wanted, choices))
    }

    fn needs_any(&self, at: &Address, object: &AnyObject) -> Vec<Edge> {
        object.downcast_ref().map(|object| self.needs(at, object)).unwrap_or_default()
    }

    fn takes_any(&self, at: &Address, document: &AnyDocument) -> BTreeSet<Claim> {
        document.downcast_ref().map(|document| self.takes(at, document)).unwrap_or_default()
    }

    fn holds_any(&self, at: &Address, object: &AnyObject) -> BTreeSet<Claim> {
        object.downcast_ref().map(|object| self.holds(at, object)).unwrap_or_default()
    }

    fn part_of_any(&self, at: &Address, object: &AnyObject) -> Option<String> {
        self.part_of(at, object.downcast_ref()?)
    }

    fn notes_any(&self, at: &Address, document: &AnyDocument, object: &AnyObject) -> Vec<Note> {
        match (document.downcast_ref(), object.downcast_ref()) {
            (Some(document), Some(object)) => self.notes(at, document, object),
            _ => Vec::new(),
        }
    }

    fn observe_any<'a>(
        &'a self,
        wanted: &'a Wanted<AnyDocument>,
    ) -> BoxFuture<'a, Result<Seen<AnyObject>, ObserveError>> {
        Box::pin(async move {
            let Seen { objects, unknown } = self.observe(&typed_wanted(R::NAME, wanted)).await?;
            let objects = objects.into_iter().map(|(at, state)| (at, erased_state(state))).collect();
            Ok(Seen { objects, unknown })
        })
    }

    fn act_any<'a>(
        &'a self,
        step: &'a Step<AnyDocument>,
        acting: SharedActing,
    ) -> BoxFuture<'a, Result<(), StepError>> {
        Box::pin(async move {
            match typed_step(step) {
                Some(step) => self.act(&step, &acting).await,
                None => Err(StepError::Input {
                    what: step.address.to_string(),
                    cause: "its document is of another provider with the same name".to_owned(),
                }),
            }
        })
    }

    fn release_any(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.release())
    }

    fn lanes_any(&self, at: &Place) -> usize {
        self.lanes(at)
    }

    fn waiting_lanes_any(&self, step: &Step<AnyDocument>) -> Option<usize> {
        self.waiting_lanes(&typed_step(step)?)
    }

    fn awaited_any(&self, step: &Step<AnyDocument>) -> Option<Awaited> {
        self.awaited(&typed_step(step)?)
    }

    fn up_any<'a>(
        &'a self,
        step: &'a Step<AnyDocument>,
        acting: SharedActing,
    ) -> BoxFuture<'a, Result<u64, NotUp>> {
        Box::pin(async move {
            match typed_step(step) {
                Some(step) => self.up(&step, &acting).await,
                None => Ok(0),
            }
        })
    }

    fn standing_any(&self, at: &Address, node: &Node<AnyDocument>) -> Option<Awaited> {
        self.standing(at, &typed_node(node)?)
    }

    fn still_up_any<'a>(
        &'a self,
        at: &'a Address,
        node: &'a Node<AnyDocument>,
        acting: SharedActing,
    ) -> BoxFuture<'a, Result<u64, NotUp>> {
        Box::pin(async move {
            match typed_node(node) {
                Some(node) => self.still_up(at, &node, &acting).await,
                None => Ok(0),
            }
        })
    }
}

fn erased_node<D: Send + Sync + 'static>(node: Node<D>) -> Node<AnyDocument> {
    let Node { document, needs, part_of } = node;
    Node { document, needs, part_of }
}

fn erased_state<O: Send + Sync + 'static>(state: State<O>) -> State<AnyObject> {
    match state {
        State::Present { object, fingerprint } => State::Present { object, fingerprint },
        State::Unknown { cause } => State::Unknown { cause },
        State::NotYet { phase, is_new } => State::NotYet { phase, is_new },
    }
}

/// The wanted objects of one provider, with its types.
fn typed_wanted<D: Send + Sync + 'static>(provider: &str, wanted: &Wanted<AnyDocument>) -> Wanted<D> {
    let typed = |nodes: &BTreeMap<Address, Node<AnyDocument>>| -> BTreeMap<Address, Node<D>> {
        let own = nodes.iter().filter(|(at, _)| at.provider() == provider);
        own.filter_map(|(at, wanted)| Some((at.clone(), typed_node(wanted)?))).collect()
    };
    let places = wanted.places.iter().filter(|place| place.provider() == provider).cloned().collect();
    let (nodes, gone) = (typed(&wanted.nodes), typed(&wanted.gone));
    let (is_destroyed, replace) = (wanted.is_destroyed, wanted.replace.clone());
    Wanted { owner: Arc::clone(&wanted.owner), nodes, places, gone, is_destroyed, replace }
}

/// A wanted object with its type; `None` if its document is of another type.
fn typed_node<D: Send + Sync + 'static>(node: &Node<AnyDocument>) -> Option<Node<D>> {
    let document = Arc::clone(&node.document).downcast().ok()?;
    Some(Node { document, needs: node.needs.clone(), part_of: node.part_of.clone() })
}

/// The existing objects of one provider, with its types.
fn typed_seen<O: Send + Sync + 'static>(provider: &str, seen: &Seen<AnyObject>) -> Seen<O> {
    let state = |state: &State<AnyObject>| {
        Some(match state {
            State::Present { object, fingerprint } => {
                State::Present { object: Arc::clone(object).downcast().ok()?, fingerprint: *fingerprint }
            }
            State::Unknown { cause } => State::Unknown { cause: cause.clone() },
            State::NotYet { phase, is_new } => State::NotYet { phase: phase.clone(), is_new: *is_new },
        })
    };
    let own = seen.objects.iter().filter(|(at, _)| at.provider() == provider);
    let objects = own.filter_map(|(at, seen)| Some((at.clone(), state(seen)?))).collect();
    let unknown = seen.unknown.iter().filter(|(place, _)| place.provider() == provider);
    Seen { objects, unknown: unknown.map(|(place, cause)| (place.clone(), cause.clone())).collect() }
}

/// A step with its types; `None` if its document is of another type.
fn typed_step<D: Send + Sync + 'static>(step: &Step<AnyDocument>) -> Option<Step<D>> {
    let document = match &step.document {
        Some(document) => Some(Arc::clone(document).downcast().ok()?),
        None => None,
    };
    Some(Step {
        address: step.address.clone(),
        action: step.action,
        impact: step.impact,
        reasons: step.reasons.clone(),
        changes: step.changes.clone(),
        document,
        makes: step.makes,
        expects: step.expects,
        after: step.after.clone(),
        part_of: step.part_of.clone(),
    })
}
