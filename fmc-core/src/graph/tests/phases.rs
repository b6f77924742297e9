//! Plans in phases: their announcements, the questions, and the work that is left.

use expect_test::expect;

use super::toy::*;
use crate::graph::*;

/// A record in a server that is a machine of the same cloud.
fn with_a_record() -> (Toy, Wanted<Doc>) {
    let (server, record, alias) = (at("domain", "dns"), at("record", "web"), at("record", "www"));
    let needs = |to: &Address| Doc { needs: vec![edge(to, Carries::Exists)], ..Doc::default() };
    let toy = Toy { awaits: [(record.clone(), server.clone())].into(), ..Toy::default() };
    let (kept, also) = (needs(&server), needs(&record));
    (toy, wanted([(server, Doc::default(), Some("machine/dns")), (record, kept, None), (alias, also, None)]))
}

/// Answers each further plan, and records the plans that it was shown.
struct Asked {
    answer: Option<bool>,
    shown: Vec<String>,
    unannounced: Vec<String>,
}

impl Asked {
    fn answering(answer: Option<bool>) -> Self {
        Self { answer, shown: Vec::new(), unannounced: Vec::new() }
    }
}

impl Watch<Doc> for Asked {
    fn event(&mut self, _: Event) {}

    fn further(&mut self, further: &Further<'_, Doc>) -> bool {
        self.shown.push(shown(further.plan()));
        self.unannounced.extend(further.unannounced().map(|step| step.address.short().to_string()));
        self.answer.unwrap_or(further.is_announced())
    }
}

fn phases(
    toy: &Toy,
    first: &Plan<Doc>,
    wanted: &Wanted<Doc>,
    choices: &Choices,
    watch: &mut impl Watch<Doc>,
) -> Phases<Doc> {
    let decide = |seen: Seen<Object>, choices: &Choices| plan(toy, wanted, &seen, choices);
    let options = ApplyOptions::default();
    block_on(apply_phases(first, toy, wanted, choices.clone(), options, decide, watch)).unwrap()
}

