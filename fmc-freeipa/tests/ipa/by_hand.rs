//! What the strict server refuses, asked by hand: each rule of FreeIPA that a wrong client would break.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Hand, run, server};

const FORM: &str = "application/x-www-form-urlencoded";
const ADMIN: &str = "user=admin&password=Secret%26123%3D%2B%C3%BC";
const LOGIN: &str = "session/login_password";

#[test]
fn a_login_needs_the_referer_of_the_servers_name_without_port() {
    run(async {
        let server = server();
        let mut hand = Hand::new(&server);
        for referer in [
            None,
            Some(format!("https://ipa.lab.test:{}/ipa", server.port())),
            Some("https://127.0.0.1/ipa".to_owned()),
            Some("http://ipa.lab.test/ipa".to_owned()),
            Some("https://ipa.lab.test/".to_owned()),
        ] {
            hand.referer.clone_from(&referer);
            assert_eq!(hand.post(LOGIN, FORM, ADMIN).await.status, 400, "{referer:?}");
        }
        hand.referer = Some("https://ipa.lab.test/ipa/ui".to_owned());
        let reply = hand.post(LOGIN, FORM, ADMIN).await;
        assert_eq!((reply.status, reply.text.as_str()), (200, ""));
        assert!(reply.cookie.unwrap().starts_with("ipa_session=MagBearerToken="));
    });
}

#[test]
fn a_login_is_a_form_with_one_user_and_one_password() {
    run(async {
        let server = server();
        let hand = Hand::new(&server);
        assert_eq!(hand.post(LOGIN, "application/json", ADMIN).await.status, 400);
        for form in [
            "",
            "user=admin",
            "password=x",
            "user=admin&user=admin&password=x",
            "user=a&password=x&password=x",
        ] {
            assert_eq!(hand.post(LOGIN, FORM, form).await.status, 400, "{form}");
        }
        for (form, reason) in [
            ("user=admin&password=wrong", "invalid-password"),
            ("user=nobody&password=x", "invalid-password"),
            ("user=admin%40OTHER.TEST&password=x", "denied"),
            ("user=old&password=old", "password-expired"),
            ("user=locked&password=locked", "user-locked"),
        ] {
            let reply = hand.post(LOGIN, FORM, form).await;
            assert_eq!((reply.status, reply.reason.as_deref()), (401, Some(reason)), "{form}");
        }
        let form = "user=reader%40LAB.TEST&password=read";
        assert_eq!(hand.post(LOGIN, FORM, form).await.status, 200);
    });
}

#[test]
fn commands_need_a_session_a_referer_and_json() {
    run(async {
        let server = server();
        let ping = r#"{"method":"ping","params":[[],{}],"id":0}"#;
        let mut hand = Hand::new(&server);
        let reply = hand.post("session/json", "application/json", ping).await;
        assert_eq!((reply.status, reply.kind.as_str()), (401, "text/html; charset=iso-8859-1"));
        assert!(reply.text.starts_with("<!DOCTYPE html>"));
        hand.cookie = Some("ipa_session=MagBearerToken=guessed".to_owned());
        assert_eq!(hand.post("session/json", "application/json", ping).await.status, 401);

        let mut hand = Hand::logged_in(&server, ADMIN).await;
        assert_eq!(hand.post("session/json", "application/json", ping).await.status, 200);
        assert_eq!(hand.post("session/json", "text/plain", ping).await.status, 400);
        hand.referer = Some(format!("https://ipa.lab.test:{}/ipa", server.port()));
        assert_eq!(hand.post("session/json", "application/json", ping).await.status, 400);
        hand.referer = None;
        assert_eq!(hand.post("session/json", "application/json", ping).await.status, 400);
    });
}

#[test]
fn a_request_has_a_method_and_two_parameters() {
    run(async {
        let server = server();
        let hand = Hand::logged_in(&server, ADMIN).await;
        for body in [
            json!([]),
            json!({"params": [[], {}]}),
            json!({"method": "ping"}),
            json!({"method": "ping", "params": [[]]}),
            json!({"method": "ping", "params": [[], {}, {}]}),
            json!({"method": "ping", "params": [{}, {}]}),
            json!({"method": "ping", "params": [[], []]}),
        ] {
            let answer = hand.rpc_as_it_is(body.clone()).await;
            assert_eq!(answer["error"]["code"], 909, "{body}");
        }
        let reply = hand.post("session/json", "application/json", "{").await;
        assert!(reply.text.contains("909"));
        assert_eq!(
            hand.rpc_as_it_is(json!({"method": "ping", "params": [[], {}], "id": "x"})).await["id"],
            "x"
        );
    });
}

