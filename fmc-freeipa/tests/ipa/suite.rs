//! What a client does with any FreeIPA server whose DNS it may write: each function takes a client and a zone of its own.

use fmc_freeipa::client::{Client, Code, IpaCall, OrUnchanged as _, RecordChange, ZoneSettings};
use serde_json::{Map, json};

/// A zone is made, changed, shown, listed and deleted.
pub(crate) async fn zones(client: &Client, zone: &str) {
    let settings = ZoneSettings { refresh: Some(1800), default_ttl: Some(300), ..ZoneSettings::default() };
    client.zone_add(zone, &settings).await.unwrap();
    let again = client.zone_add(zone, &settings).await.unwrap_err();
    assert_eq!(again.code(), Some(Code::DuplicateEntry));

    let made = client.zone(zone).await.unwrap().unwrap();
    assert_eq!(made.name(), format!("{zone}."));
    assert!(made.is_active() && !made.is_forward());
    assert_eq!((made.settings().refresh, made.settings().default_ttl), (Some(1800), Some(300)));
    assert_eq!(made.settings().retry, Some(900));
    assert!(made.primary_server().unwrap().ends_with('.'));
    assert!(client.zones().await.unwrap().iter().any(|zone| zone.name() == made.name()));

    // The records that the server makes itself.
    let names: Vec<String> = client.records(zone).await.unwrap().iter().map(|record| record.name()).collect();
    assert!(names.contains(&"@".to_owned()) && names.contains(&"_kerberos".to_owned()), "{names:?}");

    let unchanged = client.zone_mod(zone, &settings).await.or_unchanged().unwrap();
    assert_eq!(unchanged, None);
    let other = ZoneSettings { refresh: Some(900), ..ZoneSettings::default() };
    assert!(client.zone_mod(zone, &other).await.or_unchanged().unwrap().is_some());

    client.zone_del(zone).await.unwrap();
    assert_eq!(client.zone(zone).await.unwrap(), None);
    assert_eq!(client.zone_del(zone).await.unwrap_err().code(), Some(Code::NotFound));
}

/// Records of a name are added, found as sets, replaced exactly, and deleted; the mark stays.
pub(crate) async fn records(client: &Client, zone: &str) {
    client.zone_add(zone, &ZoneSettings::default()).await.unwrap();
    let add = RecordChange::new().set("A", ["10.9.0.2", "10.9.0.1"]).set("TXT", ["\"one\" \"two\""]).ttl(300);
    client.record_add(zone, "vm1", &add.clone().mark("fmc/lab1")).await.unwrap();
    assert_eq!(client.record_add(zone, "vm1", &add).await.or_unchanged().unwrap(), None);

    let record = client.record(zone, "vm1").await.unwrap().unwrap();
    let values = record.values();
    assert_eq!(values["A"].iter().collect::<Vec<_>>(), ["10.9.0.1", "10.9.0.2"]);
    assert_eq!(values["TXT"].iter().collect::<Vec<_>>(), ["\"one\" \"two\""]);
    assert_eq!((record.ttl(), record.marks()), (Some(300), vec!["fmc/lab1".to_owned()]));
    let listed = client.records(zone).await.unwrap();
    let listed = listed.iter().find(|record| record.name() == "vm1").unwrap();
    assert_eq!((listed.values(), listed.ttl(), listed.marks()), (values, Some(300), record.marks()));

    // A name becomes another one in one call.
    let change =
        RecordChange::new().set::<&str>("A", []).set::<&str>("TXT", []).set("CNAME", ["vm2"]).no_ttl();
    client.record_mod(zone, "vm1", &change).await.unwrap();
    let record = client.record(zone, "vm1").await.unwrap().unwrap();
    assert_eq!(record.values().into_keys().collect::<Vec<_>>(), ["CNAME"]);
    assert_eq!((record.ttl(), record.marks()), (None, vec!["fmc/lab1".to_owned()]));
    assert_eq!(client.record_mod(zone, "vm1", &change).await.or_unchanged().unwrap(), None);
    let beside =
        client.record_add(zone, "vm1", &RecordChange::new().set("A", ["10.9.0.1"])).await.unwrap_err();
    assert_eq!(beside.code(), Some(Code::ValidationError));

    client.record_del(zone, "vm1").await.unwrap();
    assert_eq!(client.record(zone, "vm1").await.unwrap(), None);
    assert_eq!(client.record_del(zone, "vm1").await.unwrap_err().code(), Some(Code::NotFound));
    assert_eq!(client.record_del(zone, "@").await.unwrap_err().code(), Some(Code::ValidationError));
    let missing = client.record_mod(zone, "vm1", &change).await.unwrap_err();
    assert_eq!(missing.code(), Some(Code::NotFound));
    client.zone_del(zone).await.unwrap();
}