#[test]
fn what_was_not_there_yet_is_announced_and_planned_again() {
    let (toy, wanted) = with_a_record();
    let choices = Choices { replace: ["dns".to_owned()].into(), ..Choices::default() };
    let first = toy.plan_with(&wanted, &choices);
    expect![[r#"
        toy
          + record web        create   once domain/dns is built
          + record www        create   once domain/dns is built
          + machine dns       create
          3 to create, 0 to delete
    "#]]
    .assert_eq(&shown(&first));
    assert!(first.has_phases() && first.counts().deferred == 0);
    let mut asked = Asked::answering(None);
    let phases = phases(&toy, &first, &wanted, &choices, &mut asked);
    assert!(phases.outcome.is_converged() && phases.left.is_none(), "{phases:?}");
    assert_eq!(phases.outcome.done.len(), 3);
    expect![[r#"
        toy
          + record web        create
          + record www        create
            1 machine         no change
          2 to create, 0 to delete
    "#]]
    .assert_eq(&asked.shown.concat());
    assert!(toy.plan(&wanted).is_empty());
}

#[test]
fn one_phase_alone_is_not_converged_and_says_what_is_left() {
    let (toy, wanted) = with_a_record();
    let outcome = toy.apply(&toy.plan(&wanted));
    assert!(!outcome.is_converged());
    let error = outcome.converged().unwrap_err().to_string();
    assert_eq!(
        error,
        "apply the plan: toy/local/record/web, toy/local/record/www: to be done once domain/dns is built"
    );
}

#[test]
fn a_step_that_no_plan_announced_needs_consent() {
    let (mut toy, wanted) = with_a_record();
    toy.hides = true;
    let first = toy.plan(&wanted);
    expect![[r#"
        toy
          + record www        create   once domain/dns is built
          + machine dns       create
          ! record web        deferred not known before domain/dns is built
          2 to create, 0 to delete · 1 deferred
    "#]]
    .assert_eq(&shown(&first));
    let mut asked = Asked::answering(None);
    let phases_without = phases(&toy, &first, &wanted, &Choices::default(), &mut asked);
    assert_eq!(asked.unannounced, ["record/web"]);
    assert_eq!(phases_without.outcome.done, [at("domain", "dns")]);
    assert!(!phases_without.outcome.is_converged());
    assert_eq!(phases_without.left.unwrap().steps.len(), 2);
    let left: Vec<String> = phases_without.outcome.left.iter().map(|left| left.about.to_string()).collect();
    assert_eq!(left, ["toy/local/record/web", "toy/local/record/www"]);
    assert_eq!(toy.docs().len(), 1);

    let (mut toy, wanted) = with_a_record();
    toy.hides = true;
    let first = toy.plan(&wanted);
    let phases = phases(&toy, &first, &wanted, &Choices::default(), &mut Asked::answering(Some(true)));
    assert!(phases.outcome.is_converged() && toy.plan(&wanted).is_empty(), "{phases:?}");
}

#[test]
fn what_never_comes_ends_the_phases() {
    let (mut toy, wanted) = with_a_record();
    toy.awaits.insert(at("record", "web"), at("domain", "missing"));
    let first = toy.plan(&wanted);
    let mut asked = Asked::answering(Some(true));
    let phases = phases(&toy, &first, &wanted, &Choices::default(), &mut asked);
    assert!(asked.shown.is_empty() && !phases.outcome.is_converged());
    assert!(phases.left.unwrap().has_phases());
    let left: Vec<String> =
        phases.outcome.left.iter().map(|left| format!("{} {:?}", left.about, left.action)).collect();
    assert_eq!(left, ["toy/local/record/web Some(Create)", "toy/local/record/www Some(Create)"]);
}

#[test]
fn a_failure_ends_the_phases_and_what_was_announced_is_left() {
    let (mut toy, wanted) = with_a_record();
    toy.fails.insert(at("domain", "dns"));
    let first = toy.plan(&wanted);
    let phases = phases(&toy, &first, &wanted, &Choices::default(), &mut Asked::answering(Some(true)));
    assert_eq!((phases.outcome.failed.len(), phases.outcome.left.len()), (1, 2));
}

/// Twelve machines with two volumes each on a host that does not answer, and one beside them.
fn with_a_dead_host() -> (Toy, Wanted<Doc>) {
    let mut nodes = vec![(on("a", "domain", "web"), Doc::default(), Some("machine/web"))];
    const NOUNS: [&str; 3] = ["machine/m0", "machine/m1", "machine/m2"];
    for (number, noun) in NOUNS.into_iter().enumerate() {
        let volumes = ["root", "data"].map(|disk| on("b", "volume", &format!("m{number}.{disk}")));
        let needs = volumes.iter().map(|volume| edge(volume, Carries::Exists)).collect();
        nodes.extend(volumes.map(|volume| (volume, Doc::default(), Some(noun))));
        nodes.push((on("b", "domain", &format!("m{number}")), Doc { needs, ..Doc::default() }, Some(noun)));
    }
    nodes.push((on("b", "network", "lab"), Doc::default(), None));
    let unknown = [(Place::new("toy", "b"), "connection refused".to_owned())].into();
    (Toy { unknown, ..Toy::default() }, wanted(nodes))
}

#[test]
fn what_is_put_off_for_one_cause_is_one_line() {
    let (toy, wanted) = with_a_dead_host();
    let plan = toy.plan(&wanted);
    expect![[r#"
        toy
          + machine web            create
          ! 3 machines, 1 network  deferred the host b does not answer: connection refused
          1 to create, 0 to delete · 4 deferred
    "#]]
    .assert_eq(&shown(&plan));
    assert_eq!((plan.deferred().count(), plan.counts().deferred), (4, 4));
    let outcome = toy.apply(&plan);
    assert!(outcome.done.len() == 1 && outcome.left.len() == 4 && !outcome.is_converged(), "{outcome:?}");
    let again = toy.plan(&wanted);
    assert!(!again.is_empty() && again.steps.is_empty());
    assert_eq!(again.counts().to_string(), "4 deferred");
}

#[test]
fn nothing_is_wanted_of_a_host_that_does_not_answer() {
    let (toy, _) = with_a_dead_host();
    let plan = toy.plan(&Wanted::nothing("toy"));
    expect![[r#"
        toy
          ! toy b             deferred the host b does not answer: connection refused
          1 deferred
    "#]]
    .assert_eq(&shown(&plan));
    assert!(!plan.is_empty() && !toy.apply(&plan).is_converged());
}

#[test]
fn a_host_that_does_not_answer_does_not_matter_to_what_was_chosen() {
    let (toy, wanted) = with_a_dead_host();
    let web = Choices { only: ["machine/web".to_owned()].into(), ..Choices::default() };
    let plan = toy.plan_with(&wanted, &web);
    assert_eq!(plan.counts().to_string(), "1 to create, 0 to delete");
    assert!(toy.apply(&plan).is_converged() && toy.plan_with(&wanted, &web).is_empty());
    let one = Choices { only: ["machine/m1".to_owned()].into(), ..Choices::default() };
    assert_eq!(toy.plan_with(&wanted, &one).counts().to_string(), "1 deferred");
}

#[test]
fn what_could_not_be_read_is_named_where_it_is_one_thing() {
    let network = at("network", "lab");
    let plugged = || Doc { needs: vec![edge(&network, Carries::Attached)], ..Doc::default() };
    let nodes = [
        (network.clone(), Doc::default(), None),
        (at("domain", "one"), plugged(), Some("machine/one")),
        (at("domain", "two"), plugged(), Some("machine/two")),
    ];
    let cause = "permission denied".to_owned();
    let toy = Toy { veiled: [(network.clone(), State::Unknown { cause })].into(), ..Toy::default() };
    expect![[r#"
        toy
          ! machine one, machine two, network lab  deferred network/lab could not be read: permission denied
          3 deferred
    "#]]
    .assert_eq(&shown(&toy.plan(&wanted(nodes))));
}