#[test]
fn options_and_their_values_are_judged() {
    run(async {
        let server = server();
        let hand = Hand::logged_in(&server, ADMIN).await;
        let record = json!(["lab.test", "a"]);
        for (command, arguments, options, code) in [
            ("nope", json!([]), json!({}), 905),
            ("dnsrecord_add", record.clone(), json!({"caarecord": ["0 issue \"x\""]}), 3005),
            ("dnsrecord_add", record.clone(), json!({"arecords": ["10.0.0.1"]}), 3005),
            ("dnsrecord_mod", record.clone(), json!({"force": true}), 3005),
            ("dnszone_show", json!(["lab.test"]), json!({"structured": true}), 3005),
            ("dnszone_mod", json!(["lab.test"]), json!({"skip_overlap_check": true}), 3005),
            ("dnszone_show", json!([]), json!({}), 3007),
            ("dnsrecord_add", json!(["lab.test"]), json!({}), 3007),
            ("dnszone_show", json!(["lab.test", "b"]), json!({}), 3004),
            // A number is taken as text, and is no address then.
            ("dnsrecord_add", record.clone(), json!({"arecord": [5]}), 3009),
            ("dnsrecord_add", record.clone(), json!({"arecord": [true]}), 3008),
            ("dnsrecord_add", record.clone(), json!({"arecord": [["10.0.0.1"]]}), 3008),
            ("dnsrecord_add", record.clone(), json!({"arecord": {"a": 1}}), 3008),
            ("dnsrecord_add", record.clone(), json!({"arecord": ["10.0.0.1"], "dnsttl": "x"}), 3008),
            ("dnsrecord_add", record.clone(), json!({"arecord": ["10.0.0.1"], "dnsttl": -1}), 3009),
            (
                "dnsrecord_add",
                record.clone(),
                json!({"arecord": ["10.0.0.1"], "dnsttl": 2_147_483_648_u32}),
                3009,
            ),
            ("dnszone_find", json!([]), json!({"sizelimit": true}), 3008),
            ("dnszone_find", json!([]), json!({"all": "yes"}), 3008),
            ("dnszone_add", json!(["n.test"]), json!({"idnssoaserial": 1}), 3009),
            ("dnszone_add", json!(["ext.test"]), json!({}), 3000),
            ("dnszone_add", json!(["lab.test."]), json!({}), 4002),
            ("dnszone_add", json!(["n.test"]), json!({"idnssoamname": "ns.lab.test."}), 4001),
            ("dnsforwardzone_add", json!(["f.test"]), json!({}), 3009),
            ("dnsforwardzone_add", json!(["f.test"]), json!({"idnsforwarders": ["nowhere"]}), 3009),
            ("dnsforwardzone_add", json!(["f.test"]), json!({"idnsforwardpolicy": "never"}), 3009),
            ("dnsforwardzone_add", json!(["lab.test"]), json!({"idnsforwarders": ["192.0.2.1"]}), 4002),
            ("dnsforwardzone_add", json!(["f.test"]), json!({"addattr": ["x"], "arecord": []}), 3005),
            ("dnsforwardzone_mod", json!(["f.test"]), json!({"idnsforwardpolicy": "only"}), 4001),
            ("dnsconfig_mod", json!([]), json!({"idnsforwarders": ["1.2.3"]}), 3009),
            ("dnsconfig_mod", json!([]), json!({}), 4202),
            ("dnsrecord_mod", json!(["lab.test", "ipa"]), json!({"delattr": ["cn=x"]}), 4026),
            ("dnsrecord_add", json!(["lab.test", "b"]), json!({"delattr": ["cn=x"]}), 3005),
            ("dnsrecord_del", json!(["lab.test", "ipa"]), json!({}), 3005),
            ("dnsrecord_del", json!(["lab.test", "ipa"]), json!({"arecord": ["10.0.0.9"]}), 4026),
            ("dnsrecord_del", json!(["lab.test", "@"]), json!({"del_all": true}), 3009),
            ("dnsrecord_add", json!(["lab.test", "a.other.test."]), json!({"arecord": ["10.0.0.1"]}), 3009),
        ] {
            let got = hand.code(command, arguments.clone(), options.clone()).await;
            assert_eq!(got, code, "{command} {arguments} {options}");
        }
        let answer = hand.rpc("dnsrecord_add", record, json!({"arecord": ["10.0.0"]})).await;
        assert_eq!(answer["error"]["data"]["name"], "arecord");
    });
}

