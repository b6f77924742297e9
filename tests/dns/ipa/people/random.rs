//! Any people become as the cloud says, whatever other hands do between.

use proptest::prelude::*;

use super::*;

const COUNT: usize = 4;

/// Which of the users, groups and host groups are there, and who is in which.
#[derive(Clone, Debug)]
struct Random {
    users: Vec<bool>,
    disabled: Vec<bool>,
    groups: Vec<bool>,
    is_posix: Vec<bool>,
    /// Of each group, which users and which later groups are in it.
    in_users: Vec<Vec<bool>>,
    in_groups: Vec<Vec<bool>>,
    hosts: Vec<bool>,
    /// Of each rule: everyone, everywhere, everything, disabled.
    rules: Vec<[bool; 4]>,
}

/// What another hand does.
#[derive(Clone, Debug)]
enum Hand {
    Disable(usize),
    Enable(usize),
    Delete(usize),
    Preserve(usize),
    Join(usize, usize),
    Leave(usize, usize),
    DeleteGroup(usize),
    DeleteRule(usize),
    Everyone(usize),
    Sudo(usize, usize),
}

fn some() -> impl Strategy<Value = Vec<bool>> {
    prop::collection::vec(any::<bool>(), COUNT)
}

fn random() -> impl Strategy<Value = Random> {
    let square = || prop::collection::vec(some(), COUNT);
    let rules = prop::collection::vec(any::<[bool; 4]>(), 0..COUNT);
    (some(), some(), some(), square(), square(), some(), rules).prop_map(
        |(users, disabled, groups, in_users, in_groups, hosts, rules)| {
            // A group keeps its number.
            let is_posix = (0..COUNT).map(|number| number % 2 == 0).collect();
            Random { users, disabled, groups, is_posix, in_users, in_groups, hosts, rules }
        },
    )
}

fn hands() -> impl Strategy<Value = Vec<Hand>> {
    let at = 0..COUNT;
    let hand = prop_oneof![
        at.clone().prop_map(Hand::Disable),
        at.clone().prop_map(Hand::Enable),
        at.clone().prop_map(Hand::Delete),
        at.clone().prop_map(Hand::Preserve),
        (at.clone(), at.clone()).prop_map(|(user, group)| Hand::Join(user, group)),
        (at.clone(), at.clone()).prop_map(|(user, group)| Hand::Leave(user, group)),
        at.clone().prop_map(Hand::DeleteGroup),
        at.clone().prop_map(Hand::DeleteRule),
        at.clone().prop_map(Hand::Everyone),
        (at.clone(), at).prop_map(|(rule, user)| Hand::Sudo(rule, user)),
    ];
    prop::collection::vec(hand, 0..6)
}

impl Random {
    fn people(&self) -> People {
        let mut people = People::new();
        let is = |list: &[bool], at: usize| list.get(at).copied().unwrap_or_default();
        let is_in =
            |lists: &[Vec<bool>], group: usize, at: usize| lists.get(group).is_some_and(|list| is(list, at));
        let user = |number: usize| format!("user{number}");
        let group = |number: usize| format!("group{number}");
        for number in (0..COUNT).filter(|number| is(&self.users, *number)) {
            let one = IpaUser::new(user(number), "One", format!("Of {number}"));
            people = people.user(if is(&self.disabled, number) { one.disabled() } else { one });
        }
        for number in (0..COUNT).filter(|number| is(&self.groups, *number)) {
            let users = (0..COUNT)
                .filter(|user| is(&self.users, *user) && is_in(&self.in_users, number, *user))
                .map(user);
            let inner =
                (number + 1..COUNT).filter(|at| is(&self.groups, *at) && is_in(&self.in_groups, number, *at));
            let one = IpaGroup::new(group(number)).users(users).groups(inner.map(group));
            people = people.group(if is(&self.is_posix, number) { one } else { one.non_posix() });
        }
        let machines = ["web", "db"]
            .into_iter()
            .enumerate()
            .filter(|(at, _)| is(&self.hosts, *at))
            .map(|(_, name)| name);
        people = people.host_group(HostGroup::new("hosts").machines(machines));
        for (number, [everyone, everywhere, everything, disabled]) in self.rules.iter().copied().enumerate() {
            let mut hbac = HbacRule::new(format!("rule{number}"));
            let mut sudo = SudoRule::new(format!("rule{number}"));
            let users: Vec<String> = (0..COUNT)
                .filter(|user| is(&self.users, *user))
                .map(user)
                .chain(["admin".to_owned()])
                .collect();
            (hbac, sudo) = match everyone {
                true => (hbac.everyone(), sudo.everyone()),
                false => (hbac.users(users.clone()), sudo.users(users)),
            };
            (hbac, sudo) = match everywhere {
                true => (hbac.everywhere(), sudo.everywhere()),
                false => (hbac.host_groups(["hosts"]).machines(["db"]), sudo.host_groups(["hosts"])),
            };
            (hbac, sudo) = match everything {
                true => (hbac.every_service(), sudo.every_command().as_anyone()),
                false => (hbac.services(["sshd"]), sudo.commands(["/usr/bin/less"]).run_as(["root"])),
            };
            (hbac, sudo) = match disabled {
                true => (hbac.disabled(), sudo.disabled()),
                false => (hbac, sudo.options(["!authenticate"])),
            };
            people = people.hbac_rule(hbac).sudo_rule(sudo);
        }
        people
    }
}

impl Hand {
    /// The call of it. One that FreeIPA refuses is no drift.
    fn call(&self) -> IpaCall {
        let of = |command: &str, name: String, options: Value| {
            IpaCall::new(command, vec![json!(name)], options.as_object().unwrap().clone())
        };
        let (user, group, rule) = (
            |at: &usize| format!("user{at}"),
            |at: &usize| format!("group{at}"),
            |at: &usize| format!("rule{at}"),
        );
        match self {
            Self::Disable(at) => of("user_disable", user(at), json!({})),
            Self::Enable(at) => of("user_enable", user(at), json!({})),
            Self::Delete(at) => of("user_del", user(at), json!({})),
            Self::Preserve(at) => of("user_del", user(at), json!({"preserve": true})),
            Self::Join(one, at) => of("group_add_member", group(at), json!({"user": [user(one), "admin"]})),
            Self::Leave(one, at) => of("group_remove_member", group(at), json!({"user": [user(one)]})),
            Self::DeleteGroup(at) => of("group_del", group(at), json!({})),
            Self::DeleteRule(at) => of("hbacrule_del", rule(at), json!({})),
            Self::Everyone(at) => of("sudorule_mod", rule(at), json!({"cmdcategory": ""})),
            Self::Sudo(at, one) => of("sudorule_add_user", rule(at), json!({"user": [user(one), "mallory"]})),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_people_converge_after_random_drift(all in prop::collection::vec((random(), hands()), 1..4)) {
        let world = world();
        for (random, hands) in all {
            let cloud = cloud(&world, random.people());
            world.apply(&cloud);
            let calls: Vec<IpaCall> = hands.iter().map(Hand::call).collect();
            world.by_hand(async |client| client.batch(&calls).await);
            world.apply(&cloud);
            let admins = shown(&world, "group", "admins").texts("member_user");
            prop_assert_eq!(admins, ["admin"]);
        }
    }
}
