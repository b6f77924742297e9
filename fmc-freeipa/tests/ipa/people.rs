//! What the strict server refuses of people, asked by hand: each rule of FreeIPA that a wrong client would break.

use serde_json::{Value, json};

use crate::support::{Hand, run, server};

const ADMIN: &str = "user=admin&password=Secret%26123%3D%2B%C3%BC";

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5tT/1J5YuJpRIomh3Z7S0OcLJr8MYUNro5tlrzsVXM ana@lab";

/// A server with ana, a group, a host group with a host, and a rule of each kind.
async fn directory(hand: &Hand) {
    for (command, name, options) in [
        ("user_add", "ana", json!({"givenname": "Ana", "sn": "Ruiz"})),
        ("group_add", "dbas", json!({})),
        ("group_add", "plain", json!({"nonposix": true})),
        ("host_add", "web.lab.test", json!({"force": true})),
        ("hostgroup_add", "hosts", json!({})),
        ("sudocmd_add", "/usr/bin/less", json!({})),
        ("sudorule_add", "less", json!({})),
        ("hbacrule_add", "ssh", json!({})),
    ] {
        let answer = hand.rpc(command, json!([name]), options).await;
        assert_eq!(answer["error"], Value::Null, "{command}: {answer}");
    }
}

#[test]
fn values_and_names_of_people_are_judged() {
    run(async {
        let server = server();
        let hand = Hand::logged_in(&server, ADMIN).await;
        directory(&hand).await;
        let long = "a".repeat(33);
        let whole = json!({"givenname": "A", "sn": "B"});
        for (command, name, options, code) in [
            ("user_add", "ana", whole.clone(), 4002),
            ("user_add", "ANA", whole.clone(), 4002),
            ("user_add", "bob", json!({"sn": "B"}), 3007),
            ("user_add", "bob", json!({"givenname": "B"}), 3007),
            ("user_add", "b b", whole.clone(), 3009),
            ("user_add", "-b", whole.clone(), 3009),
            ("user_add", "123", whole.clone(), 3009),
            ("user_add", &long, whole.clone(), 3009),
            // The private group would have the name of a group that is there.
            ("user_add", "dbas", whole, 4024),
            (
                "user_add",
                "bob",
                json!({"givenname": "B", "sn": "C", "ipasshpubkey": ["ssh-ed25519 AAAA"]}),
                3009,
            ),
            ("user_add", "bob", json!({"givenname": "B", "sn": "C", "mail": ["nobody"]}), 3009),
            ("user_add", "bob", json!({"givenname": "B", "sn": "C", "shell": "/bin/sh"}), 3005),
            ("user_add", "bob", json!({"givenname": ["B", "C"], "sn": "C"}), 3008),
            ("user_add", "bob", json!({"givenname": true, "sn": "C"}), 3008),
            ("user_add", "bob", json!({"givenname": "B", "sn": "C", "nsaccountlock": true}), 3005),
            ("user_mod", "nobody", json!({"sn": "X"}), 4001),
            ("user_mod", "ana", json!({"sn": "Ruiz"}), 4202),
            ("user_mod", "ana", json!({}), 4202),
            ("user_mod", "ana", json!({"sn": ""}), 3007),
            ("user_mod", "ana", json!({"userclass": ["x", "x"]}), 4203),
            ("user_enable", "ana", json!({}), 4009),
            ("user_enable", "ana", json!({"all": true}), 3005),
            ("user_undel", "ana", json!({}), 3000),
            ("user_undel", "nobody", json!({}), 4001),
            ("user_disable", "admin", json!({}), 4308),
            ("user_del", "admin", json!({}), 4308),
            ("user_del", "nobody", json!({}), 4001),
            ("user_del", "ana", json!({"preserve": "maybe"}), 3008),
            ("group_add", "dbas", json!({}), 4002),
            // The private group of a user.
            ("group_add", "ana", json!({}), 4002),
            ("group_add", "a b", json!({}), 3009),
            ("group_add", "more", json!({"posix": true}), 3005),
            ("group_add", "more", json!({"gidnumber": "x"}), 3009),
            ("group_mod", "dbas", json!({"posix": true}), 4007),
            ("group_mod", "dbas", json!({"nonposix": true}), 3005),
            ("group_mod", "dbas", json!({"userclass": ["fmc/lab"]}), 3005),
            ("group_del", "admins", json!({}), 4309),
            ("group_del", "ipausers", json!({}), 4018),
            ("hostgroup_add", "ho sts", json!({}), 3009),
            ("hostgroup_del", "ipaservers", json!({}), 4309),
            ("sudocmd_add", "/usr/bin/less", json!({}), 4002),
            ("sudocmd_add", "/usr/bin/x.", json!({}), 3009),
            ("sudorule_add", "less", json!({}), 4002),
            ("sudorule_mod", "less", json!({"usercategory": "some"}), 3009),
            ("sudorule_add_option", "less", json!({}), 3007),
            ("sudorule_remove_option", "less", json!({"ipasudoopt": ["!x"]}), 4026),
            ("hbacrule_enable", "nothing", json!({}), 4001),
            ("hbacrule_add_sourcehost", "ssh", json!({"host": ["web.lab.test"]}), 905),
            ("hbacrule_add_user", "ssh", json!({"host": ["web.lab.test"]}), 3005),
            ("group_undel", "dbas", json!({}), 905),
            ("group_disable", "dbas", json!({}), 905),
        ] {
            let got = hand.code(command, json!([name]), options.clone()).await;
            assert_eq!(got, code, "{command} {name} {options}");
        }
        for (arguments, code) in [(json!([]), 3007), (json!([7]), 3008), (json!(["ana", "bob"]), 3004)] {
            assert_eq!(hand.code("user_show", arguments, json!({})).await, code);
        }
        let answer = hand.rpc("user_mod", json!(["ana"]), json!({"ipasshpubkey": [KEY]})).await;
        assert_eq!(answer["result"]["result"]["ipasshpubkey"], json!([KEY]));
    });
}