#[test]
fn records_are_judged_beside_each_other() {
    run(async {
        let server = server();
        let hand = Hand::logged_in(&server, ADMIN).await;
        hand.rpc("dnszone_add", json!([]), json!({"name_from_ip": "10.0.0.0/24"})).await;
        for (zone, name, options, code) in [
            ("lab.test", "c", json!({"cnamerecord": ["a", "b"]}), 3009),
            ("lab.test", "ipa", json!({"cnamerecord": ["a"]}), 3009),
            ("lab.test", "d", json!({"dsrecord": ["1 1 1 AB"]}), 3009),
            ("lab.test", "n", json!({"nsrecord": ["nowhere"]}), 4001),
            ("lab.test", "ipa", json!({"nsrecord": ["ipa"], "txtrecord": ["\"x\""]}), 3009),
            ("lab.test", "*", json!({"nsrecord": ["ipa"]}), 3009),
            ("lab.test", "s", json!({"srvrecord": ["0 100 389"]}), 3009),
            ("0.0.10.in-addr.arpa", "1.2", json!({"ptrrecord": ["a.lab.test."]}), 3009),
        ] {
            assert_eq!(
                hand.code("dnsrecord_add", json!([zone, name]), options.clone()).await,
                code,
                "{options}"
            );
        }
        // What FreeIPA does not check is written as it came.
        let options = json!({"aaaarecord": ["2001:DB8:0:0::1"], "mxrecord": ["10 mail.example.com"]});
        let answer = hand.rpc("dnsrecord_add", json!(["lab.test", "n6.lab.test"]), options).await;
        assert_eq!(answer["result"]["result"]["aaaarecord"], json!(["2001:DB8:0:0::1"]));
        assert_eq!(answer["result"]["messages"][0]["code"], 13014);
    });
}

#[test]
fn an_answer_has_the_old_form_without_a_version() {
    run(async {
        let server = server();
        let hand = Hand::logged_in(&server, ADMIN).await;
        let show =
            |options: Value| json!({"method": "dnszone_show", "params": [["lab.test"], options], "id": 0});
        for options in [json!({}), json!({"version": "2.87"})] {
            let answer = hand.rpc_as_it_is(show(options.clone())).await;
            assert_eq!(answer["result"]["result"]["idnsname"], json!(["lab.test."]));
            let remark = answer["result"]["messages"][0]["code"].as_i64();
            assert_eq!(remark, options.get("version").is_none().then_some(13001));
        }
        for version in ["2.88", "2.254", "2.300"] {
            let answer = hand.rpc_as_it_is(show(json!({"version": version}))).await;
            assert_eq!(answer["result"]["result"]["idnsname"], json!([{"__dns_name__": "lab.test."}]));
            assert_eq!(answer["result"]["result"]["idnssoarefresh"], json!(["3600"]));
            assert_eq!(answer["result"]["result"]["idnszoneactive"], json!([true]));
            assert_eq!(answer["result"]["messages"], Value::Null);
        }
    });
}

#[test]
fn a_user_without_rights_sees_nothing() {
    run(async {
        let server = server();
        let stranger = Hand::logged_in(&server, "user=stranger&password=none").await;
        assert_eq!(stranger.rpc("dnszone_find", json!([]), json!({})).await["result"]["count"], 0);
        assert_eq!(stranger.code("dnszone_show", json!(["lab.test"]), json!({})).await, 4001);
        assert_eq!(stranger.code("dnszone_add", json!(["n.test"]), json!({})).await, 2100);
        let reader = Hand::logged_in(&server, "user=reader&password=read").await;
        assert_eq!(reader.rpc("dnszone_find", json!([]), json!({})).await["result"]["count"], 1);
        let options = json!({"arecord": ["10.0.0.1"]});
        assert_eq!(reader.code("dnsrecord_add", json!(["lab.test", "a"]), options).await, 2100);
        assert_eq!(reader.code("dnszone_del", json!([["lab.test"]]), json!({})).await, 2100);
    });
}

