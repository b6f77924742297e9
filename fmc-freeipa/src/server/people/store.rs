//! What the directory has of people and rules.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::table::Object;

/// An entry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct Person {
    pub(super) values: BTreeMap<String, Vec<String>>,
    pub(super) members: BTreeMap<String, BTreeSet<String>>,
    #[serde(default)]
    pub(super) is_disabled: bool,
    /// Of a user: whether they were deleted, and their entry kept.
    #[serde(default)]
    pub(super) is_preserved: bool,
}

/// All entries, by object and name.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in super::super) struct People(BTreeMap<String, BTreeMap<String, Person>>);

/// What every FreeIPA begins with.
impl Default for People {
    fn default() -> Self {
        let mut people = Self(BTreeMap::new());
        let described = |text: &str| Person {
            values: BTreeMap::from([("description".to_owned(), vec![text.to_owned()])]),
            ..Person::default()
        };
        let admin = [("givenname", ""), ("sn", "Administrator"), ("loginshell", "/bin/bash")];
        let values = admin.into_iter().filter(|(_, value)| !value.is_empty());
        let values = values.map(|(name, value)| (name.to_owned(), vec![value.to_owned()])).collect();
        people.put("user", "admin", Person { values, ..Person::default() });
        for (name, text, number) in [
            ("admins", "Account administrators group", Some("1000")),
            ("editors", "Limited admins who can edit other users", Some("1002")),
            ("ipausers", "Default group for all users", None),
        ] {
            let mut group = described(text);
            if let Some(number) = number {
                group.values.insert("gidnumber".to_owned(), vec![number.to_owned()]);
            }
            if name == "admins" {
                group.members.insert("member_user".to_owned(), BTreeSet::from(["admin".to_owned()]));
            }
            people.put("group", name, group);
        }
        people.put("hostgroup", "ipaservers", described("IPA server hosts"));
        for service in [
            "sshd",
            "ftp",
            "su",
            "login",
            "su-l",
            "sudo",
            "sudo-i",
            "gdm",
            "gdm-password",
            "kdm",
            "crond",
            "systemd-user",
        ] {
            people.put("hbacsvc", service, described(service));
        }
        for (rule, categories) in [
            ("allow_all", &["usercategory", "hostcategory", "servicecategory"][..]),
            ("allow_systemd-user", &["usercategory", "hostcategory"]),
        ] {
            let mut person = described("Allow all users to access any host from any host");
            for category in categories {
                person.values.insert((*category).to_owned(), vec!["all".to_owned()]);
            }
            if rule != "allow_all" {
                let service = BTreeSet::from(["systemd-user".to_owned()]);
                person.members.insert("memberservice_hbacsvc".to_owned(), service);
            }
            people.put("hbacrule", rule, person);
        }
        people
    }
}

impl People {
    /// Who may log in is a user.
    pub(in super::super) fn of_account(&mut self, name: &str) {
        if self.get("user", name).is_none() {
            self.put("user", name, Person::default());
        }
    }

    pub(super) fn all(&self, object: &str) -> impl Iterator<Item = (&String, &Person)> {
        self.0.get(object).into_iter().flatten()
    }

    pub(super) fn get(&self, object: &str, name: &str) -> Option<&Person> {
        self.0.get(object)?.get(name)
    }

    pub(super) fn put(&mut self, object: &str, name: &str, person: Person) {
        self.0.entry(object.to_owned()).or_default().insert(name.to_owned(), person);
    }

    /// An entry goes, and with it its memberships, as the directory's referential integrity has it.
    pub(super) fn take(&mut self, object: &str, name: &str) -> Option<Person> {
        let person = self.0.get_mut(object)?.remove(name);
        self.leave(object, name);
        person
    }

    /// A member leaves all that it is in.
    pub(in super::super) fn leave(&mut self, object: &str, name: &str) {
        let ending = format!("_{object}");
        for person in self.0.values_mut().flat_map(BTreeMap::values_mut) {
            person.members.retain(|attribute, names| {
                if attribute.ends_with(&ending) {
                    names.remove(name);
                }
                !names.is_empty()
            });
        }
    }

    /// The entries that have a member.
    pub(super) fn with_member(&self, attributes: &[&str], name: &str) -> Vec<&str> {
        let has = |person: &Person| {
            attributes
                .iter()
                .any(|attribute| person.members.get(*attribute).is_some_and(|names| names.contains(name)))
        };
        let all = self.0.values().flatten();
        all.filter(|(_, person)| has(person)).map(|(name, _)| name.as_str()).collect()
    }
}

impl Person {
    pub(super) fn is_all(&self, category: &str) -> bool {
        self.values.get(category).is_some_and(|values| values.iter().any(|value| value == "all"))
    }

    /// The entry as a command shows it. Keys, classes and, in a search, members come only with `all`.
    pub(super) fn shown(&self, object: &Object, name: &str, all: bool, is_one: bool) -> Value {
        let mut shown = Map::new();
        shown.insert("dn".to_owned(), json!(format!("{}={name},cn=accounts,dc=test", object.key)));
        shown.insert(object.key.to_owned(), json!([name]));
        for (attribute, values) in &self.values {
            if all || !matches!(attribute.as_str(), "ipasshpubkey" | "userclass" | "cn" | "displayname") {
                shown.insert(attribute.clone(), json!(values));
            }
        }
        if all || is_one {
            for (attribute, names) in &self.members {
                shown.insert(attribute.clone(), json!(names));
            }
        }
        match object.name {
            "user" => {
                shown.insert("nsaccountlock".to_owned(), json!(self.is_disabled));
                if self.is_preserved || all {
                    shown.insert("preserved".to_owned(), json!(self.is_preserved));
                }
            }
            _ if object.has_switch => {
                shown.insert("ipaenabledflag".to_owned(), json!([!self.is_disabled]));
            }
            _ => {}
        }
        Value::Object(shown)
    }
}