#[test]
fn a_member_that_cannot_be_added_is_no_error() {
    run(async {
        let server = server();
        let hand = Hand::logged_in(&server, ADMIN).await;
        directory(&hand).await;
        let add = json!({"user": ["ana", "nobody"], "group": ["dbas", "plain"]});
        let answer = hand.rpc("group_add_member", json!(["dbas"]), add).await;
        assert_eq!(answer["error"], Value::Null);
        assert_eq!(answer["result"]["completed"], 2);
        assert_eq!(answer["result"]["failed"]["member"]["user"], json!([["nobody", "no such entry"]]));
        let itself = "A group may not be added as a member of itself";
        assert_eq!(answer["result"]["failed"]["member"]["group"], json!([["dbas", itself]]));
        let again = hand.rpc("group_add_member", json!(["dbas"]), json!({"user": ["ana"]})).await;
        let already = json!([["ana", "This entry is already a member"]]);
        assert_eq!(
            (&again["result"]["completed"], &again["result"]["failed"]["member"]["user"]),
            (&json!(0), &already)
        );
        let gone = hand.rpc("group_remove_member", json!(["dbas"]), json!({"user": ["admin"]})).await;
        assert_eq!(
            gone["result"]["failed"]["member"]["user"],
            json!([["admin", "This entry is not a member"]])
        );
        let host = hand.rpc("hostgroup_add_member", json!(["hosts"]), json!({"host": ["db.lab.test"]})).await;
        assert_eq!(host["result"]["failed"]["member"]["host"], json!([["db.lab.test", "no such entry"]]));
        // sudo takes whom the directory does not have as those of others, and says nothing.
        let other = hand.rpc("sudorule_add_user", json!(["less"]), json!({"user": ["nobody"]})).await;
        assert_eq!(
            (&other["result"]["completed"], &other["result"]["result"]["externaluser"]),
            (&json!(1), &json!(["nobody"]))
        );
    });
}