#[test]
fn a_search_ends_at_100_entries() {
    run(async {
        let server = server();
        let hand = Hand::logged_in(&server, ADMIN).await;
        let add = |number: usize| json!({"method": "dnsrecord_add", "params": [["lab.test", format!("n{number}")], {"arecord": ["10.0.0.1"]}]});
        let items: Vec<Value> = (0..100).map(add).collect();
        hand.rpc("batch", json!(items), json!({})).await;
        let answer = hand.rpc("dnsrecord_find", json!(["lab.test"]), json!({})).await;
        assert_eq!(
            (answer["result"]["count"].as_i64(), &answer["result"]["truncated"]),
            (Some(100), &json!(true))
        );
        assert_eq!(answer["result"]["messages"][0]["code"], 13017);
        let answer = hand.rpc("dnsrecord_find", json!(["lab.test"]), json!({"sizelimit": 0})).await;
        assert_eq!(
            (answer["result"]["count"].as_i64(), &answer["result"]["truncated"]),
            (Some(102), &json!(false))
        );
    });
}

#[test]
fn parallel_additions_lose_values_and_parallel_changes_collide() {
    run(async {
        let server = server();
        let hand = Hand::logged_in(&server, ADMIN).await;
        let adds = (1..=8).map(|number| {
            hand.rpc(
                "dnsrecord_add",
                json!(["lab.test", "p"]),
                json!({"arecord": [format!("10.0.0.{number}")]}),
            )
        });
        let answers = join_all(adds).await;
        assert!(answers.iter().all(|answer| answer["error"] == Value::Null));
        let answer = hand.rpc("dnsrecord_show", json!(["lab.test", "p"]), json!({})).await;
        let stored = answer["result"]["result"]["arecord"].as_array().unwrap().len();
        assert!((1..8).contains(&stored), "{stored} of 8 values are stored");

        let changes = (11..=18).map(|number| {
            hand.rpc(
                "dnsrecord_mod",
                json!(["lab.test", "p"]),
                json!({"arecord": [format!("10.0.0.{number}")]}),
            )
        });
        let answers = join_all(changes).await;
        assert!(answers.iter().any(|answer| answer["error"]["code"] == 4201));
    });
}

#[test]
fn a_batch_names_the_errors_of_its_items_otherwise() {
    run(async {
        let server = server();
        let hand = Hand::logged_in(&server, ADMIN).await;
        let add =
            json!({"method": "dnsrecord_add", "params": [["lab.test", "b"], {"arecord": ["10.0.0.1"]}]});
        let answer =
            hand.rpc("batch", json!([add, add, {"method": "nope", "params": [[], {}]}]), json!({})).await;
        assert_eq!(answer["error"], Value::Null);
        let results = answer["result"]["results"].as_array().unwrap();
        assert_eq!((answer["result"]["count"].as_i64(), &results[0]["error"]), (Some(3), &Value::Null));
        assert_eq!(results[0]["value"], json!({"__dns_name__": "b"}));
        assert_eq!(results[1]["error"], "no modifications to be performed");
        assert_eq!(
            (&results[1]["error_code"], &results[1]["error_name"]),
            (&json!(4202), &json!("EmptyModlist"))
        );
        assert_eq!(results[2]["error_code"], 905);
    });
}

#[test]
fn a_new_forward_zone_gets_records_of_its_own() {
    run(async {
        let server = server();
        let hand = Hand::logged_in(&server, ADMIN).await;
        hand.rpc("dnszone_add", json!(["New.Test"]), json!({})).await;
        let answer = hand.rpc("dnsrecord_show", json!(["new.test", "_kerberos"]), json!({})).await;
        assert_eq!(answer["result"]["result"]["txtrecord"], json!(["\"LAB.TEST\""]));
        let answer = hand.rpc("dnszone_add", json!([]), json!({"name_from_ip": "2001:db8::/32"})).await;
        assert_eq!(answer["result"]["value"], json!({"__dns_name__": "8.b.d.0.1.0.0.2.ip6.arpa."}));
        assert_eq!(
            hand.code("dnsrecord_show", json!(["8.b.d.0.1.0.0.2.ip6.arpa", "_kerberos"]), json!({})).await,
            4001
        );
        let answer =
            hand.rpc("dnszone_del", json!([["new.test", "none.test"]]), json!({"continue": true})).await;
        assert_eq!(answer["result"]["result"]["failed"], json!([{"__dns_name__": "none.test."}]));
    });
}