/// A batch goes on after an error, and more than 100 names are found.
pub(crate) async fn batch(client: &Client, zone: &str) {
    client.zone_add(zone, &ZoneSettings::default()).await.unwrap();
    let name = |number: usize| format!("n{number}");
    let add = |number: usize| {
        IpaCall::record_add(zone, &name(number), &RecordChange::new().set("A", [format!("10.9.1.{number}")]))
    };
    let calls: Vec<IpaCall> = (1..=120).map(add).collect();
    let results = client.batch(&calls).await.unwrap();
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    let found = client.records(zone).await.unwrap();
    assert_eq!(found.iter().filter(|record| record.name().starts_with('n')).count(), 120);

    let wrong = RecordChange::new().set("A", ["10.9.1.999"]);
    let calls = [
        add(1),
        IpaCall::new("nope", Vec::new(), Map::new()),
        IpaCall::record_mod(zone, "missing", &wrong),
        IpaCall::record_add(zone, "wrong", &wrong),
        IpaCall::record_del(zone, "n2"),
    ];
    let results = client.batch(&calls).await.unwrap();
    let codes: Vec<Option<Code>> =
        results.iter().map(|result| result.as_ref().err().map(|refusal| refusal.code)).collect();
    let expected = [Code::EmptyModlist, Code::CommandError, Code::NotFound, Code::ValidationError].map(Some);
    assert_eq!(codes, [&expected[..], &[None]].concat());
    assert_eq!(results[0].clone().or_unchanged().unwrap(), None);
    assert_eq!(client.record(zone, "n2").await.unwrap(), None);
    assert!(client.batch(&[]).await.unwrap().is_empty());
    client.zone_del(zone).await.unwrap();
}

/// Errors of commands have their names, and limits are seen.
pub(crate) async fn errors(client: &Client, zone: &str) {
    client.zone_add(zone, &ZoneSettings::default()).await.unwrap();
    let caa = RecordChange::new().set("CAA", ["0 issue \"ca.test\""]);
    let refused = client.record_add(zone, "a", &caa).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::OptionError));
    let long = RecordChange::new().set("A", ["10.9.0.1"]).ttl(u32::MAX);
    assert_eq!(client.record_add(zone, "a", &long).await.unwrap_err().code(), Some(Code::ValidationError));

    let mut options = Map::new();
    options.insert("sizelimit".to_owned(), json!(1));
    let answer = client.call("dnsrecord_find", &[json!(zone)], options).await.unwrap();
    assert!(answer.is_truncated() && answer.count() == 1);
    let remarks: Vec<i64> = answer.messages().iter().map(|message| message.number).collect();
    assert_eq!(remarks, [13017], "and not that the version is missing (13001)");
    let first = answer.entries().into_iter().next().unwrap();
    assert_eq!(first.fields()["idnsname"][0]["__dns_name__"].as_str(), first.text("idnsname").as_deref());
    client.zone_del(zone).await.unwrap();
}

/// The server says its versions, and that the user may read.
pub(crate) async fn preflight(client: &Client, domain: &str) {
    let versions = client.preflight(domain).await.unwrap();
    assert!(
        versions.server_version.starts_with('4') && versions.api_version.starts_with("2."),
        "{versions:?}"
    );
    client.logout().await.unwrap();
    client.ping().await.unwrap();
}