#[test]
fn all_and_some_exclude_each_other_and_members_go_with_their_entries() {
    run(async {
        let server = server();
        let hand = Hand::logged_in(&server, ADMIN).await;
        directory(&hand).await;
        hand.rpc("hbacrule_add_user", json!(["ssh"]), json!({"user": ["ana"]})).await;
        hand.rpc("hbacrule_add_host", json!(["ssh"]), json!({"host": ["web.lab.test"]})).await;
        hand.rpc("hostgroup_add_member", json!(["hosts"]), json!({"host": ["web.lab.test"]})).await;
        hand.rpc("group_add_member", json!(["dbas"]), json!({"user": ["ana"]})).await;
        hand.rpc("sudorule_add_allow_command", json!(["less"]), json!({"sudocmd": ["/usr/bin/less"]})).await;
        assert_eq!(hand.code("hbacrule_mod", json!(["ssh"]), json!({"usercategory": "all"})).await, 4303);
        assert_eq!(hand.code("sudorule_mod", json!(["less"]), json!({"cmdcategory": "all"})).await, 4303);
        let all = json!({"user": ["ana"]});
        assert_eq!(hand.code("hbacrule_add_user", json!(["allow_all"]), all).await, 4303);
        assert_eq!(hand.code("sudocmd_del", json!([["/usr/bin/less"]]), json!({})).await, 4307);

        hand.rpc("user_del", json!([["ana"]]), json!({"preserve": true})).await;
        hand.rpc("host_del", json!([["web.lab.test"]]), json!({})).await;
        for (command, name) in [("group_show", "dbas"), ("hbacrule_show", "ssh"), ("hostgroup_show", "hosts")]
        {
            let entry = hand.rpc(command, json!([name]), json!({"all": true})).await;
            let entry = entry["result"]["result"].as_object().unwrap().clone();
            assert!(!entry.keys().any(|key| key.starts_with("member")), "{command}: {entry:?}");
        }
        // A preserved user is found by those who ask for one, is no member, and keeps the login.
        assert_eq!(hand.rpc("user_find", json!(["ana"]), json!({})).await["result"]["count"], 0);
        let preserved = hand.rpc("user_find", json!(["ana"]), json!({"preserved": true})).await;
        assert_eq!(preserved["result"]["result"][0]["preserved"], true);
        let add = hand.rpc("group_add_member", json!(["dbas"]), json!({"user": ["ana"]})).await;
        assert_eq!(add["result"]["completed"], 0);
        assert_eq!(hand.code("user_add", json!(["ana"]), json!({"givenname": "A", "sn": "B"})).await, 4002);
        hand.rpc("user_undel", json!(["ana"]), json!({})).await;
        assert_eq!(hand.rpc("user_find", json!(["ana"]), json!({})).await["result"]["count"], 1);
    });
}

#[test]
fn a_search_shows_members_and_keys_only_when_asked_for_all() {
    run(async {
        let server = server();
        let hand = Hand::logged_in(&server, ADMIN).await;
        directory(&hand).await;
        hand.rpc("user_mod", json!(["ana"]), json!({"ipasshpubkey": [KEY], "userclass": ["fmc/lab"]})).await;
        for (options, has) in [(json!({}), false), (json!({"all": true}), true)] {
            let user = hand.rpc("user_find", json!(["ana"]), options.clone()).await;
            let user = user["result"]["result"][0].clone();
            assert_eq!((user.get("ipasshpubkey").is_some(), user.get("userclass").is_some()), (has, has));
            let groups = hand.rpc("group_find", json!(["ipausers"]), options).await;
            assert_eq!(groups["result"]["result"][0].get("member_user").is_some(), has);
        }
    });
}

#[test]
fn rights_of_dns_are_none_to_people() {
    run(async {
        let server = server();
        let hand = Hand::logged_in(&server, ADMIN).await;
        directory(&hand).await;
        for form in ["user=reader&password=read", "user=dns&password=dns"] {
            let other = Hand::logged_in(&server, form).await;
            for (command, name, options) in [
                ("user_add", "bob", json!({"givenname": "B", "sn": "C"})),
                ("user_mod", "ana", json!({"sn": "X"})),
                ("user_disable", "ana", json!({})),
                ("user_del", "ana", json!({})),
                ("group_add_member", "dbas", json!({"user": ["ana"]})),
                ("sudorule_add_option", "less", json!({"ipasudoopt": ["!authenticate"]})),
                ("hbacrule_disable", "allow_all", json!({})),
            ] {
                assert_eq!(other.code(command, json!([name]), options).await, 2100, "{command}");
            }
            assert_eq!(other.rpc("group_find", json!(["dbas"]), json!({})).await["result"]["count"], 1);
        }
        let stranger = Hand::logged_in(&server, "user=stranger&password=none").await;
        for object in ["user", "group", "hostgroup", "sudorule", "sudocmd", "hbacrule", "hbacsvc"] {
            let found = stranger.rpc(&format!("{object}_find"), json!([]), json!({})).await;
            assert_eq!(found["result"]["count"], 0, "{object}");
        }
        assert_eq!(stranger.code("user_show", json!(["ana"]), json!({})).await, 4001);
    });
}