#[test]
fn a_host_is_a_full_name_with_an_address_or_force() {
    run(async {
        let server = server();
        let hand = Hand::logged_in(&server, ADMIN).await;
        let forced = || json!({"force": true});
        for (name, options, code) in [
            ("web", forced(), 3009),
            ("web..test", forced(), 3009),
            ("web.lab.test", json!({}), 4019),
            ("web.elsewhere.test", json!({}), 4019),
            ("ipa.lab.test", forced(), 4002),
            ("web.lab.test", json!({"force": true, "unknown": "x"}), 3005),
            ("web.lab.test", json!({"force": true, "userpassword": ["a", "b"]}), 3008),
        ] {
            assert_eq!(hand.code("host_add", json!([name]), options.clone()).await, code, "{name} {options}");
        }
        hand.rpc("dnsrecord_add", json!(["lab.test", "db"]), json!({"arecord": ["10.0.0.9"]})).await;
        let answer = hand.rpc("host_add", json!(["DB.lab.test"]), json!({})).await;
        assert_eq!(answer["result"]["result"]["fqdn"], json!(["db.lab.test"]));
        assert_eq!(hand.code("host_add", json!(["db.lab.test"]), json!({})).await, 4002);
        assert_eq!(hand.code("host_show", json!(["web.lab.test"]), json!({})).await, 4001);
        assert_eq!(hand.code("host_show", json!([]), json!({})).await, 3007);
    });
}

#[test]
fn a_host_takes_a_password_until_it_is_enrolled() {
    run(async {
        let server = server();
        let hand = Hand::logged_in(&server, ADMIN).await;
        let web = || json!(["web.lab.test"]);
        let once = || json!({"userpassword": "once"});
        assert_eq!(hand.code("host_mod", web(), once()).await, 4001);
        let options = json!({"force": true, "userpassword": "first", "userclass": ["fmc/lab"]});
        let answer = hand.rpc("host_add", web(), options).await;
        assert!(!answer.to_string().contains("first"), "{answer}");
        assert_eq!(hand.code("host_mod", web(), json!({"userclass": ["fmc/lab"]})).await, 4202);
        assert_eq!(hand.rpc("host_mod", web(), once()).await["error"], Value::Null);
        assert!(!server.enrol("web.lab.test", "first") && !server.enrol("none.lab.test", "once"));
        // A search does not tell it.
        let found = hand.rpc("host_find", json!(["web"]), json!({"all": true, "sizelimit": 0})).await;
        let found = &found["result"]["result"][0];
        assert_eq!((&found["has_password"], &found["userclass"]), (&Value::Null, &json!(["fmc/lab"])));
        let shown = hand.rpc("host_show", web(), json!({})).await;
        assert_eq!(shown["result"]["result"]["has_password"], true);
        assert_eq!(hand.code("host_disable", web(), json!({})).await, 4010);
        assert!(server.enrol("web.lab.test", "once") && !server.enrol("web.lab.test", "once"));
        let answer = hand.rpc("host_mod", web(), once()).await;
        assert_eq!(answer["error"]["code"], 3009);
        let text = answer["error"]["message"].as_str().unwrap();
        assert!(text.ends_with("Password cannot be set on enrolled host."), "{text}");
        assert_eq!(hand.rpc("host_disable", web(), json!({})).await["error"], Value::Null);
        assert_eq!(hand.rpc("host_mod", web(), once()).await["error"], Value::Null);
    });
}

#[test]
fn hosts_are_deleted_without_their_records_and_by_those_who_may() {
    run(async {
        let server = server();
        let hand = Hand::logged_in(&server, ADMIN).await;
        let web = || json!([["web.lab.test"]]);
        hand.rpc("host_add", json!(["web.lab.test"]), json!({"force": true})).await;
        assert_eq!(hand.code("host_del", web(), json!({"updatedns": true})).await, 903);
        assert_eq!(hand.code("host_del", json!([["ipa.lab.test"]]), json!({})).await, 3009);
        assert_eq!(hand.code("host_del", json!([]), json!({})).await, 3007);
        for form in ["user=reader&password=read", "user=dns&password=dns"] {
            let other = Hand::logged_in(&server, form).await;
            assert_eq!(other.code("host_del", web(), json!({})).await, 2100);
            assert_eq!(
                other.code("host_mod", json!(["web.lab.test"]), json!({"description": "x"})).await,
                2100
            );
            assert_eq!(other.code("host_add", json!(["n.lab.test"]), json!({"force": true})).await, 2100);
        }
        let stranger = Hand::logged_in(&server, "user=stranger&password=none").await;
        assert_eq!(stranger.rpc("host_find", json!([]), json!({})).await["result"]["count"], 0);
        assert_eq!(stranger.code("host_show", json!(["web.lab.test"]), json!({})).await, 4001);
        assert_eq!(hand.rpc("host_del", web(), json!({})).await["error"], Value::Null);
        assert_eq!(hand.code("host_del", web(), json!({})).await, 4001);
    });
}
